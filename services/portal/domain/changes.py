"""What each fact of dunning changes in what a learner sees of a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from services.portal.domain.case import (
    STORY_KEPT,
    Attempt,
    Case,
    End,
    Forecast,
    Guided,
    Planned,
    Resume,
    Told,
)
from shared.events import dunning as facts
from shared.events.words import AttemptKind, CaseState

Change = Callable[[Case, Any], Case]


def after(case: Case, fact: Any) -> Case:
    """The case after ``fact``; what is of no concern to the learner changes nothing."""
    change = CHANGES.get(type(fact))
    if change is None or (case.state.is_terminal and type(fact) not in _STILL):
        return case
    return change(case, fact)


def _tell(case: Case, told: Told) -> Case:
    story = sorted((*case.story, told), key=lambda one: one.at)
    if len(story) > STORY_KEPT:
        del story[STORY_KEPT // 2]
    return replace(case, story=tuple(story))


def _opened(case: Case, fact: facts.CaseOpened) -> Case:
    case = replace(
        case,
        kind=fact.kind,
        gateway=fact.gateway,
        amount=fact.amount,
        policy_id=fact.policy_id,
        state=case.state if fact.kind == "renewal" else CaseState.UNDER_REVIEW,
        opened_at=fact.occurred_at,
        decline=case.decline or fact.decline,
        deadline_at=case.deadline_at or fact.deadline_at,
        lapses_on=fact.effective_forfeiture_on,
    )
    case = _tell(case, Told(at=fact.occurred_at, what="opened"))
    if fact.deadline_at is None:
        return case
    told = Told(at=fact.occurred_at, what="deadline", when=fact.deadline_at, because=fact.deadline_because)
    return _tell(case, told)


def _attempted(case: Case, fact: facts.AttemptRecorded) -> Case:
    attempt = Attempt(
        transaction_id=fact.transaction_id,
        ordinal=fact.ordinal,
        at=fact.occurred_at,
        outcome=fact.outcome,
        kind=fact.kind,
        amount=fact.amount,
        decline=fact.decline,
    )
    others = [one for one in case.attempts if one.transaction_id != fact.transaction_id]
    ordered = sorted((*others, attempt), key=lambda one: one.at)
    numbered = tuple(replace(one, ordinal=place) for place, one in enumerate(ordered, start=1))
    failed = [one for one in numbered if one.outcome == "failed"]
    is_settled = fact.outcome != "pending"
    return replace(
        case,
        attempts=numbered,
        decline=failed[-1].decline if failed else case.decline,
        asked_kind=None if is_settled else case.asked_kind,
        forecast=None if case.forecast and case.forecast.ordinal <= len(numbered) else case.forecast,
    )


def _scheduled(case: Case, fact: facts.AttemptScheduled) -> Case:
    others = [one for one in case.planned if one.ordinal != fact.ordinal]
    case = replace(case, planned=(*others, Planned(ordinal=fact.ordinal, at=fact.at)))
    return _tell(
        case,
        Told(
            at=fact.occurred_at,
            what="retry",
            when=fact.at,
            because=fact.because,
            values={"ordinal": str(fact.ordinal)},
        ),
    )


def _forecast(case: Case, fact: facts.AttemptForecast) -> Case:
    expected = Forecast(
        ordinal=fact.ordinal,
        earliest=fact.earliest,
        latest=fact.latest,
        first_day=fact.first_day,
        last_day=fact.last_day,
    )
    values = {
        "ordinal": str(fact.ordinal),
        "first": fact.first_day.isoformat(),
        "last": fact.last_day.isoformat(),
    }
    told = Told(at=fact.occurred_at, what="forecast", because=fact.because, values=values)
    return _tell(replace(case, forecast=expected), told)


def _skipped(case: Case, fact: facts.AttemptSkipped) -> Case:
    planned = tuple(one for one in case.planned if one.ordinal != fact.ordinal)
    return _tell(
        replace(case, planned=planned),
        Told(at=fact.occurred_at, what="skipped_attempt", values={"ordinal": str(fact.ordinal)}),
    )


def _requested(case: Case, fact: facts.AttemptRequested) -> Case:
    at = fact.occurred_at
    relaunch = at if fact.kind is AttemptKind.RELAUNCH else case.relaunch_at
    return replace(case, asked_kind=fact.kind, asked_at=at, relaunch_at=relaunch)


def _awaited(case: Case, fact: facts.OutcomeAwaited) -> Case:
    return replace(case, state=CaseState.AWAITING_OUTCOME, held_until=fact.until)


def _access_deadline(case: Case, fact: facts.AccessDeadlineSet) -> Case:
    if fact.deadline_at is None or fact.deadline_at == case.deadline_at:
        return case
    told = Told(at=fact.occurred_at, what="deadline_moved", when=fact.deadline_at)
    return _tell(replace(case, deadline_at=fact.deadline_at), told)


def _recovered(case: Case, fact: facts.CaseRecovered) -> Case:
    end = End(
        at=fact.occurred_at,
        amount=fact.amount,
        next_billing_on=fact.next_billing_on,
        transaction_id=fact.transaction_id,
    )
    case = replace(case, end=end, state=CaseState.RECOVERED, forecast=None, planned=(), asked_kind=None)
    return _tell(case, Told(at=fact.occurred_at, what="recovered"))


def _exhausted(case: Case, fact: facts.CaseExhausted) -> Case:
    case = replace(
        case,
        state=CaseState.EXHAUSTING,
        exhausted_at=fact.occurred_at,
        cause=fact.cause,
        planned=(),
        forecast=None,
        asked_kind=None,
    )
    return _tell(case, Told(at=fact.occurred_at, what="exhausted", values={"cause": fact.cause.value}))


def _suspended(case: Case, fact: facts.CaseSuspended) -> Case:
    case = replace(case, state=CaseState.SUSPENDED, suspended_at=fact.occurred_at)
    return _tell(case, Told(at=fact.occurred_at, what="suspended"))


def _closed(case: Case, fact: facts.CaseClosed) -> Case:
    case = replace(case, state=fact.state, closed_at=fact.occurred_at, asked_kind=None, locked="")
    return _tell(case, Told(at=fact.occurred_at, what=f"closed_{fact.state.value}"))


def _queued(case: Case, fact: facts.GuidanceQueued) -> Case:
    case = replace(case, state=CaseState.AWAITING_GUIDANCE, guidance_from=fact.not_before)
    return _tell(case, Told(at=fact.occurred_at, what="guidance", when=fact.not_before, because=fact.because))


def _guided(case: Case, fact: facts.GuidanceSent) -> Case:
    guided = Guided(
        method=fact.method,
        amount=fact.amount,
        reference=fact.reference,
        due_on=fact.due_on,
        at=fact.occurred_at,
    )
    case = replace(case, state=CaseState.AWAITING_LUMP_SUM, guided=guided)
    return _tell(case, Told(at=fact.occurred_at, what="guided"))


def _counted(case: Case, fact: facts.LumpSumCounted) -> Case:
    return replace(case, received=fact.received, outstanding=fact.outstanding)


def _covered(case: Case, fact: facts.CoverageSettled) -> Case:
    case = replace(case, state=CaseState.COVERED, covered=fact.periods)
    told = Told(
        at=fact.occurred_at,
        what="covered",
        because=fact.because,
        values={"day": fact.proposed_resume_on.isoformat()},
    )
    return _tell(case, told)


def _announced(case: Case, fact: facts.ResumeDateAnnounced) -> Case:
    resume = Resume(day=fact.day, opens_at=fact.opens_at, closes_at=fact.closes_at)
    case = replace(case, state=CaseState.COVERED, resume=resume)
    return _tell(case, Told(at=fact.occurred_at, what="announced", values={"day": fact.day.isoformat()}))


def _opened_for_payment(case: Case, fact: facts.SelfPaymentOpened) -> Case:
    state = CaseState.RESUME_OPEN if fact.opens_at is not None else case.state
    return replace(case, locked="", state=case.state if case.state.is_terminal else state)


def _locked(case: Case, fact: facts.SelfPaymentLocked) -> Case:
    return replace(case, locked=fact.why)


def _missed(case: Case, fact: facts.ResumeMissed) -> Case:
    resume = replace(case.resume, missed=True) if case.resume and case.resume.day == fact.day else case.resume
    case = replace(case, resume=resume, state=CaseState.RESUME_OVERDUE)
    return _tell(case, Told(at=fact.occurred_at, what="missed", values={"day": fact.day.isoformat()}))


def _resumed(case: Case, fact: facts.CaseResumed) -> Case:
    end = End(at=fact.occurred_at, billing_day=fact.billing_day, next_billing_on=fact.next_billing_on)
    return _tell(replace(case, end=end, state=CaseState.RESUMED), Told(at=fact.occurred_at, what="resumed"))


def _relaunched(case: Case, fact: facts.CaseRelaunched) -> Case:
    end = End(
        at=fact.occurred_at,
        amount=fact.amount,
        billing_day=fact.billing_day,
        next_billing_on=fact.next_billing_on,
    )
    return _tell(
        replace(case, end=end, state=CaseState.RELAUNCHED), Told(at=fact.occurred_at, what="relaunched")
    )


def _relaunch_asked(case: Case, fact: facts.RelaunchRequested) -> Case:
    return replace(case, relaunch_at=fact.occurred_at, relaunch_refused="")


def _relaunch_refused(case: Case, fact: facts.RelaunchRefused) -> Case:
    case = replace(case, relaunch_refused=fact.why, asked_kind=None)
    return _tell(case, Told(at=fact.occurred_at, what="relaunch_refused"))


def _reported(case: Case, fact: facts.LearnerReported) -> Case:
    case = replace(case, reported_at=fact.occurred_at)
    return _tell(case, Told(at=fact.occurred_at, what="reported"))


def _flagged(case: Case, fact: facts.CaseFlagged) -> Case:
    return replace(case, flagged=tuple(sorted({*case.flagged, fact.reason.value})))


def _settled(case: Case, fact: facts.CaseFlagSettled) -> Case:
    return replace(case, flagged=tuple(one for one in case.flagged if one != fact.reason.value))


CHANGES: Final[Mapping[type[Any], Change]] = {
    facts.CaseOpened: _opened,
    facts.AttemptRecorded: _attempted,
    facts.AttemptScheduled: _scheduled,
    facts.AttemptForecast: _forecast,
    facts.AttemptSkipped: _skipped,
    facts.AttemptRequested: _requested,
    facts.OutcomeAwaited: _awaited,
    facts.AccessDeadlineSet: _access_deadline,
    facts.CaseRecovered: _recovered,
    facts.CaseExhausted: _exhausted,
    facts.CaseSuspended: _suspended,
    facts.CaseClosed: _closed,
    facts.GuidanceQueued: _queued,
    facts.GuidanceSent: _guided,
    facts.LumpSumCounted: _counted,
    facts.CoverageSettled: _covered,
    facts.ResumeDateAnnounced: _announced,
    facts.SelfPaymentOpened: _opened_for_payment,
    facts.SelfPaymentLocked: _locked,
    facts.ResumeMissed: _missed,
    facts.CaseResumed: _resumed,
    facts.CaseRelaunched: _relaunched,
    facts.RelaunchRequested: _relaunch_asked,
    facts.RelaunchRefused: _relaunch_refused,
    facts.LearnerReported: _reported,
    facts.CaseFlagged: _flagged,
    facts.CaseFlagSettled: _settled,
}

_STILL: Final = frozenset(
    {facts.CaseOpened, facts.AttemptRecorded, facts.CaseClosed, facts.CaseFlagged, facts.CaseFlagSettled}
)
"""What still changes a case that is over: its history."""
