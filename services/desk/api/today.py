"""The page for the morning: what needs a person, what happens today by itself, what a closure holds back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.desk.api.common import Looks, Staff, built, page
from services.desk.api.names import names_of
from services.desk.domain.case import Case
from services.desk.owners import together
from services.desk.store import DeskUnit
from shared.calendar import start_of_day
from shared.events.words import CaseState
from shared.shelf import Page

NEEDS: Final = ("notice", "mail", "guidance", "review", "watchdog", "resume", "lump_sum")
"""What a person must do, the most pressing first."""
_SHOWN: Final = 5
_BY_ITSELF: Final = 12
STATES: Final = tuple(state for state in CaseState if not state.is_terminal)


def build_router() -> APIRouter:
    """The front page."""
    router = APIRouter(include_in_schema=False)
    router.get("/")(today)
    return router


async def today(request: Request, me: Looks) -> HTMLResponse:
    """Today."""
    home = built(request)
    school = me.school.school_id
    begins = start_of_day(me.speech.today, me.school.zone)
    ends = start_of_day(me.speech.today + timedelta(days=1), me.school.zone)
    async with home.opened.looking() as unit:
        needs = {word: await _group(unit, me, word) for word in NEEDS}
        by_itself = await unit.cases_page(
            school,
            Page(where={"open": True}, order="sort_at", since=begins, before=ends, limit=_BY_ITSELF + 1),
        )
        held = await unit.how_many(school, {"held": True})
        counts = {state: await unit.how_many(school, {"state": state.value}) for state in STATES}
    told = await together(
        outbox=home.owners.ask("notifications", "GET", "/outbox", query={"school_id": school}),
        closures=home.owners.ask("dunning", "GET", f"/schools/{school}/closures"),
    )
    shown = [case for group in needs.values() for case in group["cases"]]
    return page(
        request,
        me,
        "today",
        live=True,
        needs=[{"word": word, **group} for word, group in needs.items() if group["cases"]],
        by_itself=by_itself[:_BY_ITSELF],
        more_by_itself=len(by_itself) > _BY_ITSELF,
        held=held,
        counts=counts,
        days=_days(told["outbox"]),
        closure=_closure(told["closures"], me.speech.today),
        names=await names_of(request, me, [*shown, *by_itself]),
    )


async def _group(unit: DeskUnit, me: Staff, word: str) -> dict[str, Any]:
    school = me.school.school_id
    found: list[Case] = await unit.cases_page(
        school, Page(where={"needs": word}, order="sort_at", limit=_SHOWN)
    )
    count = await unit.how_many(school, {"needs": word}) if len(found) == _SHOWN else len(found)
    return {"cases": found, "count": count}


def _days(outbox: Any) -> list[dict[str, Any]]:
    return [
        {"day": date.fromisoformat(one["day"]), "count": len(one["mails"])}
        for one in (outbox or {}).get("days", [])[:7]
    ]


def _closure(closures: Any, today: date) -> dict[str, Any] | None:
    coming = [
        {**one, "first": date.fromisoformat(one["first"]), "last": date.fromisoformat(one["last"])}
        for one in closures or []
        if date.fromisoformat(one["last"]) >= today
    ]
    return min(coming, key=lambda one: one["first"], default=None)
