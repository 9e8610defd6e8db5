"""What pages read: balances, ledgers, a learner's and a teacher's lessons."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime

from services.credits.api.common import Opened, PathId, account_of
from services.credits.api.shapes import BalanceOut, EntryOut, LessonOut
from services.credits.domain import LessonRecord, as_of


async def read_balance(subscription_id: PathId, opened: Opened) -> BalanceOut:
    """Where every credit is at this instant, what can be booked with, and what holds it."""
    async with opened() as unit:
        account = await account_of(unit, subscription_id)
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
        await account_of(unit, subscription_id)
        entries = await unit.entries(subscription_id)
    return [EntryOut.of(entry) for entry in entries if entry.number > after][:limit]


async def list_lessons(subscription_id: PathId, opened: Opened) -> list[LessonOut]:
    """Every lesson that was booked, the earliest first, with what became of it."""
    async with opened() as unit:
        await account_of(unit, subscription_id)
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


def _in_order(lessons: list[LessonRecord]) -> list[LessonOut]:
    return [
        LessonOut.of(lesson)
        for lesson in sorted(lessons, key=lambda lesson: (lesson.starts_at, lesson.lesson_id))
    ]
