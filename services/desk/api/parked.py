"""What was set aside, on the desk: the list, one message, and fixing, retrying or discarding it in a person's name."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.desk.api.common import Admins, Told, built, form_of, page, text_of
from services.desk.api.doing import Doing, do, note_of, token_of
from services.desk.api.names import people_of
from services.desk.domain.machinery import SERVICES
from shared.errors import NotFound

What = Literal["fix", "retry", "discard"]
ParkedId = Annotated[str, Query(pattern=r"^[a-z.]{1,60}/\d{1,10}/\d{1,19}$")]
_WHATS: Final = ("fix", "retry", "discard")


def build_router() -> APIRouter:
    """The pages, and the acts behind them."""
    router = APIRouter(include_in_schema=False)
    router.get("/machinery/parked")(list_parked)
    router.get("/machinery/parked/{service}")(show_parked)
    router.post("/machinery/parked/{service}/{what}")(act_on_parked)
    return router


async def list_parked(request: Request, me: Admins, settled: bool = False) -> HTMLResponse:
    """What waits for a person, the oldest first; or what was settled."""
    found = await built(request).owners.ask(
        "operator", "GET", f"/schools/{me.school.school_id}/parked", query={"settled": str(settled).lower()}
    )
    return page(request, me, "parked", found=found, settled=settled)


async def show_parked(request: Request, me: Admins, service: str, parked_id: ParkedId) -> HTMLResponse:
    """One message: why it is here, what it says, what was done, and what each act would do."""
    one = await _the(request, me, service, parked_id)
    forms = {}
    if one["settled_at"] is None:
        for what in _WHATS:
            forms[what] = {
                **await token_of(built(request), me, f"parked_{what}", _about(service, parked_id)),
                "parked_id": parked_id,
                "seen": str(one["seen"]),
            }
    body = one["fixed"] if one["fixed"] is not None else one["original"]
    return page(
        request, me, "parked_one", one=one, forms=forms, body=_pretty(body), original=_pretty(one["original"]),
        people=await people_of(request, me),
    )  # fmt: skip


async def act_on_parked(request: Request, me: Admins, service: str, what: What) -> Response:
    """Fix, retry or discard it; of two people the second is told what the first did."""
    form = await form_of(request, me)
    parked_id, seen = text_of(form, "parked_id")[:100], text_of(form, "seen")
    one = await _the(request, me, service, parked_id)
    link = f"/machinery/parked/{service}?parked_id={parked_id}"
    note = note_of(form, needed=what == "discard", link=link)
    if not seen.isdecimal():
        raise Told("old_form", status=409, link=link)
    owners, school = built(request).owners, me.school.school_id

    async def ask(act_id: str) -> Any:
        body = {
            "parked_id": parked_id, "by": me.by, "because": note, "act_id": act_id, "seen": int(seen),
            **({"body": str(form.get("body") or "").replace("\r\n", "\n")} if what == "fix" else {}),
        }  # fmt: skip
        return await owners.ask("operator", "POST", f"/schools/{school}/parked/{service}/{what}", body)

    act = Doing(
        what=f"parked_{what}",
        about=_about(service, parked_id),
        link="/machinery/parked" if what != "fix" else link,
        back=link,
        ask=ask,
        before={"type": one["type"], "reason": one["reason"][:300]},
        note=note,
    )
    return await do(request, me, form, act)


async def _the(request: Request, me: Any, service: str, parked_id: str) -> dict[str, Any]:
    if service not in SERVICES:
        raise NotFound("there is no such service")
    found: dict[str, Any] = await built(request).owners.ask(
        "operator",
        "GET",
        f"/schools/{me.school.school_id}/parked/{service}",
        query={"parked_id": parked_id},
    )
    return found


def _about(service: str, parked_id: str) -> str:
    return f"{service} {parked_id}"


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body
