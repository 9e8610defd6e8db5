"""Another policy over the recorded months: asked of the operator, who alone may look at all journals."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.desk.api.common import Rules, Staff, built, form_of, page, text_of
from services.desk.api.doing import token_of
from services.desk.owners import maybe
from shared.errors import NotFound, Refused, Transient
from shared.money import Money

ROWS: Final = (
    "cases", "recovered", "days_to_recover", "money", "tries", "mails", "days_locked", "days_limited",
    "lessons_lost", "forfeited", "still_open",
)  # fmt: skip


def build_router() -> APIRouter:
    """What-if."""
    router = APIRouter(include_in_schema=False)
    router.get("/policy/what-if")(what_if)
    router.post("/policy/what-if")(ask_what_if)
    return router


async def what_if(request: Request, me: Rules) -> HTMLResponse:
    """The form, with the policy in force."""
    return await _page(request, me, text="", since="", until="")


async def ask_what_if(request: Request, me: Rules) -> HTMLResponse:
    """The answer below the form; nothing is changed by asking."""
    form = await form_of(request, me)
    text = str(form.get("text") or "").replace("\r\n", "\n")[:200_000]
    since, until = text_of(form, "since")[:10], text_of(form, "until")[:10]
    body = {"text": text, "since": _start(me, since), "until": _start(me, until)}
    answer, wrong, status = None, "", 200
    try:
        answer = await built(request).owners.ask(
            "operator", "POST", f"/schools/{me.school.school_id}/what-if", body
        )
    except (Refused, Transient) as error:
        wrong, status = str(error), 404 if isinstance(error, NotFound) else 422
    return await _page(
        request, me, text=text, since=since, until=until, answer=answer, wrong=wrong, status=status
    )


async def _page(
    request: Request,
    me: Staff,
    *,
    text: str,
    since: str,
    until: str,
    answer: Any = None,
    wrong: str = "",
    status: int = 200,
) -> HTMLResponse:
    school = me.school.school_id
    if not text:
        present = await maybe(built(request).owners.ask("dunning", "GET", f"/schools/{school}/policy"))
        text = (present or {}).get("text", "")
    return page(
        request,
        me,
        "what_if",
        status=status,
        text=text,
        since=since,
        until=until,
        wrong=wrong,
        answer=answer,
        rows=_rows(me, answer) if answer else [],
        unknown=[_dated(one) for one in answer["unknown"]] if answer else [],
        differences=[_dated(one) for one in answer["differences"]] if answer else [],
        form=await token_of(built(request), me, "what_if", "policy"),
    )


def _rows(me: Staff, answer: Any) -> list[tuple[str, list[str]]]:
    columns = [answer[name] for name in ("really", "really_known", "with_policy")]
    return [(row, [_cell(me, column[row]) for column in columns]) for row in ROWS]


def _cell(me: Staff, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, dict):
        return ", ".join(me.speech.money(Money(minor, currency)) for currency, minor in value.items()) or "–"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _dated(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "at": datetime.fromisoformat(one["at"])}


def _start(me: Staff, day: str) -> str | None:
    """The beginning of a day in the school's zone."""
    try:
        start = datetime.combine(date.fromisoformat(day), time(), ZoneInfo(me.school.zone))
    except ValueError:
        return None
    return start.astimezone(UTC).isoformat()
