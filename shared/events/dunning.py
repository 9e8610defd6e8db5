"""What dunning says: what was decided about a failed payment, and what is asked of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from shared.declines import DeclineClass
from shared.events.fact import Fact
from shared.events.words import (
    AccessLevel,
    AttemptKind,
    Audience,
    CancelledBy,
    CaseState,
    ExhaustionCause,
    Gateway,
    MethodKind,
    ReviewReason,
    Template,
)
from shared.money import Money

# --- schools and their calendars -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolRegistered(Fact):
    """A school uses Relance; the newest registration holds."""

    KEY: ClassVar[str] = "school_id"

    name: str
    policy_id: str
    zone: str
    languages: tuple[str, ...]
    currency: str
    support_contact: str
    staff_email: str
    site_url: str = ""
    help_urls: dict[str, str] = field(default_factory=dict)
    delivery_calendar: str = "every-day"
    """The calendar that lets school mails leave (R-J4)."""
    service_day_rollover: str | None = None
    """The hour, as ``12:00``, before which a gateway's charge belongs to the previous day (R-J2)."""
    accepted_methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAdopted(Fact):
    """A school's policy changed; cases opened from now on use it, open ones keep theirs (R-X5)."""

    KEY: ClassVar[str] = "school_id"

    policy_id: str
    version: int
    text: str
    """The whole policy as YAML, so that a replay needs nothing else."""
    adopted_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureAnnounced(Fact):
    """The office will be closed from ``first`` to ``last``, both included (J37)."""

    KEY: ClassVar[str] = "school_id"
    IDENTITY: ClassVar[tuple[str, ...]] = ("school_id", "closure_id", "first", "last", "name")

    closure_id: str
    calendar: str
    name: str
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureWithdrawn(Fact):
    """An announced closure does not take place; mails that waited for its end leave earlier."""

    KEY: ClassVar[str] = "school_id"

    closure_id: str
    calendar: str


# --- a case ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """Why a date is what it is: the rule, the calendar and the days that were skipped."""

    rule: str
    """``R-F3``, ``seed J9``."""
    text: str
    """One English line for engineers; pages and mails tell it in the reader's language from the parts."""
    calendar: str | None = None
    counted: tuple[date, ...] = ()
    skipped: tuple[tuple[date, str], ...] = ()
    """Each skipped day and why (``Sunday``, ``Fête du Travail``, a closure's name)."""
    word: str = ""
    """The rule's word, which ``shared.reason_words`` has a sentence for in each language."""
    values: dict[str, str] = field(default_factory=dict)
    """What that sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutCase(Fact):
    subscription_id: str
    learner_id: str
    case_id: str
    """``<subscription>~<period>``; a reversal's case has ``~reversal~<id>`` behind."""
    period: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened(_AboutCase):
    """A payment of a period failed for the first time: from now on the policy decides what follows, and when."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)

    kind: str = "renewal"
    """``renewal`` or ``reversal``."""
    amount: Money
    policy_id: str
    policy_version: int
    policy_hash: str
    decline: DeclineClass | None = None
    gateway: Gateway
    deadline_at: datetime | None = None
    """When access ends, if nothing changes (R-F5); ``None`` where exhaustion decides."""
    deadline_because: Because | None = None
    effective_forfeiture_on: date | None = None
    """By rule all unconsumed credits lapse on this day (J40); execution follows the policy (R-J6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecorded(_AboutCase):
    """An attempt of the period became known and was numbered by its time (R-X1)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "transaction_id", "outcome")

    transaction_id: str
    outcome: str
    """``failed``, ``succeeded``, ``pending``."""
    kind: AttemptKind
    ordinal: int
    amount: Money
    decline: DeclineClass | None = None
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlannedAttempt(_AboutCase):
    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "ordinal")

    ordinal: int
    """1 to 10 for the French retries; the ordinal among all attempts for a gateway's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptScheduled(_PlannedAttempt):
    """We will try again at ``at`` (aware UTC)."""

    at: datetime
    because: Because | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptForecast(_PlannedAttempt):
    """The gateway is expected to try between ``earliest`` and ``latest`` (aware UTC); it decides (R-J1)."""

    earliest: datetime
    latest: datetime
    first_day: date
    last_day: date
    because: Because | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptForecastMissed(_PlannedAttempt):
    """The gateway attempted outside the forecast (JP-50)."""

    attempted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRequested(_AboutCase):
    """Payments is asked to charge, once: the request id is the idempotency key's meaning."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("request_id",)

    request_id: str
    """``<case>/attempt/<n>``, ``<case>/learner/<update>``, ``<case>/relaunch/<n>``."""
    ordinal: int
    kind: AttemptKind
    amount: Money
    on_session: bool = False
    fallback: bool = False
    """Charge the learner's other stored method; a failure with no other method is a failure all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSkipped(_PlannedAttempt):
    """A planned attempt did not run (R-F11, network rules)."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFlagged(_AboutCase):
    """Something on the case waits for a person (``reason``) or is worth knowing."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "reason", "about")

    reason: ReviewReason
    about: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFlagSettled(_AboutCase):
    """A person settled what the case was flagged for."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "reason", "about", "settled_by")

    reason: ReviewReason
    about: str
    settled_by: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeAwaited(_AboutCase):
    """The deadline passed while an attempt or a challenge was open; held until ``until`` at most (T13)."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodPaid(_AboutCase):
    """The period is settled by ``transaction_id``; a second success becomes a review (invariant 1)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "period")

    transaction_id: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecovered(_AboutCase):
    """The period was paid; whatever the case had held back is given back."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)

    transaction_id: str
    amount: Money
    next_billing_on: date | None
    late: bool = False
    """After the deadline, or opened and closed at once by news in the wrong order (T2, T23, T24)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseExhausted(_AboutCase):
    """No attempt is left. ``occurred_at`` is the instant that counts for every consequence."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)

    cause: ExhaustionCause
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExhaustionCorrected(_AboutCase):
    """News in the wrong order: what ended the attempts was something earlier than was known (R-X1).

    ``occurred_at`` is the corrected instant; the consequences ran once and stay as they are.
    """

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "cause", "occurred_at")

    cause: ExhaustionCause
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsequenceHeld(_AboutCase):
    """A step waits for the notice that is owed before it, because that mail has not left yet (R-J16)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "step")

    step: str
    waits_for: Template
    planned_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSuspended(_AboutCase):
    """Access is cut; the learner may relaunch by himself (F18, F20)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClosed(_AboutCase):
    """The case ended in ``state`` (a terminal one)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)

    state: CaseState
    by: str = "system"
    note: str = ""


# --- what is asked of the others ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSuspensionRequested(_AboutCase):
    """Access is to be cut to ``level`` from ``occurred_at`` on, to the second (FR-33)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "level", "occurred_at")

    level: AccessLevel
    deadline_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessDeadlineSet(_AboutCase):
    """Access decisions compare instants with ``deadline_at`` themselves, so that no late timer matters.

    ``None`` lifts the deadline (recovered, held, under review).
    """

    deadline_at: datetime | None
    steps: tuple[tuple[datetime, AccessLevel], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRestorationRequested(_AboutCase):
    """Access is asked to take this case's restriction away."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "why")

    why: str
    """``recovered``, ``relaunched``, ``staff``, ``resumed``, ..."""
    reopen_path_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEndRequested(_AboutCase):
    """The contract ends: now, or at the end of the paid period (T34, X-13)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditHoldRequested(_AboutCase):
    """Credits is asked to stop new bookings while the case is open (R-J6)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "hold")

    hold: str = "failure"
    """``failure``, or ``reversal`` for a reversal's case."""
    lessons: str = "deliver"
    """``deliver``: booked lessons take place meanwhile (R-J6); ``cancel``: those that start during the hold do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditReleaseRequested(_AboutCase):
    """Credits is asked to let bookings go on: the case gave way."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "hold")

    hold: str = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditForfeitRequested(_AboutCase):
    """Cancel every lesson that starts after ``occurred_at``, then forfeit (a) and (b) together (J47)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditRestorationRequested(_AboutCase):
    """Give back what this case forfeited, as a goodwill entry (JP-28, Q-J10)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "why")

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditGrantRequested(_AboutCase):
    """Grant the month's credits for ``covers_from`` to ``covers_until`` (both included)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "covers_from")

    covers_from: date
    covers_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayCancellationRequested(_AboutCase):
    """Payments is to make sure that the subscription is cancelled at the gateway (J19, R-J12)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionPauseRequested(_AboutCase):
    """Payments is to stop collection: pause the subscription, mark the invoice uncollectible (T17)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionResumptionRequested(_AboutCase):
    """A relaunch was paid: collection starts again with ``billing_day`` as its day (R-F9)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)

    billing_day: int
    next_billing_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationRequested(_AboutCase):
    """Payments is to read the gateway and tell what it finds (watchdog, unknown outcome)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "about")

    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPriceDropped(_AboutCase):
    """A grandfathered price ends with the cancelled subscription (J21)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)

    current_price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfPaymentLocked(_AboutCase):
    """The learner must not pay from My Page (J31, J44)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "why", "occurred_at")

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfPaymentOpened(_AboutCase):
    """My Page payment is open from ``opens_at`` until ``closes_at`` (aware UTC), or free when both are None."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "opens_at", "why")

    why: str
    opens_at: datetime | None = None
    closes_at: datetime | None = None


# --- mails ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRequested(_AboutCase):
    """Notifications is asked for one mail per (case, template, ordinal); data carries no name or address."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "template", "ordinal")

    template: Template
    ordinal: int = 1
    audience: Audience = Audience.LEARNER
    not_before: datetime | None = None
    """Earliest instant; the delivery calendar may move it later, a day-of reminder rolls back."""
    due_at: datetime | None = None
    """The target (R-J3); past it the office is alerted."""
    rolls_back: bool = False
    """A reminder that is worth nothing after its day leaves on the last business day before (JP-47)."""
    ignores_closures: bool = False
    """Receipts and answers to what the learner just did leave on closed days too (Q-J2)."""
    data: dict[str, str] = field(default_factory=dict)
    """What the template needs, as strings: ISO dates and instants, minor units with currency, codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailsObsoleted(_AboutCase):
    """Mails of this case that have not left are not to leave any more (R-J5)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "because")

    templates: tuple[Template, ...]
    because: str


# --- after exhaustion: the Japanese remediation ---------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceQueued(_AboutCase):
    """The office must guide this learner, in order of exhaustion, not before ``not_before`` (J45)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)

    not_before: datetime
    exhausted_at: datetime
    amount: Money
    because: Because | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceSent(_AboutCase):
    """The office told the learner how to pay the two months (T25)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)

    method: str
    amount: Money
    reference: str
    due_on: date | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LumpSumCounted(_AboutCase):
    """A receipt was counted; ``outstanding`` is what is still missing (R-J15)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "receipt_id")

    receipt_id: str
    received: Money
    outstanding: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageSettled(_AboutCase):
    """Both months are paid; ``periods`` are (first day, last day) pairs, both included (J24)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)

    periods: tuple[tuple[date, date], ...]
    proposed_resume_on: date
    because: Because | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeDateAnnounced(_AboutCase):
    """The office announced the day on which the learner pays from My Page (T28)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "day", "occurred_at")

    day: date
    opens_at: datetime
    closes_at: datetime
    by: str
    warnings: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeMissed(_AboutCase):
    """The announced day passed and the learner did not pay from My Page."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "day")

    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResumed(_AboutCase):
    """A new subscription is active; the procedure is finished (J29)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)

    gateway_subscription_id: str
    billing_day: int
    next_billing_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRelaunched(_AboutCase):
    """The suspended learner relaunched and paid (T20)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id",)

    billing_day: int
    next_billing_on: date
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaunchRefused(_AboutCase):
    """The path's re-enrolment deadline passed before the relaunch was submitted (T22)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "request")

    request: str
    why: str


# --- what people did, recorded through dunning's API ----------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerReported(_AboutCase):
    """The learner says the PayPal problem is solved, ready for the next attempt (J11, J39)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "report_id")

    report_id: str
    sealed_text: str = ""
    """The learner's own words never travel; this is a reference to where they are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaunchRequested(_AboutCase):
    """``occurred_at`` is the submission, which the path's deadline is tested against (R-F10)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "request")

    request: str
    path_id: str | None
    method: MethodKind = MethodKind.CARD


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationRequested(Fact):
    """The learner ends the contract (T34); there may be no case at all."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "request")

    subscription_id: str
    learner_id: str
    request: str
    by: CancelledBy = CancelledBy.LEARNER


@dataclass(frozen=True, slots=True, kw_only=True)
class _StaffAct(_AboutCase):
    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "act")

    act: str
    """The act's own id: the second click on one button is the same act."""
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceConfirmed(_StaffAct):
    """Staff confirms the temporary method and sends the guidance (T25)."""

    method: str
    reference: str
    amount: Money | None = None
    """Another amount than twice the current price needs a note."""
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeDateChosen(_StaffAct):
    """Staff chose the day on which the learner is to pay from My Page (T28)."""

    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceAccepted(_StaffAct):
    """Staff takes a wrong, partial or over-paid amount as settling the case (T11, T26)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSettled(_StaffAct):
    """Staff settled what the case was flagged for."""

    reason: ReviewReason
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClosureChosen(_StaffAct):
    """Staff closes the case: left the school, written off, opened in error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineExtended(_StaffAct):
    """Longer only (invariant 11)."""

    deadline_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessGranted(_StaffAct):
    """Staff restores access with a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualAttemptChosen(_StaffAct):
    """Staff asks for one more attempt now (merchant-executed policies only, J16)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalResolved(_StaffAct):
    """A reversal's case is settled; ``keep_access`` and ``release_credits`` tell how."""

    keep_access: bool
    release_credits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditRestorationChosen(_StaffAct):
    """Staff gives back what the case forfeited, as goodwill (Q-J10)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateAdopted(_StaffAct):
    """Staff takes an unexpected registration as the new subscription (JP-11)."""

    gateway_subscription_id: str
    day: date


# --- plans of dunning itself, said when they fall due ---------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan(_AboutCase):
    """``occurred_at`` is the hour the plan was made for; a moot plan is answered with nothing."""

    PLAN: ClassVar[bool] = True
    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "occurred_at", "ordinal")

    ordinal: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFellDue(_Plan):
    """The hour of a planned attempt has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineFellDue(_Plan):
    """The hour at which access ends has come, unless something changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFellDue(_Plan):
    """The longest wait for an open outcome is over (T14)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeFellDue(_Plan):
    """A 3DS challenge's life is over."""

    challenge_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessStepFellDue(_Plan):
    """Full becomes read-only, and so on (``grace-then-readonly``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchdogFellDue(_Plan):
    """No result came within the forecast and its margin (T37)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalFellDue(_Plan):
    """A month should have been debited by now: ``ordinal`` 1 asks what became of it, 2 tells of silence (JP-32).

    ``case_id`` is the one a failure of ``period`` would have.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsequenceFellDue(_Plan):
    """A step that waited for its notice may run now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceFellDue(_Plan):
    """From now on the learner may be guided (J45)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeDayBegan(_Plan):
    """The announced day has begun: My Page opens."""

    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeDayEnded(_Plan):
    """The announced day is over: a learner who did not pay missed it."""

    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageBegan(_Plan):
    """A covered month starts: its credits are granted (JP-07)."""

    covers_from: date
    covers_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderFellDue(_Plan):
    """The hour of a reminder has come."""

    template: Template
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureApproached(Fact):
    """A plan: the last business day before a closure has come; learners concerned are told (J38)."""

    KEY: ClassVar[str] = "school_id"
    PLAN: ClassVar[bool] = True

    closure_id: str
    first: date
    last: date


SAYS: tuple[type[Fact], ...] = (
    SchoolRegistered,
    PolicyAdopted,
    ClosureAnnounced,
    ClosureWithdrawn,
    CaseOpened,
    AttemptRecorded,
    AttemptScheduled,
    AttemptForecast,
    AttemptForecastMissed,
    AttemptRequested,
    AttemptSkipped,
    CaseFlagged,
    CaseFlagSettled,
    OutcomeAwaited,
    PeriodPaid,
    CaseRecovered,
    CaseExhausted,
    ExhaustionCorrected,
    ConsequenceHeld,
    CaseSuspended,
    CaseClosed,
    AccessSuspensionRequested,
    AccessDeadlineSet,
    AccessRestorationRequested,
    AccessEndRequested,
    CreditHoldRequested,
    CreditReleaseRequested,
    CreditForfeitRequested,
    CreditRestorationRequested,
    CreditGrantRequested,
    GatewayCancellationRequested,
    SubscriptionPauseRequested,
    SubscriptionResumptionRequested,
    ReconciliationRequested,
    OldPriceDropped,
    SelfPaymentLocked,
    SelfPaymentOpened,
    MailRequested,
    MailsObsoleted,
    GuidanceQueued,
    GuidanceSent,
    LumpSumCounted,
    CoverageSettled,
    ResumeDateAnnounced,
    ResumeMissed,
    CaseResumed,
    CaseRelaunched,
    RelaunchRefused,
    LearnerReported,
    RelaunchRequested,
    CancellationRequested,
    GuidanceConfirmed,
    ResumeDateChosen,
    DifferenceAccepted,
    FlagSettled,
    CaseClosureChosen,
    DeadlineExtended,
    AccessGranted,
    ManualAttemptChosen,
    ReversalResolved,
    CreditRestorationChosen,
    DuplicateAdopted,
    AttemptFellDue,
    DeadlineFellDue,
    HoldFellDue,
    ChallengeFellDue,
    AccessStepFellDue,
    WatchdogFellDue,
    RenewalFellDue,
    ConsequenceFellDue,
    GuidanceFellDue,
    ResumeDayBegan,
    ResumeDayEnded,
    CoverageBegan,
    ReminderFellDue,
    ClosureApproached,
)
