"""P11 and the cost behind P7: a fact's whole way from one service's transaction through Kafka into another's.

Beside it the barest loop that does as much: one table, one relay, one consumer, nothing told twice on purpose.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from ops.bench.goals import Row, ratio_row
from ops.bench.ground import Ground, Slice
from ops.bench.retrying import RETRYING, failure
from shared.clock import SystemClock
from shared.database import PgStore, open_pool
from shared.events.wire import from_bytes, to_bytes, wrap
from shared.hearing import hear
from shared.migrate import migrate
from shared.service import Service
from shared.settings import Settings
from shared.shelf import Message
from shared.telling import Teller
from shared.transactions import Transactions
from shared.unit import Unit
from shared.worker import Worker

SPEAKING: Final = Service(name="speaking", unit=Unit, hears={}, tables=())
TICK: Final = 0.01
_CLOCK: Final = SystemClock()
_BARE: Final = """
create schema if not exists bare_path;
create table if not exists bare_path.outbox (n bigint generated always as identity primary key, key text not null,
                                             value bytea not null, told boolean not null default false);
create index if not exists untold on bare_path.outbox (n) where not told;
create table if not exists bare_path.inbox (id text primary key);
create table if not exists bare_path.cases (id text primary key, next_at timestamptz not null);
"""


class Watch:
    """How long each fact was on its way."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.heard = 0

    def arrived(self, values: Sequence[bytes | None]) -> None:
        """A batch was committed."""
        now = datetime.now(UTC)
        self.heard += len(values)
        for value in values:
            self.waits.append((now - from_bytes(value).recorded_at).total_seconds())

    def take(self) -> tuple[float, float]:
        """p50 and p99 in milliseconds since the last time."""
        waits, self.waits = sorted(self.waits) or [0.0], []
        return waits[len(waits) // 2] * 1e3, waits[int(len(waits) * 0.99)] * 1e3


Say = Callable[[int], Awaitable[None]]


@asynccontextmanager
async def ours(dsn: str, bootstrap: str, watch: Watch) -> AsyncIterator[Say]:
    """Transaction, journal, teller, worker, hearing: as in production, in one process."""
    pool = await open_pool(dsn, size=6)
    for service in (SPEAKING, RETRYING):
        await migrate(pool, service)
    settings = Settings(kafka=bootstrap, kafka_session_timeout=6, kafka_fetch_wait_ms=50)
    heard_by, transactions = (
        PgStore(pool, RETRYING.name),
        Transactions(SPEAKING, PgStore(pool, SPEAKING.name), _CLOCK),
    )

    async def hear_batch(messages: list[Message]) -> None:
        await hear(RETRYING, heard_by, _CLOCK, messages)
        watch.arrived([message.value for message in messages])

    async def say(count: int) -> None:
        async with transactions() as unit:
            unit.say(*(failure(unit.now) for _ in range(count)))

    worker = Worker(f"path-{uuid4().hex[:8]}", ["payments.events"], hear_batch, settings)
    await worker.start()
    telling = asyncio.create_task(Teller(PgStore(pool, SPEAKING.name), _CLOCK, settings).run())
    try:
        yield say
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await worker.stop(within=3.0)
        await pool.close()


@asynccontextmanager
async def bare(dsn: str, bootstrap: str, watch: Watch) -> AsyncIterator[Say]:
    """The floor: the same hops without services, ids from meaning, versions, parking or plans."""
    pool = await asyncpg.create_pool(dsn, min_size=4, max_size=4)
    await pool.execute(_BARE)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", compression_type="lz4")
    consumer = AIOKafkaConsumer(
        "bench.loop", bootstrap_servers=bootstrap, group_id=f"bare-{uuid4().hex[:8]}", auto_offset_reset="earliest",
        fetch_max_wait_ms=50, session_timeout_ms=6000, heartbeat_interval_ms=600, enable_auto_commit=False,
    )  # fmt: skip
    await producer.start()
    await consumer.start()
    wake = asyncio.Event()

    async def say(count: int) -> None:
        now = datetime.now(UTC)
        found = [wrap(failure(now), cause=None, recorded_at=now) for _ in range(count)]
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "insert into bare_path.outbox (key, value) select * from unnest($1::text[], $2::bytea[])",
                [one.key for one in found],
                [to_bytes(one) for one in found],
            )
            await connection.execute("notify bare_path")

    async def relay() -> None:
        async with pool.acquire() as connection:
            await connection.add_listener("bare_path", lambda *_: wake.set())
            while True:
                wake.clear()
                rows = await connection.fetch(
                    "select n, key, value from bare_path.outbox where not told order by n limit 1000"
                )
                if not rows:
                    await wake.wait()
                    continue
                sent = [
                    await producer.send("bench.loop", row["value"], key=row["key"].encode()) for row in rows
                ]
                await asyncio.gather(*sent)
                ids = [row["n"] for row in rows]
                await connection.execute("update bare_path.outbox set told = true where n = any($1)", ids)

    async def listen() -> None:
        while True:
            found = await consumer.getmany(timeout_ms=500, max_records=500)
            values = [record.value for records in found.values() for record in records]
            if not values:
                continue
            envelopes = [from_bytes(value) for value in values]
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    "insert into bare_path.inbox select unnest($1::text[]) on conflict do nothing",
                    [one.id for one in envelopes],
                )
                await connection.execute(
                    "insert into bare_path.cases select unnest($1::text[]), now() on conflict do nothing",
                    [one.key for one in envelopes],
                )
            watch.arrived(values)
            await consumer.commit()

    tasks = [asyncio.create_task(relay()), asyncio.create_task(listen())]
    try:
        yield say
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(Exception):
            await consumer.stop()
            await producer.stop()
        await pool.close()


async def _at_rate(say: Say, watch: Watch, rate: int, seconds: float) -> tuple[float, float, bool]:
    """Say ``rate`` facts a second and wait until the last is heard; p50, p99 and whether each was heard."""
    watch.take()
    before, said = watch.heard, 0
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        due = min(int(elapsed * rate) + 1, int(seconds * rate)) - said
        if due > 0:
            await say(due)
            said += due
        await asyncio.sleep(TICK)
    with suppress(TimeoutError):
        async with asyncio.timeout(20):
            while watch.heard - before < said:
                await asyncio.sleep(0.01)
    return *watch.take(), watch.heard - before == said


async def _burst(run: Ground, say: Say, watch: Watch, count: int) -> Slice:
    """As fast as it goes; CPU of this process and the database, the broker's not counted."""
    before, counting, cpu = watch.heard, run.counting([]), time.process_time()
    for _ in range(count // 500):
        await say(500)
    async with asyncio.timeout(60):
        while watch.heard - before < count:
            await asyncio.sleep(0.005)
    found = counting.stop(count)
    return Slice(
        done=count, seconds=found.seconds, cpu=time.process_time() - cpu, database_cpu=found.database_cpu
    )


def measure(run: Ground, *, seconds: float, rounds: int, rate: int = 1000) -> Iterator[Row]:
    """Both paths up at once, in turns."""
    yield from asyncio.run(_measure(run, seconds, rounds, rate))


async def _measure(run: Ground, seconds: float, rounds: int, rate: int) -> list[Row]:
    dsn, bootstrap = await asyncio.to_thread(run.database, "path"), run.broker.bootstrap
    mine, floor = Watch(), Watch()
    took: dict[str, list[tuple[float, float]]] = {"ours": [], "bare": []}
    sound = True
    async with ours(dsn, bootstrap, mine) as say, bare(dsn, bootstrap, floor) as say_bare:
        for warm in (True, *([False] * rounds)):
            for name, speak, watch in (("ours", say, mine), ("bare", say_bare, floor)):
                p50, p99, complete = await _at_rate(speak, watch, rate, 0.5 if warm else seconds)
                sound &= complete
                if not warm:
                    took[name].append((p50, p99))
        bursts = [await _burst(run, say, mine, 5000) for _ in range(2)]
    cost = min(one.cost for one in bursts)
    run.notes["path_cpu_us"] = cost
    figures = {
        "p50_ms": {name: [round(p50, 1) for p50, _ in found] for name, found in took.items()},
        "p99_ms": {name: [round(p99, 1) for _, p99 in found] for name, found in took.items()},
        "burst_rate": [round(one.rate) for one in bursts],
        "burst_cpu_us": [round(one.cost, 1) for one in bursts],
    }
    checks = {"each fact said was heard once": sound}
    return [
        ratio_row(
            id,
            [one[at] for one in took["ours"]],
            [one[at] for one in took["bare"]],
            figures=figures,
            checks=checks,
        )
        for at, id in enumerate(("P11a", "P11b"))
    ]
