"""Cases with everything that explains them: attempts, dates and their reasons, questions, mails, what may be done."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.dunning.api.common import (
    CaseId,
    Id,
    InPath,
    Language,
    MoneyOut,
    Opened,
    money_out,
    the_case,
    the_school,
)
from services.dunning.domain.allowed import allowed_acts
from services.dunning.domain.case import Case
from services.dunning.domain.turn import World
from services.dunning.store import CASES, DunningUnit
from services.dunning.why import language_of, tell
from shared.events.words import CaseState
from shared.web import Keyed


class AttemptOut(BaseModel):
    ordinal: int
    occurred_at: datetime
    outcome: str
    kind: str
    amount: MoneyOut | None
    decline: str | None
    transaction_id: str
    request_id: str | None


class FlagOut(BaseModel):
    reason: str
    about: str
    detail: str
    since: datetime
    amount: MoneyOut | None


class MailOut(BaseModel):
    template: str
    ordinal: int
    requested_at: datetime
    sent_at: datetime | None


class LineOut(BaseModel):
    at: datetime
    text: str
    because: str | None
    event: str | None
    code: str


class CaseOut(BaseModel):
    """A case in a list."""

    case_id: str
    school_id: str
    subscription_id: str
    learner_id: str
    period: date
    kind: str
    state: CaseState
    is_open: bool
    opened_at: datetime
    closed_at: datetime | None
    amount: MoneyOut | None
    owed: MoneyOut | None
    attempts_made: int
    decline: str | None
    deadline_at: datetime | None
    exhausted_at: datetime | None
    cause: str | None
    next_at: datetime | None
    flags: list[str]
    marks: list[str]
    policy: str


class CaseDetail(CaseOut):
    """A case with its timeline."""

    policy_hash: str
    attempts: list[AttemptOut]
    planned: list[datetime] = Field(description="Our own retries that are still to come")
    forecast: dict[str, Any] | None
    in_flight: dict[str, Any] | None
    ends_at: datetime | None
    hold_until: datetime | None
    questions: list[FlagOut]
    guidance: dict[str, Any] | None
    resume: dict[str, Any] | None
    mails: list[MailOut]
    reports: list[dict[str, Any]]
    allowed: list[str] = Field(description="What may be done now, by the names of the acts")
    timeline: list[LineOut]


class QueueOut(BaseModel):
    """A learner who waits for guidance."""

    place: int
    case_id: str
    subscription_id: str
    learner_id: str
    exhausted_at: datetime | None
    not_before: datetime
    amount: MoneyOut | None
    ready: bool = Field(description="The old subscription is confirmed as cancelled and the day has come")


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
    school: Id | None = None,
    subscription: Id | None = None,
    learner: Id | None = None,
    state: Annotated[list[CaseState] | None, Query()] = None,
    flagged: bool | None = None,
    open: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[CaseOut]:
    """Cases by school, state, subscription or learner; oldest first."""
    async with opened() as unit:
        found = await _found(unit, school, subscription, learner, state)
    wanted = [
        case
        for case in found
        if (school is None or case.school_id == school)
        and (state is None or case.state in state)
        and (flagged is None or bool(case.flags) == flagged)
        and (open is None or case.is_open == open)
    ]
    wanted.sort(key=lambda case: (case.opened_at, case.case_id))
    return [case_out(case) for case in wanted[:limit]]


async def _found(
    unit: DunningUnit,
    school: str | None,
    subscription: str | None,
    learner: str | None,
    state: list[CaseState] | None,
) -> list[Case]:
    if subscription is not None:
        return await unit.find(CASES, "subscription_id", subscription)
    if learner is not None:
        return await unit.find(CASES, "learner_id", learner)
    if school is not None and state is not None:
        return await unit.cases_in(school, [one.value for one in state])
    if school is not None:
        return await unit.find(CASES, "school_id", school)
    return await unit.find(CASES, "state", *(one.value for one in state or CaseState))


async def read_case(case_id: CaseId, opened: Opened, lang: Language = None) -> CaseDetail:
    """One case with its timeline, in the reader's language."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        account = await unit.account(case.subscription_id)
        world = await unit.world(account, case) if account is not None else None
        reports = await unit.reports(case_id)
        now = unit.now
    detail = _detail(case, world, lang, now)
    detail.reports = [
        {"report_id": one.report_id, "at": one.at.isoformat(), "text": one.text} for one in reports
    ]
    return detail


async def read_why(
    case_id: CaseId,
    opened: Opened,
    lang: Language = None,
    at: Annotated[datetime | None, Query(description="An instant with its zone; now when absent")] = None,
) -> dict[str, Any]:
    """The case as a short readable story, up to an instant."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        school = await the_school(unit, case.school_id)
        adopted = await unit.policy(school, case.policy_hash)
    language = language_of(lang)
    until = at.astimezone(UTC) if at is not None else None
    story = tell(case, language, zone_name=adopted.policy.timezone, until=until)
    return {
        "title": story.title,
        "text": story.to_text(language, adopted.policy.timezone),
        "lines": [_line(line) for line in story.lines],
    }


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
    """Every case in which something waits for a person."""
    async with opened() as unit:
        await the_school(unit, school_id)
        cases = await unit.find(CASES, "review_of", school_id)
    return [case_out(case) for case in sorted(cases, key=lambda case: case.flags[0].since)]


def case_out(case: Case) -> CaseOut:
    """A case as lists show it."""
    return CaseOut(**_basics(case))


def _basics(case: Case) -> dict[str, Any]:
    failures = case.failures
    last = failures[-1].decline if failures else None
    return {
        "case_id": case.case_id,
        "school_id": case.school_id,
        "subscription_id": case.subscription_id,
        "learner_id": case.learner_id,
        "period": case.period,
        "kind": case.kind,
        "state": case.state,
        "is_open": case.is_open,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "amount": money_out(case.amount),
        "owed": money_out(case.owed),
        "attempts_made": len(case.attempts),
        "decline": last.value if last else None,
        "deadline_at": case.clock.grace_at or case.clock.ends_at,
        "exhausted_at": case.exhausted_at,
        "cause": case.cause.value if case.cause else None,
        "next_at": case.next_at,
        "flags": [flag.reason.value for flag in case.flags],
        "marks": list(case.marks),
        "policy": f"{case.policy_id} v{case.policy_version}",
    }


def _detail(case: Case, world: World | None, lang: str | None, now: datetime) -> CaseDetail:
    zone_name = world.policy.timezone if world else "UTC"
    default = world.policy.languages[0] if world else "en"
    language = language_of(lang, otherwise=default)
    story = tell(case, language, zone_name=zone_name)
    return CaseDetail(
        **_basics(case),
        policy_hash=case.policy_hash,
        attempts=[
            AttemptOut(
                ordinal=ordinal,
                occurred_at=one.occurred_at,
                outcome=one.outcome,
                kind=one.kind.value,
                amount=money_out(one.amount),
                decline=one.decline.value if one.decline else None,
                transaction_id=one.transaction_id,
                request_id=one.request_id,
            )
            for ordinal, one in enumerate(case.attempts, start=1)
        ],
        planned=[at for _, at in case.plan if at > now] if case.state is CaseState.RETRYING else [],
        forecast=plain(case.forecast),
        in_flight=plain(case.in_flight),
        ends_at=case.clock.ends_at,
        hold_until=case.clock.hold_until,
        questions=[
            FlagOut(
                reason=flag.reason.value,
                about=flag.about,
                detail=flag.detail,
                since=flag.since,
                amount=money_out(flag.amount),
            )
            for flag in case.flags
        ],
        guidance=plain(case.guidance),
        resume=plain(case.resume),
        mails=[
            MailOut(
                template=mail.template.value,
                ordinal=mail.ordinal,
                requested_at=mail.requested_at,
                sent_at=mail.sent_at,
            )
            for mail in case.mails
        ],
        reports=[],
        allowed=allowed_acts(case, world, now) if world else [],
        timeline=[_line(line) for line in story.lines],
    )


def plain(value: Any) -> dict[str, Any] | None:
    """A part of a case as plain JSON values."""
    if value is None:
        return None
    built: dict[str, Any] = msgspec.to_builtins(value)
    return built


def _line(line: Any) -> LineOut:
    return LineOut(at=line.at, text=line.text, because=line.because, event=line.event, code=line.code)
