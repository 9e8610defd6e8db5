"""Mails: what waits and what is stuck, one mail to look at, and every template with its sample."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.desk.api.acts import framed
from services.desk.api.common import Looks, Staff, Told, Writes, built, form_of, its_case, page, text_of
from services.desk.api.doing import Doing, do, note_of, token_of
from services.desk.api.names import names_of_ids
from services.desk.owners import together
from shared.calendar import Language
from shared.errors import NotFound

MailId = Annotated[str, Query(max_length=300)]
_CAN_GO = {"waiting", "parked", "failed"}


def build_router() -> APIRouter:
    """Mails and templates."""
    router = APIRouter(include_in_schema=False)
    router.get("/outbox")(outbox)
    router.get("/mails/show")(show_mail)
    router.get("/mails/body")(mail_body)
    router.post("/mails/release")(release)
    router.post("/mails/drop")(drop)
    router.get("/templates")(list_templates)
    router.get("/templates/{template}")(show_template)
    router.get("/templates/{template}/body")(template_body)
    return router


async def outbox(request: Request, me: Looks) -> HTMLResponse:
    """What leaves on which day by the calendar as it stands, and what needs a person."""
    query = {"school_id": me.school.school_id}
    told = await together(outbox=built(request).owners.ask("notifications", "GET", "/outbox", query=query))
    days = (told["outbox"] or {}).get("days", [])
    stuck = (told["outbox"] or {}).get("stuck", [])
    ids = [mail["learner_id"] for mail in [*stuck, *(mail for day in days for mail in day["mails"])]]
    return page(
        request, me, "outbox", live=True, days=days, stuck=stuck, silent=told["outbox"] is None,
        names=await names_of_ids(request, me, ids),
    )  # fmt: skip


async def _its_mail(request: Request, me: Staff, mail_id: str) -> dict[str, Any]:
    """A mail of a case of this school.

    Raises:
        NotFound: there is none, or it is another school's.
    """
    case = await its_case(request, me, mail_id.rsplit("/", 2)[0])
    mails = await built(request).owners.ask("notifications", "GET", f"/cases/{case.case_id}/mails")
    for mail in mails:
        if mail["mail_id"] == mail_id:
            found: dict[str, Any] = mail
            return found
    raise NotFound("there is no such mail at this school")


async def show_mail(request: Request, me: Looks, mail_id: MailId) -> HTMLResponse:
    """One mail with its own story, as it left or would leave."""
    mail = await _its_mail(request, me, mail_id)
    forms = {}
    if mail["status"] in _CAN_GO and me.may("write"):
        for what in ("mail_release", "mail_drop"):
            forms[what] = await token_of(built(request), me, what, mail_id)
    return page(request, me, "mail", mail=mail, case_id=mail_id.rsplit("/", 2)[0], forms=forms)


async def mail_body(
    request: Request, me: Looks, mail_id: MailId, language: Language | None = None
) -> HTMLResponse:
    """The mail itself, for its frame."""
    await _its_mail(request, me, mail_id)
    query = {"mail_id": mail_id, "language": language}
    return framed(str(await built(request).owners.ask("notifications", "GET", "/mails/preview", query=query)))


async def release(request: Request, me: Writes) -> Response:
    """Let it leave now."""
    return await _act(request, me, "mail_release", "/mails/release")


async def drop(request: Request, me: Writes) -> Response:
    """Keep it from ever leaving."""
    return await _act(request, me, "mail_drop", "/mails/drop")


async def _act(request: Request, me: Staff, what: str, path: str) -> Response:
    form = await form_of(request, me)
    mail_id = text_of(form, "mail_id")[:300]
    mail = await _its_mail(request, me, mail_id)
    link = f"/cases/{mail_id.rsplit('/', 2)[0]}"
    note = note_of(form, needed=True, link=link)
    if mail["status"] not in _CAN_GO:
        raise Told("not_now_in_state", link=link, state=me.speech.w("mail_status", mail["status"]))
    owners = built(request).owners

    async def ask(_: str) -> Any:
        return await owners.ask(
            "notifications", "POST", path, {"mail_id": mail_id, "by": me.by, "reason": note}
        )

    doing = Doing(
        what=what,
        about=mail_id,
        link=link,
        ask=ask,
        before={"status": mail["status"]},
        note=note,
        learner_id=mail["learner_id"],
    )
    return await do(request, me, form, doing)


async def list_templates(request: Request, me: Looks) -> HTMLResponse:
    """Every mail that exists, with the facts that it must tell."""
    told = await together(templates=built(request).owners.ask("notifications", "GET", "/templates"))
    guided = me.school.languages[:1] == ("ja",)
    first = "jp" if guided else "fr"
    found = sorted(
        told["templates"] or [], key=lambda one: (not one["template"].startswith(first), one["template"])
    )
    return page(request, me, "templates", templates=found)


async def show_template(
    request: Request, me: Looks, template: str, language: Language | None = None
) -> HTMLResponse:
    """One template with its sample case."""
    found = await built(request).owners.ask("notifications", "GET", "/templates")
    one = next((one for one in found if one["template"] == template), None)
    if one is None:
        raise NotFound("there is no such template")
    chosen = language if language in one["languages"] else one["languages"][0]
    return page(request, me, "template", one=one, language=chosen)


async def template_body(request: Request, me: Looks, template: str, language: Language) -> HTMLResponse:
    """The sample itself, for its frame."""
    del me
    query = {"language": language}
    path = f"/templates/{template}/preview"
    return framed(str(await built(request).owners.ask("notifications", "GET", path, query=query)))
