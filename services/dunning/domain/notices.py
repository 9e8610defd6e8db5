"""No consequence before its notice: where a mail that announces it has not left, the step waits (R-J16, R-X5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.dunning.domain import mails
from services.dunning.domain.parts import MailMark
from services.dunning.domain.turn import Turn
from services.dunning.policies import dates
from shared.events import dunning as facts
from shared.events.words import ReviewReason, Template
from shared.reasons import Dated, Reason


def owed_notice(turn: Turn, step: str) -> MailMark | None:
    """The mail that must leave before ``step`` and has not; ``None``: the step may run.

    A mail that stands in its place counts as well: a newer mail of the case that left (R-J5 consolidates), or
    the request to authenticate where that opened the matter.
    """
    word = dates.owed_template(turn.policy, step)
    if word is None or turn.case.has("notice_waived"):
        return None
    first = announcing(turn, Template(word))
    if first is None:
        return None
    stands_for_it = (
        mail for mail in turn.case.mails if _to_learner(mail) and mail.requested_at >= first.requested_at
    )
    return None if any(mail.sent_at is not None for mail in stands_for_it) else first


def announcing(turn: Turn, template: Template) -> MailMark | None:
    """The mail that announces a consequence: the owed one, or the first to the learner in its place."""
    asked = turn.case.mails
    return next((mail for mail in asked if mail.template is template), None) or next(
        (mail for mail in asked if _to_learner(mail)), None
    )


def may_run(turn: Turn, step: str, planned_at: datetime) -> bool:
    """Whether ``step`` may run now; if not, it is on hold and the office is told why."""
    if dates.owed_template(turn.policy, step) is None:
        return True
    owed = owed_notice(turn, step)
    if owed is not None:
        hold(turn, step, owed.template, planned_at)
        return False
    due = due_after_notice(turn, step, planned_at)
    if due.at <= max(turn.now, planned_at):
        return True
    turn.later(due.at, facts.ConsequenceFellDue)
    turn.note("consequence_moved", step=step, to=due.at, because=due.because)
    return False


def due_after_notice(turn: Turn, step: str, planned_at: datetime) -> Dated:
    """When ``step`` may run, by when its notice left (``move_by_the_hold`` gives the held days back)."""
    planned = Dated(at=planned_at, because=Reason(rule="planned", source="policy"))
    word = dates.owed_template(turn.policy, step)
    if word is None or turn.case.has("notice_waived"):
        return planned
    mail = announcing(turn, Template(word))
    if mail is None or mail.sent_at is None:
        return planned
    notice = dates.OwedNotice(wanted_at=mail.requested_at, leaves_at=mail.sent_at)
    return dates.consequence_at(turn.policy, step=step, planned=planned, notice=notice)


def hold(turn: Turn, step: str, template: Template, planned_at: datetime) -> None:
    """The step waits for ``template``; the office sees it among its questions."""
    if turn.case.clock.notice_hold_since is not None:
        return
    turn.set(clock=replace(turn.case.clock, notice_hold_since=planned_at))
    turn.say(facts.ConsequenceHeld, step=step, waits_for=template, planned_at=planned_at)
    detail = f"{step} waits because {template.value} has not left yet"
    turn.flag(ReviewReason.NOTICE_OVERDUE, template.value, detail)
    mails.review(turn, ReviewReason.NOTICE_OVERDUE, template.value, detail)
    turn.note("notice_awaited", template=template.value, step=step)


def release(turn: Turn, by: str, how: str) -> None:
    """What waited for a notice waits no longer."""
    turn.settle_flag(ReviewReason.NOTICE_OVERDUE, None, by=by, how=how)
    turn.set(clock=replace(turn.case.clock, notice_hold_since=None))


def _to_learner(mail: MailMark) -> bool:
    return not mail.template.value.startswith("staff.")
