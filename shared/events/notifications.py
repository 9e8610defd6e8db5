"""What notifications says: which mail left when, which waited, which was dropped and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from shared.events.fact import Fact
from shared.events.words import Audience, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerRegistered(Fact):
    """A learner exists, with a language and a zone; names and addresses stay in notifications."""

    KEY: ClassVar[str] = "learner_id"

    learner_id: str
    language: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerErased(Fact):
    """A learner asked to be forgotten: whoever holds anything of them erases it now, for good; ids and money stay."""

    KEY: ClassVar[str] = "learner_id"
    IDENTITY: ClassVar[tuple[str, ...]] = ("school_id", "learner_id")

    learner_id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherRegistered(Fact):
    """A teacher can be written to; name and address stay in notifications."""

    KEY: ClassVar[str] = "teacher_id"

    teacher_id: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutMail(Fact):
    KEY: ClassVar[str] = "case_id"

    learner_id: str
    case_id: str
    mail_id: str
    """``<case>/<template>/<ordinal>``; a teacher's has the lesson in place of the ordinal."""
    template: Template
    audience: Audience = Audience.LEARNER


@dataclass(frozen=True, slots=True, kw_only=True)
class MailDeferred(_AboutMail):
    """The office is closed (or the hour has not come): it leaves at ``until`` at the earliest."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id", "until")

    until: datetime
    because: str
    """``closed`` (the office is), ``not_before`` (its hour has not come), ``provider_down``."""
    calendar: str | None = None
    skipped: tuple[tuple[date, str], ...] = ()
    """Each closed day on the way and why, as in ``dunning.Because``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFellDue(_AboutMail):
    """A plan: decide again whether this mail leaves."""

    PLAN: ClassVar[bool] = True
    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id", "occurred_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSent(_AboutMail):
    """The mail left: the mail server took it."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id",)

    language: str
    message_id: str
    late: bool = False
    """After its due instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailDropped(_AboutMail):
    """The mail will not leave, and ``because`` says why."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id",)

    because: str
    """``obsolete``, ``consolidated``, ``too_late`` (a reminder's day is over), ``on_screen``, ``by_staff``, ``erased``."""
    detail: str = ""
    """What made it so: ``recovered``, the mail that replaces it, or staff's own note."""
    by: str = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFailed(_AboutMail):
    """The mail server refused it for good; the office must look."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id", "attempt")

    attempt: int = 1

    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailParked(_AboutMail):
    """It cannot be addressed yet: it leaves as soon as whoever it is for, or the school, is registered."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id", "because", "occurred_at")

    because: str
    """``no_address``, ``no_school``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReleased(_AboutMail):
    """Staff let a mail leave before its hour, or once more after it failed."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id", "occurred_at")

    by: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalNoticeLogged(Fact):
    """A gateway wrote to the payer by itself (J2): logged, never counted as ours nor imitated."""

    KEY: ClassVar[str] = "case_id"
    IDENTITY: ClassVar[tuple[str, ...]] = ("case_id", "about")

    learner_id: str
    case_id: str
    sender: str
    """``PayPal``."""
    about: str
    """The gateway's transaction that the notice is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeOverdue(_AboutMail):
    """A notice was not sent within its target time (R-J3)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id",)

    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFellDue(_AboutMail):
    """A plan: at the target time, look whether the notice left."""

    PLAN: ClassVar[bool] = True
    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id", "occurred_at")


SAYS: tuple[type[Fact], ...] = (
    LearnerRegistered,
    LearnerErased,
    TeacherRegistered,
    MailParked,
    MailReleased,
    ExternalNoticeLogged,
    MailDeferred,
    MailFellDue,
    MailSent,
    MailDropped,
    MailFailed,
    NoticeOverdue,
    NoticeFellDue,
)
