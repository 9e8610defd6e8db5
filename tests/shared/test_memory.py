"""Memory refuses what PostgreSQL would refuse, so that a mistake shows in the fast tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from shared.memory import MemoryStore, WrittenUnread
from shared.shelf import Table
from shared.unit import Unit

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    key: str
    value: int


ROWS = Table(name="rows", kind=Row, key=lambda row: row.key)


async def write(store: MemoryStore, value: int, *, read: bool) -> None:
    async with store.transaction() as shelf:
        unit = Unit(shelf, NOW)
        if read:
            await unit.get(ROWS, "a")
        unit.put(ROWS, Row(key="a", value=value))
        await unit.write()


async def test_a_row_that_is_there_is_read_before_it_is_written_over() -> None:
    store = MemoryStore()
    await write(store, 1, read=False)

    with pytest.raises(WrittenUnread, match="'a' is there and was not read"):
        await write(store, 2, read=False)
    await write(store, 3, read=True)

    assert store.rows["rows"]["a"].value == 3
