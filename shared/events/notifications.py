"""What notifications says: which mail left when, which waited, which was dropped and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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
class _AboutMail(Fact):
    KEY: ClassVar[str] = "case_id"

    learner_id: str
    case_id: str
    mail_id: str
    """``<case>/<template>/<ordinal>``."""
    template: Template
    audience: Audience = Audience.LEARNER


@dataclass(frozen=True, slots=True, kw_only=True)
class MailDeferred(_AboutMail):
    """The office is closed (or the hour has not come): it leaves at ``until`` at the earliest."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id", "until")

    until: datetime
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFellDue(_AboutMail):
    """A plan: decide again whether this mail leaves."""

    PLAN: ClassVar[bool] = True
    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id", "occurred_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSent(_AboutMail):
    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id",)

    language: str
    message_id: str
    late: bool = False
    """After its due instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailDropped(_AboutMail):
    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id",)

    because: str
    """``obsolete``, ``consolidated``, ``recovered``, ``no_address``, ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFailed(_AboutMail):
    """The mail server refused it for good; the office must look."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("mail_id",)

    because: str


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
    MailDeferred,
    MailFellDue,
    MailSent,
    MailDropped,
    MailFailed,
    NoticeOverdue,
    NoticeFellDue,
)
