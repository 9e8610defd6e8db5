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
from services.notifications.domain.mail import Correspondence, Mail, Status, mail_id_of
from services.notifications.domain.outcome import Delivered, NotNow, Outcome, RefusedForGood, Withheld
from services.notifications.domain.people import School
from services.notifications.domain.replacing import REPLACES
from shared.errors import NotFound, Refused
from shared.events import Later, dunning, notifications
from shared.events import credits as credit_facts
from shared.events.words import Audience, Template

_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(minutes=15)


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
    if fact.due_at is not None:
        desk.say(Later(at=fact.due_at, fact=notifications.NoticeFellDue(**desk.about(mail, fact.due_at))))
    settle(desk, mail, to)
    return desk.done()


def when_lesson_cancelled(
    case: Correspondence, fact: credit_facts.LessonCancelledByAdmin, to: Addressing, now: datetime
) -> Decision:
    """Tell the teacher at once, on any day; the learner reads it in the guidance (J47)."""
    desk = Desk(_with_lessons(case, ((fact.lesson_id, fact.starts_at),)), now)
    mail_id = mail_id_of(fact.case_id, Template.JP_LESSON_CANCELLED, fact.lesson_id)
    if case.mail(mail_id) is None:
        mail = Mail(
            mail_id=mail_id,
            template=Template.JP_LESSON_CANCELLED,
            audience=Audience.TEACHER,
            recipient_id=fact.teacher_id,
            requested_at=fact.occurred_at,
            ignores_closures=True,
            data={"lesson_id": fact.lesson_id, "starts_at": _iso(fact.starts_at)},
        )
        settle(desk, mail, to)
    return desk.done()


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
    case: Correspondence, templates: Collection[Template], why: str, now: datetime
) -> Decision:
    """What has not left is dropped; what is just under way is recalled, and dropped should it not get through."""
    desk = Desk(case, now)
    _drop(desk, lambda mail: mail.template in templates, "obsolete", detail=why)
    return desk.done()


def _drop(desk: Desk, concerns: Callable[[Mail], bool], because: str, *, detail: str) -> None:
    for mail in desk.case.mails:
        if not concerns(mail):
            continue
        if mail.status.can_be_dropped:
            desk.drop(mail, because, detail=detail)
        elif mail.status is Status.LEAVING and not mail.recalled:
            desk.recall(mail, f"{because}: {detail}")


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
        "due_at": _iso(mail.due_at),
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


# --- staff ------------------------------------------------------------------------------------------------


def when_released(
    case: Correspondence, mail_id: str, *, by: str, note: str, to: Addressing, now: datetime
) -> Decision:
    """Staff let a waiting, parked or refused mail leave now, on their own responsibility.

    Raises:
        NotFound: there is no such mail.
        Refused: it left already, is leaving, was dropped, or still has no address.
    """
    mail = _the(case, mail_id)
    if mail.status not in {Status.WAITING, Status.PARKED, Status.FAILED}:
        raise Refused(
            f"we could not release {mail_id} because it is {mail.status.value} already: only what waits, is parked "
            "or was refused can be released",
            code="not_releasable",
        )
    if not to.reaches(mail):
        raise Refused(
            f"we could not release {mail_id} because nobody by the id {mail.recipient_id!r} has an address: "
            "register the address first",
            code="no_address",
        )
    desk = Desk(case, now)
    desk.release(mail, by=by, note=note)
    return desk.done()


def when_dropped_by_staff(
    case: Correspondence, mail_id: str, *, by: str, note: str, now: datetime
) -> Decision:
    """Staff decide that a mail shall not leave.

    Raises:
        NotFound: there is no such mail.
        Refused: it left, is leaving or was dropped.
    """
    mail = _the(case, mail_id)
    if not (mail.status.can_be_dropped or mail.status is Status.FAILED):
        raise Refused(
            f"we could not drop {mail_id} because it is {mail.status.value} already: only what waits, is parked or "
            "was refused can be dropped",
            code="not_droppable",
        )
    desk = Desk(case, now)
    desk.drop(mail, "by_staff", detail=note, by=by)
    return desk.done()


def _the(case: Correspondence, mail_id: str) -> Mail:
    mail = case.mail(mail_id)
    if mail is None:
        raise NotFound(f"there is no mail {mail_id}: look for it in the mail log of {case.case_id}")
    return mail


# --- what only has to be remembered -----------------------------------------------------------------------


def _with_lessons(case: Correspondence, lessons: tuple[tuple[str, datetime], ...]) -> Correspondence:
    known = {lesson_id for lesson_id, _ in case.lessons}
    new = tuple(lesson for lesson in lessons if lesson[0] not in known)
    return case.but(lessons=tuple(sorted((*case.lessons, *new), key=lambda lesson: (lesson[1], lesson[0]))))


def when_credits_forfeited(
    case: Correspondence, fact: credit_facts.CreditsForfeited, now: datetime
) -> Decision:
    """Remember what lapsed and which lessons were cancelled, for the guidance (J46, J47)."""
    desk = Desk(_with_lessons(case, fact.cancelled_lessons), now)
    desk.remember_forfeiture(fact.untouched, fact.reserved, fact.effective_on)
    return desk.done()


def when_gateway_wrote(
    case: Correspondence, *, sender: str, about: str, at: datetime, now: datetime
) -> Decision:
    """A gateway's own mail to the payer is logged as external, once per transaction (J2)."""
    if any(notice.sender == sender and notice.about == about for notice in case.external):
        return Decision(case=case)
    desk = Desk(case, now)
    desk.log_external(sender, about, at)
    return desk.done()


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
