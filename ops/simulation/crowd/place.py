"""The machines of a crowd: PostgreSQL, Kafka, an API and the workers of every service, each of which can be ended."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg

from ops.servers import broker as embedded
from ops.servers import kafka as apache
from ops.servers import postgres
from ops.servers.processes import free_port
from ops.simulation.crowd.forge import BOOKS, Forge
from ops.simulation.crowd.outside import Books
from ops.stack.children import app_of
from ops.stack.plan import SERVICES, Part, Plan, environment, plan_for, topics_of
from shared import keys
from shared.clock import FileClock
from shared.database import OUTAGES, PgStore, open_pool
from shared.migrate import migrate
from shared.transactions import Transactions

T = TypeVar("T")

_IN_GOOD_ORDER: Final = {"worker": {0}, "api": {0, -int(signal.SIGTERM)}}
"""Statuses: uvicorn ends by the signal itself once every request was answered."""

SESSION: Final = 6
"""Seconds after which a member that is not heard of is thought dead."""
_YOUNG: Final = 3.0
"""Seconds: before, a process may not know yet how to end in good order."""
_DRAIN: Final = 60.0
"""Seconds that a process may take to end in good order, on a machine that is kept busy."""


@dataclass(slots=True)
class Running:
    """One process of a service."""

    part: Part
    number: int
    pid: int
    started: float
    stopped: bool = False
    """By SIGSTOP."""

    @property
    def name(self) -> str:
        """``dunning-worker-2``."""
        return f"{self.part.name}-{self.number}"


async def _reads_json(connection: Any) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


class Place:
    """Everything that runs. ``workers``: of each service."""

    def __init__(self, forge: Forge, folder: Path, *, kafka: str, workers: int) -> None:
        self.forge = forge
        self.kafka_kind = kafka
        self._folder = folder
        self._workers = workers
        self.plan: Plan = plan_for(folder)
        self.plan.kafka_kind = kafka
        self.plan.ports["payments"] = free_port()
        self.books = Books(folder / "books")
        self.running: list[Running] = []
        self.counts: Counter[str] = Counter()
        self.kills: Counter[str] = Counter()
        """Of each service."""
        self.may_crash = asyncio.Event()
        self.slowest_drain = 0.0
        """Seconds."""
        self.violations: list[str] = []
        self._environment: dict[Part, dict[str, str]] = {}

    # --- opening and closing ---

    def open(self, clock: FileClock) -> None:
        """Start the servers and bring every schema up to date."""
        self.clock = clock
        keys.use(keys.Masters([self.plan.secrets["master_keys"]]))
        self._server = postgres.start(self._folder / "postgres")
        self.plan.database = asyncio.run(postgres.create_database(self._server.dsn, "crowd"))
        topics = topics_of(self.kafka_kind)
        if self.kafka_kind == "local":
            self._kafka: Any = apache.start(self._folder / "kafka", topics=topics)
        else:
            self._kafka = embedded.start(topics, folder=self._folder / "broker")
        self.plan.kafka = self._kafka.bootstrap
        self.plan.clock_file = str(self._folder / "clock")
        asyncio.run(self._migrate())

    async def _migrate(self) -> None:
        pool = await open_pool(self.plan.database, size=1)
        for name in SERVICES:
            app = app_of(name)
            await migrate(pool, app.SERVICE, Path(app.__file__ or "").with_name("migrations"))
        await pool.close()

    async def enter(self) -> None:
        """Start the API and the workers, and connect."""
        self._pool = await open_pool(self.plan.database, size=8, name="crowd")
        self._looks = await asyncpg.create_pool(self.plan.database, min_size=1, max_size=3, init=_reads_json)
        for part in (Part(service="payments", kind="api"), *self.parts("worker")):
            for number in range(self._workers if part.kind == "worker" else 1):
                self.start(part, number + 1)

    def parts(self, kind: str) -> list[Part]:
        """That kind of process of every service."""
        return [Part(service=service, kind=kind) for service in SERVICES]

    async def leave(self) -> None:
        """Disconnect."""
        for pool in (self._pool, self._looks):
            await asyncio.wait_for(pool.close(), 20)

    def close(self) -> None:
        """End what is left."""
        for one in self.running:
            with suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)
        self.forge.close()
        for server in (getattr(self, "_kafka", None), getattr(self, "_server", None)):
            if server is not None:
                server.stop()

    # --- the database ---

    async def patiently(self, ask: Callable[[Any], Awaitable[T]]) -> T:
        """Ask the database with a connection; whoever breaks it meanwhile, it is asked again."""
        until = time.monotonic() + 120
        while True:
            try:
                async with self._looks.acquire(timeout=20) as connection:
                    return await ask(connection)
            except OUTAGES:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.2)

    def transactions(self) -> dict[str, Transactions]:
        """What registers people, over the driver's own connections."""
        return {
            name: Transactions(app_of(name).SERVICE, PgStore(self._pool, name), self.clock)
            for name in SERVICES
        }

    # --- processes ---

    def start(self, part: Part, number: int) -> Running:
        """One more process."""
        if part not in self._environment:
            variables = environment(self.plan, part)
            variables |= {
                "RELANCE_KAFKA_SESSION_TIMEOUT": str(SESSION),
                "RELANCE_LOG_LEVEL": "WARNING",
                BOOKS: str(self.books.folder),
            }
            self._environment[part] = variables
        log = self.plan.folder / "logs" / f"{part.name}-{number}.log"
        one = Running(part, number, self.forge.start(part, self._environment[part], log), time.monotonic())
        self.running.append(one)
        return one

    def of(self, service: str, kind: str = "worker") -> list[Running]:
        """A service's processes that are not stopped."""
        return [
            one for one in self.running if one.part == Part(service=service, kind=kind) and not one.stopped
        ]

    def kill(self, one: Running) -> None:
        """``kill -9``, and a new one in its place."""
        os.kill(one.pid, signal.SIGKILL)
        self.counts["kills"] += 1
        self.kills[one.part.service] += 1
        self._replace(one)

    def reap(self) -> None:
        """Whoever ended by itself is a violation, and starts again."""
        ended = self.forge.ended()
        for one in list(self.running):
            if one.pid in ended:
                if one.part.kind == "worker":
                    self.violations.append(
                        f"{one.name} ended by itself with {ended[one.pid]}: {self.last_words(one)}"
                    )
                else:  # an API does not start without its database: whoever supervises it starts it again
                    self.counts["API started again"] += 1
                self._replace(one)

    def _replace(self, one: Running) -> None:
        self.running.remove(one)
        self.start(one.part, one.number)

    async def pause(self, one: Running, seconds: float) -> None:
        """SIGSTOP for so long, then SIGCONT."""
        os.kill(one.pid, signal.SIGSTOP)
        one.stopped = True
        self.counts["pauses past the session"] += 1
        await asyncio.sleep(seconds)
        one.stopped = False
        with suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGCONT)

    async def drain(self, one: Running, *, again: bool = True) -> None:
        """SIGTERM: it has to end in good order, with status 0; then a new one in its place."""
        self.running.remove(one)
        await asyncio.sleep(max(0.0, one.started + _YOUNG - time.monotonic()))
        with suppress(ProcessLookupError):  # it ended by itself a moment ago: its status says how
            os.kill(one.pid, signal.SIGTERM)
        self.counts["drains"] += 1
        began = time.monotonic()
        while (status := self.forge.ended().get(one.pid)) is None and time.monotonic() < began + _DRAIN:
            await asyncio.sleep(0.05)
        self.slowest_drain = max(self.slowest_drain, time.monotonic() - began)
        if status not in _IN_GOOD_ORDER[one.part.kind]:
            self.violations.append(
                f"{one.name} was asked to end and came to {status}: {self.last_words(one)}"
            )
            with suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)
        if again:
            self.start(one.part, one.number)

    def last_words(self, one: Running) -> str:
        """The end of its log."""
        log = self.plan.folder / "logs" / f"{one.name}.log"
        return log.read_text(errors="replace")[-600:] if log.exists() else "(it said nothing)"

    # --- servers ---

    async def crash_database(self) -> None:
        """A power cut of PostgreSQL, and a start that recovers; not while people are registered, which is no service's work."""
        await self.may_crash.wait()
        self._server.crash()
        self._server = await asyncio.to_thread(postgres.start, self._folder / "postgres")
        self.counts["crashes of PostgreSQL"] += 1

    async def restart_broker(self, *, crash: bool) -> None:
        """The broker ends, in good order or not, and comes back; the embedded one only stops answering for a while."""
        if self.kafka_kind == "local":
            await asyncio.to_thread(self._kafka.crash if crash else self._kafka.stop)
            await asyncio.sleep(2.0)
            self._kafka = await asyncio.to_thread(apache.start, self._folder / "kafka")
        else:
            self._kafka.pause()
            await asyncio.sleep(3.0)
            self._kafka.resume()
        self.counts["broker crashes" if crash else "broker restarts"] += 1
