"""A learner's way in by mail: written and handed over at once, and kept nowhere, because whoever reads it may enter.

Everything else leaves through the mail log; a login link never does. Nobody else is copied, not even a payer.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints

from services.notifications.api.doors import Opened
from services.notifications.api.shapes import Email, Id
from services.notifications.domain import Learner, School
from services.notifications.rendering import Rendered, lay_out
from services.notifications.sending import Hands, Sender, address_of
from shared import formatting
from shared.calendar import LANGUAGES, Language
from shared.errors import NotFound
from shared.web import READS, Keyed

TEMPLATE = "portal.magic_link"


class RecipientsIn(BaseModel):
    """An address that somebody typed at a school's door."""

    school_id: Id
    email: Email


class RecipientsOut(BaseModel):
    """Whose it is; nobody's is an empty list."""

    learner_ids: list[str]


class LoginLinkIn(BaseModel):
    """The link, made by the portal; only its hash is known there, and nothing of it here."""

    school_id: Id
    learner_id: Id
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=500)]
    minutes: int = Field(ge=1, le=60)


class SentOut(BaseModel):
    sent: bool = True


def build_router() -> APIRouter:
    """For the portal, behind an API key."""
    router = APIRouter(prefix="/login-links", dependencies=[Keyed], tags=["login links"])
    router.post("/recipients", openapi_extra=READS)(find_recipients)
    router.post("", status_code=202)(send_link)
    return router


async def find_recipients(body: RecipientsIn, opened: Opened) -> RecipientsOut:
    """Which learners of a school have this address."""
    async with opened.looking() as unit:
        found = await unit.learners_at(body.school_id, body.email)
    return RecipientsOut(learner_ids=[learner.learner_id for learner in found])


async def send_link(body: LoginLinkIn, request: Request, opened: Opened) -> SentOut:
    """Write it in the learner's language and hand it over now; 503 when the mail server does not take it now."""
    async with opened.looking() as unit:
        learner = await unit.learner(body.school_id, body.learner_id)
        school = await unit.school(body.school_id)
        now = unit.now
    if learner is None or learner.erased_at is not None or school is None or not school.is_known:
        raise NotFound(
            f"we could not write to {body.learner_id} because nobody of that id is registered here"
        )
    hands: Hands = request.app.state.letters
    message = compose(learner, school, body.url, body.minutes, hands.sender)
    message["Date"] = format_datetime(now)
    await hands.channel.deliver(message)
    return SentOut()


def compose(learner: Learner, school: School, url: str, minutes: int, sender: Sender) -> EmailMessage:
    """The message; its Message-ID is of chance, for it is sent once and never again."""
    rendered = write(learner, school, url, minutes)
    message = EmailMessage(policy=SMTP)
    message["From"] = address_of(school.name, sender.address)
    message["To"] = address_of(learner.name, learner.email)
    message["Subject"] = " ".join(rendered.subject.split())
    message["Message-ID"] = make_msgid(domain=sender.domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(rendered.text, cte="quoted-printable" if rendered.language != "ja" else "base64")
    message.add_alternative(rendered.html, subtype="html", cte="base64")
    message["Content-Language"] = rendered.language
    return message


def write(learner: Learner, school: School, url: str, minutes: int) -> Rendered:
    """In the learner's language, else in the school's first."""
    wanted = (learner.language, *school.languages, "en")
    language: Language = next(one for name in wanted for one in LANGUAGES if one == name)
    names = {
        "name": learner.name,
        "school": school.name,
        "support": school.support_contact,
        "zone": formatting.zone_label(school.zone, language),
        "minutes": minutes,
        "link": url,
    }
    return lay_out(TEMPLATE, names, language, sender=school.name)
