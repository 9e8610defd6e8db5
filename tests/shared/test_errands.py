"""Errands go on after trouble that trying again mends, whoever it comes from."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from shared.clock import HandClock
from shared.errands import LEASE, SideBySide, run_due_errands
from shared.memory import MemoryStore
from shared.service import Doing, Service
from shared.shelf import Errand
from shared.unit import Unit

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "trouble",
    [
        asyncpg.exceptions.ConnectionDoesNotExistError("closed in the middle of operation"),
        asyncpg.exceptions.DeadlockDetectedError("deadlock detected"),
        asyncpg.exceptions.AdminShutdownError("terminating connection"),
    ],
)
async def test_an_errand_that_lost_its_database_is_tried_again_and_not_given_up(trouble: Exception) -> None:
    gave_up: list[str] = []
    done: list[str] = []

    async def run(errand: Errand, hands: Any, now: datetime) -> str:
        if errand.tries == 1:
            raise trouble
        return "read"

    async def finish(errand: Errand, result: str, unit: Unit) -> None:
        done.append(result)

    async def give_up(errand: Errand, error: Exception, unit: Unit) -> None:
        gave_up.append(repr(error))

    service = Service(
        name="notifications",
        unit=Unit,
        hears={},
        tables=(),
        errands={"send": Doing(run=run, finish=finish, give_up=give_up)},
    )
    store, clock = MemoryStore(), HandClock(NOW)
    store.ask(Errand(id="m1", kind="send", key="k", due_at=NOW, body=b"{}"))

    await run_due_errands(service, store, None, clock)
    clock.move_to(NOW + timedelta(minutes=10))
    await run_due_errands(service, store, None, clock)

    assert gave_up == []
    assert done == ["read"]


async def test_what_came_of_an_errand_is_recorded_although_two_transactions_were_in_each_others_way() -> None:
    done: list[str] = []
    asked: list[int] = []

    async def run(errand: Errand, hands: Any, now: datetime) -> str:
        asked.append(errand.tries)
        return "charged"

    async def finish(errand: Errand, result: str, unit: Unit) -> None:
        if not done:
            done.append("nothing")
            raise asyncpg.exceptions.DeadlockDetectedError("deadlock detected")
        done.append(result)

    errands = {"charge": Doing(run=run, finish=finish)}
    service = Service(name="payments", unit=Unit, hears={}, tables=(), errands=errands)
    store, clock = MemoryStore(), HandClock(NOW)
    store.ask(Errand(id="c1", kind="charge", key="k", due_at=NOW, body=b"{}"))

    await run_due_errands(service, store, None, clock)

    assert (asked, done) == ([1], ["nothing", "charged"])


async def test_a_gateway_that_takes_its_time_keeps_no_other_errand_waiting() -> None:
    answers = asyncio.Event()
    done: list[str] = []

    async def run(errand: Errand, hands: Any, now: datetime) -> str:
        if errand.id == "slow":
            await answers.wait()
        return errand.id

    async def finish(errand: Errand, result: str, unit: Unit) -> None:
        done.append(result)

    errands = {"charge": Doing(run=run, finish=finish)}
    service = Service(name="payments", unit=Unit, hears={}, tables=(), errands=errands)
    store, clock = MemoryStore(), HandClock(NOW)
    ended = asyncio.Event()
    side_by_side = SideBySide(service, store, None, clock, limit=2, ring=ended.set)

    store.ask(Errand(id="slow", kind="charge", key="k", due_at=NOW, body=b"{}"))
    assert await side_by_side.begin_due() == 1
    for number in (1, 2):
        store.ask(Errand(id=f"quick{number}", kind="charge", key="k", due_at=NOW, body=b"{}"))
    assert await side_by_side.begin_due() == 1, "two hands, and one is not free"
    await ended.wait()
    assert await side_by_side.begin_due() == 1
    ended.clear()
    await ended.wait()
    assert done == ["quick1", "quick2"]

    answers.set()
    ended.clear()
    await ended.wait()
    assert done == ["quick1", "quick2", "slow"]


async def test_an_errand_that_is_being_done_here_is_not_begun_again_when_it_looks_deserted() -> None:
    begun: list[str] = []
    answers = asyncio.Event()

    async def run(errand: Errand, hands: Any, now: datetime) -> None:
        begun.append(errand.id)
        await answers.wait()

    async def finish(errand: Errand, result: None, unit: Unit) -> None:
        """Nothing to record."""

    errands = {"send": Doing(run=run, finish=finish)}
    service = Service(name="notifications", unit=Unit, hears={}, tables=(), errands=errands)
    store, clock = MemoryStore(), HandClock(NOW)
    ended = asyncio.Event()
    side_by_side = SideBySide(service, store, None, clock, ring=ended.set)
    store.ask(Errand(id="mail", kind="send", key="k", due_at=NOW, body=b"{}"))

    assert await side_by_side.begin_due() == 1
    await asyncio.sleep(0)
    clock.move_to(NOW + 2 * LEASE)
    assert await side_by_side.begin_due() == 0

    answers.set()
    await ended.wait()
    assert begun == ["mail"]
