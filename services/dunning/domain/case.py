"""What Relance knows of one failed month of one learner: everything a decision looks at, and nothing else.

One case per (subscription, billing period), R-X2. All instants are aware UTC; all money in whole minor units.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from services.dunning.domain.parts import (
    Attempt,
    Challenge,
    Clock,
    Flag,
    Forecast,
    GatewayEnd,
    Guidance,
    InFlight,
    MailMark,
    Note,
    Resume,
    Submission,
)
from shared.events.words import (
    CaseState,
    ExhaustionCause,
    Gateway,
    ReviewReason,
    Template,
)
from shared.money import Money

NOTES_KEPT: Final = 120
"""A case tells its story from its notes; beyond this the middle is left out, the beginning and the end stay."""

_NO_CLOCK: Final = Clock()
_NO_END: Final = GatewayEnd()

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
    counted_from: datetime | None = None
    """Set where we heard of the failure only after its deadline: the learner has the whole delay from then on."""
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
    clock: Clock = _NO_CLOCK
    gateway_end: GatewayEnd = _NO_END
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

    @property
    def day_zero(self) -> datetime:
        """The instant that our own retries and the deadline are counted from."""
        return self.counted_from or self.failed_at

    def has(self, mark: str) -> bool:
        """Whether an orthogonal mark is set."""
        return mark in self.marks

    def told(self, template: Template) -> int:
        """The highest number among the mails of that template that were asked for; 0 without any."""
        return max((mail.ordinal for mail in self.mails if mail.template is template), default=0)

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
