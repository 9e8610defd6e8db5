"""Acts on a case: filled in, shown with everything that would follow, confirmed, done once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.desk.api.common import Right, Staff, Told, built, form_of, its_case, page, safe_back, text_of
from services.desk.api.doing import Doing, do, token_of
from services.desk.api.filling import Filled, filled
from services.desk.api.names import names_of
from services.desk.domain.acts import ACTS, BY_WORD, Act
from services.desk.domain.case import Case
from services.desk.owners import maybe
from shared.calendar import Language
from shared.errors import NotFound, Refused
from shared.events.words import CaseState

CaseId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.~\-]{1,200}$")]
Handler = Callable[..., Awaitable[Response]]
METHODS = ("bank_transfer", "paypal_one_off_invoice")


def build_router() -> APIRouter:
    """A form and a confirmation per act, each behind the right that it needs."""
    router = APIRouter(include_in_schema=False)
    for act in ACTS:
        shown, done = _handlers(act)
        router.get(f"/cases/{{case_id}}/do/{act.word}", name=f"show {act.word}")(shown)
        router.post(f"/cases/{{case_id}}/do/{act.word}", name=f"do {act.word}")(done)
        router.get(f"/cases/{{case_id}}/do/{act.word}/mail", name=f"mail of {act.word}")(_mail_of(act))
    return router


def acts_for(me: Staff, case: Case, detail: Any) -> list[dict[str, Any]]:
    """What the case's state allows: those that this person may do, and those that another role may."""
    return [{"act": act, "mine": me.may(act.right)} for act in ACTS if is_allowed(act, case, detail)]


def is_allowed(act: Act, case: Case, detail: Any) -> bool:
    """Whether the case's state allows it, as its owner says."""
    if act.word == "receipt":
        return case.state is CaseState.AWAITING_LUMP_SUM
    if act.word == "reconcile":
        return case.is_open and case.gateway is not None and case.kind == "renewal"
    return act.word in (detail or {}).get("allowed", ())


def _handlers(act: Act) -> tuple[Handler, Handler]:
    Mine = Annotated[Staff, Depends(Right(act.right))]  # noqa: N806 - an annotation's name

    async def show(request: Request, case_id: CaseId, me: Any) -> HTMLResponse:
        return await _show(request, me, case_id, act)

    async def confirm(request: Request, case_id: CaseId, me: Any) -> Response:
        return await _confirm(request, me, case_id, act)

    show.__annotations__["me"] = confirm.__annotations__["me"] = Mine
    return show, confirm


def _mail_of(act: Act) -> Handler:
    Mine = Annotated[Staff, Depends(Right(act.right))]  # noqa: N806 - an annotation's name

    async def mail(
        request: Request,
        case_id: CaseId,
        me: Any,
        language: Language,
        place: Annotated[int, Query(ge=0, le=20)] = 0,
    ) -> HTMLResponse:
        return await _mail(request, me, case_id, act, language, place)

    mail.__annotations__["me"] = Mine
    return mail


async def _detail(request: Request, me: Staff, case: Case) -> Any:
    query = {"lang": me.speech.language}
    return await maybe(built(request).owners.ask("dunning", "GET", f"/cases/{case.case_id}", query=query))


async def _show(request: Request, me: Staff, case_id: str, act: Act) -> HTMLResponse:
    case = await its_case(request, me, case_id)
    detail = await _detail(request, me, case)
    read = filled(me, case, detail, act, request.query_params)
    if not is_allowed(act, case, detail):
        raise Told(
            "not_now_in_state", link=f"/cases/{case_id}", state=me.speech.w("states", case.state or "no_case")
        )
    is_asked = not (read.wrong.keys() & set(act.fields))
    rehearsal, refusal = await _rehearsed(request, me, case, act, read) if is_asked else (None, "")
    query = dict(request.query_params)
    return page(
        request,
        me,
        "act",
        case=case,
        detail=detail,
        act=act,
        read=read,
        rehearsal=rehearsal,
        refusal=refusal,
        warnings=await _warnings(request, act, case, read),
        mails=_mails(rehearsal),
        closed=await _closed(request, me, _mails(rehearsal)),
        asked=urlencode(query),
        names=await names_of(request, me, [case]),
        methods=METHODS,
        form=await token_of(built(request), me, act.word, case_id, case),
    )


async def _rehearsed(request: Request, me: Staff, case: Case, act: Act, read: Filled) -> tuple[Any, str]:
    """What would come of it, or why it would be refused."""
    if act.word == "reconcile":
        return {"before": case.state, "after": case.state, "said": []}, ""
    body = {name: value for name, value in read.body.items() if name != "received_at"}
    body |= {"by": me.by, "note": read.values.get("note") or "…"}
    if act.word == "guidance" and not read.values.get("note"):
        body["note"] = ""
    if act.word == "receipt":
        body = {"amount": read.body.get("amount"), "reference": read.body.get("reference", "")}
    try:
        return await built(request).owners.ask(
            "dunning", "POST", f"/cases/{case.case_id}/rehearsals/{act.word}", body
        ), ""
    except NotFound:
        raise
    except Refused as error:
        return None, str(error)


async def _warnings(request: Request, act: Act, case: Case, read: Filled) -> list[str]:
    if act.word != "resume-date" or not read.body.get("day"):
        return []
    query = {"day": read.body["day"]}
    told = await maybe(
        built(request).owners.ask("dunning", "GET", f"/cases/{case.case_id}/resume-date", query=query)
    )
    return [str(one) for one in (told or {}).get("warnings", [])]


async def _closed(request: Request, me: Staff, mails: list[Mapping[str, Any]]) -> str:
    """The closure that would hold the mails back; empty when none does."""
    if all(mail.get("ignores_closures") for mail in mails):
        return ""
    path = f"/schools/{me.school.school_id}/closures"
    today = me.speech.today.isoformat()
    for one in await maybe(built(request).owners.ask("dunning", "GET", path)) or []:
        if one["first"] <= today <= one["last"]:
            return str(one["name"])
    return ""


def _mails(rehearsal: Any) -> list[Mapping[str, Any]]:
    said = (rehearsal or {}).get("said", [])
    return [one["fact"] for one in said if one["type"] == "dunning.MailRequested"]


async def _mail(
    request: Request, me: Staff, case_id: str, act: Act, language: Language, place: int
) -> HTMLResponse:
    """A mail that the act would ask for, as its reader would get it."""
    case = await its_case(request, me, case_id)
    detail = await _detail(request, me, case)
    read = filled(me, case, detail, act, request.query_params)
    if read.wrong.keys() & set(act.fields):
        raise NotFound("what is typed cannot be read yet: there is no mail to show")
    rehearsal, _ = await _rehearsed(request, me, case, act, read)
    mails = _mails(rehearsal)
    if place >= len(mails):
        raise NotFound("there is no such mail")
    mail = mails[place]
    body = {
        "school_id": case.school_id,
        "learner_id": case.learner_id,
        "subscription_id": case.subscription_id,
        "period": case.period.isoformat(),
        "template": mail["template"],
        "ordinal": mail.get("ordinal", 1),
        "data": mail.get("data", {}),
        "language": language,
    }
    html = await built(request).owners.ask("notifications", "POST", f"/cases/{case_id}/drafts", body)
    return framed(str(html))


def framed(html: str) -> HTMLResponse:
    """A mail inside a page of ours: it shows itself, in a frame, and does nothing."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
    return HTMLResponse(html, headers={"content-security-policy": policy})


async def _confirm(request: Request, me: Staff, case_id: str, act: Act) -> Response:
    case = await its_case(request, me, case_id)
    form = await form_of(request, me)
    read = filled(me, case, None, act, {**form, "sent": "1"})
    link = f"/cases/{case_id}"
    back = f"{link}/do/{act.word}?{urlencode({**read.values, 'sent': '1'})}"
    if not read.is_good:
        raise Told(
            "look_again",
            status=422,
            link=back,
            fields=", ".join(me.speech.w("fields", one) for one in read.wrong),
        )
    owners = built(request).owners

    async def ask(act_id: str) -> Any:
        if act.word == "receipt":
            body = {**read.body, "period": case.period.isoformat(), "recorded_by": me.by}
            body.pop("note", None)
            path = f"/subscriptions/{case.subscription_id}/temporary-payments/{act_id}"
            return await owners.ask("payments", "PUT", path, body)
        if act.word == "reconcile":
            return await owners.ask(
                "payments", "POST", f"/subscriptions/{case.subscription_id}/reconciliation"
            )
        body = {**read.body, "by": me.by, "act": act_id}
        return await owners.ask("dunning", "POST", f"{link}/{act.word}", body)

    shown = {name: value for name, value in read.values.items() if value and name != "note"}
    doing = Doing(
        what=act.word,
        about=case_id,
        # A question that belongs to no case is gone once it is settled, and its page with it.
        link=safe_back(text_of(form, "then") or (link if case.is_known else "/reviews")),
        back=back,
        ask=ask,
        before={"state": case.state.value if case.state else ""},
        after=shown,
        note=read.values["note"],
    )
    return await do(request, me, form, doing, case)


__all__ = ["ACTS", "BY_WORD", "acts_for", "build_router", "framed", "is_allowed"]
