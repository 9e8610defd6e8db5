"""The last day is over: access ends to the second, unless something is still open (T12-T14; R-F4, R-F5, R-J16)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.dunning.domain import mails, relaunch
from services.dunning.domain.attempts import something_open
from services.dunning.domain.case import Case
from services.dunning.domain.exhaustion import End, exhaust, plan_path_reminders, run_steps
from services.dunning.domain.holds import hold_for_outcome
from services.dunning.domain.notices import due_after_notice, hold, owed_notice, release
from services.dunning.domain.opening import FIRST_MAIL, first_mail
from services.dunning.domain.turn import Decision, Turn, World, nothing
from services.dunning.domain.watch import watch
from services.dunning.policies import dates
from services.dunning.policies.grace import BusinessDaysLength
from services.dunning.policies.notices import BeforeDeadline
from shared.calendar import WallTime, instant
from shared.events import dunning as facts
from shared.events import notifications
from shared.events.words import Audience, CaseState, ExhaustionCause, Template
from shared.reasons import Dated

BANK_PATIENCE: Final = timedelta(hours=1)
"""How long a relaunch that was submitted in time may still be at the learner's bank before he is told of the end."""


def when_deadline_fell_due(
    world: World, case: Case, fact: facts.DeadlineFellDue, now: datetime, cause: str | None = None
) -> Decision:
    """The deadline has come: suspend, or wait for what is open (T12, T13)."""
    if (
        case.state is not CaseState.RETRYING
        or case.clock.ends_at != fact.occurred_at
        or now < fact.occurred_at
    ):
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    pass_deadline(turn, fact.occurred_at)
    watch(turn)
    return turn.finish()


def pass_deadline(turn: Turn, at: datetime) -> None:
    """Everything that may keep a deadline from running, in order; then the end of the attempts at ``at``."""
    if turn.case.frozen:
        turn.note("deadline_frozen")
        return
    for step in turn.policy.on_exhaustion:
        owed = owed_notice(turn, step)
        if owed is not None:
            hold(turn, step, owed.template, at)
            return
    if something_open(turn.case) and hold_for_outcome(turn):
        return
    exhaust(turn, End(at, ExhaustionCause.DEADLINE))


def when_mail_sent(
    world: World, case: Case, fact: notifications.MailSent, now: datetime, cause: str | None = None
) -> Decision:
    """A mail left: what waited for it may run, and a deadline that it announces keeps its distance (R-J16)."""
    if fact.audience is Audience.TEACHER:
        return nothing(world, case)
    marked = mails.sent(case, fact.template, ordinal_of(fact.mail_id), fact.occurred_at)
    if marked is case:
        return nothing(world, case)
    if fact.audience is Audience.OFFICE:
        return Decision(case=marked, account=world.account)
    turn = Turn(world, marked, now, cause)
    if marked.state is CaseState.RETRYING and marked.clock.ends_at is not None:
        _keep_distance(turn, marked.clock.ends_at)
    end_notice_hold(turn, by="system", how="the notice left")
    watch(turn)
    return turn.finish()


def end_notice_hold(turn: Turn, *, by: str, how: str) -> None:
    """What waited for its notice goes on, if nothing is owed any more: the deadline, or the steps of the end."""
    case = turn.case
    if case.clock.notice_hold_since is None:
        return
    if any(owed_notice(turn, step) is not None for step in case.steps_left or turn.policy.on_exhaustion):
        return
    release(turn, by, how)
    if case.state is CaseState.EXHAUSTING:
        run_steps(turn)
        return
    ends = turn.case.clock.ends_at
    if case.state is CaseState.RETRYING and ends is not None and ends <= turn.now:
        pass_deadline(turn, turn.now)


def when_consequence_fell_due(
    world: World, case: Case, fact: facts.ConsequenceFellDue, now: datetime, cause: str | None = None
) -> Decision:
    """A step that kept its distance from its notice may run now."""
    del fact
    if case.state is not CaseState.EXHAUSTING:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    run_steps(turn)
    return turn.finish()


def _keep_distance(turn: Turn, ends_at: datetime) -> None:
    """A notice that was held moves the deadline it announces, where the policy gives the held days back."""
    for step in turn.policy.on_exhaustion:
        moved = due_after_notice(turn, step, ends_at)
        if (
            moved.because.rule == "moved_by_the_hold"
            and moved.at > ends_at
            and not turn.case.has("distance_kept")
        ):
            turn.mark("distance_kept")
            move_deadline(turn, moved)
            return


def move_deadline(turn: Turn, to: Dated) -> None:
    """A later end for the attempts and the grace; never an earlier one (invariant 11)."""
    clock = turn.case.clock
    grace = to.at if clock.grace_at is None or clock.grace_at == clock.ends_at else max(clock.grace_at, to.at)
    turn.set(clock=replace(clock, ends_at=to.at, grace_at=grace, moved=clock.moved + 1))
    turn.later(to.at, facts.DeadlineFellDue)
    turn.note("deadline_moved", to=to.at, because=to.because)
    remind_again(turn, to.at)


def remind_again(turn: Turn, deadline_at: datetime) -> None:
    """The reminder of the last day follows the new deadline."""
    policy = turn.policy
    last = dates.plain_day(policy, deadline_at - timedelta(seconds=1))
    length = policy.grace.length
    name = length.calendar if isinstance(length, BusinessDaysLength) else policy.notices.delivery_calendar
    calendar = turn.world.calendars.named(name)
    for notice in policy.notices.school:
        if isinstance(notice.event, BeforeDeadline) and isinstance(notice.when, WallTime):
            day = calendar.add_working_days(last, -notice.event.deadline_minus_business_days).day
            at = instant(day, notice.when, policy.timezone)
            if at > turn.now:
                ordinal = 1 + turn.case.clock.moved
                turn.later(at, facts.ReminderFellDue, template=notice.template, ordinal=ordinal)


def when_hold_fell_due(
    world: World, case: Case, fact: facts.HoldFellDue, now: datetime, cause: str | None = None
) -> Decision:
    """The longest wait for an open outcome is over (T14)."""
    if case.state is not CaseState.AWAITING_OUTCOME or case.clock.hold_until != fact.occurred_at:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    if case.frozen:
        turn.note("deadline_frozen")
        return turn.finish()
    exhaust(turn, End(fact.occurred_at, ExhaustionCause.DEADLINE))
    return turn.finish()


def when_access_step_fell_due(
    world: World, case: Case, fact: facts.AccessStepFellDue, now: datetime, cause: str | None = None
) -> Decision:
    """Access falls a step; access itself compares the instants, the case only tells it in its story."""
    if case.state is not CaseState.RETRYING or case.frozen:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    level = next((level for at, level in case.clock.steps if at == fact.occurred_at), None)
    if level is None:
        return nothing(world, case)
    turn.note("access_lowered", level=level.value)
    return turn.finish()


def when_reminder_fell_due(
    world: World, case: Case, fact: facts.ReminderFellDue, now: datetime, cause: str | None = None
) -> Decision:
    """A reminder's hour: it leaves only if what it reminds of is still so."""
    turn = Turn(world, case, now, cause)
    if fact.template in {Template.FR_RE_ENROLMENT_REMINDER, Template.FR_RE_ENROLMENT_CLOSED}:
        _remind_of_path(turn, fact)
    elif fact.about == FIRST_MAIL:
        if case.state is CaseState.RETRYING:
            first_mail(turn, case.failures[0].decline if case.failures else None)
    elif case.state is CaseState.RETRYING and not case.frozen and fact.ordinal == 1 + case.clock.moved:
        mails.request(turn, fact.template, ordinal=fact.ordinal, ignores_closures=True)
    return turn.finish()


def _remind_of_path(turn: Turn, fact: facts.ReminderFellDue) -> None:
    learner, path_id = turn.world.learner, turn.account.path_id
    enrolment = learner.enrolment(path_id) if learner else None
    last = enrolment.re_enrolment_deadline if enrolment else None
    if turn.case.state is not CaseState.SUSPENDED or last is None or last.isoformat() != fact.about:
        return
    if fact.template is Template.FR_RE_ENROLMENT_CLOSED:
        closes = dates.re_enrolment_deadline(turn.policy, last)
        first_time = closes is not None and fact.occurred_at == closes.at
        if first_time and relaunch.is_being_paid(turn.case, path_id, fact.occurred_at):
            turn.later(
                fact.occurred_at + BANK_PATIENCE,
                facts.ReminderFellDue,
                template=fact.template,
                about=fact.about,
            )
            return
        mails.tell(turn, "re_enrolment_closed", by_charge=False, ordinal=1)
        turn.note("path_closed", path=path_id, deadline=last)
    else:
        mails.request(turn, fact.template, ignores_closures=True)


def ordinal_of(mail_id: str) -> int:
    """The last part of ``<case>/<template>/<ordinal>``."""
    last = mail_id.rsplit("/", 1)[-1]
    return int(last) if last.isdigit() else 1


def when_path_deadline_changed(world: World, case: Case, now: datetime, cause: str | None = None) -> Decision:
    """The path of a suspended learner has another re-enrolment deadline: its reminders follow (F22)."""
    turn = Turn(world, case, now, cause)
    plan_path_reminders(turn)
    return turn.finish()
