"""What is held of a learner, and how people kept in the clear by older versions come to be sealed."""

from __future__ import annotations

from typing import Any, cast

from services.notifications import sealed
from services.notifications.store import BEGINNINGS, LEARNERS, TEACHERS, NotificationsUnit
from shared.shelf import Lists, Page, Table
from shared.transactions import Transactions


async def seal_old(opened: Transactions, *, chunk: int = 500) -> list[str]:
    """Seal people who were kept in the clear before; the tables that had such rows, to be written anew."""
    changed = []
    for table, keep in ((LEARNERS, _seal_learner), (TEACHERS, _seal_teacher)):
        count, after = 0, None
        while True:
            async with opened() as unit:
                rows = await cast("Lists", unit.shelf).page(
                    cast("Table[Any]", table), Page(after=after, limit=chunk)
                )
                for row in rows:
                    if row.name and not row.sealed:
                        count += 1
                        await keep(unit, row)
            if len(rows) < chunk:
                break
            last = table.key(rows[-1])
            after = (last, last)
        if count:
            changed.append(table.name)
    return changed


async def _seal_learner(unit: NotificationsUnit, row: sealed.SealedLearner) -> None:
    await unit.keep_learner(await sealed.open_learner(unit.keys, row))


async def _seal_teacher(unit: NotificationsUnit, row: sealed.SealedTeacher) -> None:
    await unit.keep_teacher(await sealed.open_teacher(unit.keys, row))


async def holds(unit: Any, school_id: str, learner_id: str) -> dict[str, int]:
    """Name and address, and the mails of the log."""
    learner = await unit.learner(school_id, learner_id)
    cases = await unit.cases_of(school_id, learner_id)
    beginnings = await unit.get(BEGINNINGS, f"{school_id}/{learner_id}/1")
    return {
        "people": int(bool((learner is not None and learner.email) or beginnings)),
        "mails": sum(len(case.mails) for case in cases),
    }
