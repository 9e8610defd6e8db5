"""Lists are read page by page, the same in memory and in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.desk import app as desk
from services.desk.domain.audit import Deed
from services.desk.domain.case import Case
from services.desk.store import CASES
from shared.clock import HandClock
from shared.database import PgStore, open_pool
from shared.events.words import CaseState
from shared.memory import MemoryStore
from shared.migrate import migrate
from shared.money import Money
from shared.shelf import Page
from shared.transactions import Transactions

NOW = datetime(2026, 4, 27, 1, tzinfo=UTC)


def case(number: int, *, school: str = "nihongo", state: CaseState = CaseState.RETRYING) -> Case:
    return Case(
        case_id=f"s{number:03d}~2026-04-15", school_id=school, learner_id=f"l{number % 7}", subscription_id=f"s{number:03d}",
        period=date(2026, 4, 15), state=state, opened_at=NOW, amount=Money(12800, "JPY"),
        deadline_at=NOW + timedelta(hours=number % 5),
    )  # fmt: skip


async def _leaf_through(opened: Transactions) -> None:
    async with opened() as unit:
        unit.keep(*(case(number) for number in range(40)))
        unit.keep(case(50, school="paris"), case(51, state=CaseState.RECOVERED))
        for number in range(5):
            unit.keep(
                Deed(
                    act_id=f"a{number}",
                    school_id="nihongo",
                    at=NOW + timedelta(minutes=number),
                    by="s-1",
                    what="close",
                    about="x",
                )
            )
    seen: list[str] = []
    after = None
    async with opened.looking() as unit:
        while True:
            page = await unit.cases_page(
                "nihongo", Page(where={"state": "retrying"}, order="sort_at", after=after, limit=7)
            )
            if not page:
                break
            seen += [one.case_id for one in page]
            after = (page[-1].sort_at, page[-1].case_id)
        assert len(seen) == len(set(seen)) == 40
        assert await unit.how_many("nihongo", {"open": True}) == 40
        assert await unit.how_many("nihongo", {"open": True}, most=10) == 10
        soon = Page(
            where={"open": True}, order="sort_at", since=NOW, before=NOW + timedelta(hours=1), limit=100
        )
        assert {one.sort_at for one in await unit.cases_page("nihongo", soon)} == {NOW}
        deeds = await unit.deeds("nihongo", limit=2)
        assert [one.act_id for one in deeds] == ["a4", "a3"]
        assert [one.act_id for one in await unit.deeds("nihongo", after=deeds[-1].key)] == ["a2", "a1", "a0"]


async def test_pages_follow_each_other_in_memory() -> None:
    await _leaf_through(Transactions(desk.SERVICE, MemoryStore(), HandClock(NOW)))


@pytest.fixture
async def pool(postgres_dsn: str) -> AsyncIterator[Any]:
    pool = await open_pool(postgres_dsn, size=2)
    await pool.execute("drop schema if exists desk cascade")
    await migrate(pool, desk.SERVICE, Path(desk.__file__).with_name("migrations"))
    yield pool
    await pool.close()


async def test_pages_follow_each_other_in_postgresql(pool: Any) -> None:
    await _leaf_through(Transactions(desk.SERVICE, PgStore(pool, "desk"), HandClock(NOW)))
    await migrate(pool, desk.SERVICE, Path(desk.__file__).with_name("migrations"))


async def test_a_list_walks_along_an_index(pool: Any) -> None:
    async with Transactions(desk.SERVICE, PgStore(pool, "desk"), HandClock(NOW))() as unit:
        unit.keep(*(case(number) for number in range(300)))
    await pool.execute("analyze desk.cases")
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        plan = await connection.fetch(
            f"explain select body from desk.{CASES.name} where school_id = 'nihongo' and open = true "
            "and (sort_at, key) > (now(), 'x') order by sort_at, key limit 50"
        )
    text = "\n".join(row[0] for row in plan)
    assert "Sort" not in text
    assert "cases_by_open" in text
