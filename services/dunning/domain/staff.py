"""What the office decides by hand, within the rules: nothing here is undone behind a learner's back.

Each act is heard once; an act that the case's state does not allow leaves a line in its story and nothing else.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from services.dunning.domain import budgets, guidance, mails, relaunch, resume
from services.dunning.domain.attempts import something_open
from services.dunning.domain.case import MONEY_REVIEWS, Case
from services.dunning.domain.deadlines import end_notice_hold, move_deadline, pass_deadline
from services.dunning.domain.exhaustion import exhaust_if_over
from services.dunning.domain.parts import Flag
from services.dunning.domain.recovery import recover
from services.dunning.domain.retries import ask, next_ordinal
from services.dunning.domain.turn import Decision, Turn, World
from services.dunning.domain.watch import watch
from services.dunning.policies import dates
from services.dunning.policies.policy import Policy
from shared.calendar import WallTime, instant
from shared.events import dunning as facts
from shared.events.words import AttemptKind, CaseState, ReviewReason, Template
from shared.reasons import Dated, Reason

_BEFORE: Final = frozenset({CaseState.RETRYING, CaseState.AWAITING_OUTCOME})
_LATE: Final = frozenset({*_BEFORE, CaseState.SUSPENDED, CaseState.AWAITING_GUIDANCE})


def refused(turn: Turn, act: str, why: str, by: str) -> Decision:
    """The act changes nothing; the story says why."""
    turn.note("act_refused", act=act, why=why, by=by)
    return turn.finish()


def money_flags(case: Case) -> tuple[Flag, ...]:
    """The reviews of amounts that wait for staff."""
    return tuple(flag for flag in case.flags if flag.reason in MONEY_REVIEWS)


def when_difference_accepted(
    world: World, case: Case, fact: facts.DifferenceAccepted, now: datetime, cause: str | None = None
) -> Decision:
    """Staff takes what came as settling the matter (T11, T26)."""
    turn = Turn(world, case, now, cause)
    flags = money_flags(case)
    if not case.is_open or not flags:
        return refused(turn, "accept_difference", "no amount waits for a decision", fact.by)
    turn.note("difference_accepted", by=fact.by, note=fact.note or None)
    for flag in flags:
        turn.settle_flag(flag.reason, flag.about, by=fact.by, how="accepted")
    newest = flags[-1]
    if newest.kind is AttemptKind.RELAUNCH:
        relaunch.complete(
            turn,
            newest.about,
            newest.amount or case.owed,
            newest.happened_at or fact.occurred_at,
            path_id=newest.path_id or world.account.path_id,
            by=fact.by,
        )
    elif case.state is CaseState.AWAITING_LUMP_SUM:
        guidance.settle(turn, fact.occurred_at, by=fact.by)
    elif case.state in _LATE:
        paid = next((one for one in case.attempts if one.transaction_id == newest.about), None)
        recover(
            turn,
            transaction_id=newest.about,
            amount=newest.amount or case.owed,
            paid_at=paid.occurred_at if paid else fact.occurred_at,
            by=fact.by,
        )
    elif case.resume is not None and case.resume.activated_id is not None and case.resume.paid_at is not None:
        resume.finish(turn, case.resume.activated_id, case.resume.paid_at, by=fact.by)
    return turn.finish()


def when_flag_settled(
    world: World, case: Case, fact: facts.FlagSettled, now: datetime, cause: str | None = None
) -> Decision:
    """Staff looked: what came in part is counted, what was unknown is known, what waited goes on."""
    turn = Turn(world, case, now, cause)
    flag = next((one for one in case.flags if one.reason is fact.reason and one.about == fact.about), None)
    if flag is None:
        return refused(turn, "settle_flag", "no such question is open", fact.by)
    turn.settle_flag(flag.reason, flag.about, by=fact.by, how=fact.note or "settled")
    turn.note("flag_settled", reason=flag.reason.value, by=fact.by)
    if flag.reason is ReviewReason.PARTIAL_PAYMENT and flag.amount is not None and case.state in _LATE:
        counted = flag.amount if case.settled is None else case.settled + flag.amount
        turn.set(settled=counted)
    if flag.reason is ReviewReason.OUTCOME_UNKNOWN and case.in_flight is not None:
        turn.set(in_flight=None)
    if flag.reason is ReviewReason.NOTICE_OVERDUE and case.clock.notice_hold_since is not None:
        turn.mark("notice_waived")
        end_notice_hold(turn, by=fact.by, how="staff decided without it")
    thaw(turn)
    watch(turn)
    return turn.finish()


def thaw(turn: Turn) -> None:
    """The freeze is over: a deadline that passed meanwhile passes now, an end that was known counts (T11)."""
    case = turn.case
    if case.frozen or case.state not in _BEFORE:
        return
    if exhaust_if_over(turn):
        return
    ends = case.clock.hold_until or case.clock.ends_at
    if ends is not None and ends <= turn.now and case.clock.notice_hold_since is None:
        pass_deadline(turn, turn.now)


def when_closure_chosen(
    world: World, case: Case, fact: facts.CaseClosureChosen, now: datetime, cause: str | None = None
) -> Decision:
    """Staff closes the case: left the school, written off, opened in error (X-32)."""
    turn = Turn(world, case, now, cause)
    if not case.is_open:
        return refused(turn, "close", "the case is over", fact.by)
    mails.obsolete(
        turn, "closed_by_staff", tuple(one for one in Template if not one.value.startswith("staff."))
    )
    for flag in case.flags:
        turn.settle_flag(flag.reason, flag.about, by=fact.by, how="case closed")
    if case.state in _BEFORE:
        _give_back(turn)
    if case.has("locked") and not [other for other in turn.account.open_cases if other != case.case_id]:
        turn.say(facts.SelfPaymentOpened, why="closed_by_staff")
    turn.note("closed_by_staff", by=fact.by, note=fact.note or None)
    turn.close(CaseState.CLOSED_BY_STAFF, when=fact.occurred_at, by=fact.by, note="")
    return turn.finish()


def _give_back(turn: Turn) -> None:
    case, policy = turn.case, turn.policy
    if policy.credits.applies and "hold_credits" in policy.on_failure and not case.has("forfeited"):
        turn.say(facts.CreditReleaseRequested)
    if case.watched:
        turn.say(facts.AccessDeadlineSet, deadline_at=None)
        turn.set(access_at=None)
    turn.say(facts.AccessRestorationRequested, why="closed_by_staff")


def why_no_extension(case: Case, policy: Policy, *, deadline_at: datetime, now: datetime) -> str | None:
    """Why the deadline cannot become that one (invariant 11); ``None``: it may."""
    ends = case.clock.ends_at
    if case.state is not CaseState.RETRYING or ends is None:
        return "the case has no deadline that could still be extended"
    if deadline_at <= ends and policy.consequences.told_dates == "never_earlier":
        return f"the learner was told {ends.isoformat()}: a deadline is only ever made longer"
    return f"{deadline_at.isoformat()} is over" if deadline_at <= now else None


def when_deadline_extended(
    world: World, case: Case, fact: facts.DeadlineExtended, now: datetime, cause: str | None = None
) -> Decision:
    """Longer, never shorter (invariant 11); no further automatic attempt comes of it (F15: ten)."""
    turn = Turn(world, case, now, cause)
    why = why_no_extension(case, world.policy, deadline_at=fact.deadline_at, now=fact.occurred_at)
    if why is not None:
        return refused(turn, "extend", why, fact.by)
    move_deadline(turn, Dated(at=fact.deadline_at, because=Reason(rule="extended_by_staff", source="staff")))
    turn.note("deadline_extended", by=fact.by, to=fact.deadline_at, note=fact.note or None)
    watch(turn)
    return turn.finish()


def when_access_granted(
    world: World, case: Case, fact: facts.AccessGranted, now: datetime, cause: str | None = None
) -> Decision:
    """Staff restores access with a reason; the case goes on without taking it again."""
    turn = Turn(world, case, now, cause)
    if not case.is_open:
        return refused(turn, "grant_access", "the case is over", fact.by)
    turn.mark("access_granted")
    turn.note("access_granted", by=fact.by, note=fact.note or None)
    watch(turn)
    turn.say(facts.AccessRestorationRequested, why=f"staff/{fact.act}")
    return turn.finish()


def why_no_manual_attempt(case: Case, policy: Policy) -> str | None:
    """Why staff cannot have the money asked for now; ``None``: they may."""
    if policy.attempts.executor != "merchant":
        return "the school cannot run an attempt: the gateway alone does (J16)"
    if case.state is not CaseState.RETRYING:
        return "no attempt is left in this case"
    if something_open(case):
        return "an attempt is in flight: wait for its outcome"
    return "an amount waits for a decision first" if case.frozen else None


def when_manual_attempt_chosen(
    world: World, case: Case, fact: facts.ManualAttemptChosen, now: datetime, cause: str | None = None
) -> Decision:
    """One more attempt by hand; merchant-executed policies only (J16, invariant 2)."""
    turn = Turn(world, case, now, cause)
    why = why_no_manual_attempt(case, world.policy)
    if why is not None:
        return refused(turn, "manual_attempt", why, fact.by)
    forbidden = budgets.forbids(turn, AttemptKind.STAFF)
    if forbidden is not None:
        return refused(turn, "manual_attempt", f"{forbidden.word}: {forbidden.detail}", fact.by)
    ask(turn, f"{case.case_id}/staff/{fact.act}", AttemptKind.STAFF, next_ordinal(case))
    watch(turn)
    return turn.finish()


def duplicates(case: Case) -> tuple[Flag, ...]:
    """The unexpected registrations that wait for a decision."""
    return tuple(flag for flag in case.flags if flag.reason is ReviewReason.DUPLICATE_REGISTRATION)


def day_of_duplicate(case: Case, policy: Policy) -> date:
    """The calendar date of an unexpected registration: the billing day if it is adopted."""
    flag = duplicates(case)[-1]
    return dates.plain_day(policy, flag.happened_at or flag.since)


def when_duplicate_adopted(
    world: World, case: Case, fact: facts.DuplicateAdopted, now: datetime, cause: str | None = None
) -> Decision:
    """Staff takes an unexpected registration as the new subscription; its day is the billing day (JP-11)."""
    turn = Turn(world, case, now, cause)
    flags = duplicates(case)
    if not case.is_open or not flags:
        return refused(turn, "adopt", "no unexpected registration waits for a decision", fact.by)
    for flag in flags:
        turn.settle_flag(flag.reason, flag.about, by=fact.by, how="adopted")
    turn.note("duplicate_adopted", by=fact.by, day=fact.day)
    noon = instant(fact.day, WallTime(12), world.policy.timezone)
    resume.finish(turn, fact.gateway_subscription_id, noon, by=fact.by)
    return turn.finish()


def when_credit_restoration_chosen(
    world: World, case: Case, fact: facts.CreditRestorationChosen, now: datetime, cause: str | None = None
) -> Decision:
    """Staff gives back what the case forfeited; cancelled lessons are not booked again (Q-J10, JP-28)."""
    turn = Turn(world, case, now, cause)
    if not case.has("forfeited"):
        return refused(turn, "restore_credits", "the case forfeited nothing", fact.by)
    turn.say(facts.CreditRestorationRequested, why=f"staff/{fact.act}")
    turn.note("credits_restored", by=fact.by)
    return turn.finish()
