"""The three desks of the Japanese procedure: whom to guide, whose money came, who resumes on which day."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from services.desk.api.common import Looks, Staff, built, page
from services.desk.api.names import names_of, names_of_ids
from services.desk.api.today import STATES
from services.desk.domain.case import Case
from services.desk.owners import together
from shared.events.words import CaseState
from shared.shelf import Page

_ROWS = 200
_WAITS = ("covered", "resume_open", "resume_overdue")


def build_router() -> APIRouter:
    """The desks."""
    router = APIRouter(include_in_schema=False)
    router.get("/guidance")(guidance)
    router.get("/receipts")(receipts)
    router.get("/resume-days")(resume_days)
    router.get("/reviews")(reviews)
    return router


async def _in_state(request: Request, me: Staff, *states: CaseState) -> list[Case]:
    found: list[Case] = []
    async with built(request).opened.looking() as unit:
        for state in states:
            asked = Page(where={"state": state.value}, order="sort_at", limit=_ROWS)
            found += await unit.cases_page(me.school.school_id, asked)
    return found


async def guidance(request: Request, me: Looks) -> HTMLResponse:
    """Who waits for guidance, in the order in which the attempts ran out (J45)."""
    school = me.school.school_id
    told = await together(
        queue=built(request).owners.ask("dunning", "GET", f"/schools/{school}/guidance-queue")
    )
    queue: list[dict[str, Any]] = told["queue"] or []
    return page(
        request, me, "guidance", live=True, queue=queue, silent=told["queue"] is None,
        names=await names_of_ids(request, me, [one["learner_id"] for one in queue]),
    )  # fmt: skip


async def receipts(request: Request, me: Looks) -> HTMLResponse:
    """Whose lump sum is awaited, the earliest due first."""
    cases = await _in_state(request, me, CaseState.AWAITING_LUMP_SUM)
    cases.sort(key=lambda case: (case.due_on or date.max, case.case_id))
    return page(request, me, "receipts", live=True, cases=cases, names=await names_of(request, me, cases))


async def resume_days(
    request: Request, me: Looks, month: Annotated[str, Query(pattern=r"^\d{4}-\d{2}$")] = ""
) -> HTMLResponse:
    """Who resumes on which day: proposed, announced, missed; with the days on which the office is closed."""
    cases = await _in_state(request, me, *(state for state in STATES if state.value in _WAITS))
    school = me.school.school_id
    told = await together(closures=built(request).owners.ask("dunning", "GET", f"/schools/{school}/closures"))
    shown = _month(month) or me.speech.today.replace(day=1)
    days = [day for week in calendar.Calendar(0).monthdatescalendar(shown.year, shown.month) for day in week]
    by_day: dict[date, list[Case]] = {}
    for case in cases:
        day = case.announced_on or case.proposed_on
        if day is not None:
            by_day.setdefault(day, []).append(case)
    closed = {
        day: one["name"]
        for one in told["closures"] or []
        for day in days
        if one["first"] <= day.isoformat() <= one["last"]
    }
    return page(
        request,
        me,
        "resume_days",
        live=True,
        cases=sorted(
            cases,
            key=lambda case: (
                case.announced_on is not None,
                case.announced_on or case.proposed_on or date.max,
            ),
        ),
        weeks=[days[start : start + 7] for start in range(0, len(days), 7)],
        shown=shown,
        before=(shown - timedelta(days=1)).strftime("%Y-%m"),
        after=(shown + timedelta(days=32)).strftime("%Y-%m"),
        by_day=by_day,
        closed=closed,
        names=await names_of(request, me, cases),
    )


def _month(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01") if text else None
    except ValueError:
        return None


async def reviews(request: Request, me: Looks) -> HTMLResponse:
    """Every question that waits for a person, the oldest first."""
    async with built(request).opened.looking() as unit:
        cases: list[Case] = []
        for word in ("notice", "review", "watchdog", "mail"):
            asked = Page(where={"needs": word}, order="sort_at", limit=_ROWS)
            cases += await unit.cases_page(me.school.school_id, asked)
    cases.sort(key=lambda case: min((one.since for one in case.questions), default=me.now))
    return page(request, me, "reviews", live=True, cases=cases, names=await names_of(request, me, cases))
