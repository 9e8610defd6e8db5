"""What Relance knows of one failed month of one learner: everything a decision looks at, and nothing else.

One case per (subscription, billing period), R-X2. All instants are aware UTC; all money in whole minor units.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from shared.declines import DeclineClass
from shared.events.words import (
    AccessLevel,
    AttemptKind,
    CancelledBy,
    CaseState,
    ExhaustionCause,
    Gateway,
    ReviewReason,
    Template,
)
from shared.money import Money
from shared.reasons import Reason

NOTES_KEPT: Final = 120
"""A case tells its story from its notes; beyond this the middle is left out, the beginning and the end stay."""

MONEY_REVIEWS: Final = frozenset(
    {
        ReviewReason.AMOUNT_MISMATCH,
        ReviewReason.CURRENCY_MISMATCH,
        ReviewReason.PARTIAL_PAYMENT,
        ReviewReason.OVERPAYMENT,
    }
)
"""Reviews that freeze the suspension until staff decide (T11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at the period's money. Its number is its place by time, never by arrival (R-X1)."""

    transaction_id: str
    outcome: str
    """``failed``, ``succeeded``, ``pending``."""
    kind: AttemptKind
    occurred_at: datetime
    amount: Money
    decline: DeclineClass | None = None
    request_id: str | None = None
    counts: bool = True
    """``False`` where the bank never judged (a technical error)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """The one attempt that was asked for and has no outcome yet; there is never a second one (FR-46)."""

    request_id: str
    kind: AttemptKind
    ordinal: int
    requested_at: datetime
    pending_since: datetime | None = None
    """Set when the gateway said that the outcome is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The learner's newest relaunch: what its path's deadline was tested against, whatever the bank asks (R-F10)."""

    request_id: str
    submitted_at: datetime
    path_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """The learner is on the bank's page (F11); worth waiting for until ``expires_at`` (R-F13)."""

    challenge_id: str
    started_at: datetime
    expires_at: datetime
    for_request: str | None = None
    """The attempt in flight that asked for it; ``None``: the learner came from the mail's link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When the gateway is expected to try next (R-J1); its own event always wins."""

    ordinal: int
    earliest: datetime
    latest: datetime
    first_day: date
    last_day: date
    watch_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The case's own dates. A date that was told is never moved earlier (R-X5)."""

    grace_at: datetime | None = None
    """Access is cut from this instant on (R-F5); ``None``: exhaustion decides."""
    ends_at: datetime | None = None
    """The attempts end here: the grace's end, or a collection deadline of its own."""
    steps: tuple[tuple[datetime, AccessLevel], ...] = ()
    hold_until: datetime | None = None
    """An outcome is awaited beyond the deadline, until here at most (T13)."""
    notice_hold_since: datetime | None = None
    """The consequence waits for the notice that is owed before it."""
    moved: int = 0
    """How often the deadline was moved later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEnd:
    """What the gateway said about the subscription's end (T16)."""

    cancelled_at: datetime | None = None
    cancelled_by: CancelledBy | None = None
    suspended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Something that waits for a person."""

    reason: ReviewReason
    about: str
    detail: str
    since: datetime
    amount: Money | None = None
    """The money in question; counted towards the debt only when staff settle it."""
    subscription: str | None = None
    """An unexpected registration: the gateway's id of it (JP-11)."""
    happened_at: datetime | None = None
    """When it happened at the gateway."""
    kind: AttemptKind | None = None
    """What the money was for: a relaunch is settled as one."""
    path_id: str | None = None
    """A relaunch: the path it re-enrols in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Money that came by the temporary method (J23)."""

    receipt_id: str
    amount: Money
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """Steps 3 of the Japanese procedure: what the office asked for and what came in (J23, J24)."""

    not_before: datetime
    amount: Money | None = None
    method: str | None = None
    reference: str | None = None
    due_on: date | None = None
    sent_at: datetime | None = None
    receipts: tuple[Receipt, ...] = ()
    covered: tuple[tuple[date, date], ...] = ()
    granted: tuple[date, ...] = ()
    proposed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Step 4: the announced day on which the learner pays from My Page (J25-J32)."""

    day: date
    opens_at: datetime
    closes_at: datetime
    announcements: int = 1
    activated_id: str | None = None
    activated_at: datetime | None = None
    gateway_next_on: date | None = None
    paid_at: datetime | None = None
    transaction_id: str | None = None
    paid: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailMark:
    """A mail that was asked for; ``sent_at`` once notifications say that it left."""

    template: Template
    ordinal: int
    requested_at: datetime
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One dated line of the case's own story: a word, what it speaks of, and the fact that caused it."""

    at: datetime
    code: str
    params: dict[str, str]
    cause: str | None = None
    because: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One failed month. See the module's first lines."""

    case_id: str
    school_id: str
    subscription_id: str
    learner_id: str
    period: date
    kind: str = "renewal"
    """``renewal`` or ``reversal``."""
    gateway: Gateway
    amount: Money
    """What is owed for the period."""
    policy_id: str
    policy_version: int
    policy_hash: str
    opened_at: datetime
    state: CaseState = CaseState.RETRYING
    attempts: tuple[Attempt, ...] = ()
    """By time of occurrence."""
    failed_at: datetime
    """The first failure, which every date is counted from."""
    plan: tuple[tuple[int, datetime], ...] = ()
    """Our own retries: ordinal and instant (F15)."""
    technical_tries: int = 0
    """Same-day retries after technical errors of the current turn."""
    forecast: Forecast | None = None
    in_flight: InFlight | None = None
    submission: Submission | None = None
    queued: str | None = None
    """A method update whose charge waits behind the attempt in flight."""
    challenge: Challenge | None = None
    clock: Clock = Clock()
    gateway_end: GatewayEnd = GatewayEnd()
    steps_left: tuple[str, ...] = ()
    """Steps of the policy's end that wait for a notice, in order (R-J16)."""
    exhausted_at: datetime | None = None
    cause: ExhaustionCause | None = None
    settled: Money | None = None
    """What was received of the debt and confirmed by staff (X-20)."""
    flags: tuple[Flag, ...] = ()
    marks: tuple[str, ...] = ()
    """Orthogonal marks, sorted: ``auth_needed``, ``hard_decline``, ``method_updated``, ``learner_reported``,
    ``cancel_requested``, ``access_granted``, ``forfeited``, ``old_price_dropped``, ``locked``."""
    guidance: Guidance | None = None
    resume: Resume | None = None
    mails: tuple[MailMark, ...] = ()
    access_at: datetime | None = None
    """The deadline that access was told last."""
    watched: bool = False
    """Whether access knows of a deadline at all."""
    closed_at: datetime | None = None
    notes: tuple[Note, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether anything can still happen to it."""
        return not self.state.is_terminal

    @property
    def frozen(self) -> bool:
        """Money came that does not match: nothing is suspended until staff decide (T11)."""
        return any(flag.reason in MONEY_REVIEWS for flag in self.flags)

    @property
    def owed(self) -> Money:
        """What is still missing of the period's amount."""
        return self.amount if self.settled is None else self.amount - self.settled

    @property
    def failures(self) -> tuple[Attempt, ...]:
        """The distinct failed attempts, by time."""
        return tuple(one for one in self.attempts if one.outcome == "failed")

    def has(self, mark: str) -> bool:
        """Whether an orthogonal mark is set."""
        return mark in self.marks

    def told(self, template: Template) -> int:
        """How many mails of that template were asked for."""
        return sum(1 for mail in self.mails if mail.template is template)

    @property
    def next_at(self) -> datetime | None:
        """The next hour at which something is planned or expected, for lists; ``None`` when nothing is."""
        if self.state in {CaseState.RETRYING, CaseState.AWAITING_OUTCOME}:
            hours = [
                self.clock.hold_until or self.clock.ends_at,
                self.forecast.earliest if self.forecast else None,
                *(at for _, at in self.plan if at > self.latest_at),
            ]
        elif self.resume is not None and self.state is CaseState.COVERED:
            hours = [self.resume.opens_at]
        elif self.resume is not None and self.state is CaseState.RESUME_OPEN:
            hours = [self.resume.closes_at]
        elif self.guidance is not None and self.state is CaseState.AWAITING_GUIDANCE:
            hours = [self.guidance.not_before]
        else:
            hours = []
        return min((hour for hour in hours if hour is not None), default=None)

    @property
    def latest_at(self) -> datetime:
        """When the newest thing happened that the case's story tells."""
        return self.notes[-1].at if self.notes else self.opened_at


def case_id_of(subscription_id: str, period: date) -> str:
    """``<subscription>~<period>``."""
    return f"{subscription_id}~{period.isoformat()}"


def reversal_case_id(subscription_id: str, reversal_id: str) -> str:
    """``<subscription>~reversal~<reversal id>``."""
    return f"{subscription_id}~reversal~{reversal_id}"
