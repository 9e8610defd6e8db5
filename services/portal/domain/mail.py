"""The mails of a case, as their reader may look them up: which, when, or why not yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from shared.events import notifications
from shared.events.words import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    mail_id: str
    school_id: str
    learner_id: str
    case_id: str
    template: Template | None
    """``None`` where a gateway wrote by itself (J2)."""
    status: str
    """``sent``, ``waiting``, ``dropped``, ``failed``, ``external``."""
    at: datetime
    until: datetime | None = None
    because: str = ""
    sender: str = ""

    @property
    def key(self) -> str:
        return f"{self.school_id}/{self.learner_id}"


def when_told(known: Mail | None, fact: notifications._AboutMail) -> Mail | None:
    """The newest news of one mail; what was sent stays sent."""
    if known is not None and known.status in {"sent", "dropped"}:
        return known
    match fact:
        case notifications.MailSent():
            return replace(_mail(fact), status="sent")
        case notifications.MailDeferred():
            return replace(_mail(fact), status="waiting", until=fact.until, because=fact.because)
        case notifications.MailDropped():
            return replace(_mail(fact), status="dropped", because=fact.because)
        case notifications.MailFailed():
            return replace(_mail(fact), status="failed")
        case _:
            return known


def _mail(fact: notifications._AboutMail) -> Mail:
    return Mail(
        mail_id=fact.mail_id,
        school_id=fact.school_id,
        learner_id=fact.learner_id,
        case_id=fact.case_id,
        template=fact.template,
        status="waiting",
        at=fact.occurred_at,
    )


def when_gateway_wrote(fact: notifications.ExternalNoticeLogged) -> Mail:
    """PayPal's own notice: never ours."""
    return Mail(
        mail_id=f"{fact.case_id}/{fact.sender}/{fact.about}",
        school_id=fact.school_id,
        learner_id=fact.learner_id,
        case_id=fact.case_id,
        template=None,
        status="external",
        at=fact.occurred_at,
        sender=fact.sender,
    )
