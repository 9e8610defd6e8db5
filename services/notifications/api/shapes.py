"""What goes over the wire of notifications' API: people, mails with their own story, days of the outbox."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from services.notifications import domain
from shared.calendar import Language, zone
from shared.errors import Unreadable
from shared.events.words import Audience


def _known_zone(name: str) -> str:
    try:
        return zone(name).key
    except Unreadable as error:
        raise ValueError(str(error)) from error


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
CaseId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.~:\-]{1,200}$")]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")
]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        max_length=254,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,250}[A-Za-z0-9])?$",
    ),
]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


# --- what comes in ----------------------------------------------------------------------------------------


class LearnerIn(BaseModel):
    """A learner as the school knows them; the newest registration holds."""

    school_id: Id
    name: Name
    email: Email
    language: Language = Field(
        description="In which language mails are written; English where a mail lacks it"
    )
    zone: Zone = Field(
        description="IANA zone where the learner lives; mails show both clocks when it differs"
    )
    payer_name: Name | None = Field(
        default=None, description="Who pays, when it is somebody else: gets a copy (J35)"
    )
    payer_email: Email | None = None


class LearnerLine(LearnerIn):
    """One line of the list of learners."""

    learner_id: Id


class TeacherIn(BaseModel):
    school_id: Id
    name: Name
    email: Email
    language: Language
    zone: Zone | None = None


class TeacherLine(TeacherIn):
    """One line of the list of teachers."""

    teacher_id: Id


class ActIn(BaseModel):
    """What staff do with one mail, and why."""

    mail_id: Annotated[str, StringConstraints(max_length=300)]
    by: Name
    reason: Note


# --- what goes out ----------------------------------------------------------------------------------------


class LearnerOut(BaseModel):
    learner_id: str
    school_id: str
    name: str
    email: str
    language: str
    zone: str
    payer_name: str | None = None
    payer_email: str | None = None


class TeacherOut(BaseModel):
    teacher_id: str
    school_id: str
    name: str
    email: str
    language: str
    zone: str


class StepOut(BaseModel):
    at: datetime
    status: str
    because: str
    detail: str
    skipped: list[tuple[date, str]]


class MailOut(BaseModel):
    """One mail and its own story. ``sender`` is ours, or a gateway's for what it wrote by itself (J2)."""

    mail_id: str
    case_id: str
    learner_id: str
    sender: str
    template: str
    ordinal: int
    audience: Audience
    status: str = Field(description="waiting, parked, leaving, sent, dropped, failed, or external")
    because: str
    requested_at: datetime
    not_before: datetime | None
    until: datetime | None = Field(description="When it leaves, while it waits")
    due_at: datetime | None
    overdue: bool
    settled_at: datetime | None
    language: str
    message_id: str
    steps: list[StepOut]


class DayOut(BaseModel):
    """What leaves on one day of the school's own calendar."""

    day: date
    mails: list[MailOut]


class OutboxOut(BaseModel):
    school_id: str
    days: list[DayOut] = Field(
        description="Waiting mails by the day on which they leave, by the live calendar"
    )
    stuck: list[MailOut] = Field(description="Mails without an address, and mails that were refused")


class FactOut(BaseModel):
    """A fact that a mail must tell, and the rule behind it."""

    fact: str
    rule: str


class TemplateOut(BaseModel):
    template: str
    languages: list[str]
    required: list[FactOut]


# --- shapes -----------------------------------------------------------------------------------------------


def learner_out(learner: domain.Learner) -> LearnerOut:
    """A learner as the API shows them."""
    return LearnerOut(
        learner_id=learner.learner_id,
        school_id=learner.school_id,
        name=learner.name,
        email=learner.email,
        language=learner.language,
        zone=learner.zone,
        payer_name=learner.payer.name if learner.payer else None,
        payer_email=learner.payer.email if learner.payer else None,
    )


def teacher_out(teacher: domain.Teacher) -> TeacherOut:
    """A teacher as the API shows them."""
    return TeacherOut(
        teacher_id=teacher.teacher_id,
        school_id=teacher.school_id,
        name=teacher.name,
        email=teacher.email,
        language=teacher.language,
        zone=teacher.zone,
    )


def mails_out(case: domain.Correspondence) -> list[MailOut]:
    """Everything written about a case, gateways' own notices included, oldest first."""
    ours = [mail_out(case, mail) for mail in case.mails]
    return sorted([*ours, *_externals(case)], key=lambda one: (one.requested_at, one.mail_id))


def mail_out(case: domain.Correspondence, mail: domain.Mail) -> MailOut:
    """One mail with its own story."""
    return MailOut(
        mail_id=mail.mail_id,
        case_id=case.case_id,
        learner_id=case.learner_id,
        sender="school",
        template=mail.template.value,
        ordinal=mail.ordinal,
        audience=mail.audience,
        status=mail.status.value,
        because=mail.because,
        requested_at=mail.requested_at,
        not_before=mail.not_before,
        until=mail.until,
        due_at=mail.due_at,
        overdue=mail.overdue,
        settled_at=mail.settled_at,
        language=mail.language,
        message_id=mail.message_id,
        steps=[
            StepOut(
                at=step.at,
                status=step.status.value,
                because=step.because,
                detail=step.detail,
                skipped=list(step.skipped),
            )
            for step in mail.steps
        ],
    )


def _externals(case: domain.Correspondence) -> list[MailOut]:
    return [
        MailOut(
            mail_id=f"{case.case_id}/external/{notice.about}",
            case_id=case.case_id,
            learner_id=case.learner_id,
            sender=notice.sender,
            template="external",
            ordinal=number,
            audience=Audience.LEARNER,
            status="external",
            because="payment_failed",
            requested_at=notice.at,
            not_before=None,
            until=None,
            due_at=None,
            overdue=False,
            settled_at=notice.at,
            language="",
            message_id="",
            steps=[],
        )
        for number, notice in enumerate(case.external, 1)
    ]
