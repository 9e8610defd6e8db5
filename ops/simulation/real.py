"""The same claim on a real PostgreSQL: children die by ``os._exit`` at any await, and the server crashes under load.

The parent has everything loaded and forks; a child does what is due at one instant and dies at its k-th step, or does
not. Whatever was committed stays, and the next child goes on from there. Topics, money and mails are rows of a schema
of their own, written by themselves at once, as a broker's, a bank's and a provider's are.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import asyncpg

from ops.servers import postgres
from ops.simulation.histories import HISTORIES, Happening, History
from ops.simulation.real_child import CONSUMED, DIED, SCHEMA, Orders, Outside, child, gateways
from ops.simulation.registry import register
from ops.simulation.running import quiet
from ops.simulation.town import SERVICES
from shared.clock import HandClock
from shared.database import PgStore, open_pool
from shared.migrate import migrate
from shared.transactions import Transactions

_LONGEST_CHILD: Final = 60.0
_HISTORIES: Final = ("fr-suspended", "fr-new-card", "jp-exhausted", "fr-third-retry-pays")

_DRAWN: Final = frozenset({"subject_keys", "learners", "teachers", "name_beginnings"})
"""Tables whose rows are drawn at random or sealed with what was: that they are there is compared, not what they hold."""


@dataclass(slots=True)
class Report:
    """What a run came to."""

    kills: int = 0
    crashes: int = 0
    children: int = 0
    acknowledged: int = 0
    seconds: float = 0.0
    histories: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """For people."""
        return (
            f"{self.kills} real kills and {self.crashes} crashes of PostgreSQL in {self.children} processes, "
            f"{self.histories} histories, {self.seconds:.1f} s: {self.acknowledged} webhooks acknowledged and kept, "
            f"{len(self.violations)} violations"
        )


def run_real(*, kills: int, crashes: int, seed: int = 0, folder: Path | None = None) -> Report:
    """Live histories through on a server of its own until there were so many kills and crashes."""
    quiet()
    began, report = time.perf_counter(), Report()
    with tempfile.TemporaryDirectory(prefix="relance-real-") as made:
        server = _Server(folder or Path(made))
        try:
            expected: dict[str, dict[str, Any]] = {}
            for number in range(10_000):
                if report.kills >= kills and report.crashes >= crashes:
                    break
                name = _HISTORIES[number % len(_HISTORIES)]
                history = next(one for one in HISTORIES if one.name == name)
                if name not in expected:
                    calm = _Life(server, history, Random(0), report, kills=0, crashes=0)  # noqa: S311 - a seed
                    expected[name] = calm.live()
                random = Random(f"{seed}/{number}")  # noqa: S311 - as above
                life = _Life(server, history, random, report, kills=kills, crashes=crashes)
                found = life.live()
                report.histories += 1
                report.violations += [
                    f"{name}, number {number}: {part} differs: without faults {expected[name][part]!r}, now {found[part]!r}"
                    for part in expected[name]
                    if expected[name][part] != found[part]
                ]
        finally:
            server.stop()
    report.seconds = time.perf_counter() - began
    return report


class _Server:
    """An embedded PostgreSQL that can crash and come back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "server"
        self._running = postgres.start(self._folder)
        self._count = 0

    @property
    def dsn(self) -> str:
        """The first database's address."""
        return self._running.dsn

    def crash(self) -> None:
        """A power cut, and a start that recovers."""
        self._running.crash()
        self._running = postgres.start(self._folder)

    def stop(self) -> None:
        """Close it."""
        self._running.stop()

    def fresh(self) -> str:
        """A fresh database's address."""
        self._count += 1
        return asyncio.run(postgres.create_database(self.dsn, f"life_{self._count}"))


class _Life:
    """One history on one database."""

    def __init__(
        self, server: _Server, history: History, random: Random, report: Report, *, kills: int, crashes: int
    ) -> None:
        self._server = server
        self._history = history
        self._random = random
        self._report = report
        self._kills = kills
        self._crashes = crashes
        self._calm = kills == 0 and crashes == 0
        self._dsn = server.fresh()
        self._acks = Path(tempfile.mkstemp(prefix="relance-acks-")[1])

    def live(self) -> dict[str, Any]:
        """From registration to the end; the state it came to."""
        asyncio.run(self._prepare())
        happenings = list(self._history.happenings)
        at: datetime | None = self._history.starts
        while at is not None and at <= self._history.ends:
            while happenings and happenings[0].at <= at:
                asyncio.run(self._happen(happenings.pop(0)))
            self._until_done(at)
            hours = [*asyncio.run(self._next_hours(at)), *(one.at for one in happenings)]
            at = min(hours, default=None)
        state = asyncio.run(self._state())
        acknowledged = set(self._acks.read_text().split())
        self._acks.unlink()
        self._report.acknowledged += len(acknowledged)
        lost = acknowledged - set(state.pop("webhooks"))
        if lost:
            self._report.violations.append(f"acknowledged and not kept: {sorted(lost)}")
        return state

    # --- one instant ---

    def _until_done(self, at: datetime) -> None:
        """Children until one of them ends well."""
        for _ in range(500):
            may_die = not self._calm and self._report.kills < self._kills
            may_crash = (
                not self._calm and self._report.crashes < self._crashes and self._random.random() < 0.2
            )
            dies_at = (
                int(self._random.random() ** 1.5 * 900) + 1 if may_die and self._random.random() < 0.8 else 0
            )
            orders = Orders(dsn=self._dsn, history=self._history, at=at, dies_at=dies_at, acks=self._acks)
            status = self._child(orders, crash=may_crash)
            if status == 0:
                return
        self._report.violations.append(f"stuck: {self._history.name} at {at} did not end in 500 processes")

    def _child(self, orders: Orders, *, crash: bool) -> int:
        self._report.children += 1
        pid = os.fork()
        if pid == 0:
            os._exit(child(orders))
        if crash:
            time.sleep(self._random.random() * 0.15)
            self._server.crash()
            self._report.crashes += 1
        status = _ended(pid)
        if status == DIED:
            self._report.kills += 1
        elif status not in {0, CONSUMED} and not crash:
            self._report.violations.append(f"a process ended by itself with {status} at {orders.at}")
        return status

    # --- the world ---

    async def _prepare(self) -> None:
        pool = await open_pool(self._dsn, size=4)
        for service in SERVICES:
            await migrate(pool, service, _migrations(service.name))
        await pool.execute(SCHEMA)
        clock = HandClock(self._history.starts)
        opened = {
            service.name: Transactions(service, PgStore(pool, service.name), clock) for service in SERVICES
        }
        await register(self._history, opened)
        await pool.close()

    async def _happen(self, happening: Happening) -> None:
        pool = await open_pool(self._dsn, size=1)
        bank = gateways(Outside(pool, happening.at), self._history)[self._history.gateway]
        happening.does(bank)
        await bank.write_down()
        await pool.close()

    async def _next_hours(self, after: datetime) -> list[datetime]:
        connection = await asyncpg.connect(self._dsn)
        hours: list[datetime | None] = []
        for service in SERVICES:
            hours.append(
                await connection.fetchval(
                    f"select min(tell_at) from {service.name}.journal where told_at is null and tell_at > $1",
                    after,
                )
            )
            hours.append(
                await connection.fetchval(
                    f"select min(due_at) from {service.name}.errands where done_at is null and due_at > $1",
                    after,
                )
            )
        await connection.close()
        return [hour for hour in hours if hour is not None]

    async def _state(self) -> dict[str, Any]:
        """Every row of every table, and everything that happened outside; order of writing left out."""
        connection = await asyncpg.connect(self._dsn)
        state: dict[str, Any] = {}
        for service in SERVICES:
            for table in service.tables:
                rows = await connection.fetch(
                    f"select key, body from {service.name}.{table.name} order by key"
                )
                is_drawn = table.name in _DRAWN
                state[f"{service.name}.{table.name}"] = {
                    row["key"]: None if is_drawn else json.loads(row["body"]) for row in rows
                }
            name = service.name
            rows = await connection.fetch(
                f"select id, told_at is not null as told from {name}.journal order by id"
            )
            state[f"{name}.journal"] = [(row["id"], row["told"]) for row in rows]
            rows = await connection.fetch(
                f"select id, done_at is not null as done from {name}.errands order by id"
            )
            state[f"{name}.errands"] = [(row["id"], row["done"]) for row in rows]
            state[f"{name}.parked"] = [
                row["reason"] for row in await connection.fetch(f"select reason from {name}.parked")
            ]
            missing = await connection.fetch(
                f"""select distinct t.id from outside.topics t where t.type = any($1)
                    and not exists (select 1 from {name}.heard h where h.id = t.id)""",
                [kind.__module__.rsplit(".", 1)[-1] + "." + kind.__name__ for kind in service.hears],
            )
            state[f"{name} never heard"] = [row["id"] for row in missing]
        for outside in ("charges", "mails", "cancellations"):
            rows = await connection.fetch(f"select what, times from outside.{outside} order by what")
            state[outside] = {row["what"]: row["times"] for row in rows}
        rows = await connection.fetch("select dedupe_key from payments.webhooks")
        state["webhooks"] = [row["dedupe_key"] for row in rows]
        await connection.close()
        return state


def _migrations(service: str) -> Path | None:
    folder = Path(__file__).resolve().parents[2] / "services" / service / "migrations"
    return folder if folder.exists() else None


def _ended(pid: int) -> int:
    until = time.monotonic() + _LONGEST_CHILD
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return -int(signal.SIGKILL)
