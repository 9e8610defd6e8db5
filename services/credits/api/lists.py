"""Whole lists of grants and bookings as CSV, line by line: a wrong line stops no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from fastapi import Request
from pydantic import BaseModel

from services.credits.api.common import Opened
from services.credits.api.shapes import GrantLine, LessonLine
from services.credits.api.writing import booked, granted
from services.credits.domain import Decided
from services.credits.store import ACCOUNTS, GRANTS, LESSONS, CreditsUnit, under
from shared.errors import Refused
from shared.sheets import Report, Row, WrongLine, read_sheet
from shared.transactions import Transactions

M = TypeVar("M", bound=BaseModel)

_TOGETHER: Final = 200
"""Lines of a list that share a transaction."""


async def import_grants(request: Request, opened: Opened) -> Report:
    """Many grants as CSV (``subscription_id, grant_id, credits, ...``); each line stands alone."""
    rows = read_sheet(await request.body(), GrantLine)

    async def take(unit: CreditsUnit, line: GrantLine) -> Decided:
        return await granted(unit, line.subscription_id, line.grant_id, line)

    async def load(unit: CreditsUnit, lines: list[GrantLine]) -> None:
        await unit.fetch(GRANTS, [under(line.subscription_id, line.grant_id) for line in lines])
        await unit.fetch(ACCOUNTS, [line.subscription_id for line in lines])

    return await _import(rows, opened, load, take)


async def import_lessons(request: Request, opened: Opened) -> Report:
    """Many bookings as CSV (``subscription_id, lesson_id, starts_at, teacher_id, credits``)."""
    rows = read_sheet(await request.body(), LessonLine)

    async def take(unit: CreditsUnit, line: LessonLine) -> Decided:
        return await booked(unit, line.subscription_id, line.lesson_id, line)

    async def load(unit: CreditsUnit, lines: list[LessonLine]) -> None:
        await unit.fetch(LESSONS, [under(line.subscription_id, line.lesson_id) for line in lines])
        await unit.fetch(ACCOUNTS, [line.subscription_id for line in lines])

    return await _import(rows, opened, load, take)


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
