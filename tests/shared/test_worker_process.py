"""A worker process works and can be stopped although its brokers, its group or its database keep it waiting."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from pathlib import Path

import asyncpg
import pytest

from ops.servers.processes import free_port
from services.dunning import app as dunning_app
from shared.database import open_pool
from shared.migrate import migrate
from shared.running import WorkerProcess
from shared.settings import Settings

pytestmark = pytest.mark.timeout(120)


def settings(database: str) -> Settings:
    """Brokers where nobody answers."""
    return Settings(database=database, kafka=f"127.0.0.1:{free_port()}", kafka_session_timeout=6)


async def asked_to_end(running: asyncio.Task[None]) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        await running


async def test_a_worker_that_waits_for_its_database_ends_when_it_is_asked_to() -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    running = asyncio.create_task(WorkerProcess(dunning_app.SERVICE, settings(nowhere)).run())
    await asyncio.sleep(0.5)

    await asked_to_end(running)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"  # a consumer of Faust's that never connected is never closed
)
async def test_a_worker_that_waits_for_its_brokers_does_its_other_work_and_ends_when_it_is_asked_to(
    postgres: str,
) -> None:
    pool = await open_pool(postgres, size=1)
    await migrate(pool, dunning_app.SERVICE, Path(dunning_app.__file__).with_name("migrations"))
    await pool.close()
    looked = asyncio.Event()

    async def look() -> int:
        looked.set()
        return 0

    running = asyncio.create_task(
        WorkerProcess(dunning_app.SERVICE, settings(postgres)).run(lambda _: [look])
    )
    async with asyncio.timeout(60):
        await looked.wait()

    await asked_to_end(running)

    left = await asyncpg.connect(postgres)
    held = await left.fetchval("select count(*) from pg_stat_activity where application_name like '%worker'")
    await left.close()
    assert held == 0
    gc.collect()
