"""What goes into an engine of stories and what comes out of it, the same for memory and a whole stack.

All instants are aware UTC; all money in whole minor units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.events import Envelope
from shared.events.words import Gateway, MethodKind
from shared.money import Money

Json = Any


# --- what goes in: the services' own doors --------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an HTTP door answered; ``body`` is parsed JSON (a problem's ``detail`` says why it was refused)."""

    status: int
    body: Json = None

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300


# --- what goes in: the world outside --------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AtGateway:
    """A subscription that exists at a gateway before the story begins (the school registers it afterwards)."""

    subscription_id: str
    learner_id: str
    gateway: Gateway
    gateway_subscription_id: str | None = None
    """The id the story wants; a gateway that gives its own ids answers with that one."""
    price: Money
    billing_day: int
    started_on: date
    method: MethodKind
    card: str | None = None
    """The card's fingerprint, where the story names one."""
    card_country: str | None = None
    other_methods: tuple[MethodKind, ...] = ()
    """Further stored methods, not the default (FR-43)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayIds:
    """Under which ids the gateway knows a subscription: they go into its registration."""

    subscription: str
    customer: str | None = None
    plan: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something happens at a gateway without our asking. ``at`` is the gateway's own time (``occurred_at``)."""

    subscription_id: str
    gateway: Gateway
    at: datetime
    event_id: str
    """The gateway's id of the event: delivered twice it is the same event."""
    gateway_subscription_id: str | None = None
    """Another gateway subscription than the one that was registered (a double registration, a resumption)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptHappened(Happening):
    """The gateway tried to take money."""

    outcome: str
    """``failed``, ``succeeded``, ``pending``."""
    transaction_id: str
    amount: Money
    amount_text: str | None = None
    """The amount exactly as the gateway writes it, where that is what the story is about (X-23)."""
    reason: str = ""
    """Why it failed: a decline class of ours or a gateway's own code."""
    first: bool = False
    period: date | None = None
    """The period that the gateway says the money is for, when it tells."""
    next_attempt_at: datetime | None = None
    next_billing_at: datetime | None = None
    network_code: str | None = None
    advice_code: str | None = None
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionChanged(Happening):
    """A subscription stands differently at the gateway."""

    status: str
    """``active``, ``suspended``, ``cancelled``."""
    by: str = "unknown"
    """``gateway``, ``learner``, ``school``, ``unknown``."""
    failed_payments: int = 0
    outstanding: Money | None = None
    amount: Money | None = None
    next_billing_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyWentBack(Happening):
    """A refund, a chargeback or a reversed sale."""

    what: str
    """``refund``, ``chargeback``, ``reversal``."""
    reversal_id: str
    transaction_id: str | None
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeHappened(Happening):
    """The payer's bank asked for a proof and the payer gave it or not (F11, F23)."""

    challenge_id: str
    state: str
    """``started``, ``passed``, ``failed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAnswer:
    """One scripted answer to a charge of ours, used up in order.

    ``decline`` is ``None`` for a success. ``pending_for`` leaves the outcome open for so long, then ``then`` comes
    by itself (a success when absent). ``takes`` is how long our call waits for the answer. ``lost`` answers never
    reach us: ``before`` (nothing was taken) or ``after`` (the money moved, the line broke).
    """

    decline: str | None = None
    amount: Money | None = None
    """Another amount than the one asked for."""
    pending_for: timedelta | None = None
    then: BankAnswer | None = None
    takes: timedelta = timedelta(0)
    lost: str | None = None
    network_code: str | None = None
    advice_code: str | None = None


class PageEnd(StrEnum):
    """How a learner's visit to a gateway's page ends."""

    DONE = "done"
    """Everything was filled in and the bank agreed."""
    REFUSED = "refused"
    """The bank or PayPal refused; the page says so."""
    LEFT = "left"
    """The learner closed the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageVisit:
    """What a learner does on the page of a gateway that one of our doors opened (``url``)."""

    url: str
    kind: str
    """``sign_up``, ``method``, ``authenticate``, ``resume``."""
    subscription_id: str
    gateway: Gateway
    end: PageEnd = PageEnd.DONE
    method: MethodKind = MethodKind.CARD
    funding: str = "credit"
    """``credit``, ``debit``, ``prepaid``, ``unknown``."""
    cvc: bool = True
    three_ds: bool = True
    recurring: bool = True
    label: str | None = None
    card: str | None = None
    card_country: str | None = None
    deferred_debit: bool = False
    stay: timedelta = timedelta(0)
    """How long the learner stays on the page; the browser comes back then. ``visit`` itself returns at once."""
    amount: Money | None = None
    """What is paid on the page; what the page asks when ``None``."""
    update_id: str | None = None
    """The gateway's id of a stored method."""
    transaction_id: str | None = None
    next_billing_at: datetime | None = None
    reason: str = ""
    """Why the bank refused."""


# --- what comes out -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FactTold:
    """A fact as it was told, in order of telling."""

    at: datetime
    """When it went over the line; ``envelope.fact.occurred_at`` is when it happened."""
    envelope: Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLeft:
    """A mail that reached the mail provider."""

    at: datetime
    mail_id: str
    template: str
    to: str
    """The address."""
    recipient: str
    """``learner``, ``teacher``, ``office``."""
    learner_id: str
    case_id: str
    language: str
    subject: str
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyTried:
    """One attempt at money as the gateways' own books have it, ours and theirs."""

    at: datetime
    gateway: Gateway
    subscription_id: str
    transaction_id: str
    amount: Money
    outcome: str
    by: str
    """``us`` (we asked), ``gateway`` (it acted by itself), ``learner`` (on a page of the gateway)."""
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that the machines could not handle: a parked message, an errand that was given up."""

    at: datetime
    service: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay changed: nothing, if all is well (invariant 9)."""

    messages: int
    new_facts: int = 0
    new_errands: int = 0
    changed: tuple[str, ...] = ()
    """Service and table of each row that is not byte for byte what it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything an engine shows of a story so far."""

    facts: Sequence[FactTold] = ()
    mails: Sequence[MailLeft] = ()
    money: Sequence[MoneyTried] = ()
    troubles: Sequence[Trouble] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
    """At the gateways' doors: ``duplicates`` (deliveries of a known event), ``forged`` (refused at the door),
    and the letter box by state: ``told``, ``waiting`` (for an unknown subscription), ``failed``, ``not_ours``;
    ``flagged`` of the waiting ones wait for a person."""


class CrashPoint(StrEnum):
    """Where a process dies."""

    NOW = "now"
    """At once, between two things."""
    AFTER_CHARGE = "after_charge"
    """After the gateway took the next charge of ours, before anything of it was written."""
    BEFORE_CHARGE = "before_charge"
    """With the next errand claimed, before the gateway hears of it."""
    BEFORE_COMMIT = "before_commit"
    """While the next message is handled: nothing of it is kept."""
    AFTER_COMMIT = "after_commit"
    """After the next message is recorded, before it is acknowledged: it will come again."""
