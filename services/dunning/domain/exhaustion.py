"""No attempt is left: the ordered steps of the policy run, each once (T17, T18; seeds F18, J19, J47, J51).

What ended the attempts is the earliest thing that did, by when it occurred, whatever order it was heard in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from services.dunning.domain import mails
from services.dunning.domain.attempts import counted_failures
from services.dunning.domain.case import Case
from services.dunning.domain.notices import may_run
from services.dunning.domain.parts import GatewayEnd, Guidance
from services.dunning.domain.turn import Turn, because_of
from services.dunning.policies import dates
from services.dunning.policies.policy import Policy
from services.dunning.policies.remediation import SelfServiceRelaunch, StaffGuided, StaffGuidedLumpSum
from shared.calendar import end_of_day
from shared.copies import changed
from shared.events import dunning as facts
from shared.events.words import AccessLevel, CancelledBy, CaseState, ExhaustionCause, Template

BEFORE_THE_END: Final = frozenset({CaseState.RETRYING, CaseState.AWAITING_OUTCOME})


class End(NamedTuple):
    """What ended the attempts, and when it occurred."""

    at: datetime
    cause: ExhaustionCause


def end_of(case: Case, policy: Policy) -> End | None:
    """The earliest thing that leaves no attempt, by time of occurrence; ``None``: attempts are left (T15, T16)."""
    when = policy.attempts.exhausted_when
    found: list[End] = []
    total = policy.attempts.total
    if total is not None and ("third_attempt_failed" in when or "last_attempt_failed" in when):
        failures = counted_failures(case)
        last = total if policy.attempts.initial_counts else total + 1
        if len(failures) >= last:
            found.append(End(failures[last - 1].occurred_at, ExhaustionCause.LAST_ATTEMPT_FAILED))
    gateway = case.gateway_end if policy.attempts.executor == "gateway" else GatewayEnd()
    if gateway.cancelled_at is not None and (
        "gateway_subscription_cancelled" in when or gateway.cancelled_by is CancelledBy.LEARNER
    ):
        learner = gateway.cancelled_by is CancelledBy.LEARNER
        cause = ExhaustionCause.LEARNER_CANCELLED if learner else ExhaustionCause.GATEWAY_CANCELLED
        found.append(End(gateway.cancelled_at, cause))
    if gateway.suspended_at is not None and (
        "gateway_subscription_suspended" in when or "gateway_subscription_unpaid" in when
    ):
        found.append(End(gateway.suspended_at, ExhaustionCause.GATEWAY_SUSPENDED))
    return min(
        found, key=lambda end: (end.at, end.cause is not ExhaustionCause.LAST_ATTEMPT_FAILED), default=None
    )


def exhaust_if_over(turn: Turn) -> bool:
    """Run the steps if something ended the attempts, or correct when and why if that is known better now."""
    end = end_of(turn.case, turn.policy)
    if end is None or turn.case.frozen:
        return False
    if turn.case.state in BEFORE_THE_END:
        exhaust(turn, end)
        return True
    known = turn.case.exhausted_at
    if known is not None and turn.case.is_open and (end.at, end.cause) != (known, turn.case.cause):
        turn.set(exhausted_at=end.at, cause=end.cause)
        turn.say(facts.ExhaustionCorrected, when=end.at, cause=end.cause, attempts=len(turn.case.failures))
        turn.note("exhaustion_corrected", when=end.at, cause_word=end.cause.value)
    return False


def exhaust(turn: Turn, end: End) -> None:
    """Every step of the policy in its order, then the state the learner can come back from."""
    turn.set(
        state=CaseState.EXHAUSTING,
        exhausted_at=end.at,
        cause=end.cause,
        forecast=None,
        queued=None,
        challenge=None,
        in_flight=None,
        steps_left=turn.policy.on_exhaustion,
    )
    turn.say(facts.CaseExhausted, when=end.at, cause=end.cause, attempts=len(turn.case.failures))
    turn.note("exhausted", when=end.at, cause_word=end.cause.value, attempts=len(turn.case.failures))
    run_steps(turn)


def run_steps(turn: Turn) -> None:
    """Run the steps that are left, in order, up to one that waits for the notice owed before it (R-J16)."""
    case = turn.case
    if case.state is not CaseState.EXHAUSTING or case.exhausted_at is None or case.cause is None:
        return
    end = End(case.exhausted_at, case.cause)
    for done, step in enumerate(case.steps_left):
        if not may_run(turn, step, end.at):
            turn.set(steps_left=case.steps_left[done:])
            return
        _STEPS[step](turn, end)
    turn.set(steps_left=(), clock=changed(turn.case.clock, notice_hold_since=None))
    mails.obsolete(turn, "exhausted")
    _rest(turn, end)


def _suspend_access(turn: Turn, end: End) -> None:
    if turn.case.has("access_granted"):
        turn.note("suspension_left_out")
        return
    turn.say(
        facts.AccessSuspensionRequested,
        when=end.at,
        level=AccessLevel.NONE,
        deadline_at=turn.case.clock.grace_at,
    )


def _pause(turn: Turn, end: End) -> None:
    del end
    if not turn.case.has("paused"):
        turn.mark("paused")
        turn.say(facts.SubscriptionPauseRequested)


def _cancel(turn: Turn, end: End) -> None:
    del end
    remediation = turn.policy.remediation
    by_staff = (
        isinstance(remediation, StaffGuidedLumpSum) and remediation.old_subscription_cancelled_by == "staff"
    )
    if turn.case.gateway_end.cancelled_at is None and not by_staff:
        turn.say(facts.GatewayCancellationRequested)
        turn.note("cancellation_requested")


def _drop_old_price(turn: Turn, end: End) -> None:
    del end
    if turn.account.grandfathered:
        turn.mark("old_price_dropped")
        turn.say(facts.OldPriceDropped, current_price=turn.account.current_price)
        turn.note("old_price_dropped", price=turn.account.current_price)


def _forfeit(turn: Turn, end: End) -> None:
    """Lessons first, then all credits together: one fact, so that nothing comes between (J47, R-J7)."""
    if turn.policy.credits.applies and not turn.case.has("forfeited"):
        turn.mark("forfeited")
        turn.say(facts.CreditForfeitRequested, when=end.at)
        turn.note("credits_forfeited", when=end.at)


def _guide(turn: Turn, end: End) -> None:
    if turn.case.guidance is None:
        queue_guidance(turn, end)


def _nothing_more(turn: Turn, end: End) -> None:
    """Retries are held by the state: what is planned answers with nothing from here on."""
    del turn, end


_STEPS: Final[dict[str, Callable[[Turn, End], None]]] = {
    "suspend_access": _suspend_access,
    "stop_automatic_attempts": _nothing_more,
    "pause_subscription": _pause,
    "mark_invoice_uncollectible": _pause,
    "cancel_subscription": _cancel,
    "ensure_gateway_subscription_cancelled": _cancel,
    "drop_grandfathered_price": _drop_old_price,
    "cancel_booked_lessons_by_admin": _forfeit,
    "forfeit_all_unconsumed_credits": _forfeit,
    "create_guidance_task": _guide,
}


def queue_guidance(turn: Turn, end: End) -> None:
    """The office writes from the next business day on, one learner after the other (J45, R-J5)."""
    by_charge = end.cause is ExhaustionCause.LAST_ATTEMPT_FAILED
    earliest = dates.guidance_earliest(turn.policy, turn.world.calendars, end.at, by_charge=by_charge)
    old = turn.account.price if turn.account.grandfathered else None
    asked = dates.lump_sum(turn.policy, current_price=turn.account.current_price, old_price=old)
    amount = asked or turn.case.owed
    turn.set(guidance=Guidance(not_before=earliest.at, amount=amount))
    turn.say(
        facts.GuidanceQueued,
        not_before=earliest.at,
        exhausted_at=end.at,
        amount=amount,
        because=because_of(earliest.because),
    )
    turn.later(earliest.at, facts.GuidanceFellDue)
    turn.note("guidance_queued", not_before=earliest.at, amount=amount, because=earliest.because)


def _rest(turn: Turn, end: End) -> None:
    """Where the learner stands now: alone with a relaunch, or guided by the office."""
    remediation = turn.policy.remediation
    if isinstance(remediation, StaffGuidedLumpSum | StaffGuided):
        if turn.case.guidance is None:
            queue_guidance(turn, end)
        if "suspend_access" not in turn.policy.on_exhaustion:
            _suspend_access(turn, end)
        turn.becomes(CaseState.AWAITING_GUIDANCE)
        return
    turn.becomes(CaseState.SUSPENDED)
    turn.say(facts.CaseSuspended, when=end.at)
    turn.note("suspended", when=end.at)
    mails.tell(turn, "suspended", at=end.at)
    if isinstance(remediation, SelfServiceRelaunch):
        plan_path_reminders(turn)


def plan_path_reminders(turn: Turn) -> None:
    """Reminders before the path's re-enrolment deadline, and the day after it (F22)."""
    learner, path_id = turn.world.learner, turn.account.path_id
    enrolment = learner.enrolment(path_id) if learner else None
    last = enrolment.re_enrolment_deadline if enrolment else None
    if last is None or not isinstance(turn.policy.remediation, SelfServiceRelaunch):
        return
    for notice, when in dates.re_enrolment_reminders(turn.policy, last):
        if when.at > turn.now:
            turn.later(when.at, facts.ReminderFellDue, template=notice.template, about=last.isoformat())
    closed = dates.re_enrolment_deadline(turn.policy, last)
    ends = closed.at if closed else end_of_day(last, turn.policy.timezone)
    if ends > turn.now - timedelta(days=1):
        turn.later(
            ends, facts.ReminderFellDue, template=Template.FR_RE_ENROLMENT_CLOSED, about=last.isoformat()
        )
