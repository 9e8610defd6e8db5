"""What a service wrote is told in order and soon, plans at their hour, whatever was written late for an early hour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from shared import telling
from shared.clock import HandClock
from shared.database import PgStore, open_pool
from shared.events import Later
from shared.migrate import migrate
from shared.settings import Settings
from shared.telling import Teller
from shared.transactions import Transactions
from tests.shared.counting import COUNTING, NOON, failed


class Recording(Teller):
    """The teller with an ear in place of the brokers."""

    told: list[str]

    async def _send(self, producer: Any, rows: Any) -> None:
        del producer
        self.told += [
            row["value"].decode().partition('"transaction_id":"')[2].partition('"')[0] for row in rows
        ]


@pytest.fixture
async def pool(fresh_postgres: str) -> AsyncIterator[Any]:
    pool = await open_pool(fresh_postgres, size=4)
    await migrate(pool, COUNTING)
    yield pool
    await pool.close()


@pytest.fixture
async def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
async def teller(pool: Any, clock: HandClock) -> AsyncIterator[Recording]:
    teller = Recording(PgStore(pool, "counting"), clock, Settings())
    teller.told = []
    async with pool.acquire() as connection:
        task = asyncio.create_task(teller._tell_with(connection, None))
        yield teller
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(teller: Recording, told: list[str]) -> None:
    async with asyncio.timeout(20):
        while teller.told != told:
            await asyncio.sleep(0.02)


async def test_facts_are_told_in_the_order_of_their_hours_also_when_written_late(
    pool: Any, clock: HandClock, teller: Recording
) -> None:
    transactions = Transactions(COUNTING, PgStore(pool, "counting"), clock)
    async with transactions() as unit:
        unit.say(failed(1), Later(NOON + timedelta(hours=1), failed(2)))
    await until(teller, ["ada-1"])

    async with transactions() as unit:
        unit.say(Later(NOON - timedelta(days=9), failed(3)))
    await until(teller, ["ada-1", "ada-3"])

    clock.move_to(NOON + timedelta(hours=2))
    await until(teller, ["ada-1", "ada-3", "ada-2"])


async def test_what_a_lost_notice_hid_is_found_by_the_look_at_everything(
    pool: Any, clock: HandClock, teller: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Transactions(COUNTING, PgStore(pool, "counting"), clock)() as unit:
        unit.say(failed(1))
    await until(teller, ["ada-1"])
    async with asyncio.timeout(20):  # it is marked a moment after it was sent
        while await pool.fetchval("select told_at from counting.journal") is None:
            await asyncio.sleep(0.02)
    monkeypatch.setattr(telling, "_LOOK_AT_ALL", 0.1)
    await pool.execute("update counting.journal set told_at = null, tell_at = tell_at - interval '1 day'")

    await until(teller, ["ada-1", "ada-1"])


async def test_more_than_a_batch_of_one_hour_is_told_to_the_end(
    pool: Any, clock: HandClock, teller: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "BATCH", 10)
    async with Transactions(COUNTING, PgStore(pool, "counting"), clock)() as unit:
        unit.say(*(failed(n) for n in range(35)))

    await until(teller, [f"ada-{n}" for n in range(35)])
