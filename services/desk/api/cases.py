"""Cases: a list that stays instant however many there are, and one case with everything that explains it."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from services.desk.api.acts import acts_for
from services.desk.api.common import Looks, Staff, built, its_case, page
from services.desk.api.names import ids_named, names_of, people_of
from services.desk.api.today import NEEDS
from services.desk.domain.case import Case
from services.desk.owners import together
from services.desk.telling import timeline
from shared.calendar import start_of_day
from shared.declines import DeclineClass
from shared.errors import NotFound
from shared.events.words import CaseState, ReviewReason
from shared.shelf import Page

CaseId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.~\-]{1,200}$")]
_ROWS: Final = 50
_ID: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_CASE: Final = re.compile(r"[A-Za-z0-9_.~\-]{1,200}")


def build_router() -> APIRouter:
    """Lists and pages of cases."""
    router = APIRouter(include_in_schema=False)
    router.get("/cases")(list_cases)
    router.get("/cases/{case_id}")(read_case)
    return router


async def list_cases(
    request: Request,
    me: Looks,
    *,
    state: Annotated[str, Query(max_length=40)] = "open",
    needs: Annotated[str, Query(max_length=20)] = "",
    reason: Annotated[str, Query(max_length=40)] = "",
    decline: Annotated[str, Query(max_length=40)] = "",
    held: Annotated[str, Query(max_length=3)] = "",
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
    q: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=260)] = "",
) -> HTMLResponse:
    """One page of cases, in order of what comes next."""
    where = _where(state, needs, reason, decline, held)
    first, last = _day(since), _day(until)
    wrong = (bool(since) and first is None) or (bool(until) and last is None)
    zone = me.school.zone
    asked = Page(
        where=where,
        order="sort_at",
        since=start_of_day(first, zone) if first else None,
        before=start_of_day(last + timedelta(days=1), zone) if last else None,
        after=_place(after),
        limit=_ROWS + 1,
    )
    async with built(request).opened.looking() as unit:
        counts = await unit.counts(me.school.school_id)
    found = await _searched(request, me, q.strip(), asked) if q.strip() else await _listed(request, me, asked)
    shown, more = found[:_ROWS], found[_ROWS:]
    return page(
        request,
        me,
        "cases",
        live=not after,
        cases=shown,
        names=await names_of(request, me, shown),
        counts=counts,
        total_open=sum(count for one, count in counts.items() if not one.is_terminal),
        filters={"state": state, "needs": needs, "reason": reason, "decline": decline, "held": held, "since": since, "until": until, "q": q},
        wrong=wrong,
        next=f"{shown[-1].sort_at.isoformat()}|{shown[-1].case_id}" if more else "",
        is_first=not after,
        states=list(CaseState),
        needs_words=NEEDS,
        reasons=list(ReviewReason),
        declines=list(DeclineClass),
    )  # fmt: skip


async def _listed(request: Request, me: Staff, asked: Page) -> list[Case]:
    async with built(request).opened.looking() as unit:
        found: list[Case] = await unit.cases_page(me.school.school_id, asked)
    return found


async def _searched(request: Request, me: Staff, text: str, asked: Page) -> list[Case]:
    """By case id, subscription, learner id, or the beginning of a learner's name; whatever the state."""
    school = me.school.school_id
    learners = [text] if _ID.fullmatch(text) else []
    learners += [one for one in await ids_named(request, me, text) if one not in learners]
    found: dict[str, Case] = {}
    async with built(request).opened.looking() as unit:
        if _CASE.fullmatch(text) and (case := await unit.case(text)) is not None:
            found[case.case_id] = case
        columns = [("subscription_id", text)] if _ID.fullmatch(text) else []
        for column, value in [*columns, *(("learner_id", one) for one in learners[:_ROWS])]:
            for case in await unit.cases_page(
                school, Page(where={column: value}, order="sort_at", limit=asked.limit)
            ):
                found[case.case_id] = case
    ours = [case for case in found.values() if case.is_shown and case.school_id == school]
    return sorted(ours, key=lambda case: (not case.is_open, case.sort_at, case.case_id))[: asked.limit]


def _where(state: str, needs: str, reason: str, decline: str, held: str) -> dict[str, Any]:
    where: dict[str, Any] = {}
    if state == "open":
        where["open"] = True
    elif state in set(CaseState):
        where["state"] = state
    if needs in NEEDS:
        where["needs"] = needs
    if reason in set(ReviewReason):
        where["reason"] = reason
    if decline in set(DeclineClass):
        where["decline"] = decline
    if held == "yes":
        where["held"] = True
    return where


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _place(after: str) -> tuple[datetime, str] | None:
    at, _, case_id = after.partition("|")
    try:
        return (datetime.fromisoformat(at.replace(" ", "+")), case_id) if case_id else None
    except ValueError:
        return None


async def read_case(request: Request, me: Looks, case_id: CaseId) -> HTMLResponse:
    """One case: where it stands, why, what comes next, and what may be done."""
    case = await its_case(request, me, case_id)
    ask, lang, school = built(request).owners.ask, me.speech.language, me.school.school_id
    told = await together(
        detail=ask("dunning", "GET", f"/cases/{case_id}", query={"lang": lang}),
        mails=ask("notifications", "GET", f"/cases/{case_id}/mails"),
        learner=ask("notifications", "GET", f"/learners/{case.learner_id}", query={"school_id": school}),
        subscription=ask("payments", "GET", f"/subscriptions/{case.subscription_id}"),
        credits=ask("credits", "GET", f"/subscriptions/{case.subscription_id}/credits"),
        ledger=ask("credits", "GET", f"/subscriptions/{case.subscription_id}/ledger", query={"limit": 1000}),
        access=ask("access", "GET", f"/access/{case.learner_id}", query={"school": school}),
    )
    detail = told["detail"]
    if detail is not None and detail["school_id"] != school:
        raise NotFound("there is no such case at this school")
    people = await people_of(request, me)
    async with built(request).opened.looking() as unit:
        deeds = await unit.deeds(school, about=case_id, limit=20)
        others: list[Case] = await unit.cases_page(
            school, Page(where={"learner_id": case.learner_id}, order="sort_at", limit=20)
        )
    return page(
        request,
        me,
        "case",
        live=True,
        case=case,
        detail=detail,
        learner=told["learner"],
        mails=told["mails"] or [],
        subscription=told["subscription"],
        credits=told["credits"],
        access=told["access"],
        lines=timeline(me.speech, case, told, people),
        acts=acts_for(me, case, detail),
        deeds=deeds,
        people=people,
        others=[one for one in others if one.case_id != case_id],
    )
