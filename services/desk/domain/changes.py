"""What each fact changes in a case of the desk's lists. Facts come in any order between topics; a terminal state stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from services.desk.domain.case import Case, Question
from shared.events import dunning as facts
from shared.events import notifications
from shared.events.words import Audience, CaseState

Change = Callable[[Case, Any], Case]


def after(case: Case, fact: Any) -> Case:
    """The case after ``fact``; the very same when the fact is of no concern to the lists."""
    change = CHANGES.get(type(fact))
    changed = change(case, fact) if change is not None else case
    if changed == case:
        return case
    return replace(changed, changes=case.changes + 1, changed_at=fact.occurred_at)


def _to(case: Case, state: CaseState, **fields: Any) -> Case:
    """Another state, unless the case is over."""
    over = case.state is not None and case.state.is_terminal
    return replace(case, state=case.state if over else state, **fields)


def _opened(case: Case, fact: facts.CaseOpened) -> Case:
    first = CaseState.RETRYING if fact.kind == "renewal" else CaseState.UNDER_REVIEW
    return replace(
        case,
        kind=fact.kind,
        state=case.state or first,
        gateway=fact.gateway,
        amount=fact.amount,
        policy_id=fact.policy_id,
        policy_version=fact.policy_version,
        opened_at=fact.occurred_at,
        decline=case.decline or fact.decline,
        first_decline=fact.decline,
        deadline_at=case.deadline_at or fact.deadline_at,
    )


def _attempted(case: Case, fact: facts.AttemptRecorded) -> Case:
    others = [one for one in case.tries if one[0] != fact.transaction_id]
    tries = sorted(
        (*others, (fact.transaction_id, fact.occurred_at, fact.outcome)), key=lambda one: (one[1], one[0])
    )
    forecast = case.forecast
    return replace(
        case,
        tries=tuple(tries),
        decline=fact.decline or case.decline,
        planned=tuple(one for one in case.planned if one[1] > fact.occurred_at),
        forecast=None if forecast and forecast[2] <= len(tries) else forecast,
    )


def _scheduled(case: Case, fact: facts.AttemptScheduled) -> Case:
    others = [one for one in case.planned if one[0] != fact.ordinal]
    return replace(case, planned=tuple(sorted((*others, (fact.ordinal, fact.at)))))


def _unplanned(case: Case, fact: facts.AttemptSkipped) -> Case:
    return replace(case, planned=tuple(one for one in case.planned if one[0] != fact.ordinal))


def _forecast(case: Case, fact: facts.AttemptForecast) -> Case:
    if fact.ordinal <= len(case.tries):
        return case
    return replace(case, forecast=(fact.earliest, fact.latest, fact.ordinal))


def _awaited(case: Case, fact: facts.OutcomeAwaited) -> Case:
    return _to(case, CaseState.AWAITING_OUTCOME, deadline_at=fact.until)


def _deadline(case: Case, fact: facts.AccessDeadlineSet) -> Case:
    return replace(case, deadline_at=fact.deadline_at or case.deadline_at)


def _recovered(case: Case, fact: facts.CaseRecovered) -> Case:
    paid_by = next((place for place, one in enumerate(case.tries, 1) if one[0] == fact.transaction_id), 0)
    return _to(
        case, CaseState.RECOVERED, closed_at=fact.occurred_at, recovered_by=paid_by, planned=(), forecast=None
    )


def _exhausted(case: Case, fact: facts.CaseExhausted) -> Case:
    before = case.state in {None, CaseState.RETRYING, CaseState.AWAITING_OUTCOME}
    fields = {"exhausted_at": fact.occurred_at, "cause": fact.cause, "planned": (), "forecast": None}
    return _to(case, CaseState.EXHAUSTING, **fields) if before else replace(case, **fields)  # type: ignore[arg-type]  # each field by its own name


def _corrected(case: Case, fact: facts.ExhaustionCorrected) -> Case:
    return replace(case, exhausted_at=fact.occurred_at, cause=fact.cause)


def _queued(case: Case, fact: facts.GuidanceQueued) -> Case:
    return _to(
        case,
        CaseState.AWAITING_GUIDANCE,
        guidance_from=fact.not_before,
        exhausted_at=fact.exhausted_at,
        asked=fact.amount,
    )


def _guided(case: Case, fact: facts.GuidanceSent) -> Case:
    return _to(
        case,
        CaseState.AWAITING_LUMP_SUM,
        asked=fact.amount,
        outstanding=fact.amount,
        method=fact.method,
        reference=fact.reference,
        due_on=fact.due_on,
    )


def _counted(case: Case, fact: facts.LumpSumCounted) -> Case:
    return replace(case, outstanding=fact.outstanding)


def _covered(case: Case, fact: facts.CoverageSettled) -> Case:
    return _to(case, CaseState.COVERED, proposed_on=fact.proposed_resume_on)


def _announced(case: Case, fact: facts.ResumeDateAnnounced) -> Case:
    return _to(
        case, CaseState.COVERED, announced_on=fact.day, opens_at=fact.opens_at, closes_at=fact.closes_at
    )


def _day_began(case: Case, fact: facts.SelfPaymentOpened) -> Case:
    return case if fact.opens_at is None else _to(case, CaseState.RESUME_OPEN)


def _closed(case: Case, fact: facts.CaseClosed) -> Case:
    return _to(case, fact.state, closed_at=fact.occurred_at, planned=(), forecast=None)


def _flagged(case: Case, fact: facts.CaseFlagged) -> Case:
    others = _others(case, fact)
    asked = Question(reason=fact.reason, about=fact.about, detail=fact.detail, since=fact.occurred_at)
    return replace(case, questions=(*others, asked))


def _settled(case: Case, fact: facts.CaseFlagSettled) -> Case:
    return replace(case, questions=_others(case, fact))


def _others(case: Case, fact: Any) -> tuple[Question, ...]:
    return tuple(one for one in case.questions if (one.reason, one.about) != (fact.reason, fact.about))


# --- mails -----------------------------------------------------------------------------------------------


def _waits(case: Case, fact: notifications.MailDeferred) -> Case:
    case = _moved_on(case, fact)
    is_held = fact.because == "closed" and fact.audience is Audience.LEARNER
    return replace(case, held=tuple(sorted({*case.held, fact.mail_id}))) if is_held else case


def _stuck(case: Case, fact: Any) -> Case:
    return replace(_moved_on(case, fact), stuck=tuple(sorted({*case.stuck, fact.mail_id})))


def _moved_on(case: Case, fact: Any) -> Case:
    """It left, was dropped or released: it neither waits nor needs anybody."""
    return replace(
        case,
        held=tuple(one for one in case.held if one != fact.mail_id),
        stuck=tuple(one for one in case.stuck if one != fact.mail_id),
    )


CHANGES: Final[Mapping[type[Any], Change]] = {
    facts.CaseOpened: _opened,
    facts.AttemptRecorded: _attempted,
    facts.AttemptScheduled: _scheduled,
    facts.AttemptSkipped: _unplanned,
    facts.AttemptForecast: _forecast,
    facts.OutcomeAwaited: _awaited,
    facts.AccessDeadlineSet: _deadline,
    facts.CaseRecovered: _recovered,
    facts.CaseExhausted: _exhausted,
    facts.ExhaustionCorrected: _corrected,
    facts.CaseSuspended: lambda case, _: _to(case, CaseState.SUSPENDED),
    facts.GuidanceQueued: _queued,
    facts.GuidanceSent: _guided,
    facts.LumpSumCounted: _counted,
    facts.CoverageSettled: _covered,
    facts.ResumeDateAnnounced: _announced,
    facts.SelfPaymentOpened: _day_began,
    facts.ResumeMissed: lambda case, _: _to(case, CaseState.RESUME_OVERDUE, announced_on=None, opens_at=None),
    facts.CaseRelaunched: lambda case, fact: _to(case, CaseState.RELAUNCHED, closed_at=fact.occurred_at),
    facts.CaseResumed: lambda case, fact: _to(case, CaseState.RESUMED, closed_at=fact.occurred_at),
    facts.CaseClosed: _closed,
    facts.LearnerReported: lambda case, fact: replace(case, reported_at=fact.occurred_at),
    facts.CaseFlagged: _flagged,
    facts.CaseFlagSettled: _settled,
    notifications.MailDeferred: _waits,
    notifications.MailParked: _stuck,
    notifications.MailFailed: _stuck,
    notifications.NoticeOverdue: _stuck,
    notifications.MailSent: _moved_on,
    notifications.MailDropped: _moved_on,
    notifications.MailReleased: _moved_on,
}
