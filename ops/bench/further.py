"""Figures that are no ratios: one decision, a thousand webhooks a second, a whole stack's start and memory."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil

from ops.bench import deciding, desk
from ops.bench.bodies import prepare
from ops.bench.ground import Ground, python, server, wait_for
from ops.bench.webhooks import _answers, _prepare_tables, api_environment, knock
from ops.servers.processes import free_port


def measure(run: Ground, *, full: bool) -> dict[str, Any]:
    """Every figure by its name."""
    found: dict[str, Any] = {**deciding.decisions(), **deciding.stories()}
    found.update(thousand_webhooks(run, seconds=10.0 if full else 3.0))
    if full:
        found.update(stack())
        taken = desk.pages(run, cases=1_000_000)
        found.update({f"desk with 10^6 cases, {name}, median ms": ms for name, ms in taken.items()})
    return found


def thousand_webhooks(run: Ground, *, seconds: float) -> dict[str, Any]:
    """1,000 webhooks a second through our door while a worker of payments translates them."""
    dsn, port, rate = run.database("thousand"), free_port(), 1000
    asyncio.run(_prepare_tables(dsn))
    env = api_environment(dsn, port, run.broker.bootstrap) | {
        "RELANCE_KAFKA_SESSION_TIMEOUT": "6", "RELANCE_KAFKA_FETCH_WAIT_MS": "50", "RELANCE_LOG_LEVEL": "WARNING",
    }  # fmt: skip
    requests = prepare(
        run.folder / "thousand.requests", int(rate * seconds) + 100, path="/webhooks/stripe", seed=4
    )
    with ExitStack() as started:
        for kind in ("api", "worker"):
            log = run.folder / f"thousand-{kind}.log"
            started.enter_context(server(python("ops.cli", kind, "payments"), log=log, env=env))
        wait_for(lambda: _answers(port), log=run.folder / "thousand-api.log")
        said = knock(requests, port, int(rate * seconds), 64, seconds, rate)
    return {
        "webhooks offered at 1,000/s: accepted per second": round(said["good"] / said["seconds"]),
        "  errors": said["bad"] + said["lost"],
        "  p50 / p99 ms, waiting included": f"{said['p50_ms']:.1f} / {said['p99_ms']:.1f}",
    }


def stack() -> dict[str, Any]:
    """`relance up` from nothing until every service is ready, and what the whole stack keeps in memory."""
    from ops.stack.supervisor import Supervisor  # noqa: PLC0415 - imports every service

    with tempfile.TemporaryDirectory(prefix="relance-bench-stack-") as folder:
        Path(folder).chmod(0o755)
        supervisor = Supervisor(Path(folder), kafka="embedded", say=lambda _: None)
        at = time.perf_counter()
        try:
            supervisor.start()
            ready = time.perf_counter() - at
            us = psutil.Process()
            memory = sum(_proportional(child) for child in (us, *us.children(recursive=True)))
        finally:
            supervisor.stop()
    return {
        "relance up, seconds to ready": round(ready, 1),
        "whole stack in memory, MB": round(memory / 2**20),
    }


def _proportional(process: psutil.Process) -> int:
    """A process's memory, with its share of what it shares."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def median_us(work: Any, times: int) -> float:
    """Median microseconds of one call."""
    taken = []
    for _ in range(times):
        at = time.perf_counter()
        work()
        taken.append(time.perf_counter() - at)
    return statistics.median(taken) * 1e6


def local(zone: str, *when: int) -> datetime:
    """An instant by a wall clock."""
    return datetime(*when, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type,misc]  # year, month, day, hour
