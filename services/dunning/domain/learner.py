"""What the learner does about it: another card, a yes on the bank's page, a report, an end (F17, F23, J11; T7-T9, T34)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from services.dunning.domain import budgets, mails
from services.dunning.domain.attempts import something_open
from services.dunning.domain.case import Case
from services.dunning.domain.exhaustion import End, exhaust
from services.dunning.domain.holds import rehold
from services.dunning.domain.parts import Challenge
from services.dunning.domain.retries import ask, learner_id, next_ordinal
from services.dunning.domain.turn import Decision, Turn, World, nothing
from services.dunning.domain.unopened import month
from services.dunning.domain.watch import watch
from services.dunning.policies import dates
from shared.calendar import end_of_day
from shared.events import dunning as facts
from shared.events import payments
from shared.events.words import AttemptKind, CaseState, ExhaustionCause

_BEFORE: Final = frozenset({CaseState.RETRYING, CaseState.AWAITING_OUTCOME})


def when_method_updated(
    world: World, case: Case, fact: payments.PaymentMethodUpdated, now: datetime, cause: str | None = None
) -> Decision:
    """Another card or PayPal: charge at once, unless an attempt is in flight, which comes first (T7, R-F7)."""
    if case.state not in _BEFORE:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    turn.mark("method_updated")
    turn.unmark("hard_decline")
    turn.note("method_updated", when=fact.occurred_at, label=fact.label)
    if not _charges_now(turn, fact):
        mails.tell(turn, "method_updated", by_charge=False)
    elif something_open(turn.case):
        turn.set(queued=fact.update_id)
        turn.note("charge_queued", update=fact.update_id)
    else:
        _charge(turn, fact.update_id)
    watch(turn)
    return turn.finish()


def _charges_now(turn: Turn, fact: payments.PaymentMethodUpdated) -> bool:
    attempts, case = turn.policy.attempts, turn.case
    ends = case.clock.ends_at
    return (
        attempts.executor == "merchant"
        and attempts.on_method_update == "immediate_learner_initiated"
        and not case.frozen
        and not case.has("cancel_requested")
        and not case.has("subscription_gone")
        and (ends is None or fact.occurred_at < ends)
    )


def _charge(turn: Turn, update: str) -> None:
    forbidden = budgets.forbids(turn, AttemptKind.LEARNER)
    if forbidden is not None:
        turn.note("charge_forbidden", reason=forbidden.word, because=forbidden.because)
        return
    ask(turn, learner_id(turn.case, update), AttemptKind.LEARNER, next_ordinal(turn.case), on_session=True)


def when_authentication_started(
    world: World, case: Case, fact: payments.AuthenticationStarted, now: datetime, cause: str | None = None
) -> Decision:
    """The learner is on the bank's page: what began before the deadline counts (T8, R-F13)."""
    ends = dates.challenge_end(world.policy, fact.occurred_at)
    if case.state not in _BEFORE or ends is None or world.policy.attempts.executor != "merchant":
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    flight = case.in_flight
    turn.set(
        challenge=Challenge(
            challenge_id=fact.challenge_id,
            started_at=fact.occurred_at,
            expires_at=ends.at,
            for_request=flight.request_id if flight and flight.kind is not AttemptKind.RENEWAL else None,
        )
    )
    turn.later(ends.at, facts.ChallengeFellDue, challenge_id=fact.challenge_id)
    turn.note("challenge_started", when=fact.occurred_at, until=ends.at, because=ends.because)
    watch(turn)
    return turn.finish()


def when_authentication_passed(
    world: World, case: Case, fact: payments.AuthenticationPassed, now: datetime, cause: str | None = None
) -> Decision:
    """The bank said yes: the charge follows on-session, behind whatever is in flight (T8)."""
    if case.state not in _BEFORE or world.policy.attempts.executor != "merchant":
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    challenge, flight = case.challenge, case.in_flight
    mine = challenge is not None and challenge.challenge_id == fact.challenge_id
    turn.mark("authenticated")
    turn.unmark("auth_needed")
    turn.note("challenge_passed", when=fact.occurred_at)
    if mine:
        turn.set(challenge=None)
    of_flight = (
        mine and challenge is not None and flight is not None and challenge.for_request == flight.request_id
    )
    if (
        not of_flight
        and not case.frozen
        and not _too_late(case, challenge if mine else None, fact.occurred_at)
    ):
        if something_open(turn.case):
            turn.set(queued=f"auth-{fact.challenge_id}")
        else:
            _charge(turn, f"auth-{fact.challenge_id}")
    rehold(turn)
    watch(turn)
    return turn.finish()


def _too_late(case: Case, challenge: Challenge | None, at: datetime) -> bool:
    """Beyond the deadline only a challenge that began before it still pays."""
    ends = case.clock.ends_at
    began = challenge.started_at if challenge is not None else at
    return ends is not None and began >= ends


def when_authentication_failed(
    world: World, case: Case, fact: payments.AuthenticationFailed, now: datetime, cause: str | None = None
) -> Decision:
    """The bank said no, or the learner never came back (T14)."""
    challenge = case.challenge
    if challenge is None or challenge.challenge_id != fact.challenge_id:
        return nothing(world, case)
    return _challenge_over(world, case, fact.occurred_at, "challenge_failed", now, cause)


def when_challenge_fell_due(
    world: World, case: Case, fact: facts.ChallengeFellDue, now: datetime, cause: str | None = None
) -> Decision:
    """The challenge's life is over without an answer (R-F13)."""
    challenge = case.challenge
    if (
        challenge is None
        or challenge.challenge_id != fact.challenge_id
        or challenge.expires_at != fact.occurred_at
    ):
        return nothing(world, case)
    return _challenge_over(world, case, fact.occurred_at, "challenge_abandoned", now, cause)


def _challenge_over(
    world: World, case: Case, at: datetime, code: str, now: datetime, cause: str | None
) -> Decision:
    turn = Turn(world, case, now, cause)
    turn.set(challenge=None)
    turn.note(code, when=at)
    ends = case.clock.ends_at
    if case.state is CaseState.AWAITING_OUTCOME and ends is not None and not something_open(turn.case):
        exhaust(turn, End(max(at, ends), ExhaustionCause.DEADLINE))
    watch(turn)
    return turn.finish()


def when_learner_reported(
    world: World, case: Case, fact: facts.LearnerReported, now: datetime, cause: str | None = None
) -> Decision:
    """The learner says that it is fixed: kept on the case, shown to staff, a condition of nothing (T9, R-J14)."""
    if not case.is_open:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    turn.mark("learner_reported")
    turn.note("learner_reported", when=fact.occurred_at, report=fact.report_id, attempt=_attempt_meant(turn))
    mails.tell(turn, "learner_reported", by_charge=False)
    return turn.finish()


def _attempt_meant(turn: Turn) -> int | None:
    """Which attempt "ready for the 2nd backup attempt" speaks of: the next one, or literally the third (R-J14)."""
    if turn.policy.attempts.learner_report_refers_to == "third_attempt":
        return 3
    forecast = turn.case.forecast
    return forecast.ordinal if forecast is not None else None


def when_cancellation_requested(
    world: World, case: Case, fact: facts.CancellationRequested, now: datetime, cause: str | None = None
) -> Decision:
    """The learner ends the contract during the procedure; an attempt in flight comes first (T34, X-13)."""
    if not case.is_open or case.kind != "renewal":
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    turn.mark("cancel_requested")
    turn.note("cancel_requested", when=fact.occurred_at)
    as_exhausted = world.policy.cancellation_by_learner.close_as == "exhausted_cause_learner_cancel"
    if case.state in _BEFORE and as_exhausted:
        exhaust(turn, End(fact.occurred_at, ExhaustionCause.LEARNER_CANCELLED))
    elif case.state in {*_BEFORE, CaseState.SUSPENDED} and not something_open(case):
        cancel_now(turn, fact.occurred_at)
    watch(turn)
    return turn.finish()


def cancel_now(turn: Turn, at: datetime) -> None:
    """Nothing more is charged and the contract ends: at once, or with the period, as the policy says (Q-F5)."""
    policy = turn.policy
    mails.obsolete(turn, "cancelled", (*mails.FAILURE_MAILS,))
    ends = at
    if policy.cancellation_by_learner.access == "end_of_period":
        period = dates.period_of(policy, turn.case.period, turn.account.billing_day)
        ends = end_of_day(period.last, policy.timezone)
    turn.say(facts.AccessEndRequested, at=ends)
    turn.say(facts.GatewayCancellationRequested)
    if "hold_credits" in policy.on_failure and not turn.case.has("forfeited"):
        turn.mark("forfeited")
        turn.say(facts.CreditForfeitRequested, when=at)
    mails.tell(turn, "cancelled_by_learner", by_charge=False)
    turn.note("cancelled_by_learner", when=at)
    turn.close(CaseState.CANCELLED_BY_LEARNER, when=at, by="learner")


def end_without_case(
    world: World, fact: facts.CancellationRequested, now: datetime, cause: str | None = None
) -> Decision:
    """No month is unpaid: the contract ends with the period that is paid, and nothing more is charged."""
    account, policy = world.account, world.policy
    current = _current_period(world, dates.plain_day(policy, fact.occurred_at))
    name = f"{fact.subscription_id}~cancellation~{fact.request}"
    case = month(world, current, fact.occurred_at, case_id=name, state=CaseState.CANCELLED_BY_LEARNER)
    turn = Turn(world, case, now, cause)
    last = dates.period_of(policy, current, account.billing_day).last
    turn.say(facts.AccessEndRequested, at=end_of_day(last, policy.timezone))
    turn.say(facts.GatewayCancellationRequested)
    return replace(turn.finish(), case=None)


def _current_period(world: World, today: date) -> date:
    account = world.account
    if account.paid:
        newest = account.paid[-1].period
        if dates.period_of(world.policy, newest, account.billing_day).last >= today:
            return newest
    due = account.started_on
    for later in dates.due_days(world.policy, due, account.billing_day):
        if later > today:
            break
        due = later
    return due
