"""The school's rules: closures with what they move, policies with their versions and dates, path deadlines."""

from __future__ import annotations

import difflib
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.desk.api.common import Looks, Rules, Staff, Told, built, form_of, page, text_of
from services.desk.api.doing import Doing, do, note_of, token_of
from services.desk.api.names import names_of_ids
from services.desk.domain.case import Case
from services.desk.owners import maybe, together
from shared.errors import NotFound, Refused
from shared.pages.secrets import hash_of
from shared.shelf import Page

_DAY = Annotated[str, Query(max_length=10)]


def build_router() -> APIRouter:
    """Closures, policies, paths."""
    router = APIRouter(include_in_schema=False)
    router.get("/closures")(closures)
    router.post("/closures")(put_closure)
    router.get("/policy")(policy)
    router.post("/policy/check")(check_policy)
    router.post("/policy")(adopt_policy)
    router.get("/paths")(paths)
    router.post("/paths")(move_deadline)
    return router


# --- closures ----------------------------------------------------------------------------------------------


async def closures(
    request: Request,
    me: Looks,
    name: Annotated[str, Query(max_length=100)] = "",
    first: _DAY = "",
    last: _DAY = "",
    withdraw: Annotated[str, Query(max_length=100)] = "",
) -> HTMLResponse:
    """The office's closures; one that is being written shows which mails and dates would move."""
    school, owners = me.school.school_id, built(request).owners
    known = await maybe(owners.ask("dunning", "GET", f"/schools/{school}/closures")) or []
    draft = _draft(known, name, first, last, withdraw)
    moves: list[Any] = []
    touched: list[Case] = []
    if draft is not None and not draft["wrong"]:
        moves = (
            await owners.ask("notifications", "POST", f"/schools/{school}/closure-rehearsals", draft["body"])
            or []
        )
        touched = await _announced_within(request, me, draft["body"]["first"], draft["body"]["last"])
    ids = [*(one["learner_id"] for one in moves), *(case.learner_id for case in touched)]
    return page(
        request,
        me,
        "closures",
        closures=sorted(known, key=lambda one: one["first"]),
        draft=draft,
        moves=moves,
        touched=touched,
        names=await names_of_ids(request, me, ids),
        form=await token_of(
            built(request), me, "closure_withdraw" if withdraw else "closure_put", "closures"
        ),
    )


def _draft(known: list[Any], name: str, first: str, last: str, withdraw: str) -> dict[str, Any] | None:
    calendar = known[0]["calendar"] if known else ""
    if withdraw:
        one = next((one for one in known if one["closure_id"] == withdraw), None)
        if one is None:
            return None
        body = {
            "closure_id": withdraw,
            "name": one["name"],
            "first": one["first"],
            "last": one["last"],
            "calendar": one["calendar"],
            "withdrawn": True,
        }
        return {"body": body, "wrong": ""}
    if not (name or first or last):
        return None
    try:
        days = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        return {"body": {"name": name, "first": first, "last": last}, "wrong": "day"}
    body = {
        "closure_id": f"desk-{hash_of(f'{name}{first}')[:10]}",
        "name": name or first,
        "first": days[0].isoformat(),
        "last": days[1].isoformat(),
        "calendar": calendar,
        "withdrawn": False,
    }
    return {"body": body, "wrong": "order" if days[1] < days[0] else ""}


async def _announced_within(request: Request, me: Staff, first: str, last: str) -> list[Case]:
    """Resume days that were told and fall into it: they stay as told, the office is warned."""
    asked = Page(where={"open": True}, order="announced", since=first, before=f"{last}~", limit=100)
    async with built(request).opened.looking() as unit:
        found: list[Case] = await unit.cases_page(me.school.school_id, asked)
    return found


async def put_closure(request: Request, me: Rules) -> Response:
    """Announce the closure, or withdraw it."""
    form = await form_of(request, me)
    school, owners = me.school.school_id, built(request).owners
    known = await owners.ask("dunning", "GET", f"/schools/{school}/closures")
    draft = _draft(
        known,
        text_of(form, "name")[:100],
        text_of(form, "first"),
        text_of(form, "last"),
        text_of(form, "withdraw"),
    )
    if draft is None or draft["wrong"]:
        raise Told("look_again", status=422, link="/closures", fields=me.speech.w("fields", "day"))
    body = draft["body"]

    async def ask(_: str) -> Any:
        path = f"/schools/{school}/closures/{body['closure_id']}"
        if body["withdrawn"]:
            return await owners.ask("dunning", "DELETE", path)
        told = {name: body[name] for name in ("name", "first", "last")} | (
            {"calendar": body["calendar"]} if body["calendar"] else {}
        )
        return await owners.ask("dunning", "PUT", path, told)

    shown = {"name": body["name"], "first": body["first"], "last": body["last"]}
    what = "closure_withdraw" if body["withdrawn"] else "closure_put"
    doing = Doing(
        what=what, about="closures", link="/closures", ask=ask, note=note_of(form),
        before=shown if body["withdrawn"] else {}, after={} if body["withdrawn"] else shown,
    )  # fmt: skip
    return await do(request, me, form, doing)


# --- policies ----------------------------------------------------------------------------------------------


async def policy(request: Request, me: Looks, failure: _DAY = "") -> HTMLResponse:
    """The policy in force in words and as text, its versions here, and what a failure on a day would bring."""
    return await _policy_page(request, me, failure=failure)


async def _policy_page(
    request: Request, me: Staff, *, failure: str = "", text: str = "", status: int = 200
) -> HTMLResponse:
    school, owners, lang = me.school.school_id, built(request).owners, me.speech.language
    day = failure or me.speech.today.isoformat()
    asked: dict[str, Any] = {
        "policy": owners.ask("dunning", "GET", f"/schools/{school}/policy", query={"lang": lang}),
        "presets": owners.ask("dunning", "GET", "/policies"),
    }
    if text:
        asked["problems"] = owners.ask("dunning", "POST", "/policies/check", {"text": text})
    told = await together(**asked)
    wrong, dates = "", []
    try:
        dates = await owners.ask(
            "dunning", "GET", f"/schools/{school}/policy/dates", query={"failure": day, "lang": lang}
        )
    except (NotFound, Refused) as error:
        wrong = str(error)
    present = (told["policy"] or {}).get("text", "")
    async with built(request).opened.looking() as unit:
        deeds = await unit.deeds(school, about="policy", limit=20)
    problems = told.get("problems") or []
    return page(
        request,
        me,
        "policy",
        status=status,
        policy=told["policy"],
        presets=[one["policy_id"] for one in told["presets"] or []],
        dates=dates,
        wrong=wrong,
        failure=day,
        text=text or present,
        is_draft=bool(text),
        problems=problems,
        is_adoptable=bool(text)
        and text != present
        and not any(one["severity"] == "error" for one in problems),
        diff=_diff(present, text) if text else [],
        deeds=deeds,
        form=await token_of(built(request), me, "policy_adopt", "policy"),
    )


def _diff(before: str, after: str) -> list[tuple[str, str]]:
    kinds = {"+": "add", "-": "del", "@": "at"}
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return [(kinds.get(line[:1], ""), line) for line in list(lines)[2:]]


async def check_policy(request: Request, me: Rules) -> HTMLResponse:
    """What is wrong with a text, and how it differs; nothing is adopted."""
    form = await form_of(request, me)
    return await _policy_page(
        request, me, text=str(form.get("text") or "")[:200_000], failure=text_of(form, "failure")[:10]
    )


async def adopt_policy(request: Request, me: Rules) -> Response:
    """Adopt the text: cases that open from now on follow it, open ones keep theirs (R-X5)."""
    form = await form_of(request, me)
    text = str(form.get("text") or "").replace("\r\n", "\n")[:200_000]
    note = note_of(form, needed=True, link="/policy")
    owners, school = built(request).owners, me.school.school_id
    present = await owners.ask("dunning", "GET", f"/schools/{school}/policy")

    async def ask(_: str) -> Any:
        return await owners.ask("dunning", "PUT", f"/schools/{school}/policy", {"text": text, "by": me.by})

    doing = Doing(
        what="policy_adopt", about="policy", link="/policy", ask=ask, note=note,
        before={"hash": present["hash"][:12], "version": str(present["version"])}, after={"hash": hash_of(text)[:12]},
    )  # fmt: skip
    return await do(request, me, form, doing)


# --- paths -------------------------------------------------------------------------------------------------


async def paths(request: Request, me: Looks, before: _DAY = "") -> HTMLResponse:
    """Until when each learner may come back to each path, the nearest first (F22)."""
    query = {"limit": 200, "before": before or None}
    try:
        found = await built(request).owners.ask(
            "access", "GET", f"/schools/{me.school.school_id}/paths", query=query
        )
    except NotFound:
        found = []
    names = await names_of_ids(request, me, [one["learner_id"] for one in found])
    form = await token_of(built(request), me, "path_deadline", "paths")
    return page(request, me, "paths", paths=found, names=names, before=before, form=form)


async def move_deadline(request: Request, me: Rules) -> Response:
    """Another last day for one learner and path."""
    form = await form_of(request, me)
    learner, path, day = text_of(form, "learner_id")[:64], text_of(form, "path_id")[:64], text_of(form, "day")
    owners, school = built(request).owners, me.school.school_id
    note = note_of(form, needed=True, link="/paths")
    known = await owners.ask("access", "GET", f"/learners/{learner}/paths", query={"school": school})
    one = next((one for one in known if one["path_id"] == path), None)
    if one is None:
        raise NotFound("there is no such enrolment at this school")
    try:
        deadline = date.fromisoformat(day).isoformat() if day else None
    except ValueError:
        raise Told("look_again", status=422, link="/paths", fields=me.speech.w("fields", "day")) from None

    async def ask(_: str) -> Any:
        body = {
            "school_id": school, "subscription_id": one["subscription_id"], "title": one["title"],
            "re_enrolment_deadline": deadline,
        }  # fmt: skip
        return await owners.ask("access", "PUT", f"/learners/{learner}/paths/{path}", body)

    doing = Doing(
        what="path_deadline", about="paths", link="/paths", ask=ask, note=note,
        before={"path": f"{learner}/{path}", "deadline": str(one["re_enrolment_deadline"] or "")},
        after={"deadline": deadline or ""},
    )  # fmt: skip
    return await do(request, me, form, doing)
