"""The parts of PayPal's resources that Relance reads; lenient, because real ones are odd (gateways.md 2.4)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.money import Money


class Amount(msgspec.Struct):
    """v1 sales write total and currency, everything later value and currency_code."""

    value: str | None = None
    currency_code: str | None = None
    total: str | None = None
    currency: str | None = None

    @property
    def money(self) -> Money | None:
        """Exact, never negative (refunds come with a minus sign).

        Raises:
            Unreadable: more decimals than the currency has.
        """
        text, currency = self.value or self.total, self.currency_code or self.currency
        return Money.parse(text.removeprefix("-"), currency) if text and currency else None


class Failed(msgspec.Struct):
    amount: Amount | None = None
    time: str | None = None
    reason_code: str | None = None
    next_payment_retry_time: str | None = None
    next_payment_retry_date: str | None = None


class Paid(msgspec.Struct):
    amount: Amount | None = None
    time: str | None = None


class BillingInfo(msgspec.Struct):
    outstanding_balance: Amount | None = None
    failed_payments_count: int = 0
    last_payment: Paid | None = None
    last_failed_payment: Failed | None = None
    next_billing_time: str | None = None


class Link(msgspec.Struct):
    href: str = ""
    rel: str = ""


class Subscriber(msgspec.Struct):
    payer_id: str | None = None


class Subscription(msgspec.Struct):
    id: str
    status: str = ""
    status_update_time: str | None = None
    status_change_note: str | None = None
    plan_id: str | None = None
    custom_id: str | None = None
    subscriber: Subscriber | None = None
    billing_info: BillingInfo | None = None
    links: list[Link] = []


class Scheme(msgspec.Struct):
    fixed_price: Amount | None = None


class Cycle(msgspec.Struct):
    tenure_type: str = ""
    pricing_scheme: Scheme | None = None


class Plan(msgspec.Struct):
    billing_cycles: list[Cycle] = []


class Planned(Subscription):
    """A subscription with its plan."""

    start_time: str | None = None
    plan: Plan | None = None

    @property
    def price(self) -> Money | None:
        """The regular price of the plan."""
        cycles = self.plan.billing_cycles if self.plan else []
        schemes = [cycle.pricing_scheme for cycle in cycles if cycle.tenure_type != "TRIAL"]
        found = [one.fixed_price for one in schemes if one is not None and one.fixed_price is not None]
        return found[0].money if found else None


class Breakdown(msgspec.Struct):
    gross_amount: Amount | None = None


class Transaction(msgspec.Struct):
    id: str
    status: str = ""
    time: str | None = None
    amount_with_breakdown: Breakdown | None = None


class Transactions(msgspec.Struct):
    transactions: list[Transaction] = []


class Sale(msgspec.Struct):
    id: str
    state: str = ""
    amount: Amount | None = None
    billing_agreement_id: str | None = None
    custom: str | None = None
    update_time: str | None = None


class Refund(msgspec.Struct):
    id: str
    state: str = ""
    amount: Amount | None = None
    sale_id: str | None = None
    create_time: str | None = None


class Captured(msgspec.Struct):
    id: str = ""
    status: str = ""
    time: str | None = None


class Problem(msgspec.Struct):
    """An error's body."""

    name: str = ""
    message: str = ""
    details: list[dict[str, Any]] = []

    @property
    def issues(self) -> tuple[str, ...]:
        """``SUBSCRIPTION_STATUS_INVALID`` and the like."""
        return tuple(str(detail.get("issue", "")) for detail in self.details)


class Disputed(msgspec.Struct):
    seller_transaction_id: str | None = None


class Resource(msgspec.Struct):
    """Of a webhook: a subscription (v2), an agreement (v1), a sale, a refund or a dispute."""

    id: str | None = None
    status: str | None = None
    state: str | None = None
    billing_agreement_id: str | None = None
    sale_id: str | None = None
    custom_id: str | None = None
    custom: str | None = None
    billing_info: Any = None
    dispute_id: str | None = None
    dispute_life_cycle_stage: str | None = None
    dispute_amount: Amount | None = None
    disputed_transactions: list[Disputed] = []


class Event(msgspec.Struct):
    id: str
    event_type: str
    resource: msgspec.Raw = msgspec.Raw(b"{}")
    resource_type: str = ""
    create_time: str = ""


def instant(text: str | None) -> datetime | None:
    """An instant of PayPal's; ``None`` for an absent or impossible one (month 19 was seen)."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
