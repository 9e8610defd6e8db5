"""Starts the parts of a stack in order, waits until each answers, restarts what dies, stops everything in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from ops.servers import broker, mailbox, postgres
from ops.servers import kafka as apache
from ops.servers.processes import Process, ServerFailed, spawn, tail
from ops.stack import children
from ops.stack.gateways import introduce
from ops.stack.holding import Held
from ops.stack.plan import PARTS, TOPICS, Part, Plan, environment, plan_for, topics_of
from ops.stack.retell import retell_unheard
from shared.clock import FileClock

_QUICK_DEATH: Final = 5.0
_START: Final = 60.0


class StackFailed(RuntimeError):
    """A part could not be started; the message says which, why and where its log is."""


@dataclass(slots=True)
class _Child:
    part: Part
    pid: int
    started: float
    pause: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """One stack in one data folder. ``say`` prints a line for a person."""

    folder: Path
    kafka: str = "auto"
    database: str = "embedded"
    clock_start: datetime | None = None
    say: Callable[[str], None] = print
    plan: Plan = field(init=False)
    _servers: list[Any] = field(default_factory=list)
    _children: dict[str, _Child] = field(default_factory=dict)
    _stopping: bool = False
    _held: Held | None = None

    def start(self) -> Plan:
        """Start everything and return when every service is ready.

        Raises:
            StackFailed, ServerFailed: with the part's last words; another process runs a stack in this folder.
        """
        self._held = Held(self.folder)
        self.plan = plan_for(self.folder)
        if self.clock_start is not None:
            self.plan.clock_file = str(self.plan.folder / "clock")
            FileClock(Path(self.plan.clock_file), start=self.clock_start)
        started = time.monotonic()
        with ThreadPoolExecutor(4) as together:
            waits = [
                together.submit(self._start_database),
                together.submit(self._start_kafka),
                together.submit(self._start_simulators),
                together.submit(self._start_mailbox),
            ]
            children.preload()
            for wait in waits:
                wait.result()
        os.environ.update(environment(self.plan, PARTS[0]))
        self._in_child(children.run_migration)
        if self.plan.kafka_kind == "embedded":
            self._in_child(lambda: asyncio.run(retell_unheard(self.plan.database)))
        for part in PARTS:
            self._fork(part)
        self._wait_until_ready(started)
        self.plan.ready = True
        self._save()
        return self.plan

    def watch(self, until: Callable[[], bool] = lambda: False) -> None:
        """Restart what dies, until ``until`` says so or SIGTERM or SIGINT comes."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: setattr(self, "_stopping", True))
        while not self._stopping and not until():
            self._reap()
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop services, then servers, each by its own pid; the folder is free afterwards."""
        if self._held is None:
            return
        self._stopping = True
        for child in self._children.values():
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + 15
        waiting = {child.pid for child in self._children.values()}
        while waiting and time.monotonic() < deadline:
            for pid in list(waiting):
                with suppress(ChildProcessError):
                    if os.waitpid(pid, os.WNOHANG) == (0, 0):
                        continue
                waiting.discard(pid)
            time.sleep(0.02)
        for pid in waiting:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for server in reversed(self._servers):
            server.stop()
        self.plan.ready = False
        self.plan.pids = {}
        self.plan.save()
        self._held.let_go()
        self._held = None

    # --- servers ---

    def _start_database(self) -> None:
        if self.database != "embedded":
            self.plan.database = self.database
            return
        server = postgres.start(self.plan.folder / "postgres")
        self._servers.append(server)
        self.plan.database = asyncio.run(_database(server.dsn))

    def _start_kafka(self) -> None:
        kind, why = _choose(self.kafka)
        self.say(f"Kafka: {kind} ({why})")
        self.plan.kafka_kind = kind
        if kind == "local":
            server: Any = apache.start(self.plan.folder / "kafka", topics=TOPICS)
        elif kind == "embedded":
            server = broker.start(topics_of(kind), folder=self.plan.folder / "broker")
        else:
            self.plan.kafka = self.kafka
            asyncio.run(apache.ensure_topics(self.kafka, TOPICS))
            return
        self._servers.append(server)
        self.plan.kafka = server.bootstrap

    def _start_simulators(self) -> None:
        folder = self.plan.folder / "simulators"
        command = [sys.executable, "-m", "ops.simulators", "--lifeline", "--data", str(folder)]
        command += ["--port", str(self.plan.ports["simulators"])]
        if self.plan.clock_file:
            command += ["--clock", self.plan.clock_file]
        log = self.plan.folder / "logs" / "simulators.log"
        process, _ = spawn(command, log=log, lifeline=True)
        self._servers.append(process)
        self.plan.pids["simulators"] = process.pid
        self._await_http(
            "simulators", self.plan.url("simulators") + "/_sim/health", lambda: process.alive, log
        )
        introduce(self.plan)

    def _start_mailbox(self) -> None:
        ports = self.plan.ports
        server = mailbox.start(
            self.plan.folder / "mailbox", smtp_port=ports["smtp"], http_port=ports["mailbox"]
        )
        self._servers.append(server)
        self.plan.pids["mailbox"] = server.pid

    # --- services ---

    def _fork(self, part: Part, pause: float = 0.0) -> None:
        log = self.plan.folder / "logs" / f"{part.name}.log"
        pid = children.fork(part, environment(self.plan, part), log)
        self._children[part.name] = _Child(part, pid, time.monotonic(), pause)
        self.plan.pids[part.name] = pid

    def _in_child(self, work: Callable[[], object]) -> None:
        """Run ``work`` in a child, so that this process never has a loop or a connection when it forks."""
        log = self.plan.folder / "logs" / "migrate.log"
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                target = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                os.dup2(target, 2)
                work()
                status = 0
            except BaseException:  # noqa: BLE001 - a child never returns into its parent's code
                import traceback  # noqa: PLC0415 - only a process that dies needs it

                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, ended = os.waitpid(pid, 0)
        if ended:
            raise StackFailed(f"the database could not be brought up to date:\n{tail(log, 15)}")

    def _wait_until_ready(self, started: float) -> None:
        for part in PARTS:
            if part.kind == "api":
                log = self.plan.folder / "logs" / f"{part.name}.log"
                child = self._children[part.name]
                self._await_http(
                    part.name, f"{self.plan.url(part.service)}/ready", partial(_alive, child.pid), log
                )
        self.say(f"every service is ready after {time.monotonic() - started:.1f} s")

    def _await_http(self, name: str, url: str, alive: Callable[[], bool], log: Path) -> None:
        deadline = time.monotonic() + _START
        while time.monotonic() < deadline:
            with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback address
                if answer.status == 200:
                    return
            if not alive():
                break
            time.sleep(0.05)
        raise StackFailed(f"{name} does not answer at {url}; its last words, from {log}:\n{tail(log, 15)}")

    def _reap(self) -> None:
        for name, child in list(self._children.items()):
            with suppress(ChildProcessError):
                if os.waitpid(child.pid, os.WNOHANG) == (0, 0):
                    continue
            if (self.plan.folder / "held" / name).exists():
                continue  # a story or a test wants it to stay dead for a while
            quick = time.monotonic() - child.started < _QUICK_DEATH
            pause = min(max(child.pause * 2, 0.2), 5.0) if quick else 0.0
            self.say(f"{name} ended; starting it again" + (f" in {pause:.1f} s" if pause else ""))
            time.sleep(pause)
            self._fork(child.part, pause)
            self._save()

    def _save(self) -> None:
        self.plan.save()


def _choose(wanted: str) -> tuple[str, str]:
    if wanted in ("local", "embedded"):
        return wanted, "as asked"
    if wanted != "auto":
        return "cluster", wanted
    verdict = apache.available(timeout=20.0)
    if verdict.yes:
        return "local", verdict.reason
    return "embedded", verdict.reason


async def _database(dsn: str) -> str:
    """The database called ``relance``, made when it is missing."""
    import asyncpg  # noqa: PLC0415 - not before the fork

    with suppress(asyncpg.exceptions.DuplicateDatabaseError):
        await postgres.create_database(dsn, "relance")
    return postgres.on_database(dsn, "relance")


def _alive(pid: int) -> bool:
    with suppress(ProcessLookupError, ServerFailed):
        return Process.of(pid).alive
    return False
