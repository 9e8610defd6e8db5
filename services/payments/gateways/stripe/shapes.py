"""The parts of Stripe's objects that Relance reads, in today's shape (basil and later) and the older one."""

from __future__ import annotations

from typing import Any

import msgspec


class Named(msgspec.Struct):
    """An expanded object of which only the id matters."""

    id: str


Id = str | Named | None


def id_of(value: Any) -> str | None:
    """The id of something that may be an id, an expanded object or absent."""
    return value if isinstance(value, str) else getattr(value, "id", None)


class Card(msgspec.Struct):
    fingerprint: str | None = None
    last4: str | None = None
    country: str | None = None
    funding: str | None = None
    brand: str | None = None
    three_d_secure_usage: dict[str, Any] | None = None
    checks: dict[str, Any] | None = None


class PaymentMethod(msgspec.Struct):
    id: str
    type: str = "card"
    card: Card | None = None
    customer: Id = None
    metadata: dict[str, str] | None = None


class Failure(msgspec.Struct):
    """``last_payment_error``, or the error object of a 402."""

    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    charge: Id = None
    message: str | None = None
    type: str | None = None
    payment_method: PaymentMethod | str | None = None
    payment_intent: Intent | str | None = None


class Outcome(msgspec.Struct):
    reason: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    type: str | None = None


class MethodDetails(msgspec.Struct):
    type: str | None = None
    card: Card | None = None


class Charge(msgspec.Struct):
    id: str
    amount: int = 0
    currency: str = "eur"
    created: int = 0
    status: str = ""
    customer: Id = None
    payment_intent: Id = None
    invoice: Id = None
    failure_code: str | None = None
    outcome: Outcome | None = None
    payment_method_details: MethodDetails | None = None
    metadata: dict[str, str] | None = None
    refunds: RefundList | None = None


class PaymentDetails(msgspec.Struct):
    order_reference: str | None = None


class Intent(msgspec.Struct):
    id: str
    status: str = ""
    amount: int = 0
    amount_received: int = 0
    currency: str = "eur"
    created: int = 0
    customer: Id = None
    invoice: Id = None
    latest_charge: Charge | str | None = None
    last_payment_error: Failure | None = None
    payment_details: PaymentDetails | None = None
    metadata: dict[str, str] | None = None


class Payment(msgspec.Struct):
    type: str | None = None
    payment_intent: Intent | str | None = None
    charge: Charge | str | None = None


class InvoicePayment(msgspec.Struct):
    id: str
    status: str = ""
    is_default: bool = False
    invoice: Id = None
    amount_paid: int | None = None
    currency: str = "eur"
    created: int = 0
    payment: Payment | None = None


class InvoicePayments(msgspec.Struct):
    data: list[InvoicePayment] = []


class SubscriptionDetails(msgspec.Struct):
    subscription: Id = None
    metadata: dict[str, str] | None = None


class Parent(msgspec.Struct):
    type: str | None = None
    subscription_details: SubscriptionDetails | None = None


class Span(msgspec.Struct):
    start: int = 0
    end: int = 0


class Line(msgspec.Struct):
    period: Span | None = None
    subscription: Id = None


class Lines(msgspec.Struct):
    data: list[Line] = []


class Transitions(msgspec.Struct):
    paid_at: int | None = None
    finalized_at: int | None = None


class Invoice(msgspec.Struct):
    id: str = ""
    status: str | None = None
    currency: str = "eur"
    created: int = 0
    amount_due: int = 0
    amount_paid: int = 0
    amount_remaining: int = 0
    attempt_count: int = 0
    attempted: bool = False
    auto_advance: bool | None = None
    billing_reason: str | None = None
    customer: Id = None
    parent: Parent | None = None
    lines: Lines | None = None
    metadata: dict[str, str] | None = None
    next_payment_attempt: int | None = None
    hosted_invoice_url: str | None = None
    payments: InvoicePayments | None = None
    status_transitions: Transitions | None = None
    # before basil
    subscription: Id = None
    subscription_details: SubscriptionDetails | None = None
    charge: Id = None
    payment_intent: Id = None
    paid_out_of_band: bool | None = None

    @property
    def subscription_id(self) -> str | None:
        """The subscription it is for, wherever this version of the API writes it."""
        if self.parent is not None and self.parent.subscription_details is not None:
            return id_of(self.parent.subscription_details.subscription)
        return id_of(self.subscription)

    @property
    def own_subscription(self) -> str | None:
        """The school's id, from the metadata."""
        details = (self.parent.subscription_details if self.parent else None) or self.subscription_details
        carried = {**((details.metadata if details else None) or {}), **(self.metadata or {})}
        return carried.get("subscription_id")

    @property
    def covers_from(self) -> int | None:
        """Start of the period its first subscription line is for (unix seconds)."""
        spans = [line.period for line in (self.lines.data if self.lines else []) if line.period is not None]
        return max((span.start for span in spans), default=None)


class Price(msgspec.Struct):
    id: str = ""
    unit_amount: int | None = None
    currency: str = "eur"


class Item(msgspec.Struct):
    price: Price | None = None
    quantity: int | None = None
    current_period_start: int | None = None
    current_period_end: int | None = None


class Items(msgspec.Struct):
    data: list[Item] = []


class CancellationDetails(msgspec.Struct):
    reason: str | None = None
    feedback: str | None = None


class Subscription(msgspec.Struct):
    id: str
    status: str = ""
    created: int = 0
    customer: Id = None
    metadata: dict[str, str] | None = None
    items: Items | None = None
    current_period_end: int | None = None
    canceled_at: int | None = None
    ended_at: int | None = None
    cancellation_details: CancellationDetails | None = None
    default_payment_method: PaymentMethod | str | None = None
    latest_invoice: Id = None
    currency: str = "eur"
    start_date: int | None = None
    billing_cycle_anchor: int | None = None

    @property
    def plan_id(self) -> str | None:
        """The price object of its first item."""
        prices = [item.price.id for item in (self.items.data if self.items else []) if item.price]
        return prices[0] if prices else None

    @property
    def price(self) -> tuple[int, str] | None:
        """Minor units and currency of all items together."""
        items = [item for item in (self.items.data if self.items else []) if item.price is not None]
        amounts = [
            (item.price.unit_amount or 0) * (item.quantity or 1) for item in items if item.price is not None
        ]
        return (sum(amounts), self.currency) if items else None

    @property
    def renews_at(self) -> int | None:
        """End of the current period (unix seconds)."""
        ends = [item.current_period_end for item in (self.items.data if self.items else [])]
        return next((end for end in ends if end is not None), self.current_period_end)


class SetupIntent(msgspec.Struct):
    id: str
    status: str = ""
    created: int = 0
    customer: Id = None
    payment_method: PaymentMethod | str | None = None
    metadata: dict[str, str] | None = None


class CheckoutSession(msgspec.Struct):
    id: str
    mode: str = ""
    status: str | None = None
    url: str | None = None
    setup_intent: SetupIntent | str | None = None
    subscription: Id = None
    customer: Id = None
    metadata: dict[str, str] | None = None


class Refund(msgspec.Struct):
    id: str
    amount: int = 0
    currency: str = "eur"
    created: int = 0
    charge: Id = None
    payment_intent: Id = None
    status: str | None = None


class RefundList(msgspec.Struct):
    data: list[Refund] = []


class Dispute(msgspec.Struct):
    id: str
    amount: int = 0
    currency: str = "eur"
    created: int = 0
    charge: Id = None
    payment_intent: Id = None
    reason: str | None = None
