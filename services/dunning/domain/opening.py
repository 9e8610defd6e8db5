"""The first failure of a month opens its case and sets every clock (T1); news that comes too late only adds to it (T2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from services.dunning.domain import mails, renewals
from services.dunning.domain.account import Paid
from services.dunning.domain.attempts import is_hard, record
from services.dunning.domain.case import Case, case_id_of
from services.dunning.domain.forecasts import expect_next
from services.dunning.domain.gateway import remember_end
from services.dunning.domain.parts import Clock
from services.dunning.domain.retries import ask, plan_retries, retry_same_day
from services.dunning.domain.turn import Decision, Turn, World, because_of, nothing
from services.dunning.domain.unopened import news_came
from services.dunning.domain.watch import watch
from services.dunning.policies import dates
from services.dunning.policies.grace import access_level
from services.dunning.policies.notices import BeforeDeadline
from shared.declines import DeclineClass
from shared.events import dunning as facts
from shared.events import payments
from shared.events.words import AccessLevel, AttemptKind, CaseState, Template
from shared.reasons import Reason

FALLBACK_WAIT: Final = timedelta(hours=1)
"""How long the learner is not yet told while the other stored method is tried."""
FIRST_MAIL: Final = "first_mail"

OPENS: Final = frozenset({AttemptKind.RENEWAL, AttemptKind.LEARNER, AttemptKind.STAFF})
"""A failed sign-up, relaunch or My Page payment is a first payment: no case, no retry (R-F14)."""


def when_first_failure(
    world: World, fact: payments.AttemptFailed, now: datetime, cause: str | None = None
) -> Decision:
    """A failure of a period that has no case yet (T1, T2, R-F14)."""
    if not _opens(world, fact):
        return nothing(world, None)
    turn = Turn(world, _new_case(world, fact), now, cause)
    turn.account, awaited = renewals.heard(world, fact, now)
    turn.said += awaited
    paid = world.account.payment_of(fact.period)
    if paid is not None:
        return _too_late(turn, fact, paid)
    because = _clocks(turn)
    _opened(turn, fact, because)
    record(turn, fact)
    _first_steps(turn, fact)
    _attempts_to_come(turn, fact)
    _first_mail(turn, fact)
    remember_end(turn)
    watch(turn)
    return turn.finish()


def when_first_pending(world: World, fact: payments.AttemptPending, now: datetime) -> Decision:
    """An outcome is open and nothing failed yet: nothing to decide before it is known, and no silence either."""
    account, said = renewals.heard_open(world, fact.period, now)
    asked = None if world.asked is None else news_came(world.asked)
    return Decision(case=None, account=account, said=said, asked=asked)


def _opens(world: World, fact: payments.AttemptFailed) -> bool:
    if fact.kind in OPENS:
        return "renewal_failed" in world.policy.triggers
    return fact.kind is AttemptKind.FIRST and "first_payment_failed" in world.policy.triggers


def _new_case(world: World, fact: payments.AttemptFailed) -> Case:
    policy = world.policy
    asked = None if world.asked is None else news_came(world.asked)
    return Case(
        case_id=case_id_of(fact.subscription_id, fact.period),
        school_id=fact.school_id,
        subscription_id=fact.subscription_id,
        learner_id=fact.learner_id,
        period=fact.period,
        gateway=fact.gateway,
        amount=fact.amount,
        policy_id=policy.id,
        policy_version=policy.version,
        policy_hash=world.policy_hash,
        opened_at=fact.occurred_at,
        failed_at=fact.occurred_at,
        flags=asked.flags if asked is not None else (),
        mails=asked.mails if asked is not None else (),
    )


def _clocks(turn: Turn) -> Reason | None:
    """Set the case's own dates; why the grace ends when it does."""
    case, policy, calendars = turn.case, turn.policy, turn.world.calendars
    grace = dates.deadline(policy, calendars, case.failed_at)
    day_zero = case.failed_at
    if grace is not None and grace.at <= turn.now and policy.grace.access != "suspended":
        day_zero = turn.now
        turn.set(counted_from=day_zero)
        grace = dates.deadline(policy, calendars, day_zero)
    ends = grace
    if policy.collection_deadline is not None or grace is None:
        ends = dates.case_end(policy, calendars, day_zero)
    elif "deadline" not in policy.attempts.exhausted_when and not dates.ends_with_last_failure(policy):
        ends = None
    steps: tuple[tuple[datetime, AccessLevel], ...] = ()
    if policy.grace.steps:
        steps = tuple(
            (change.when.at, change.level)
            for change in dates.access_steps(policy, calendars, day_zero)[1:]
            if grace is None or change.when.at < grace.at
        )
    clock = Clock(grace_at=grace.at if grace else None, ends_at=ends.at if ends else None, steps=steps)
    turn.set(clock=clock)
    return grace.because if grace else None


def _opened(turn: Turn, fact: payments.AttemptFailed, because: Reason | None = None) -> None:
    case, policy = turn.case, turn.policy
    lapses = "mark_arrears" in policy.on_failure or policy.credits.applies
    turn.account = turn.account.with_case(case.case_id, is_open=True)
    turn.say(
        facts.CaseOpened,
        when=case.opened_at,
        amount=case.amount,
        policy_id=case.policy_id,
        policy_version=case.policy_version,
        policy_hash=case.policy_hash,
        decline=fact.decline,
        gateway=case.gateway,
        deadline_at=case.clock.grace_at,
        deadline_because=because_of(because),
        effective_forfeiture_on=dates.failure_day(policy, case.failed_at) if lapses else None,
    )
    turn.note(
        "opened",
        when=case.opened_at,
        policy=f"{case.policy_id} v{case.policy_version}",
        amount=case.amount,
        deadline=case.clock.grace_at,
        because=because,
    )


def _first_steps(turn: Turn, fact: payments.AttemptFailed) -> None:
    """What the policy does at the first failure: hold credits, lock My Page, lower access (J40, J44, R-J6)."""
    policy, case = turn.policy, turn.case
    if is_hard(policy, fact.decline):
        turn.mark("hard_decline")
    if fact.decline is DeclineClass.AUTHENTICATION_REQUIRED:
        turn.mark("auth_needed")
    if "hold_credits" in policy.on_failure:
        if policy.credits.execution == "first_failure":
            turn.mark("forfeited")
            turn.say(facts.CreditForfeitRequested, when=case.failed_at)
            turn.note("credits_forfeited")
        else:
            turn.say(facts.CreditHoldRequested, lessons=policy.credits.held_lessons)
            turn.note("credits_held")
    if "lock_my_page_payment" in policy.on_failure:
        turn.mark("locked")
        turn.say(facts.SelfPaymentLocked, why="payment_failed")
        turn.note("self_payment_locked")
    level = access_level(policy.grace.access)
    if level is not AccessLevel.FULL:
        turn.say(facts.AccessSuspensionRequested, when=case.failed_at, level=level)
        turn.note("access_lowered", level=level.value)


def _attempts_to_come(turn: Turn, fact: payments.AttemptFailed) -> None:
    case, policy = turn.case, turn.policy
    if policy.attempts.executor == "merchant":
        if policy.attempts.fallback_to_other_stored_method and fact.kind is AttemptKind.RENEWAL:
            ask(turn, f"{case.case_id}/fallback/1", AttemptKind.RENEWAL, 2, fallback=True)
            turn.later(
                turn.now + FALLBACK_WAIT,
                facts.ReminderFellDue,
                template=_opening_template(turn),
                about=FIRST_MAIL,
            )
        if not policy.attempts.rule_for(fact.decline).counts:
            retry_same_day(turn, fact.occurred_at, 0)
        plan_retries(turn)
    elif policy.attempts.executor == "gateway":
        expect_next(turn, announced_at=fact.next_attempt_at)
    ends = case.clock.ends_at
    if ends is not None:
        turn.later(ends, facts.DeadlineFellDue)
    for at, level in case.clock.steps:
        turn.later(at, facts.AccessStepFellDue, ordinal=list(AccessLevel).index(level))
    if not any(isinstance(notice.event, BeforeDeadline) for notice in policy.notices.school):
        return
    for notice, when in dates.deadline_reminders(policy, turn.world.calendars, case.day_zero):
        if when.at > turn.now:
            turn.later(when.at, facts.ReminderFellDue, template=notice.template, ordinal=1)


def _opening_template(turn: Turn) -> Template:
    notices = turn.policy.notices.for_event("case_opened")
    return notices[0].template if notices else Template.FR_PAYMENT_FAILED


def _first_mail(turn: Turn, fact: payments.AttemptFailed) -> None:
    """The learner is told once: to authenticate where the bank asks for it, else of the failure (F23, F30, J3)."""
    flight = turn.case.in_flight
    if flight is not None and flight.request_id.endswith("/fallback/1"):
        return
    first_mail(turn, fact.decline)


def first_mail(turn: Turn, decline: DeclineClass | None) -> None:
    """The mail that opens the matter with the learner."""
    asks = turn.policy.notices.for_event("authentication_required")
    if decline is DeclineClass.AUTHENTICATION_REQUIRED and asks:
        mails.tell(turn, "authentication_required", at=turn.case.failed_at, ordinal=1)
    else:
        mails.tell(turn, "case_opened", at=turn.case.failed_at, ordinal=1)


def _too_late(turn: Turn, fact: payments.AttemptFailed, paid: Paid) -> Decision:
    """The period was paid before we heard of its failure: opened and closed at once, with its own times (X-03)."""
    _opened(turn, fact)
    record(turn, fact)
    policy, case = turn.policy, turn.case
    due, _ = dates.next_due_after_recovery(policy, case.period, turn.account.billing_day, paid.paid_at)
    turn.say(
        facts.CaseRecovered,
        when=max(paid.paid_at, fact.occurred_at),
        transaction_id=paid.transaction_id,
        amount=paid.amount,
        next_billing_on=due,
        late=True,
    )
    turn.note(
        "recovered", when=max(paid.paid_at, fact.occurred_at), transaction=paid.transaction_id, next=due
    )
    turn.close(CaseState.RECOVERED, when=max(paid.paid_at, fact.occurred_at))
    if policy.attempts.executor == "gateway":
        mails.tell(
            turn, "recovered", at=paid.paid_at, paid_at=paid.paid_at, transaction_id=paid.transaction_id
        )
    return turn.finish()
