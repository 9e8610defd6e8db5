"""What a mail is from the moment somebody asked for it: waiting, leaving, sent, or not to be sent and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from shared.events.words import Audience, Template


class Status(StrEnum):
    WAITING = "waiting"
    """It has an hour to leave at: the office is closed, its time has not come, the provider is down."""
    PARKED = "parked"
    """It cannot be addressed yet."""
    LEAVING = "leaving"
    """Its errand is under way."""
    SENT = "sent"
    DROPPED = "dropped"
    FAILED = "failed"
    """Refused for good by the mail server, or it could not be written."""

    @property
    def can_be_dropped(self) -> bool:
        """It has not left, and nobody is carrying it right now."""
        return self in {Status.WAITING, Status.PARKED}

    @property
    def is_undone(self) -> bool:
        """Whoever it was for has not got it, and should."""
        return self in {Status.WAITING, Status.PARKED, Status.LEAVING, Status.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a mail's own story, for the mail log and for "why?"."""

    at: datetime
    status: Status
    because: str = ""
    detail: str = ""
    skipped: tuple[tuple[date, str], ...] = ()
    """Closed days that were passed over, and why each was closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail per (case, template, ordinal)."""

    mail_id: str
    template: Template
    ordinal: int = 1
    audience: Audience = Audience.LEARNER
    recipient_id: str
    """The learner's, teacher's or school's id."""
    requested_at: datetime
    not_before: datetime | None = None
    due_at: datetime | None = None
    rolls_back: bool = False
    ignores_closures: bool = False
    data: dict[str, str] = field(default_factory=dict)
    status: Status = Status.WAITING
    until: datetime | None = None
    """When it leaves, while it waits."""
    because: str = ""
    """The word behind the status: ``closed``, ``obsolete``, ``no_address``, ``550 ...``."""
    attempt: int = 0
    """How many times it was handed to the channel."""
    recalled: str = ""
    """It became stale while it was under way: dropped for this, should it not have left."""
    released_by: str = ""
    """Staff let it go: the calendar does not hold it any more."""
    overdue: bool = False
    settled_at: datetime | None = None
    """When it was sent, dropped or refused."""
    language: str = ""
    message_id: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forfeited:
    """What a case cost in credits, so that the guidance can say it (J46, J47)."""

    untouched: int
    reserved: int
    effective_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalNotice:
    """A gateway's own mail to the payer: never ours (J2)."""

    at: datetime
    sender: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """From this instant on these templates had nothing true to say any more."""

    at: datetime
    because: str
    templates: tuple[Template, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondence:
    """Everything written, or to be written, about one case."""

    case_id: str
    school_id: str
    learner_id: str
    subscription_id: str
    period: date | None = None
    mails: tuple[Mail, ...] = ()
    external: tuple[ExternalNotice, ...] = ()
    lessons: tuple[tuple[str, datetime], ...] = ()
    """Lessons the administration cancelled: (id, start)."""
    forfeited: Forfeited | None = None
    stale: tuple[Stale, ...] = ()
    """What became stale when, so that a request that was parked and is heard again late does not leave."""

    def mail(self, mail_id: str) -> Mail | None:
        """The mail of that id."""
        return next((mail for mail in self.mails if mail.mail_id == mail_id), None)

    def but(self, **changes: Any) -> Correspondence:
        """The same with some fields changed."""
        return replace(self, **changes)

    def has(self, *statuses: Status) -> bool:
        """Whether any mail stands so."""
        return any(mail.status in statuses for mail in self.mails)


def mail_id_of(case_id: str, template: Template, which: int | str) -> str:
    """``<case>/<template>/<ordinal>``: asking twice is asking once."""
    return f"{case_id}/{template.value}/{which}"
