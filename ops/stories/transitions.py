"""Which transitions of the state machine (domain.md §2.2) a story took, told from its facts alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from shared.events import Fact, dunning, payments
from shared.events.words import AttemptKind, CaseState, ExhaustionCause, ReviewReason

ALL: Final = tuple(f"T{number}" for number in range(1, 38))
_MONEY: Final = {
    ReviewReason.AMOUNT_MISMATCH,
    ReviewReason.CURRENCY_MISMATCH,
    ReviewReason.PARTIAL_PAYMENT,
    ReviewReason.OVERPAYMENT,
}
_LATE_MONEY: Final = {ReviewReason.LATE_SUCCESS, ReviewReason.DOUBLE_PAYMENT}
_OUTCOMES: Final = (payments.AttemptSucceeded, payments.AttemptFailed, payments.AttemptPending)
_TOLERANCE: Final = timedelta(minutes=2)


@dataclass(slots=True)
class _Case:
    """What the facts so far say of one case."""

    state: str = "retrying"
    failures: int = 0
    deadline: datetime | None = None
    held: bool = False
    auth: bool = False
    closed: bool = False
    guided: bool = False


@dataclass(slots=True)
class _Watch:
    """Reads facts in their order and notes the transitions."""

    taken: set[str] = field(default_factory=set)
    cases: dict[str, _Case] = field(default_factory=dict)
    updated: set[str] = field(default_factory=set)

    def case(self, case_id: str) -> _Case:
        return self.cases.setdefault(case_id, _Case())

    def of(self, subscription_id: str) -> list[_Case]:
        return [case for name, case in self.cases.items() if name.split("~")[0] == subscription_id]

    def see(self, fact: Fact) -> None:
        told = _SEES.get(type(fact))
        if told is not None:
            told(self, fact)

    # --- payments ---

    def attempt(self, fact: Any) -> None:
        case = self.cases.get(f"{fact.subscription_id}~{fact.period}")
        if case is not None and case.closed:
            self.taken.add("T35")
        if case is None and isinstance(fact, payments.AttemptSucceeded) and fact.kind is AttemptKind.RENEWAL:
            self.taken.add("T3")
        if isinstance(fact, payments.AttemptFailed) and fact.kind is AttemptKind.RELAUNCH:
            self.taken.add("T21")

    def method(self, fact: payments.PaymentMethodUpdated) -> None:
        if any(case.state == "retrying" and not case.closed for case in self.of(fact.subscription_id)):
            self.taken.add("T7")

    def challenge(self, fact: Any) -> None:
        case = self.cases.get(f"{fact.subscription_id}~{fact.period}")
        if case is not None and case.state == "retrying" and not case.closed:
            self.taken.add("T8")

    # --- dunning ---

    def opened(self, fact: dunning.CaseOpened) -> None:
        self.cases[fact.case_id] = _Case(
            state="under_review" if fact.kind == "reversal" else "retrying", deadline=fact.deadline_at
        )
        self.taken.add("T36" if fact.kind == "reversal" else "T1")

    def recorded(self, fact: dunning.AttemptRecorded) -> None:
        case = self.case(fact.case_id)
        if fact.outcome == "failed" and not case.closed:
            case.failures += 1
            if case.failures > 1 and case.state == "retrying":
                self.taken.add("T6")

    def requested(self, fact: dunning.AttemptRequested) -> None:
        if fact.kind is AttemptKind.RENEWAL:
            self.taken.add("T4")
        elif fact.kind is AttemptKind.RELAUNCH:
            self.taken.add("T19")

    def skipped(self, fact: dunning.AttemptSkipped) -> None:
        if "hard" in fact.reason:
            self.taken.add("T5")

    def reported(self, fact: dunning.LearnerReported) -> None:
        if self.case(fact.case_id).state == "retrying":
            self.taken.add("T9")

    def recovered(self, fact: dunning.CaseRecovered) -> None:
        case = self.case(fact.case_id)
        if case.state == "suspended":
            in_time = case.deadline is not None and fact.occurred_at <= case.deadline + _TOLERANCE
            self.taken.add("T23" if in_time else "T24")
        elif case.state == "retrying" and fact.late:
            self.taken.add("T2")
        else:
            self.taken.add("T10")
        case.state = "recovered"

    def flagged(self, fact: dunning.CaseFlagged) -> None:
        case = self.case(fact.case_id)
        if fact.reason in _MONEY:
            self.taken.add("T27" if case.guided else "T11")
        elif fact.reason is ReviewReason.DUPLICATE_REGISTRATION:
            self.taken.add("T32")
        elif fact.reason in _LATE_MONEY:
            self.taken.add("T33")
        elif fact.reason is ReviewReason.WATCHDOG:
            self.taken.add("T37")

    def awaited(self, fact: dunning.OutcomeAwaited) -> None:
        case = self.case(fact.case_id)
        case.held, case.state = True, "awaiting_outcome"
        self.taken.add("T13")

    def deadline(self, fact: dunning.AccessDeadlineSet) -> None:
        if fact.deadline_at is not None:
            self.case(fact.case_id).deadline = fact.deadline_at

    def exhausted(self, fact: dunning.CaseExhausted) -> None:
        case = self.case(fact.case_id)
        if case.held:
            self.taken.add("T14")
        elif fact.cause is ExhaustionCause.DEADLINE:
            self.taken.add("T12")
        elif fact.cause is ExhaustionCause.LAST_ATTEMPT_FAILED:
            self.taken.add("T15")
        else:
            self.taken.add("T16")
        case.state = "exhausting"

    def suspended(self, fact: dunning.CaseSuspended) -> None:
        self.case(fact.case_id).state = "suspended"
        self.taken.add("T17")

    def queued(self, fact: dunning.GuidanceQueued) -> None:
        self.case(fact.case_id).state = "awaiting_guidance"
        self.taken.add("T18")

    def relaunched(self, fact: dunning.CaseRelaunched) -> None:
        self.case(fact.case_id).state = "relaunched"
        self.taken.add("T20")

    def relaunch_refused(self, fact: dunning.RelaunchRefused) -> None:
        if fact.why == "deadline_passed":
            self.taken.add("T22")

    def guided(self, fact: dunning.GuidanceSent) -> None:
        case = self.case(fact.case_id)
        case.state, case.guided = "awaiting_lump_sum", True
        self.taken.add("T25")

    def counted(self, fact: dunning.LumpSumCounted) -> None:
        if not fact.outstanding.is_zero:
            self.taken.add("T27")

    def covered(self, fact: dunning.CoverageSettled) -> None:
        case = self.case(fact.case_id)
        case.state, case.guided = "covered", False
        self.taken.add("T26")

    def announced(self, _: dunning.ResumeDateAnnounced) -> None:
        self.taken.add("T28")

    def day_opened(self, fact: dunning.SelfPaymentOpened) -> None:
        if fact.opens_at is not None and self.case(fact.case_id).state in {"covered", "resume_overdue"}:
            self.case(fact.case_id).state = "resume_open"
            self.taken.add("T29")

    def resumed(self, fact: dunning.CaseResumed) -> None:
        self.case(fact.case_id).state = "resumed"
        self.taken.add("T30")

    def missed(self, fact: dunning.ResumeMissed) -> None:
        self.case(fact.case_id).state = "resume_overdue"
        self.taken.add("T31")

    def closed(self, fact: dunning.CaseClosed) -> None:
        case = self.case(fact.case_id)
        case.closed = True
        if fact.state is CaseState.CANCELLED_BY_LEARNER:
            self.taken.add("T34")


_SEES: Final[dict[type[Any], Any]] = {
    **dict.fromkeys(_OUTCOMES, _Watch.attempt),
    payments.PaymentMethodUpdated: _Watch.method,
    payments.AuthenticationStarted: _Watch.challenge,
    payments.AuthenticationPassed: _Watch.challenge,
    dunning.CaseOpened: _Watch.opened,
    dunning.AttemptRecorded: _Watch.recorded,
    dunning.AttemptRequested: _Watch.requested,
    dunning.AttemptSkipped: _Watch.skipped,
    dunning.LearnerReported: _Watch.reported,
    dunning.CaseRecovered: _Watch.recovered,
    dunning.CaseFlagged: _Watch.flagged,
    dunning.OutcomeAwaited: _Watch.awaited,
    dunning.AccessDeadlineSet: _Watch.deadline,
    dunning.CaseExhausted: _Watch.exhausted,
    dunning.CaseSuspended: _Watch.suspended,
    dunning.GuidanceQueued: _Watch.queued,
    dunning.CaseRelaunched: _Watch.relaunched,
    dunning.RelaunchRefused: _Watch.relaunch_refused,
    dunning.GuidanceSent: _Watch.guided,
    dunning.LumpSumCounted: _Watch.counted,
    dunning.CoverageSettled: _Watch.covered,
    dunning.ResumeDateAnnounced: _Watch.announced,
    dunning.SelfPaymentOpened: _Watch.day_opened,
    dunning.CaseResumed: _Watch.resumed,
    dunning.ResumeMissed: _Watch.missed,
    dunning.CaseClosed: _Watch.closed,
}


def transitions_of(facts: Iterable[Fact], refusals: Iterable[str] = ()) -> frozenset[str]:
    """The transitions these facts, in the order of their telling, were made by.

    ``refusals`` are what people were refused at the door, where no fact comes of it (T22).
    """
    watch = _Watch()
    for fact in facts:
        watch.see(fact)
    if any(refusal.startswith("learner relaunches") and "deadline" in refusal for refusal in refusals):
        watch.taken.add("T22")
    return frozenset(watch.taken)
