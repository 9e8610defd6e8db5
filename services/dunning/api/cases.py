"""Cases with everything that explains them: attempts, dates and their reasons, questions, mails, what may be done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.dunning.api.common import (
    CaseId,
    Id,
    InPath,
    Language,
    Opened,
    money_out,
    the_case,
    the_case_or_month,
    the_school,
)
from services.dunning.api.shapes import CaseDetail, CaseOut, QueueOut, case_out, detail_of, line_out
from services.dunning.domain.case import Case
from services.dunning.store import ASKED, CASES
from services.dunning.why import language_of, tell
from shared.events.words import CaseState
from shared.keys import subject_of
from shared.web import Keyed


def build_router() -> APIRouter:
    """Cases, behind an API key."""
    router = APIRouter(dependencies=[Keyed], tags=["cases"])
    router.get("/cases")(list_cases)
    router.get("/cases/{case_id}")(read_case)
    router.get("/cases/{case_id}/why")(read_why)
    router.get("/schools/{school_id}/guidance-queue")(guidance_queue)
    router.get("/schools/{school_id}/resume-days")(resume_days)
    router.get("/schools/{school_id}/reviews")(reviews)
    return router


async def list_cases(
    opened: Opened,
    *,
    school: Id | None = None,
    subscription: Id | None = None,
    learner: Id | None = None,
    state: Annotated[list[CaseState] | None, Query()] = None,
    flagged: bool | None = None,
    open: bool | None = None,
    after: Annotated[str | None, Query(description="The last case_id of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[CaseOut]:
    """Cases by school, state, subscription or learner, oldest first, a page at a time."""
    where = {
        name: value
        for name, value in (
            ("school_id", school),
            ("subscription_id", subscription),
            ("learner_id", learner),
            ("state", state[0].value if state is not None and len(state) == 1 else None),
            ("review_of", school if flagged else None),
        )
        if value is not None
    }

    def wanted(case: Case) -> bool:
        return (
            (state is None or case.state in state)
            and (flagged is None or bool(case.flags) == flagged)
            and (open is None or case.is_open == open)
        )

    found: list[Case] = []
    async with opened() as unit:
        last = await the_case(unit, after) if after is not None else None
        while len(found) < limit:
            page = await unit.page_of_cases(where, after=last, limit=limit)
            found += [case for case in page if wanted(case)]
            if len(page) < limit:
                break
            last = page[-1]
    return [case_out(case) for case in found[:limit]]


async def read_case(case_id: CaseId, opened: Opened, lang: Language = None) -> CaseDetail:
    """One case with its timeline, in the reader's language."""
    async with opened() as unit:
        case = await the_case_or_month(unit, case_id)
        account = await unit.account(case.subscription_id)
        world = await unit.world(account, case) if account is not None else None
        reports = await unit.reports(case_id)
        detail = detail_of(case, world, lang, unit.now)
        if await unit.case(case_id) is None:
            detail.allowed = ["settle-flag"]
        detail.reports = [
            {"report_id": one.report_id, "at": one.at.isoformat(), "text": one.text} for one in reports
        ]
        told = await unit.keys.reveal(subject_of(case.school_id, case.learner_id), detail.model_dump())
    return CaseDetail.model_validate(told)


async def read_why(
    case_id: CaseId,
    opened: Opened,
    lang: Language = None,
    at: Annotated[datetime | None, Query(description="An instant with its zone; now when absent")] = None,
) -> dict[str, Any]:
    """The case as a short readable story, up to an instant."""
    async with opened() as unit:
        case = await the_case_or_month(unit, case_id)
        school = await the_school(unit, case.school_id)
        adopted = await unit.policy(school, case.policy_hash)
        language = language_of(lang)
        until = at.astimezone(UTC) if at is not None else None
        story = tell(case, language, zone_name=adopted.policy.timezone, until=until)
        told: dict[str, Any] = await unit.keys.reveal(
            subject_of(case.school_id, case.learner_id),
            {
                "title": story.title,
                "text": story.to_text(language, adopted.policy.timezone),
                "lines": [line_out(line).model_dump() for line in story.lines],
            },
        )
    return told


async def guidance_queue(school_id: InPath, opened: Opened) -> list[QueueOut]:
    """Who waits for guidance, in the order in which the attempts ran out (J45)."""
    async with opened() as unit:
        await the_school(unit, school_id)
        cases = await unit.cases_in(school_id, [CaseState.AWAITING_GUIDANCE.value])
        now = unit.now
    waiting = sorted(cases, key=lambda case: (case.exhausted_at or case.opened_at, case.case_id))
    return [
        QueueOut(
            place=place,
            case_id=case.case_id,
            subscription_id=case.subscription_id,
            learner_id=case.learner_id,
            exhausted_at=case.exhausted_at,
            not_before=case.guidance.not_before,
            amount=money_out(case.guidance.amount),
            ready=case.guidance.not_before <= now and case.gateway_end.cancelled_at is not None,
        )
        for place, case in enumerate(waiting, start=1)
        if case.guidance is not None
    ]


async def resume_days(school_id: InPath, opened: Opened) -> list[dict[str, Any]]:
    """The announced days, and who still waits for one."""
    states = [CaseState.COVERED.value, CaseState.RESUME_OPEN.value, CaseState.RESUME_OVERDUE.value]
    async with opened() as unit:
        await the_school(unit, school_id)
        cases = await unit.cases_in(school_id, states)
    found = [
        {
            "case_id": case.case_id,
            "subscription_id": case.subscription_id,
            "learner_id": case.learner_id,
            "state": case.state.value,
            "proposed_on": case.guidance.proposed_on.isoformat()
            if case.guidance and case.guidance.proposed_on
            else None,
            "announced_on": case.resume.day.isoformat() if case.resume else None,
        }
        for case in cases
    ]
    return sorted(found, key=lambda one: (one["announced_on"] or one["proposed_on"] or "", one["case_id"]))


async def reviews(school_id: InPath, opened: Opened) -> list[CaseOut]:
    """Every case, and every month without one, in which something waits for a person."""
    async with opened() as unit:
        await the_school(unit, school_id)
        cases = await unit.find(CASES, "review_of", school_id)
        cases += await unit.find(ASKED, "review_of", school_id)
    return [case_out(case) for case in sorted(cases, key=lambda case: case.flags[0].since)]
