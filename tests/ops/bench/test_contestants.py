"""What is compared does the same work on the same bytes, or the comparison means nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ops.bench import hearing
from ops.bench.bodies import SECRET, Bodies, prepare, signature
from ops.bench.retrying import RETRYING, messages
from ops.servers.postgres import programs
from services.payments.gateways.stripe.parse import parse
from services.payments.gateways.stripe.verify import verify
from shared.clock import SystemClock
from shared.database import PgStore, open_pool
from shared.hearing import hear
from shared.memory import MemoryStore
from shared.migrate import migrate


def test_prepared_events_are_fresh_alike_and_understood() -> None:
    bodies = Bodies(1)
    first, second = bodies.next(), bodies.next()
    now = datetime.now(UTC)
    keys = {
        verify(signature(body), body, secrets=(SECRET.encode(),), now=now).dedupe_key
        for body in (first, second)
    }

    assert len(keys) == 2
    assert len(first) == len(second)
    assert parse(first)


def test_a_file_of_requests_is_a_row_of_equal_records(tmp_path: Path) -> None:
    requests = prepare(tmp_path / "r", 3, path="/webhooks/stripe")
    data = requests.file.read_bytes()

    assert len(data) == 3 * requests.record
    assert all(data[n * requests.record :].startswith(b"POST /webhooks/stripe") for n in range(3))


async def test_the_small_service_records_each_failure_and_plans_its_retry() -> None:
    store = MemoryStore()
    heard = await hear(RETRYING, store, SystemClock(), messages(20))

    assert (heard.handled, len(store.rows["cases"]), len(store.journal)) == (20, 20, 20)


async def test_pgbench_runs_the_same_statements_to_the_same_effect(
    fresh_postgres: str, tmp_path: Path
) -> None:
    pool = await open_pool(fresh_postgres, size=2)
    await migrate(pool, RETRYING)
    await hearing.record(PgStore(pool, RETRYING.name), tmp_path / "batch.sql", 2)
    process = await asyncio.create_subprocess_exec(
        str(programs() / "pgbench"), "-n", "-c", "1", "-t", "2", "-M", "prepared", "-D", "n=0",
        "-f", str(tmp_path / "batch.sql"), fresh_postgres, stdout=-3, stderr=-3,
    )  # fmt: skip

    assert await process.wait() == 0
    assert await hearing._sound(pool, 2 * hearing.BATCH)
    body = msgspec.json.decode(await pool.fetchval("select body from retrying.cases limit 1"))
    assert body["decline"] == "insufficient_funds"
    await pool.close()
