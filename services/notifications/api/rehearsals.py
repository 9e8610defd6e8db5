"""What would be written, and what would wait, before anybody decides: mails not yet asked for, closures not yet told.

Nothing is kept. Also who is meant by a name: the office knows its learners by name, the other services by id.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import BaseModel, Field, StringConstraints

from services.notifications import domain
from services.notifications.api.doors import Form, Opened, page, written
from services.notifications.api.shapes import CaseId, Id, PathId
from services.notifications.context import Letter
from services.notifications.handlers import HEARS
from services.notifications.store import LEARNERS, NotificationsUnit, person_key
from shared.calendar import Language
from shared.events import dunning
from shared.events.words import Template

Text = Annotated[str, StringConstraints(max_length=4000)]


class DraftIn(BaseModel):
    """A mail that would be asked for, with the data it would carry."""

    school_id: Id
    learner_id: Id
    subscription_id: Id
    period: date | None = None
    template: Template
    ordinal: int = Field(default=1, ge=1)
    data: dict[str, Text] = {}
    language: Language | None = None
    form: Form = "html"


class ClosureIn(BaseModel):
    """A closure that would be announced, or withdrawn."""

    closure_id: Id
    name: Annotated[str, StringConstraints(max_length=500)] = ""
    first: date
    last: date
    calendar: Annotated[str, StringConstraints(max_length=500)]
    withdrawn: bool = False


class MoveOut(BaseModel):
    """A waiting mail that would leave at another time; ``after`` is null when it would leave at once."""

    mail_id: str
    case_id: str
    learner_id: str
    template: str
    before: datetime | None
    after: datetime | None


class LookupIn(BaseModel):
    """Either ids, whose names are asked, or the beginning of a name."""

    school_id: Id
    learner_ids: list[Id] = Field(default=[], max_length=200)
    name: Annotated[str, StringConstraints(max_length=100)] = ""


class KnownOut(BaseModel):
    learner_id: str
    name: str
    language: str
    is_erased: bool = False


async def draft_mail(
    case_id: CaseId, body: DraftIn, request: Request, opened: Opened
) -> HTMLResponse | PlainTextResponse:
    """The mail as its reader would get it."""
    async with opened.looking() as unit:
        case = await unit.case(
            case_id,
            school_id=body.school_id,
            learner_id=body.learner_id,
            subscription_id=body.subscription_id,
            period=body.period,
        )
        letter = Letter(
            mail=domain.Mail(
                mail_id=f"{case_id}/{body.template.value}/{body.ordinal}",
                template=body.template,
                ordinal=body.ordinal,
                recipient_id=body.learner_id,
                requested_at=unit.now,
                data=body.data,
            ),
            case=case,
            school=await unit.school(body.school_id) or domain.School(school_id=body.school_id),
            now=unit.now,
            learner=await unit.learner(body.school_id, body.learner_id),
            payment=await unit.payment(body.subscription_id),
        )
    return page(written(letter, body.language, request.app.state.support), body.form)


async def rehearse_closure(school_id: PathId, body: ClosureIn, opened: Opened) -> list[MoveOut]:
    """Which waiting mails would leave at another time."""
    about = {"school_id": school_id, "closure_id": body.closure_id, "calendar": body.calendar}
    async with opened.looking() as unit:
        before = await _waiting(unit, school_id)
        if body.withdrawn:
            gone = dunning.ClosureWithdrawn(occurred_at=unit.now, **about)
            await HEARS[dunning.ClosureWithdrawn](gone, unit)
        else:
            told = dunning.ClosureAnnounced(
                occurred_at=unit.now, name=body.name, first=body.first, last=body.last, **about
            )
            await HEARS[dunning.ClosureAnnounced](told, unit)
        moves = []
        for mail_id, (case, until) in before.items():
            known = await unit.known_case(case.case_id)
            mail = known.mail(mail_id) if known else None
            if mail is None or (mail.status is domain.Status.WAITING and mail.until == until):
                continue
            moves.append(
                MoveOut(
                    mail_id=mail_id,
                    case_id=case.case_id,
                    learner_id=case.learner_id,
                    template=mail.template.value,
                    before=until,
                    after=mail.until if mail.status is domain.Status.WAITING else None,
                )
            )
    return sorted(moves, key=lambda move: (move.before is None, move.before, move.mail_id))


async def _waiting(
    unit: NotificationsUnit, school_id: str
) -> dict[str, tuple[domain.Correspondence, datetime | None]]:
    return {
        mail.mail_id: (case, mail.until)
        for case in await unit.waiting(school_id)
        for mail in case.mails
        if mail.status is domain.Status.WAITING
    }


async def look_up(body: LookupIn, opened: Opened) -> list[KnownOut]:
    """Names of ids, or the learners of a school whose name begins so (200 at most)."""
    async with opened.looking() as unit:
        if body.name:
            found = await unit.learners_named(body.school_id, body.name, limit=200)
        else:
            people = [person_key(body.school_id, one) for one in body.learner_ids]
            await unit.fetch(LEARNERS, people)
            await unit.keys.fetch(people)
            known = [await unit.learner(body.school_id, one) for one in body.learner_ids]
            found = [one for one in known if one is not None]
    return [
        KnownOut(
            learner_id=one.learner_id,
            name=one.name,
            language=one.language,
            is_erased=one.erased_at is not None,
        )
        for one in found
    ]
