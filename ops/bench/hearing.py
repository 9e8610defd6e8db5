"""P5 and P6: a batch heard in one transaction, beside the same SQL from C and one transaction for each fact."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ops.bench.goals import Row, ratio_row
from ops.bench.ground import Ground, Slice
from ops.bench.retrying import RETRYING, messages
from ops.servers.postgres import programs
from shared.clock import SystemClock
from shared.database import PgShelf, PgStore, open_pool
from shared.hearing import hear
from shared.migrate import migrate
from shared.worker import LANES, side_by_side

BATCH: Final = 500
_CLOCK: Final = SystemClock()
_PLACE: Final = re.compile(r"\$(\d+)(::\w+(?:\[\])?)?")
_COUNTED: Final = "select (select count(*) from {s}.heard), (select count(*) from {s}.cases), (select count(*) from {s}.journal)"


class _Copying:
    """A connection that notes the statements it passes on, so that pgbench runs the very same text."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.statements: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._connection, name)

        async def call(sql: str, *arguments: Any) -> Any:
            self.statements.append((sql, arguments))
            return await method(sql, *arguments)

        return call


async def record(store: PgStore, target: Path, batches: int) -> None:
    """Hear ``batches`` once, and write what that said to PostgreSQL as a pgbench script of the very same statements.

    Their arguments lie ready in a table, so that pgbench has nothing to make up; what was heard is forgotten.
    """
    copying: list[_Copying] = []

    class Store(PgStore):
        def shelf(self, connection: Any, *, locking: bool) -> PgShelf:
            copying.append(_Copying(connection))
            return super().shelf(copying[-1], locking=locking)

    copied = Store(store.pool, store.schema)
    for _ in range(batches):
        await hear(RETRYING, copied, _CLOCK, messages(BATCH))
    names: dict[str, str] = {}
    wanted: list[tuple[int, int]] = []
    lines = [r"\set n :n + 1", "begin;"]
    for number, (sql, arguments) in enumerate(copying[0].statements):

        def place(found: re.Match[str], number: int = number, arguments: tuple[Any, ...] = arguments) -> str:
            name, kind = f"s{number}_{found[1]}", (found[2] or "").removeprefix("::")
            if name not in names:
                names[name] = kind or _kind(arguments[int(found[1]) - 1])
                wanted.append((number, int(found[1])))
            return f"(select {name} from {store.schema}.replay where n = :n)::{names[name]}"

        lines.append(" ".join(_PLACE.sub(place, sql).split()) + ";")
    target.write_text("\n".join([*lines, "commit;", ""]), encoding="utf-8")  # noqa: ASYNC240 - nothing else runs yet
    columns = "".join(f", {name} {kind}" for name, kind in names.items())
    plain = "".join(
        f", alter {name} set storage external" for name, kind in names.items() if kind.endswith("[]")
    )
    await store.pool.execute(
        f"create table {store.schema}.replay (n int primary key{columns}); "
        f"alter table {store.schema}.replay {plain.removeprefix(',')}"
    )
    await store.pool.copy_records_to_table(
        "replay",
        schema_name=store.schema,
        columns=["n", *names],
        records=[
            (n, *(one.statements[at][1][place - 1] for at, place in wanted))
            for n, one in enumerate(copying, 1)
        ],
    )
    await _forget(store)


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "text[]"
    return "timestamptz" if isinstance(value, datetime) else "text"


async def _forget(store: PgStore) -> None:
    await store.pool.execute(f"truncate {store.schema}.heard, {store.schema}.cases, {store.schema}.journal")


def measure(run: Ground, *, seconds: float, rounds: int, slow: bool = False) -> Iterator[Row]:
    """Batches, pgbench and single facts in turns; ``seconds`` is what a slice takes on a calm machine."""
    yield from asyncio.run(_measure(run, max(int(seconds * 25_000 / BATCH), 4), rounds, slow))


async def _measure(run: Ground, batches: int, rounds: int, slow: bool) -> list[Row]:
    dsn = await asyncio.to_thread(run.database, "hearing")
    pool = await open_pool(dsn, size=8)
    await migrate(pool, RETRYING)
    store = PgStore(pool, RETRYING.name)
    file = run.folder / "batch.sql"
    await record(store, file, batches)
    together: list[Slice] = []
    singles: list[Slice] = []
    floors: list[Slice] = []
    sound = True
    await _batches(run, store, 4)
    await _forget(store)
    for _ in range(rounds):
        together.append(await _batches(run, store, batches))
        sound &= await _sound(pool, batches * BATCH)
        await _forget(store)
        floors.append(await asyncio.to_thread(_pgbench, run, dsn, file, batches))
        sound &= await _sound(pool, batches * BATCH)
        await _forget(store)
        singles.append(await _singles(run, store, batches * 25))
        sound &= await _sound(pool, singles[-1].done)
        await _forget(store)
    await pool.close()
    figures = {"batch": _shown(together), "pgbench": _shown(floors), "each_on_7": _shown(singles)}
    checks = {"heard = cases = plans = sent after each slice": sound}
    rates, floor_rates, single_rates = ([s.rate for s in found] for found in (together, floors, singles))
    single = ratio_row("P6s" if slow else "P6", rates, single_rates, figures=figures, checks=checks)
    return [single] if slow else [ratio_row("P5", rates, floor_rates, figures=figures, checks=checks), single]


def _shown(slices: Sequence[Slice]) -> dict[str, Any]:
    return {
        "rate": [round(s.rate) for s in slices],
        "cpu_us": [round(s.cost, 1) for s in slices],
        "python_us": [round(s.cpu / max(s.done, 1) * 1e6, 1) for s in slices],
        "database_us": [round(s.database_cpu / max(s.done, 1) * 1e6, 1) for s in slices],
    }


async def _sound(pool: Any, sent: int) -> bool:
    heard, cases, plans = await pool.fetchrow(_COUNTED.format(s=RETRYING.name))
    return bool(heard == cases == plans == sent)


async def _timed(run: Ground, work: Awaitable[None], done: int) -> Slice:
    """This process is the contestant."""
    counting = run.counting([])
    cpu = time.process_time()
    await work
    found = counting.stop(done)
    return replace(found, cpu=time.process_time() - cpu)


async def _batches(run: Ground, store: PgStore, count: int) -> Slice:
    """As many batches under way at once as a worker has that is behind."""
    found = [messages(BATCH) for _ in range(count)]

    async def lane(number: int) -> None:
        for batch in found[number::LANES]:
            await hear(RETRYING, store, _CLOCK, batch)

    return await _timed(run, side_by_side(lane(number) for number in range(LANES)), count * BATCH)


async def _singles(run: Ground, store: PgStore, count: int) -> Slice:
    """Seven connections, a transaction for each fact."""
    found = messages(count)

    async def one(start: int) -> None:
        for message in found[start::7]:
            await hear(RETRYING, store, _CLOCK, [message])

    async def work() -> None:
        await asyncio.gather(*(one(start) for start in range(7)))

    return await _timed(run, work(), count)


def _pgbench(run: Ground, dsn: str, file: Path, batches: int) -> Slice:
    counting = run.counting([])
    command = [
        str(programs() / "pgbench"), "--no-vacuum", "--client=1", "--protocol=prepared", "--define=n=0",
        f"--file={file}", f"--transactions={batches}", dsn,
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    rate = re.search(r"tps = ([\d.]+)", ran.stdout)
    if ran.returncode or rate is None:
        raise RuntimeError(f"pgbench could not run our SQL: {ran.stderr[-2000:]}")
    return counting.stop(batches * BATCH, seconds=batches / float(rate[1]))
