"""A stack as if nothing ever happened, in a moment: the same processes, empty tables, empty accounts."""

from __future__ import annotations

import asyncio
from typing import Final

from ops.stack.engine.lines import Lines
from ops.stack.gateways import introduction
from ops.stack.plan import SERVICES

_STILL: Final = 0.3
"""Wall seconds in which whatever a broken story left in the middle ends."""


async def forget_everything(lines: Lines, *, calm: bool) -> None:
    """Empty every table, account and letter box.

    The topics keep their messages: workers that live on have read past them, and one that dies is given the
    time to confirm it (``Troubles.kill``). ``calm`` says that nothing is going on.
    """
    await lines.control("POST", "/reset")
    await _empty(lines)
    while not calm:
        await asyncio.sleep(_STILL)
        calm = not await _empty(lines)
    await lines.mailbox("POST", "/_fail", {})
    await lines.mailbox("DELETE", "/messages")


async def _empty(lines: Lines) -> int:
    tables = await _tables(lines)
    deleted = 0
    async with lines.database.transaction():
        for table in tables:
            # Processes remember living keys of people; only that somebody was erased is forgotten.
            which = " where body->>'erased_at' is not null" if table.endswith(".subject_keys") else ""
            done: str = await lines.database.execute(f"delete from {table}{which}")
            deleted += int(done.rsplit(" ", 1)[-1])
    return deleted


async def _tables(lines: Lines) -> list[str]:
    rows = await lines.database.fetch(
        "select schemaname || '.' || tablename as name from pg_tables "
        "where schemaname = any($1) and tablename <> 'migrations' order by 1",
        list(SERVICES),
    )
    return [row["name"] for row in rows]


async def introduce_again(lines: Lines) -> None:
    """The simulators learn where the stack listens, and bill nobody by themselves."""
    await lines.control("POST", "/webhooks", introduction(lines.plan))
    await lines.control("POST", "/settings", {"only_told": True})
