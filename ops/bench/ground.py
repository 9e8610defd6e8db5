"""The ground that all contestants of a run stand on: one PostgreSQL, one broker, cores, and CPU counted per tree."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil

from ops.servers import broker as embedded
from ops.servers import postgres
from ops.servers.broker import Broker
from ops.servers.postgres import Postgres
from ops.servers.processes import Process, end_with_us, spawn, tail

_SETTINGS: Final = {"shared_buffers": "1GB", "max_wal_size": "4GB"}
TOPICS: Final = {
    "payments.events": 12,
    "dunning.events": 12,
    "bench.loop": 12,
    "bench.worker": 8,
    "bench.peer": 8,
}
HERE: Final = Path(".relance")
PEERS: Final = HERE / "peers"
REDIS: Final = HERE / "redis"


def cpu_of(pid: int) -> float:
    """Seconds of processor that a process and all it ever started have used."""
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Work done in one stretch of one contestant."""

    done: int
    seconds: float
    cpu: float
    """Seconds of the contestant's processes."""
    database_cpu: float

    @property
    def rate(self) -> float:
        """Per second."""
        return self.done / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of CPU per event, database included."""
        return (self.cpu + self.database_cpu) / max(self.done, 1) * 1e6


@dataclass(slots=True, kw_only=True)
class Ground:
    """One run's servers. ``slow`` adds two milliseconds to each flush of the database."""

    folder: Path
    postgres: Postgres
    broker: Broker
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def dsn(self) -> str:
        """The first database."""
        return self.postgres.dsn

    def database(self, name: str) -> str:
        """The address of a database, made when it is missing."""

        async def make() -> str:
            return await postgres.create_database(self.dsn, name)

        with suppress(Exception):
            return asyncio.run(make())
        return postgres.on_database(self.dsn, name)

    def counting(self, pids: Sequence[int]) -> Counting:
        """Start counting CPU and time."""
        return Counting(pids=list(pids), database=self.postgres.pid)


class Counting:
    """Counts between its making and ``stop``."""

    def __init__(self, *, pids: Sequence[int], database: int) -> None:
        self._pids, self._database = pids, database
        self._cpu, self._database_cpu = self._now()
        self._at = time.perf_counter()

    def _now(self) -> tuple[float, float]:
        return sum(cpu_of(pid) for pid in self._pids), cpu_of(self._database)

    def stop(self, done: int, *, seconds: float | None = None) -> Slice:
        """What was done since."""
        elapsed = time.perf_counter() - self._at
        cpu, database_cpu = self._now()
        return Slice(
            done=done,
            seconds=seconds or elapsed,
            cpu=cpu - self._cpu,
            database_cpu=database_cpu - self._database_cpu,
        )


@contextmanager
def ground(*, settings: Mapping[str, str] | None = None) -> Iterator[Ground]:
    """Start both servers in a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="relance-bench-"))
    folder.chmod(0o755)  # the database's user must reach its own folder inside
    try:
        database = postgres.start(folder / "postgres", settings={**_SETTINGS, **(settings or {})})
        topics = embedded.start(TOPICS, folder=folder / "broker")
        yield Ground(folder=folder, postgres=database, broker=topics)
        topics.stop()
        database.stop_at_once()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def server(
    command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, core: int | None = None
) -> Iterator[Process]:
    """One contestant, pinned to a core, ended by its own pid."""
    process, _ = spawn(command, log=log, env={**os.environ, **(env or {})})
    end_with_us(process)
    if core is not None and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(process.pid, {core})
    try:
        yield process
    finally:
        process.stop(seconds=5.0)


def python(*arguments: str) -> list[str]:
    """A command of this project's own environment."""
    return [sys.executable, "-m", *arguments]


def peer_python() -> Path | None:
    """The interpreter of the peers' environment, when `make bench-peers` made it."""
    found = (PEERS / "bin" / "python").absolute()
    return found if found.exists() else None


def redis_server() -> tuple[str, dict[str, str]] | None:
    """Redis and the environment it starts in: on the PATH, or unpacked by `make bench-peers`."""
    found = shutil.which("redis-server")
    if found:
        return found, {}
    unpacked = (REDIS / "usr" / "bin" / "redis-server").absolute()
    if not unpacked.exists():
        return None
    libraries = ":".join(sorted({str(lib.parent) for lib in REDIS.absolute().glob("usr/lib/**/*.so*")}))
    return str(unpacked), {"LD_LIBRARY_PATH": libraries}


def wait_for(ready: Any, *, log: Path, seconds: float = 30.0) -> None:
    """Poll ``ready()`` until it is true.

    Raises:
        RuntimeError: it never was; with the log's last words.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError):
            if ready():
                return
        time.sleep(0.03)
    raise RuntimeError(f"a contestant did not start; its last words:\n{tail(log, 15)}")


def environment(run: Ground) -> dict[str, Any]:
    """What the figures depend on besides the code."""
    libraries = (
        "asyncpg",
        "uvloop",
        "httptools",
        "uvicorn",
        "fastapi",
        "msgspec",
        "aiokafka",
        "faust-streaming",
    )
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": [round(one, 2) for one in os.getloadavg()],
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": _commit(),
        "flush_us": _flush_us(run.folder),
        "broker": "embedded (librdkafka's mock cluster)",
        **{name: version(name) for name in libraries},
    }


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    with suppress(OSError, subprocess.SubprocessError):
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        )
        return found.stdout.strip()
    return "unknown"


def _flush_us(folder: Path) -> float:
    """Median microseconds of one 8 KB write and its fdatasync where the database lives."""
    file = folder / "flush"
    taken = []
    with file.open("wb") as out:
        for _ in range(50):
            at = time.perf_counter()
            out.seek(0)
            out.write(b"x" * 8192)
            out.flush()
            os.fdatasync(out.fileno())
            taken.append(time.perf_counter() - at)
    file.unlink()
    return round(sorted(taken)[25] * 1e6, 1)


def save(path: Path, content: Any) -> None:
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
