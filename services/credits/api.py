"""Credits over HTTP: grants and bookings from the school's own system, ledgers and lessons for its pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request
from pydantic import AwareDatetime, BaseModel

from services.credits import domain
from services.credits.domain import Account, Decided, LessonRecord, LessonState, as_of
from services.credits.shapes import (
    BalanceOut,
    EntryOut,
    GrantIn,
    GrantLine,
    LessonIn,
    LessonLine,
    LessonOut,
    PlanIn,
)
from services.credits.store import ACCOUNTS, GRANTS, LESSONS, CreditsUnit, under
from shared.errors import NotFound, Refused
from shared.settings import Settings
from shared.sheets import Report, Row, WrongLine, read_sheet
from shared.transactions import Transactions
from shared.web import Check, Keyed, build_app

PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
M = TypeVar("M", bound=BaseModel)

_TOGETHER: Final = 200
"""Lines of a list that share a transaction."""


def build_api(
    settings: Settings,
    *,
    transactions: Transactions | None = None,
    ready: Check | None = None,
    lifespan: Any = None,
) -> FastAPI:
    """The API of credits; ``transactions`` may come later as ``app.state.transactions`` (with the lifespan)."""
    app = build_app("Relance credits", settings, ready=ready, lifespan=lifespan)
    app.state.transactions = transactions
    app.include_router(build_router())
    return app


def _transactions(request: Request) -> Transactions:
    opened: Transactions = request.app.state.transactions
    return opened


Opened = Annotated[Transactions, Depends(_transactions)]


def build_router() -> APIRouter:
    """Every route of credits, behind an API key."""
    router = APIRouter(dependencies=[Keyed])
    router.put("/subscriptions/{subscription_id}/plan", tags=["grants"])(put_plan)
    router.put("/subscriptions/{subscription_id}/grants/{grant_id}", tags=["grants"])(put_grant)
    router.put("/subscriptions/{subscription_id}/lessons/{lesson_id}", tags=["lessons"])(put_lesson)
    router.post("/subscriptions/{subscription_id}/lessons/{lesson_id}/cancellation", tags=["lessons"])(
        cancel_lesson
    )
    router.get("/subscriptions/{subscription_id}/lessons", tags=["lessons"])(list_lessons)
    router.get("/subscriptions/{subscription_id}/credits", tags=["ledger"])(read_balance)
    router.get("/subscriptions/{subscription_id}/ledger", tags=["ledger"])(read_ledger)
    router.get("/learners/{learner_id}/credits", tags=["ledger"])(read_balances)
    router.get("/teachers/{teacher_id}/lessons", tags=["lessons"])(list_teacher_lessons)
    router.post("/imports/grants", tags=["imports"])(import_grants)
    router.post("/imports/lessons", tags=["imports"])(import_lessons)
    return router


# --- writes ---------------------------------------------------------------------------------------------------


async def put_plan(subscription_id: PathId, body: PlanIn, opened: Opened) -> BalanceOut:
    """How many credits a paid month gives; months that waited for this are granted at once."""
    async with opened() as unit:
        account = await _account(unit, subscription_id, body.school_id, body.learner_id)
        school = await unit.school(account.school_id)
        decided = domain.when_plan_known(
            account,
            credits_per_month=body.credits_per_month,
            cancellation_notice_minutes=body.cancellation_notice_minutes,
            zone=school.zone,
            now=unit.now,
        )
        await unit.record(decided)
    return BalanceOut.of(decided.account)


async def put_grant(subscription_id: PathId, grant_id: PathId, body: GrantIn, opened: Opened) -> BalanceOut:
    """Grant credits once; a later last day extends the grant, anything else about it stays as it was."""
    async with opened() as unit:
        decided = await _grant(unit, subscription_id, grant_id, body)
        await unit.record(decided)
    return BalanceOut.of(decided.account)


async def put_lesson(subscription_id: PathId, lesson_id: PathId, body: LessonIn, opened: Opened) -> LessonOut:
    """Book a lesson once. 409 in words when credits are held or too few."""
    async with opened() as unit:
        await unit.record(await _book(unit, subscription_id, lesson_id, body))
        record = await unit.lesson(subscription_id, lesson_id)
    return LessonOut.of(record)


async def cancel_lesson(subscription_id: PathId, lesson_id: PathId, opened: Opened) -> LessonOut:
    """The learner cancels; the credit is at hand again. Asking twice is asking once."""
    async with opened() as unit:
        record = await unit.lesson(subscription_id, lesson_id)
        if record is None:
            raise NotFound(
                f"we could not cancel lesson {lesson_id} because subscription {subscription_id} booked none of that "
                "id: check both ids"
            )
        if record.state is LessonState.BOOKED:
            account = await _account(unit, subscription_id)
            await unit.record(domain.when_lesson_given_up(account, lesson_id, unit.now))
            record = await unit.lesson(subscription_id, lesson_id)
        elif record.state is LessonState.STARTED:
            raise Refused(
                f"we could not cancel lesson {lesson_id} because it has started: its credit counts as consumed",
                code="lesson_started",
            )
    return LessonOut.of(record)


async def import_grants(request: Request, opened: Opened) -> Report:
    """Many grants as CSV (``subscription_id, grant_id, credits, ...``); each line stands alone."""
    rows = read_sheet(await request.body(), GrantLine)

    async def take(unit: CreditsUnit, line: GrantLine) -> Decided:
        return await _grant(unit, line.subscription_id, line.grant_id, line)

    async def load(unit: CreditsUnit, lines: list[GrantLine]) -> None:
        await unit.fetch(GRANTS, [under(line.subscription_id, line.grant_id) for line in lines])
        await unit.fetch(ACCOUNTS, [line.subscription_id for line in lines])

    return await _import(rows, opened, load, take)


async def import_lessons(request: Request, opened: Opened) -> Report:
    """Many bookings as CSV (``subscription_id, lesson_id, starts_at, teacher_id, credits``)."""
    rows = read_sheet(await request.body(), LessonLine)

    async def take(unit: CreditsUnit, line: LessonLine) -> Decided:
        return await _book(unit, line.subscription_id, line.lesson_id, line)

    async def load(unit: CreditsUnit, lines: list[LessonLine]) -> None:
        await unit.fetch(LESSONS, [under(line.subscription_id, line.lesson_id) for line in lines])
        await unit.fetch(ACCOUNTS, [line.subscription_id for line in lines])

    return await _import(rows, opened, load, take)


# --- reads ----------------------------------------------------------------------------------------------------


async def read_balance(subscription_id: PathId, opened: Opened) -> BalanceOut:
    """Where every credit is at this instant, what can be booked with, and what holds it."""
    async with opened() as unit:
        account = await _account(unit, subscription_id)
        return BalanceOut.of(as_of(account, unit.now))


async def read_balances(learner_id: PathId, opened: Opened) -> list[BalanceOut]:
    """The same for every subscription of a learner."""
    async with opened() as unit:
        accounts = await unit.accounts_of_learner(learner_id)
        return [BalanceOut.of(as_of(account, unit.now)) for account in accounts]


async def read_ledger(
    subscription_id: PathId,
    opened: Opened,
    after: Annotated[int, Query(ge=0, description="Entries behind this number")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[EntryOut]:
    """The ledger's entries in their order; none is ever changed."""
    async with opened() as unit:
        await _account(unit, subscription_id)
        entries = await unit.entries(subscription_id)
    return [EntryOut.of(entry) for entry in entries if entry.number > after][:limit]


async def list_lessons(subscription_id: PathId, opened: Opened) -> list[LessonOut]:
    """Every lesson that was booked, the earliest first, with what became of it."""
    async with opened() as unit:
        await _account(unit, subscription_id)
        lessons = await unit.lessons_of(subscription_id)
    return _in_order(lessons)


async def list_teacher_lessons(
    teacher_id: PathId,
    opened: Opened,
    school: str | None = None,
    since: Annotated[AwareDatetime | None, Query(description="Lessons that start from here on")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Lessons that start before this")] = None,
) -> list[LessonOut]:
    """A teacher's lessons, those that the administration or a learner cancelled included."""
    async with opened() as unit:
        lessons = await unit.lessons_with(teacher_id)
    first = since or datetime.min.replace(tzinfo=UTC)
    last = until or datetime.max.replace(tzinfo=UTC)
    return _in_order(
        [
            lesson
            for lesson in lessons
            if school in {None, lesson.school_id} and first <= lesson.starts_at < last
        ]
    )


# --- how ------------------------------------------------------------------------------------------------------


async def _account(
    unit: CreditsUnit, subscription_id: str, school_id: str | None = None, learner_id: str | None = None
) -> Account:
    account = await unit.account(subscription_id)
    if account is None:
        if school_id is None or learner_id is None:
            raise NotFound(
                f"we could not find the credits of subscription {subscription_id} because it is not known here: "
                "register it (PUT /subscriptions/{id} of payments) or send school_id and learner_id along"
            )
        return Account(subscription_id=subscription_id, school_id=school_id, learner_id=learner_id)
    if school_id not in {None, account.school_id} or learner_id not in {None, account.learner_id}:
        raise Refused(
            f"we could not take this for subscription {subscription_id} because it belongs to learner "
            f"{account.learner_id} of school {account.school_id}: correct the ids",
            code="other_owner",
        )
    return account


async def _grant(unit: CreditsUnit, subscription_id: str, grant_id: str, body: GrantIn) -> Decided:
    account = await _account(unit, subscription_id, body.school_id, body.learner_id)
    zone = (await unit.school(account.school_id)).zone
    known = await unit.grant(subscription_id, grant_id)
    if known is None:
        return domain.when_granted(
            account,
            grant_id=grant_id,
            credits=body.credits,
            expires_on=body.expires_on,
            why=body.why,
            zone=zone,
            now=unit.now,
        )
    if known.credits != body.credits:
        raise Refused(
            f"we could not grant {body.credits} credits as {grant_id} because {known.credits} were granted under "
            "that id: use another id for another grant",
            code="other_grant",
        )
    if known.expires_on == body.expires_on:
        return Decided(account=account)
    return domain.when_extended(account, known, expires_on=body.expires_on, zone=zone, now=unit.now)


async def _book(unit: CreditsUnit, subscription_id: str, lesson_id: str, body: LessonIn) -> Decided:
    account = await _account(unit, subscription_id)
    starts_at = body.starts_at.astimezone(UTC)
    known = await unit.lesson(subscription_id, lesson_id)
    if known is None:
        return domain.when_lesson_asked_for(
            account,
            lesson_id=lesson_id,
            starts_at=starts_at,
            teacher_id=body.teacher_id,
            credits=body.credits,
            now=unit.now,
        )
    cancelled = known.state in {LessonState.CANCELLED_BY_ADMIN, LessonState.CANCELLED_BY_LEARNER}
    if cancelled or not known.same_booking(starts_at, body.teacher_id, body.credits):
        raise Refused(
            f"we could not book lesson {lesson_id} because that id stands for a lesson at "
            f"{known.starts_at:%Y-%m-%d %H:%M} UTC with {known.teacher_id} ({known.state}): use another id",
            code="other_lesson",
        )
    return Decided(account=account)


async def _import(
    rows: list[Row[M]],
    opened: Transactions,
    load: Callable[[CreditsUnit, list[M]], Awaitable[None]],
    take: Callable[[CreditsUnit, M], Awaitable[Decided]],
) -> Report:
    report = Report()
    for start in range(0, len(rows), _TOGETHER):
        part = rows[start : start + _TOGETHER]
        async with opened() as unit:
            await load(unit, [row.value for row in part if row.value is not None])
            for row in part:
                try:
                    if row.value is None:
                        raise Refused(row.problem)
                    decided = await take(unit, row.value)
                except Refused as error:
                    report.wrong.append(WrongLine(line=row.line, problem=str(error)))
                    continue
                await unit.record(decided)
                report.taken += bool(decided.entries)
                report.unchanged += not decided.entries
    return report


def _in_order(lessons: list[LessonRecord]) -> list[LessonOut]:
    return [
        LessonOut.of(lesson)
        for lesson in sorted(lessons, key=lambda lesson: (lesson.starts_at, lesson.lesson_id))
    ]
