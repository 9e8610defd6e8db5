"""A subscription as its learner sees it: price, day, method, receipts, and what the bank was asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from shared.calendar import days_in_month
from shared.declines import DeclineClass
from shared.events import dunning, payments
from shared.events.words import AttemptKind, CancelledBy, Gateway, MethodKind
from shared.money import Money

RECEIPTS_KEPT: Final = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Money that came."""

    transaction_id: str
    at: datetime
    amount: Money
    period: date
    kind: str
    refunded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """The bank's question to the learner (F11)."""

    challenge_id: str
    at: datetime
    state: str
    """``started``, ``passed``, ``failed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A payment that the learner made on the spot and that was refused (R-F14)."""

    at: datetime
    decline: DeclineClass
    kind: AttemptKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """See the module's first line. Everything but the ids may come late."""

    subscription_id: str
    school_id: str
    learner_id: str
    gateway: Gateway | None = None
    price: Money | None = None
    current_price: Money | None = None
    grandfathered: bool = False
    billing_day: int = 0
    started_on: date | None = None
    path_id: str | None = None
    method: MethodKind | None = None
    label: str = ""
    card_country: str | None = None
    method_updated_at: datetime | None = None
    receipts: tuple[Receipt, ...] = ()
    challenge: Challenge | None = None
    refused: Refusal | None = None
    next_billing_on: date | None = None
    """As somebody told it; computed from the billing day otherwise."""
    cancel_requested_at: datetime | None = None
    ends_at: datetime | None = None
    gateway_ended_by: CancelledBy | None = None

    @property
    def key(self) -> str:
        return f"{self.school_id}/{self.learner_id}"

    @property
    def is_known(self) -> bool:
        return self.price is not None

    @property
    def is_over(self) -> bool:
        """The learner ended the contract."""
        return self.cancel_requested_at is not None

    def next_due(self, today: date) -> date | None:
        """The next debit after ``today``: what was told, or the billing day clamped to its month (R-F8)."""
        if self.next_billing_on is not None and self.next_billing_on > today:
            return self.next_billing_on
        if not self.billing_day:
            return None
        day = _clamped(today.year, today.month, self.billing_day)
        if day > today:
            return day
        year, month = (today.year + 1, 1) if today.month == 12 else (today.year, today.month + 1)
        return _clamped(year, month, self.billing_day)


def _clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, days_in_month(year, month)))


def when_registered(known: Subscription, fact: payments.SubscriptionRegistered) -> Subscription:
    """The newest registration holds."""
    return replace(
        known,
        gateway=fact.gateway,
        price=fact.price,
        current_price=fact.current_price,
        grandfathered=fact.grandfathered,
        billing_day=fact.billing_day,
        started_on=fact.started_on,
        path_id=fact.path_id,
        method=fact.method,
        card_country=fact.card_country or known.card_country,
    )


def when_method_updated(known: Subscription, fact: payments.PaymentMethodUpdated) -> Subscription:
    """Another method is the default now (F17)."""
    return replace(
        known,
        method=fact.method,
        label=fact.label,
        card_country=fact.card_country or known.card_country,
        method_updated_at=fact.occurred_at,
    )


def when_succeeded(known: Subscription, fact: payments.AttemptSucceeded) -> Subscription:
    """A receipt, once per transaction."""
    receipt = Receipt(
        transaction_id=fact.transaction_id,
        at=fact.occurred_at,
        amount=fact.amount,
        period=fact.period,
        kind=fact.kind.value,
    )
    return replace(
        _with_receipt(known, receipt),
        next_billing_on=fact.next_billing_on or known.next_billing_on,
        refused=None,
    )


def when_received(known: Subscription, fact: payments.TemporaryPaymentReceived) -> Subscription:
    """Money that came by the temporary method (J23)."""
    receipt = Receipt(
        transaction_id=fact.receipt_id,
        at=fact.occurred_at,
        amount=fact.amount,
        period=fact.period,
        kind="temporary",
    )
    return _with_receipt(known, receipt)


def when_refunded(known: Subscription, fact: payments.PaymentRefunded) -> Subscription:
    """The receipt stays, and says so."""
    marked = tuple(
        replace(one, refunded=True) if one.transaction_id == fact.transaction_id else one
        for one in known.receipts
    )
    return replace(known, receipts=marked)


def _with_receipt(known: Subscription, receipt: Receipt) -> Subscription:
    others = [one for one in known.receipts if one.transaction_id != receipt.transaction_id]
    newest = sorted((*others, receipt), key=lambda one: one.at, reverse=True)
    return replace(known, receipts=tuple(newest[:RECEIPTS_KEPT]))


def when_failed(known: Subscription, fact: payments.AttemptFailed) -> Subscription:
    """Only what the learner did himself, on the spot; the others are the case's."""
    if fact.kind not in {AttemptKind.RELAUNCH, AttemptKind.LEARNER, AttemptKind.FIRST, AttemptKind.RESUME}:
        return known
    return replace(known, refused=Refusal(at=fact.occurred_at, decline=fact.decline, kind=fact.kind))


def when_challenged(
    known: Subscription,
    fact: payments.AuthenticationStarted | payments.AuthenticationPassed | payments.AuthenticationFailed,
) -> Subscription:
    """The bank's page: begun, passed, or not."""
    states = {payments.AuthenticationStarted: "started", payments.AuthenticationPassed: "passed"}
    state = states.get(type(fact), "failed")
    before = known.challenge
    if before is not None and before.challenge_id == fact.challenge_id and before.state == "passed":
        return known
    return replace(
        known, challenge=Challenge(challenge_id=fact.challenge_id, at=fact.occurred_at, state=state)
    )


def when_gateway_ended(known: Subscription, fact: payments.GatewaySubscriptionCancelled) -> Subscription:
    """Nothing is debited any more by the gateway."""
    return replace(known, gateway_ended_by=fact.by)


def when_activated(known: Subscription, fact: payments.GatewaySubscriptionActivated) -> Subscription:
    """A new subscription at the gateway (J26)."""
    return replace(
        known, gateway_ended_by=None, next_billing_on=fact.next_billing_on or known.next_billing_on
    )


def when_cancellation_requested(known: Subscription, fact: dunning.CancellationRequested) -> Subscription:
    """The learner ended the contract."""
    return replace(known, cancel_requested_at=fact.occurred_at)


def when_day_moved(known: Subscription, fact: dunning.CaseRelaunched | dunning.CaseResumed) -> Subscription:
    """The billing day of a new start (R-F9, R-J11); the price is the current one from now on."""
    return replace(
        known,
        billing_day=fact.billing_day,
        next_billing_on=fact.next_billing_on,
        price=known.current_price,
        grandfathered=False,
        cancel_requested_at=None,
        ends_at=None,
        gateway_ended_by=None,
    )


def when_price_dropped(known: Subscription, fact: dunning.OldPriceDropped) -> Subscription:
    """The old price ended with the cancelled subscription (J21)."""
    return replace(known, price=fact.current_price, current_price=fact.current_price, grandfathered=False)


def when_end_requested(known: Subscription, fact: dunning.AccessEndRequested) -> Subscription:
    """Until when the learner may still learn."""
    return replace(known, ends_at=fact.at)
