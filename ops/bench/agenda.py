"""P8: whether finding what is due takes longer when there is more of it, or when dead rows pile up behind a snapshot."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg

from ops.bench.goals import Row, not_measured
from ops.bench.ground import Ground
from ops.bench.path import SPEAKING
from shared.database import open_pool
from shared.migrate import migrate

_NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
_SPAN: Final = timedelta(days=10)
_FILL: Final = """
insert into speaking.journal (id, type, topic, key, tell_at, recorded_at, value)
select 'plan-' || i, 'dunning.DeadlineFellDue', 'dunning.events', 'sub-' || i,
       $2::timestamptz - interval '1 day' + random() * interval '10 days', $2, '\\x00'
from generate_series(1, $1) i
"""
_PICK: Final = """select id, topic, key, value, tell_at from speaking.journal
    where told_at is null and tell_at <= $1 and tell_at >= $2 order by tell_at, seq limit 1000"""
_CLAIM: Final = "update speaking.journal set told_at = $2 where id = any($1) and told_at is null"


def measure(run: Ground, *, few: int, many: int, claims: int) -> Iterator[Row]:
    """Journals of two sizes, a tenth due; then claims while another transaction keeps a snapshot."""
    small = asyncio.run(_times(run, "agenda_few", few, claims))
    large = asyncio.run(_times(run, "agenda_many", many, claims))
    figures = {"few": {"plans": few, **small}, "many": {"plans": many, **large}}
    checks = {"no plan was claimed twice": bool(small.pop("sound") and large.pop("sound"))}
    yield Row(id="P8a", value=large["pick_ms"] / small["pick_ms"], figures=figures, checks=checks)
    yield Row(id="P8b", value=large["claim_ms"] / small["claim_ms"], figures=figures, checks=checks)
    yield Row(
        id="P8c", value=large["pinned_last_ms"] / large["pinned_first_ms"], figures=figures, checks=checks
    )
    yield from not_measured("P9", note="tellers of one service take turns, they do not share yet")


async def _times(run: Ground, name: str, plans: int, claims: int) -> dict[str, Any]:
    dsn = await asyncio.to_thread(run.database, name)
    pool = await open_pool(dsn, size=1)
    await migrate(pool, SPEAKING)
    async with pool.acquire() as connection:
        # Only the agenda's index is looked through here; the others would take most of the filling.
        await connection.execute("set synchronous_commit = off")
        await connection.execute("drop index speaking.journal_key; drop index speaking.journal_due")
        await connection.execute(_FILL, plans, _NOW, timeout=600)
        await connection.execute(
            "create index journal_due on speaking.journal (tell_at, seq) where told_at is null", timeout=600
        )
        await connection.execute("vacuum analyze speaking.journal", timeout=600)
        await connection.execute("set synchronous_commit = on")
        found = await _claimed(connection, dsn, claims)
    await pool.close()
    return found


async def _claimed(connection: Any, dsn: str, claims: int) -> dict[str, Any]:
    low = datetime(1970, 1, 1, tzinfo=UTC)
    picks = [await _timed(connection.fetch(_PICK, _NOW, low)) for _ in range(15)]
    seen: set[str] = set()
    took: list[float] = []
    marked = 0
    pin = await asyncpg.connect(dsn)
    await pin.execute("begin isolation level repeatable read; select count(*) from speaking.heard")
    for _ in range(claims):
        at = time.perf_counter()
        rows = await connection.fetch(_PICK, _NOW, low)
        if len(rows) < 1000:
            break
        done = await connection.execute(_CLAIM, [row["id"] for row in rows], _NOW)
        took.append(time.perf_counter() - at)
        low = rows[-1]["tell_at"]
        marked += int(done.rsplit(" ", 1)[-1])
        seen.update(row["id"] for row in rows)
    await pin.close()
    edge = max(len(took) // 6, 1)
    return {
        "pick_ms": statistics.median(picks) * 1e3,
        "claim_ms": statistics.median(took) * 1e3,
        "claims": len(took),
        "pinned_first_ms": statistics.median(took[:edge]) * 1e3,
        "pinned_last_ms": statistics.median(took[-edge:]) * 1e3,
        "sound": marked == len(seen) == 1000 * len(took),
    }


async def _timed(work: Any) -> float:
    at = time.perf_counter()
    await work
    return time.perf_counter() - at
