"""The fence around a key's schools: lists are as long as without it, and what is another school's stays as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ops.contracts.examples import example_fact
from shared.clock import HandClock
from shared.database import PgStore, open_pool
from shared.errors import NotFound, Refused
from shared.events import dunning
from shared.memory import MemoryStore
from shared.migrate import migrate
from shared.service import Service
from shared.shelf import Page, Table
from shared.transactions import Transactions
from shared.unit import Unit

NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)
LILLE, KOBE, NANTES = "lille", "kobe", "nantes"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A row of a school, and one in a list that several schools share."""

    name: str
    school_id: str
    room: str = "a"


DESKS: Table[Desk] = Table(
    name="desks",
    kind=Desk,
    key=lambda row: row.name,
    columns={"school_id": ("text", lambda row: row.school_id), "room": ("text", lambda row: row.room)},
)
SERVICE = Service(name="fenced", unit=Unit, hears={}, tables=(DESKS,))


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def dsn(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "memory" else str(request.getfixturevalue("fresh_postgres"))


@pytest.fixture
async def everything(dsn: str) -> AsyncIterator[Transactions]:
    """Thirty desks: each third one at Lille, at Kobe, at Nantes."""
    pool = None
    store: Any = MemoryStore()
    if dsn:
        pool = await open_pool(dsn, size=2)
        await migrate(pool, SERVICE)
        store = PgStore(pool, SERVICE.name)
    opened = Transactions(SERVICE, store, HandClock(NOW))
    async with opened() as unit:
        names = [f"desk-{number:02}" for number in range(30)]
        await unit.fetch(DESKS, names)
        for number, name in enumerate(names):
            school = (LILLE, KOBE, NANTES)[number % 3]
            unit.put(DESKS, Desk(name=name, school_id=school, room="ab"[number % 2]))
    yield opened
    if pool is not None:
        await pool.close()


def listed(rows: list[Desk]) -> set[str]:
    return {row.school_id for row in rows}


@pytest.mark.parametrize("schools", [{LILLE}, {LILLE, NANTES}])
async def test_a_list_shows_pages_as_long_as_without_a_fence_and_nothing_else(
    everything: Transactions, schools: set[str]
) -> None:
    async with everything.within(frozenset(schools)).looking() as unit:
        seen: list[Desk] = []
        page = Page(limit=4)
        while rows := await unit.shelf.page(DESKS, page):
            assert len(rows) == 4 or len(seen) + len(rows) == 10 * len(schools)
            seen += rows
            page = replace(page, after=(rows[-1].name, rows[-1].name))
        assert listed(seen) == schools
        assert len(seen) == len({row.name for row in seen}) == 10 * len(schools)
        assert await unit.shelf.count(DESKS, {}, most=1000) == 10 * len(schools)
        assert await unit.shelf.count(DESKS, {"school_id": KOBE}, most=1000) == 0
        assert listed(await unit.find(DESKS, "room", "a")) == schools


async def test_what_is_another_schools_is_neither_found_nor_written(everything: Transactions) -> None:
    fenced = everything.within(frozenset({LILLE}))
    with pytest.raises(NotFound, match="nothing of that id is at the schools of your key"):
        async with fenced() as unit:
            await unit.get(DESKS, "desk-01")
    fact = replace(example_fact(dunning.SchoolRegistered), school_id=KOBE)
    for foreign in (Desk(name="desk-new", school_id=KOBE), fact):
        with pytest.raises(Refused, match="your key is not for the school kobe"):
            await _writes(fenced, foreign)

    async with everything.looking() as unit:  # the whole transaction is refused
        assert (await unit.get(DESKS, "desk-00")).room == "a"
        assert await unit.get(DESKS, "desk-new") is None
        assert (await unit.get(DESKS, "desk-01")).school_id == KOBE


async def _writes(opened: Transactions, foreign: Any) -> None:
    """A change of one's own, and with it something of another school."""
    async with opened() as unit:
        await unit.fetch(DESKS, ["desk-00", "desk-new"])
        unit.put(DESKS, Desk(name="desk-00", school_id=LILLE, room="c"))
        if isinstance(foreign, Desk):
            unit.put(DESKS, foreign)
        else:
            unit.say(foreign)
