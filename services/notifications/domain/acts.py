"""What staff decide about one mail, and what other services' facts leave to be told: lessons, credits, PayPal's notices."""

from __future__ import annotations

from datetime import datetime

from services.notifications.domain.addressing import Addressing
from services.notifications.domain.decide import iso, settle
from services.notifications.domain.desk import Decision, Desk
from services.notifications.domain.mail import Correspondence, Mail, Status, mail_id_of
from shared.errors import NotFound, Refused
from shared.events import credits as credit_facts
from shared.events.words import Audience, Template

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


# --- lessons, credits, gateways ---------------------------------------------------------------------------


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
            data={"lesson_id": fact.lesson_id, "starts_at": iso(fact.starts_at)},
        )
        settle(desk, mail, to)
    return desk.done()


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
