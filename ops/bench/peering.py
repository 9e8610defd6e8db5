"""P7: recording a failure and planning its retry with what people would take instead, in CPU per event."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg

from ops.bench import path
from ops.bench.goals import Row, not_measured
from ops.bench.ground import Ground, Slice, cpu_of, peer_python, redis_server, server, wait_for
from ops.bench.webhooks import _answers
from ops.servers.processes import free_port

_PEERS = Path(__file__).with_name("peers")


def measure(run: Ground, *, count: int = 600) -> Iterator[Row]:
    """Ours through Kafka (its own CPU and the database's); each peer with its broker's."""
    if "path_cpu_us" not in run.notes:
        list(path.measure(run, seconds=0.5, rounds=1))
    own = run.notes["path_cpu_us"]
    peer, redis = peer_python(), redis_server()
    if peer is None or redis is None:
        yield from not_measured("P7a", note="make bench-peers installs Celery and Redis")
    else:
        their = _celery(run, peer, redis, count)
        figures = {"ours_us": round(own, 1), "celery_us": round(their.cost), "celery_rate": round(their.rate)}
        yield Row(
            id="P7a",
            value=their.cost / own,
            figures=figures,
            checks={"each was recorded": their.done == count},
        )
    yield from not_measured("P7b", "P7c", note="no contestant is written for it yet")


def _celery(run: Ground, peer: Path, redis: tuple[str, dict[str, str]], count: int) -> Slice:
    port, dsn, log = free_port(), run.database("celery"), run.folder / "celery.log"
    env = {"DSN": dsn, "BROKER": f"redis://127.0.0.1:{port}/0"}
    with ExitStack() as stack:
        command = [
            redis[0],
            "--port",
            str(port),
            "--save",
            "",
            "--appendonly",
            "yes",
            "--dir",
            str(run.folder),
        ]
        store = stack.enter_context(server(command, log=log, env=redis[1]))
        wait_for(lambda: _answers(port), log=log)
        script = [str(peer), str(_PEERS / "celery_app.py")]
        subprocess.run([*script, "0"], env=env, check=True, timeout=60)
        worker = stack.enter_context(
            server(
                [str(peer), "-m", "celery", "--workdir", str(_PEERS), "-A", "celery_app", "worker",
                 "--concurrency", "2", "--loglevel", "ERROR"],
                log=log,
                env=env,
            )
        )  # fmt: skip
        subprocess.run([*script, "20"], env=env, check=True, timeout=60)
        _until(dsn, 20)
        before = cpu_of(worker.pid) + cpu_of(store.pid)
        counting, children = run.counting([]), _children_cpu()
        at = time.perf_counter()
        subprocess.run([*script, str(count)], env=env, check=True, timeout=120)
        done = _until(dsn, count + 20) - 20
        elapsed = time.perf_counter() - at
        cpu = cpu_of(worker.pid) + cpu_of(store.pid) - before + _children_cpu() - children
        return Slice(done=done, seconds=elapsed, cpu=cpu, database_cpu=counting.stop(0).database_cpu)


def _children_cpu() -> float:
    """Of what this process started and waited for: the one that enqueues (its imports are part of nobody's event)."""
    import resource  # noqa: PLC0415 - not on every platform

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _until(dsn: str, count: int, seconds: float = 60.0) -> int:
    async def counted() -> int:
        connection = await asyncpg.connect(dsn)
        found: int = 0
        until = time.monotonic() + seconds
        while found < count and time.monotonic() < until:
            found = await connection.fetchval("select count(*) from celery_peer.cases")
            await asyncio.sleep(0.05)
        await connection.close()
        return found

    return asyncio.run(counted())
