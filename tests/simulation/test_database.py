"""The stand-in for PostgreSQL keeps PostgreSQL's promises, and breaks in its ways."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from ops.simulation.database import Database, SimStore
from ops.simulation.loop import Process
from ops.simulation.world import FINE, Weather, World
from shared.database import OvertakenError
from shared.shelf import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    key: str
    value: int


TABLE: Table[Row] = Table(name="rows", kind=Row, key=lambda row: row.key)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Room:
    def __init__(self, weather: Weather = FINE) -> None:
        self.world = World(1, NOW, weather)
        self.store = SimStore(Database(self.world), "room")
        self.errors: list[BaseException] = []

    def live(self, *work: Coroutine[Any, Any, None], process: Process | None = None) -> None:
        async def watched(one: Coroutine[Any, Any, None]) -> None:
            try:
                await one
            except Exception as error:  # noqa: BLE001 - what went wrong is what is looked at
                self.errors.append(error)

        for one in work:
            self.world.spawn(process or Process("p", "room", "room.worker"), watched(one))
        self.world.loop.run(self.world.loop.time() + 100.0)

    async def add(self, key: str, value: int) -> None:
        async with self.store.transaction() as shelf:
            found = await shelf.load(TABLE, [key])
            before = found[key].value if key in found else 0
            await shelf.save({TABLE: {key: Row(key=key, value=before + value)}}, {})

    @property
    def rows(self) -> dict[str, int]:
        return {key: row.value for key, (_, row) in self.store.kept.rows.get("rows", {}).items()}


def test_two_that_change_one_row_wait_for_each_other_and_both_count() -> None:
    room = Room()
    room.live(room.add("a", 1))
    room.live(room.add("a", 1), room.add("a", 1), room.add("a", 1))

    assert (room.rows, room.errors) == ({"a": 4}, [])


def test_of_two_that_write_a_row_that_was_not_there_the_second_is_told_to_decide_again() -> None:
    room = Room()
    room.live(room.add("a", 1), room.add("a", 1))

    assert room.rows == {"a": 1}
    assert [type(error) for error in room.errors] == [OvertakenError]


def test_two_that_wait_for_each_other_are_a_deadlock_for_one_of_them() -> None:
    room = Room()
    room.live(room.add("a", 1), room.add("b", 1))

    async def both(first: str, second: str) -> None:
        async with room.store.transaction() as shelf:
            await shelf.load(TABLE, [first])
            await room.world.sleep(1.0)
            await shelf.load(TABLE, [second])

    room.live(both("a", "b"), both("b", "a"))

    assert [type(error) for error in room.errors] == [asyncpg.exceptions.DeadlockDetectedError]


def test_a_dead_client_leaves_neither_rows_nor_locks() -> None:
    room = Room()
    room.live(room.add("a", 1))
    process = Process("q", "room", "room.worker")

    async def slow() -> None:
        async with room.store.transaction() as shelf:
            await shelf.load(TABLE, ["a"])
            await shelf.save({TABLE: {"a": Row(key="a", value=99)}}, {})
            await room.world.sleep(1000.0)

    room.live(slow(), process=process)
    room.world.kill(process)
    room.live(room.add("a", 1))

    assert room.rows == {"a": 2}


def test_whether_a_commit_happened_whose_answer_was_lost_is_not_known() -> None:
    room = Room(Weather(connection_lost=0.5))
    for _ in range(40):
        room.live(room.add("a", 1))

    kept = room.rows["a"]
    assert 40 - len(room.errors) < kept < 40


@pytest.mark.parametrize("seconds", [5.0])
def test_nobody_is_let_in_while_the_database_is_away(seconds: float) -> None:
    room = Room()
    room.store.database.crash(seconds)
    room.live(room.add("a", 1))
    assert [type(error) for error in room.errors] == [ConnectionRefusedError]

    room.live(room.add("a", 1))

    assert room.rows == {"a": 1}
