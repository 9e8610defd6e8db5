"""Starting and ending the server, and clearing up after one that died."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil

from ops.servers.postgres.cluster import DATABASE, ROLE, as_user, environment, make_cluster, own, programs
from ops.servers.processes import PAUSE, Process, ServerFailed, end_with_us, spawn, tail

SETTINGS: Final[Mapping[str, str]] = {
    # What must never be traded away.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # Small enough for a laptop beside nine services, large enough for their connections.
    "shared_buffers": "128MB",
    "max_connections": "200",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "io_method": "sync",  # no pool of reader processes
    "max_parallel_workers_per_gather": "0",
    "jit": "off",  # our statements are short: compiling one costs more than running it
    "huge_pages": "off",
    # One machine, one user, one clock.
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%d ",
    "cluster_name": "relance",
}

_SOCKET_NAME: Final = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH: Final = 100  # the kernel's limit is 107 bytes on Linux, 103 on macOS


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A running server: where its files are, how to reach it, which process it is."""

    folder: Path
    dsn: str
    process: Process

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.alive

    def stop(self, *, seconds: float = 30.0) -> None:
        """Close it in good order: connections are ended, a checkpoint is written."""
        self.process.stop(signal.SIGINT, seconds=seconds)
        sockets = _socket_folder(self.folder)
        if sockets.parent != self.folder:
            with suppress(OSError):  # not empty: somebody has started it again meanwhile
                sockets.rmdir()

    def crash(self) -> None:
        """End it as a power cut would: kill -9 for the postmaster and all its children, nothing flushed."""
        family = _family(self.process)
        self.process.kill()
        for child in family:
            child.kill()

    def stop_at_once(self) -> None:
        """PostgreSQL's own immediate stop: connections are dropped without a checkpoint."""
        self.process.stop(signal.SIGQUIT, seconds=10.0)


def start(
    folder: Path,
    *,
    settings: Mapping[str, str] | None = None,
    seconds: float = 60.0,
    detached: bool = False,
) -> Postgres:
    """Start PostgreSQL on a folder (made at need), or take up the one that already runs on it.

    Args:
        folder: where it keeps everything; the address depends on this path alone.
        settings: server settings that replace ours, for tests.
        seconds: how long a start may last; recovery after a crash counts.
        detached: let it outlive the calling process; otherwise it is closed when that one ends, however it ends.

    Raises:
        ServerFailed: it could not be started; the sentence ends with the server's own words.
    """
    folder = folder.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder / ".lock"):
        sockets = _socket_folder(folder)
        dsn = f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(sockets), safe='/')}"
        running = _running(folder)
        if running is None:
            _clear_what_the_dead_left(folder)
            if not (folder / "cluster" / "PG_VERSION").exists():
                make_cluster(folder)
            own(folder / "cluster", sockets)
            running = _launch(folder, sockets, {**SETTINGS, **(settings or {})})
            if not detached:
                end_with_us(running, signal.SIGINT)
        _wait_until_ready(folder, running, seconds)
        return Postgres(folder=folder, dsn=dsn, process=running)


async def start_async(
    folder: Path,
    *,
    settings: Mapping[str, str] | None = None,
    seconds: float = 60.0,
    detached: bool = False,
) -> Postgres:
    """`start` without blocking the event loop."""
    return await asyncio.to_thread(start, folder, settings=settings, seconds=seconds, detached=detached)


def running(folder: Path) -> Postgres | None:
    """The server that runs on a folder, if one does and is ready."""
    folder = folder.expanduser().resolve()
    process = _running(folder)
    if process is None or "ready" not in _pid_file(folder)[7:8]:
        return None
    dsn = f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(_socket_folder(folder)), safe='/')}"
    return Postgres(folder=folder, dsn=dsn, process=process)


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _socket_folder(folder: Path) -> Path:
    """Where the socket lives: in the folder, or, when that path is too long for a socket, in the temporary one."""
    near = folder / "run"
    if len(os.fsencode(near / _SOCKET_NAME)) <= _LONGEST_SOCKET_PATH:
        return near
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"relance-{os.geteuid()}-{name}"


def _launch(folder: Path, sockets: Path, settings: Mapping[str, str]) -> Process:
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [str(programs() / "postgres"), "-D", str(folder / "cluster"), "-k", str(sockets), *options]
    process, _ = spawn(as_user(folder, command), log=folder / "server.log", env=environment(), cwd=Path("/"))
    return process


def _wait_until_ready(folder: Path, process: Process, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        lines = _pid_file(folder)
        if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7] == "ready":
            return
        if not process.alive:
            msg = f"we could not start PostgreSQL because it ended at once:\n{tail(folder / 'server.log')}"
            raise ServerFailed(msg)
        if time.monotonic() > until:
            process.stop(signal.SIGINT)
            msg = f"we could not start PostgreSQL within {seconds:g} s:\n{tail(folder / 'server.log')}"
            raise ServerFailed(msg)
        time.sleep(PAUSE)


# --- What a dead server left ------------------------------------------------------------------------------


def _pid_file(folder: Path) -> list[str]:
    try:
        return [line.strip() for line in (folder / "cluster" / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def _running(folder: Path) -> Process | None:
    """The postmaster of this folder, if the process its pid file names really is one (ids are used again)."""
    lines = _pid_file(folder)
    if not lines or not lines[0].isdigit():
        return None
    pid = int(lines[0])
    if not _serves(pid, folder):
        return None
    try:
        process = Process.of(pid)
    except ServerFailed:
        return None
    return process if process.alive else None


def _serves(pid: int, folder: Path) -> bool:
    try:
        process = psutil.Process(pid)
        return process.name().startswith("postgres") and Path(process.cwd()) == folder / "cluster"
    except psutil.Error:
        return False


def _family(process: Process) -> list[Process]:
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        return []
    return [Process(pid=child.pid, born=child.create_time()) for child in children]


def _clear_what_the_dead_left(folder: Path) -> None:
    """After kill -9: wait for orphaned backends to notice, then remove pid files that now name strangers.

    PostgreSQL itself refuses to start while any process has the number its pid file names, whoever that is now.
    """
    orphans = [
        Process(pid=entry.pid, born=entry.info["create_time"])
        for entry in psutil.process_iter(["name", "create_time"])
        if (entry.info["name"] or "").startswith("postgres") and _serves(entry.pid, folder)
    ]
    for orphan in orphans:
        if not orphan.wait(5.0):
            orphan.kill()
    (folder / "cluster" / "postmaster.pid").unlink(missing_ok=True)
    for leftover in (_SOCKET_NAME, f"{_SOCKET_NAME}.lock"):
        (_socket_folder(folder) / leftover).unlink(missing_ok=True)
