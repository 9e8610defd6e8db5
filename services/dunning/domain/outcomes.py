"""What the bank or PayPal answered, in whatever order it was heard, and what follows from it (T1-T3, T6, T10, T11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.dunning.domain import mails, relaunch, renewals, resume
from services.dunning.domain.account import Paid
from services.dunning.domain.attempts import (
    clear_in_flight,
    counted_failures,
    is_hard,
    record,
    something_open,
)
from services.dunning.domain.case import Case
from services.dunning.domain.exhaustion import End, exhaust, exhaust_if_over
from services.dunning.domain.forecasts import compare, expect_next
from services.dunning.domain.learner import cancel_now
from services.dunning.domain.opening import first_mail, when_first_failure, when_first_pending
from services.dunning.domain.recovery import recover
from services.dunning.domain.retries import retry_same_day, run_queued
from services.dunning.domain.reviews import mismatch
from services.dunning.domain.turn import Decision, Turn, World, nothing
from services.dunning.domain.unopened import month, news_came
from services.dunning.domain.watch import watch
from services.dunning.policies import dates
from services.dunning.policies.remediation import GatewayCapture
from shared.declines import DeclineClass
from shared.events import payments
from shared.events.words import AttemptKind, CaseState, ExhaustionCause, ReviewReason

_BEFORE: Final = frozenset({CaseState.RETRYING, CaseState.AWAITING_OUTCOME})
_OVER: Final = frozenset(
    {
        CaseState.SUSPENDED,
        CaseState.AWAITING_GUIDANCE,
        CaseState.AWAITING_LUMP_SUM,
        CaseState.COVERED,
        CaseState.RESUME_OPEN,
        CaseState.RESUME_OVERDUE,
    }
)
_GUIDED: Final = frozenset(
    {CaseState.AWAITING_LUMP_SUM, CaseState.COVERED, CaseState.RESUME_OPEN, CaseState.RESUME_OVERDUE}
)


def when_attempt_failed(
    world: World, case: Case | None, fact: payments.AttemptFailed, now: datetime, cause: str | None = None
) -> Decision:
    """An attempt failed (T1, T2, T6, T14, T15, T21, T35)."""
    if fact.kind is AttemptKind.RELAUNCH:
        return relaunch.when_failed(world, case, fact, now, cause)
    if fact.kind is AttemptKind.RESUME:
        return resume.when_payment_failed(world, case, fact, now, cause)
    if case is None:
        return when_first_failure(world, fact, now, cause)
    turn = Turn(world, case, now, cause)
    if record(turn, fact) == "known":
        return turn.finish()
    flight = case.in_flight
    answered = clear_in_flight(turn, fact)
    if not case.is_open:
        turn.note("history", when=fact.occurred_at, outcome="failed", transaction=fact.transaction_id)
        return turn.finish()
    turn.set(failed_at=min(case.failed_at, fact.occurred_at))
    if case.state in _BEFORE:
        _understand(turn, fact)
        if world.policy.attempts.executor == "gateway":
            _gateway_failed(turn, fact)
        else:
            _we_failed(turn, fact, flight.ordinal if answered and flight else None)
    else:
        exhaust_if_over(turn)
    watch(turn)
    return turn.finish()


def when_attempt_succeeded(
    world: World, case: Case | None, fact: payments.AttemptSucceeded, now: datetime, cause: str | None = None
) -> Decision:
    """Money came (T3, T10, T11, T20, T23, T24, T30, T33, T35)."""
    if fact.kind is AttemptKind.RELAUNCH and case is not None:
        return relaunch.when_paid(world, case, fact, now, cause)
    if fact.kind is AttemptKind.RESUME:
        return resume.when_paid(world, case, fact, now, cause)
    if case is None:
        return _paid_without_case(world, fact, now, cause)
    turn = Turn(world, case, now, cause)
    if record(turn, fact) == "known":
        return turn.finish()
    clear_in_flight(turn, fact)
    compare(turn, fact)
    if not case.is_open:
        _after_the_end(turn, fact)
        return turn.finish()
    judged = world.policy.money.judge(case.owed, fact.amount)
    if judged != "exact":
        mismatch(turn, judged, fact)
    elif case.state in _BEFORE:
        _method_mail(turn, fact, "succeeded")
        ends = case.clock.grace_at
        late = ends is not None and not dates.in_time(world.policy, ends, fact.occurred_at)
        recover(
            turn, transaction_id=fact.transaction_id, amount=fact.amount, paid_at=fact.occurred_at, late=late
        )
    elif case.state in _GUIDED or not _can_still_recover(case, fact):
        turn.flag(
            ReviewReason.LATE_SUCCESS, fact.transaction_id, f"{fact.amount} came after the attempts were over"
        )
        mails.review(turn, ReviewReason.LATE_SUCCESS, fact.transaction_id, str(fact.amount))
    else:
        _recover_late(turn, fact)
    watch(turn)
    return turn.finish()


def when_attempt_pending(
    world: World, case: Case | None, fact: payments.AttemptPending, now: datetime, cause: str | None = None
) -> Decision:
    """The outcome is open: nothing else is asked until it is known, and the suspension waits for it (T13)."""
    if case is None:
        return when_first_pending(world, fact, now)
    if not case.is_open:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    if record(turn, fact) != "known":
        clear_in_flight(turn, fact)
        _method_mail(turn, fact, "pending")
        watch(turn)
    return turn.finish()


def when_attempt_unknown(
    world: World, case: Case | None, fact: payments.AttemptUnknown, now: datetime, cause: str | None = None
) -> Decision:
    """Nobody can tell what became of an attempt: a person looks, and nothing is charged meanwhile."""
    if case is None:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    turn.flag(ReviewReason.OUTCOME_UNKNOWN, fact.request_id, fact.detail)
    mails.review(turn, ReviewReason.OUTCOME_UNKNOWN, fact.request_id, fact.detail)
    watch(turn)
    return turn.finish()


# --- failures ---------------------------------------------------------------------------------------


def _understand(turn: Turn, fact: payments.AttemptFailed) -> None:
    """What this refusal asks of the learner: another card, or a yes on the bank's page (R-F11, R-F13)."""
    policy, case = turn.policy, turn.case
    newest = case.failures[-1].transaction_id == fact.transaction_id
    if newest and is_hard(policy, fact.decline):
        asked_before = case.has("hard_decline")
        turn.mark("hard_decline")
        if not asked_before and policy.attempts.executor == "merchant" and len(case.failures) > 1:
            mails.tell(turn, "case_opened", ordinal=2)
    elif newest:
        turn.unmark("hard_decline")
    if fact.decline is DeclineClass.AUTHENTICATION_REQUIRED:
        turn.mark("auth_needed")
        mails.tell(turn, "authentication_required", ordinal=1)


def _gateway_failed(turn: Turn, fact: payments.AttemptFailed) -> None:
    compare(turn, fact)
    if exhaust_if_over(turn):
        return
    expect_next(turn, announced_at=fact.next_attempt_at)
    if len(counted_failures(turn.case)) == 2:
        mails.tell(turn, "second_attempt_failed", at=fact.occurred_at, ordinal=1)


def _we_failed(turn: Turn, fact: payments.AttemptFailed, ordinal: int | None) -> None:
    if fact.request_id == f"{turn.case.case_id}/fallback/1":
        first_mail(turn, turn.case.failures[0].decline)
    _method_mail(turn, fact, "failed")
    if turn.case.has("cancel_requested") and not something_open(turn.case):
        cancel_now(turn, fact.occurred_at)
        return
    scheduled = ordinal is not None and fact.kind is AttemptKind.RENEWAL
    if not turn.policy.attempts.rule_for(fact.decline).counts and scheduled and ordinal is not None:
        retry_same_day(turn, fact.occurred_at, ordinal)
    if run_queued(turn) or something_open(turn.case) or turn.case.frozen:
        return
    clock = turn.case.clock
    if turn.case.state is CaseState.AWAITING_OUTCOME and clock.ends_at is not None:
        exhaust(turn, End(max(fact.occurred_at, clock.ends_at), ExhaustionCause.DEADLINE))
    elif dates.ends_with_last_failure(turn.policy) and _was_last(turn, ordinal):
        exhaust(turn, End(fact.occurred_at, ExhaustionCause.LAST_ATTEMPT_FAILED))


def _was_last(turn: Turn, ordinal: int | None) -> bool:
    plan = turn.case.plan
    return ordinal is not None and bool(plan) and ordinal == plan[-1][0]


def _method_mail(
    turn: Turn,
    fact: payments.AttemptFailed | payments.AttemptSucceeded | payments.AttemptPending,
    result: str,
) -> None:
    """The charge that a method update asked for has an answer: the learner is told both together (F17)."""
    about = f"{turn.case.case_id}/learner/"
    if fact.request_id is None or not fact.request_id.startswith(about) or f"{about}auth-" in fact.request_id:
        return
    mails.tell(turn, "method_updated", by_charge=False, charge_result=result, amount=fact.amount)


# --- successes --------------------------------------------------------------------------------------


def _paid_without_case(
    world: World, fact: payments.AttemptSucceeded, now: datetime, cause: str | None
) -> Decision:
    """A month that was paid as it should; remembered, because its failure may still be on the way (T2, T3)."""
    before = world.account.payment_of(fact.period)
    if before is not None and before.transaction_id != fact.transaction_id:
        about = month(world, fact.period, fact.occurred_at, gateway=fact.gateway, amount=fact.amount)
        turn = Turn(world, about, now, cause)
        _paid_twice(turn, fact, before)
        return turn.finish().aside()
    paid = Paid(
        period=fact.period,
        transaction_id=fact.transaction_id,
        amount=fact.amount,
        paid_at=fact.occurred_at,
    )
    account, said = renewals.heard(world, fact, now)
    asked = None if world.asked is None else news_came(world.asked)
    return Decision(case=None, account=account.with_paid(paid), said=said, asked=asked)


def when_paid_beside(
    world: World, case: Case, fact: payments.AttemptSucceeded, now: datetime, cause: str | None = None
) -> Decision:
    """The old subscription brought money for another month after its end: nothing automatic (T33, Q-J10)."""
    turn = Turn(world, case, now, cause)
    before = world.account.payment_of(fact.period)
    if before is not None and before.transaction_id == fact.transaction_id:
        return nothing(world, case)
    if before is None and isinstance(world.policy.remediation, GatewayCapture):
        return replace(_paid_without_case(world, fact, now, cause), case=case)
    reason = ReviewReason.DOUBLE_PAYMENT if before is not None else ReviewReason.LATE_SUCCESS
    detail = f"{fact.amount} came for {fact.period} although the subscription had ended"
    turn.flag(reason, fact.transaction_id, detail, amount=fact.amount)
    mails.review(turn, reason, fact.transaction_id, detail)
    watch(turn)
    return turn.finish()


def ended(cases: Sequence[Case]) -> Case | None:
    """The open case whose attempts are over, if there is one: further money of the subscription is odd."""
    return next((one for one in cases if one.kind == "renewal" and one.state in _OVER), None)


def _after_the_end(turn: Turn, fact: payments.AttemptSucceeded) -> None:
    """Money for a case that is over: history if it is the payment that ended it, else a review (invariant 1)."""
    before = turn.account.payment_of(turn.case.period)
    if before is not None and before.transaction_id != fact.transaction_id:
        _paid_twice(turn, fact, before)
    elif before is None:
        turn.flag(ReviewReason.LATE_SUCCESS, fact.transaction_id, f"{fact.amount} came for a closed case")
        mails.review(turn, ReviewReason.LATE_SUCCESS, fact.transaction_id, str(fact.amount))


def _paid_twice(turn: Turn, fact: payments.AttemptSucceeded, before: Paid) -> None:
    detail = f"{before.transaction_id} paid it already; {fact.transaction_id} brought {fact.amount} more"
    turn.flag(ReviewReason.DOUBLE_PAYMENT, fact.transaction_id, detail)
    mails.review(turn, ReviewReason.DOUBLE_PAYMENT, fact.transaction_id, detail)


def _can_still_recover(case: Case, fact: payments.AttemptSucceeded) -> bool:
    """Whether late money for the failed month is simply welcome: a relaunch would wait for it (T23, T24).

    After a forfeiture only money from before the attempts ended proves that they had not ended (R-X1, Q-J10).
    """
    if case.state is CaseState.SUSPENDED:
        return True
    return case.exhausted_at is not None and fact.occurred_at <= case.exhausted_at


def _recover_late(turn: Turn, fact: payments.AttemptSucceeded) -> None:
    guided = turn.case.state is not CaseState.SUSPENDED
    recover(turn, transaction_id=fact.transaction_id, amount=fact.amount, paid_at=fact.occurred_at, late=True)
    if guided:
        detail = f"{fact.amount} paid before the attempts ended was heard after the consequences ran"
        turn.flag(ReviewReason.LATE_SUCCESS, fact.transaction_id, detail)
        mails.review(turn, ReviewReason.LATE_SUCCESS, fact.transaction_id, detail)
