"""The mail log over HTTP: what was written, what leaves on which day, and what staff do about one mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse

from services.notifications import domain
from services.notifications.api.doors import Form, Opened, SchoolId, page, written
from services.notifications.api.shapes import (
    ActIn,
    CaseId,
    DayOut,
    MailOut,
    OutboxOut,
    PathId,
    mail_out,
    mails_out,
)
from services.notifications.store import NotificationsUnit
from shared.calendar import Language, local_date
from shared.errors import NotFound
from shared.keys import subject_of
from shared.transactions import Transactions


async def list_case(case_id: CaseId, opened: Opened) -> list[MailOut]:
    """Everything written about a case, oldest first; gateways' own notices are marked as external."""
    async with opened() as unit:
        case = await unit.known_case(case_id)
        return [await _readable(unit, case, one) for one in mails_out(case)] if case else []


async def list_learner(learner_id: PathId, school_id: SchoolId, opened: Opened) -> list[MailOut]:
    """Everything written to, or about, a learner, oldest first."""
    async with opened() as unit:
        cases = await unit.cases_of(school_id, learner_id)
        mails = [await _readable(unit, case, one) for case in cases for one in mails_out(case)]
    return sorted(mails, key=lambda one: (one.requested_at, one.mail_id))


async def _readable(unit: NotificationsUnit, case: domain.Correspondence, mail: MailOut) -> MailOut:
    """The same with staff's own words opened."""
    subject = subject_of(case.school_id, case.learner_id)
    steps = [
        step.model_copy(update={"detail": await unit.keys.reveal(subject, step.detail)})
        for step in mail.steps
    ]
    return mail.model_copy(update={"steps": steps})


async def read_outbox(school_id: SchoolId, opened: Opened) -> OutboxOut:
    """What waits, by the day on which it leaves as the calendar stands now, and what needs a person."""
    async with opened() as unit:
        school = await unit.school(school_id)
        waiting = await unit.waiting(school_id)
        stuck = await unit.stuck(school_id)
        days: dict[date, list[MailOut]] = {}
        zone_name = school.zone if school else "UTC"
        for case in waiting:
            for mail in case.mails:
                if mail.status is domain.Status.WAITING and mail.until is not None:
                    shown = await _readable(unit, case, mail_out(case, mail))
                    days.setdefault(local_date(mail.until, zone_name), []).append(shown)
        kept = [
            await _readable(unit, case, mail_out(case, mail))
            for case in stuck
            for mail in case.mails
            if mail.status in {domain.Status.PARKED, domain.Status.FAILED}
        ]
    return OutboxOut(
        school_id=school_id,
        days=[
            DayOut(day=day, mails=sorted(mails, key=lambda one: (one.until or one.requested_at, one.mail_id)))
            for day, mails in sorted(days.items())
        ],
        stuck=kept,
    )


async def preview_mail(
    mail_id: Annotated[str, Query(max_length=300)],
    request: Request,
    opened: Opened,
    language: Language | None = None,
    form: Form = "html",
) -> HTMLResponse | PlainTextResponse:
    """A mail of the log exactly as it would leave now, or as it left."""
    async with opened() as unit:
        order = domain.SendOrder(case_id=_case_of(mail_id), mail_id=mail_id, attempt=0)
        letter = await unit.letter(order)
    if letter is None:
        raise NotFound(f"there is no mail {mail_id}: look for it in the mail log of its case")
    return page(written(letter, language, request.app.state.support), form)


async def release_mail(body: ActIn, opened: Opened) -> MailOut:
    """Let a mail leave now although it waits, was parked, or was refused; the reason is kept."""
    return await _act(
        body,
        opened,
        lambda case, note, to, now: domain.when_released(
            case, body.mail_id, by=body.by, note=note, to=to, now=now
        ),
    )


async def drop_mail(body: ActIn, opened: Opened) -> MailOut:
    """Keep a mail that has not left from ever leaving; the reason is kept."""
    return await _act(
        body,
        opened,
        lambda case, note, _, now: domain.when_dropped_by_staff(
            case, body.mail_id, by=body.by, note=note, now=now
        ),
    )


async def _act(
    body: ActIn,
    opened: Transactions,
    decide: Callable[[domain.Correspondence, str, domain.Addressing, datetime], domain.Decision],
) -> MailOut:
    case_id = _case_of(body.mail_id)
    async with opened() as unit:
        case = await unit.known_case(case_id)
        if case is None:
            raise NotFound(f"there is no mail {body.mail_id}: look for it in the mail log of its case")
        note = await unit.sealed(case.school_id, case.learner_id, body.reason)
        decision = decide(case, note, await unit.addressing(case), unit.now)
        await unit.record(case, decision)
        mail = decision.case.mail(body.mail_id)
        if mail is None:
            raise NotFound(f"there is no mail {body.mail_id}: look for it in the mail log of its case")
        return await _readable(unit, decision.case, mail_out(decision.case, mail))


def _case_of(mail_id: str) -> str:
    return mail_id.rsplit("/", 2)[0]
