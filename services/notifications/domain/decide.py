"""What becomes of a mail when something is heard: it leaves, waits for the office, gives way to a newer one, or goes.

Every function here is pure: state and a fact in, a ``Decision`` out. A fact that changes nothing any more is
answered with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final, assert_never

from services.notifications.domain.addressing import Addressing
from services.notifications.domain.delivery import Leave, TooLate, Wait, gate
from services.notifications.domain.desk import Decision, Desk
from services.notifications.domain.mail import Correspondence, Mail, Stale, Status, mail_id_of
from services.notifications.domain.outcome import Delivered, NotNow, Outcome, RefusedForGood, Withheld
from services.notifications.domain.people import School
from services.notifications.domain.replacing import REPLACES
from shared.events import Later, dunning, notifications
from shared.events.words import Audience, Template

_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(minutes=15)
ERASED: Final = "erased"
"""Why nothing leaves any more for a learner who was erased."""


def pause_after(attempt: int) -> timedelta:
    """How long a provider that does not answer is left alone: a minute, doubled, a quarter of an hour at most."""
    longer: timedelta = _FIRST_PAUSE * (1 << min(max(attempt - 1, 0), 8))
    return min(longer, _LONGEST_PAUSE)


# --- a mail is asked for ---------------------------------------------------------------------------------


def when_mail_requested(
    case: Correspondence, fact: dunning.MailRequested, to: Addressing, now: datetime
) -> Decision:
    """Take the request once, let it replace what it makes needless, and send, hold or park it (R-J4, R-J5)."""
    mail_id = mail_id_of(fact.case_id, fact.template, fact.ordinal)
    if case.mail(mail_id) is not None:
        return Decision(case=case)
    desk = Desk(case, now)
    if fact.audience is Audience.LEARNER:
        older = REPLACES.get(fact.template, frozenset())
        _drop(desk, lambda mail: mail.template in older, "consolidated", detail=fact.template.value)
    mail = Mail(
        mail_id=mail_id,
        template=fact.template,
        ordinal=fact.ordinal,
        audience=fact.audience,
        recipient_id=fact.school_id if fact.audience is Audience.OFFICE else fact.learner_id,
        requested_at=fact.occurred_at,
        not_before=fact.not_before,
        due_at=fact.due_at,
        rolls_back=fact.rolls_back,
        ignores_closures=fact.ignores_closures,
        data=fact.data,
    )
    overtaken = _overtaken(case, fact)
    if overtaken is not None:
        because, detail = overtaken
        desk.drop(mail, because, detail=detail)
        return desk.done()
    if fact.due_at is not None:
        desk.say(Later(at=fact.due_at, fact=notifications.NoticeFellDue(**desk.about(mail, fact.due_at))))
    settle(desk, mail, to)
    return desk.done()


def _overtaken(case: Correspondence, fact: dunning.MailRequested) -> tuple[str, str] | None:
    """Why a request heard late (parked, mended and heard again) has nothing true to say any more."""
    for mark in case.stale:
        if mark.at > fact.occurred_at and fact.template in mark.templates:
            return "obsolete", mark.because
    for mail in case.mails:
        if mail.requested_at > fact.occurred_at and fact.template in REPLACES.get(mail.template, ()):
            return "consolidated", mail.template.value
    return None


# --- the hour comes, the calendar changes, somebody becomes known -----------------------------------------


def when_mail_fell_due(case: Correspondence, mail_id: str, to: Addressing, now: datetime) -> Decision:
    """Decide again; a plan that was moved, or whose mail left or was dropped, is moot."""
    mail = case.mail(mail_id)
    if mail is None or mail.status is not Status.WAITING or mail.until is None or mail.until > now:
        return Decision(case=case)
    desk = Desk(case, now)
    settle(desk, mail, to)
    return desk.done()


def when_closures_changed(case: Correspondence, to: Addressing, now: datetime) -> Decision:
    """Every waiting mail looks at the live calendar again; a reminder may have to leave earlier (R-X5, JP-47)."""
    desk = Desk(case, now)
    for mail in case.mails:
        if mail.status is Status.WAITING and mail.because != "provider_down":
            settle(desk, mail, to)
    return desk.done()


def when_somebody_became_known(
    case: Correspondence, recipient_id: str, to: Addressing, now: datetime
) -> Decision:
    """Mails parked for want of an address, or of their school, go on."""
    desk = Desk(case, now)
    for mail in case.mails:
        concerned = recipient_id in {mail.recipient_id, case.school_id}
        if mail.status is Status.PARKED and concerned:
            settle(desk, mail, to)
    return desk.done()


def settle(desk: Desk, mail: Mail, to: Addressing) -> None:
    """The one place where a mail's fate is decided: park, hold, drop or send."""
    if to.is_erased(mail):
        desk.drop(mail, ERASED)
        return
    calendar = to.school.calendar() if to.school is not None else None
    if to.school is None or not to.school.is_known or calendar is None:
        desk.park(mail, "no_school")
        return
    if not to.reaches(mail):
        desk.park(mail, "no_address")
        return
    verdict = gate(mail, calendar, desk.now)
    match verdict:
        case Leave():
            desk.send(mail)
        case Wait() if mail.template is Template.JP_REPORT_ACK and verdict.because == "closed":
            desk.drop(mail, "on_screen", detail="the page acknowledged it; the office is closed")
        case Wait():
            desk.hold(mail, verdict, calendar_id=calendar.id)
        case TooLate():
            desk.drop(mail, "too_late", detail=verdict.day.isoformat())
        case _:
            assert_never(verdict)


# --- stale mails ------------------------------------------------------------------------------------------


def when_mails_obsoleted(
    case: Correspondence, templates: Collection[Template], why: str, *, at: datetime, now: datetime
) -> Decision:
    """What has not left is dropped; what is just under way is recalled, and dropped should it not get through.

    ``at`` is when it became so: a request from before that, heard later, does not leave either.
    """
    mark = Stale(at=at, because=why, templates=tuple(sorted(templates)))
    desk = Desk(case if mark in case.stale else case.but(stale=(*case.stale, mark)), now)
    _drop(desk, lambda mail: mail.template in templates, "obsolete", detail=why)
    return desk.done()


def when_learner_erased(case: Correspondence, now: datetime) -> Decision:
    """Nothing leaves for them any more: what waits or was refused is dropped, what is under way is recalled."""
    desk = Desk(case, now)
    theirs = [mail for mail in case.mails if mail.audience is Audience.LEARNER]
    for mail in theirs:
        if mail.status is Status.FAILED:
            desk.drop(mail, ERASED)
    _drop(desk, lambda mail: mail.audience is Audience.LEARNER, ERASED, detail="")
    return desk.done()


def _drop(desk: Desk, concerns: Callable[[Mail], bool], because: str, *, detail: str) -> None:
    for mail in desk.case.mails:
        if not concerns(mail):
            continue
        if mail.status.can_be_dropped:
            desk.drop(mail, because, detail=detail)
        elif mail.status is Status.LEAVING and not mail.recalled:
            desk.recall(mail, f"{because}: {detail}" if detail else because)


# --- what came of sending ---------------------------------------------------------------------------------


def why_withheld(mail: Mail | None, attempt: int, school: School, now: datetime) -> str:
    """Looked at just before sending: a word why this mail must not leave after all, or nothing.

    A mail that became stale while the provider was down, or that midnight overtook, does not leave.
    """
    if mail is None or mail.status is not Status.LEAVING or mail.attempt != attempt:
        return "moot"
    if mail.recalled:
        return mail.recalled
    calendar = school.calendar()
    if calendar is None:
        return "no_school"
    return "" if isinstance(gate(mail, calendar, now), Leave) else "closed"


def when_sending_ended(
    case: Correspondence, mail_id: str, attempt: int, outcome: Outcome, to: Addressing, now: datetime
) -> Decision:
    """Record what came of one attempt; one that was already recorded is moot."""
    mail = case.mail(mail_id)
    if mail is None or mail.status is not Status.LEAVING or mail.attempt != attempt:
        return Decision(case=case)
    desk = Desk(case, now)
    match outcome:
        case Delivered():
            desk.sent(mail, outcome)
        case RefusedForGood():
            desk.failed(mail, outcome.reason)
        case NotNow() | Withheld() if mail.recalled:
            because, _, detail = mail.recalled.partition(": ")
            desk.drop(mail, because, detail=detail)
        case NotNow():
            desk.hold(
                mail,
                Wait(until=now + (outcome.retry_after or pause_after(attempt)), because="provider_down"),
                detail=outcome.reason,
            )
        case Withheld():
            settle(desk, mail, to)
        case _:
            assert_never(outcome)
    return desk.done()


# --- targets ----------------------------------------------------------------------------------------------


def when_notice_fell_due(case: Correspondence, mail_id: str, to: Addressing, now: datetime) -> Decision:
    """At the target: a notice that has not left is overdue, and the office is told (R-J3, X-31)."""
    mail = case.mail(mail_id)
    if mail is None or not mail.status.is_undone or mail.overdue or mail.due_at is None or mail.due_at > now:
        return Decision(case=case)
    desk = Desk(case, now)
    desk.overdue(mail)
    which = 1 + sum(m.template is Template.STAFF_NOTICE_OVERDUE for m in case.mails)
    alert_id = mail_id_of(case.case_id, Template.STAFF_NOTICE_OVERDUE, which)
    data = {
        "about": mail.template.value,
        "due_at": iso(mail.due_at),
        "reason": mail.because or mail.status.value,
    }
    alert = Mail(
        mail_id=alert_id,
        template=Template.STAFF_NOTICE_OVERDUE,
        ordinal=which,
        audience=Audience.OFFICE,
        recipient_id=case.school_id,
        requested_at=now,
        data=data,
    )
    settle(desk, alert, to)
    return desk.done()


def iso(at: datetime) -> str:
    """An instant as mails' data carries it."""
    return at.isoformat().replace("+00:00", "Z")
