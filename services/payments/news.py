"""What a gateway has to say, in the school's words and the same for every gateway.

A webhook, an answer to a request and a reading of the gateway's books all become ``News``; only the pure
domain turns news into facts. Names, addresses and card numbers never get this far.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

import msgspec

from shared.decline_codes import Fault
from shared.declines import DeclineClass
from shared.events.words import CancelledBy, Gateway, MethodKind, ReviewReason
from shared.methods import OfferedMethod
from shared.money import Money


class Outcome(StrEnum):
    """How one attempt went."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """The root. ``refs`` are the gateway's own ids by which the subscription can be found, surest first."""

    gateway: Gateway
    occurred_at: datetime
    """The gateway's own time (aware UTC)."""
    refs: tuple[str, ...] = ()
    subscription_id: str | None = None
    """The school's id, when the gateway carried it for us (metadata, custom_id) or we asked about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptNews(News):
    """One attempt to take money."""

    outcome: Outcome
    transaction_id: str
    """What makes this attempt one: the charge, the sale, or the subscription and instant of a failure."""
    amount: Money
    request_id: str | None = None
    invoice_id: str | None = None
    gateway_subscription_id: str | None = None
    covers_from: datetime | None = None
    """Start of the billing period the money is for, when the gateway tells it."""
    first: bool = False
    """The very first payment of a subscription (F1)."""
    one_off: bool = False
    """Money for something else than a period of a known subscription."""
    decline: DeclineClass | None = None
    fault: Fault = "payer"
    raw_code: str = ""
    network_code: str | None = None
    advice_code: str | None = None
    next_attempt_at: datetime | None = None
    next_billing_at: datetime | None = None
    method: MethodKind | None = None
    card: str | None = None
    challenged: bool = False
    """The bank wants to see the payer, and no charge of its own names this attempt."""
    undated: bool = False
    """The answer names no time of its own: it occurred when it came, not when it was asked for."""
    approximate: bool = False
    """Named by its instant, which two readings may give a little differently: within an hour it is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionNews(News):
    """A subscription stands differently at the gateway."""

    gateway_subscription_id: str
    status: Literal["active", "suspended", "cancelled", "paused"]
    by: CancelledBy = CancelledBy.UNKNOWN
    failed_payments: int = 0
    outstanding: Money | None = None
    amount: Money | None = None
    next_billing_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodNews(News):
    """A learner stored a way of paying; ``settled`` when it is the subscription's default already."""

    update_id: str
    method_id: str
    method: MethodKind
    label: str
    card: str | None = None
    card_country: str | None = None
    offered: OfferedMethod
    settled: bool = False
    session_id: str | None = None
    gateway_customer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeNews(News):
    """The payer's bank asked for a proof (F11, F23)."""

    challenge_id: str
    state: Literal["started", "passed", "failed"]
    invoice_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyBackNews(News):
    """Money went back (R-X4)."""

    what: Literal["refund", "chargeback", "reversal"]
    reversal_id: str
    transaction_id: str | None
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownNews(News):
    """We asked, and even reading does not tell what came of it."""

    request_id: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewNews(News):
    """Something at the gateway that only a person can settle."""

    reason: ReviewReason
    about: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceNews(News):
    """An invoice exists: says nothing, but lets later news of it be placed."""

    invoice_id: str
    covers_from: datetime | None = None
    intent: str | None = None
    owned: bool = False
    """The gateway does not retry it by itself any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedNews(News):
    """Collection stopped, or began again, because we asked for it."""

    case_id: str
    gateway_subscription_id: str
    paused: bool
    next_billing_at: datetime | None = None


# --- what a webhook turns out to be ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOurs:
    """Rightly signed, and nothing Relance acts upon; ``reason`` says why, for whoever looks."""

    reason: str


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A hint: the gateway must be read before anything becomes a fact. A struct, because most webhooks make one.

    PayPal's signature covers only a checksum of the body, and Stripe's invoice events do not tell why a
    payment failed; so the ids are taken from the webhook and the facts from the API.
    """

    gateway: Gateway
    kind: str
    occurred_at: datetime
    event_id: str = ""
    subscription: str | None = None
    invoice: str | None = None
    intent: str | None = None
    transaction: str | None = None
    failed_at: datetime | None = None
    own_subscription: str | None = None
    """The school's id, as the gateway carried it."""
    news: AttemptNews | None = None
    """What the webhook tells by itself, where only its place is to be looked up."""
    amount: Money | None = None
    """Money that the gateway says it received; when so much is on our books already, nobody need look."""
    method: str | None = None
    session_id: str | None = None
    reversal: str | None = None
    """The id of money that went back."""

    @property
    def refs(self) -> tuple[str, ...]:
        """Ids by which the subscription may be known already."""
        candidates = (self.subscription, self.intent, self.invoice)
        return tuple(candidate for candidate in candidates if candidate)


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook whose signature was found good, ready to be kept. A struct, because it is made for each of them."""

    dedupe_key: str
    """The same event has the same key, however often and in whatever order it is delivered."""
    gateway: Gateway
    kind: str
    """The gateway's word for it."""
    transmission: str | None = None
    """An id that may be used once only (PayPal)."""


Heard = tuple[News, ...] | Look | NotOurs
"""What parsing a webhook gives."""


class NotConfirmed(Exception):
    """The gateway's API does not confirm what a webhook claimed: it must not be acted upon."""


# --- what we ask of a gateway ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A subscription as a gateway knows it."""

    subscription_id: str
    gateway: Gateway
    gateway_subscription_id: str
    gateway_customer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeOrder(Standing):
    """Take ``amount`` once; ``request_id`` makes it once, however often it is sent."""

    request_id: str
    amount: Money
    period: str
    """ISO date of the period's first day."""
    asked_at: datetime
    on_session: bool = False
    one_off: bool = False
    """A relaunch: a new invoice, not the period's own (R-F9)."""
    fallback: bool = False
    """Take it by another stored method than the usual one; without one nothing is tried, which is a failure."""
    invoice_id: str | None = None
    known_transactions: tuple[str, ...] = ()
    """Attempts on this invoice that we know already: another one is the answer to this order."""
    tries: int = 1


NO_OTHER_METHOD: Final = "no_other_method"
"""The code of an order by another method where the learner stored only one."""


def no_other_method(order: ChargeOrder, at: datetime) -> AttemptNews:
    """The failure of an order that had nothing to try: it counts as one, so that the learner is told."""
    return AttemptNews(
        gateway=order.gateway,
        occurred_at=at,
        subscription_id=order.subscription_id,
        outcome=Outcome.FAILED,
        transaction_id=f"{order.request_id}/{NO_OTHER_METHOD}",
        amount=order.amount,
        request_id=order.request_id,
        invoice_id=order.invoice_id,
        decline=DeclineClass.GENERIC_OR_UNKNOWN,
        raw_code=NO_OTHER_METHOD,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(Standing):
    """Make sure that it is cancelled, whoever does it first (R-J12)."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseOrder(Standing):
    """Stop collecting and write the invoice off (T17)."""

    request_id: str
    invoice_id: str | None = None
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOrder(Standing):
    """Collect again, next at ``next_billing_at`` (R-F9)."""

    request_id: str
    next_billing_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOrder(Standing):
    """Take the gateway's own retries off this period's invoice: one owner of the clock."""

    request_id: str
    period: str
    invoice_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOrder(Standing):
    """Read what the gateway's books say since ``since``."""

    since: datetime
    period: str | None = None
    invoice_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptOrder(Standing):
    """Make a stored method the default of the subscription, or take it away again."""

    request_id: str
    news: MethodNews


PageKind = Literal["sign_up", "method", "authenticate", "resume"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOrder:
    """A page of the gateway's own on which the learner pays, stores a method or passes a challenge."""

    kind: PageKind
    subscription_id: str
    session_id: str
    """Ours; comes back in the return address and is the idempotency key."""
    return_url: str
    cancel_url: str
    price: Money
    language: str = "en"
    method: MethodKind | None = None
    """What the learner chose to pay with; without it the page takes what the gateway can store."""
    gateway_subscription_id: str | None = None
    gateway_customer_id: str | None = None
    plan: str | None = None
    invoice_id: str | None = None
    starts_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit(Standing):
    """A learner came back from a page of the gateway."""

    kind: PageKind
    session_id: str
    gateway_id: str
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeOrder(Standing):
    """Make a new subscription with a method that was found good (sign-up)."""

    request_id: str
    plan: str
    method_id: str
    session_id: str
    """The learner's visit that this ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where to send the learner's browser, and the gateway's id of that visit."""

    url: str
    gateway_id: str
    gateway_subscription_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A subscription as a gateway describes it, for the registry."""

    price: Money
    started_at: datetime
    due_at: datetime
    """Its next due instant, or its last."""
    method: MethodKind
    gateway_customer_id: str | None = None
    gateway_plan: str | None = None
    label: str = ""
    card: str | None = None
    card_country: str | None = None
