"""Processes of a service on the simulated machine: workers as production runs them, and the door for webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from ops.simulation.broker import Broker, Group, SimProducer
from ops.simulation.database import Database, Schema, SimStore
from ops.simulation.letterbox import SimPool
from ops.simulation.loop import Process
from ops.simulation.world import HostClock, World
from services.payments.inbox import Inbox
from services.payments.ingress import Door
from services.payments.translator import Translator
from shared import telling
from shared.database import OUTAGES
from shared.errands import SideBySide
from shared.events import Fact
from shared.running import WorkerProcess
from shared.service import Service
from shared.settings import Settings
from shared.telling import Teller
from shared.transactions import Transactions
from shared.worker import _Consumer

SETTINGS = Settings()
_SHORTEST_REST = 0.25
_LONGEST_REST = 20 * 86400.0
_CRASHES = 30
"""Of workers by themselves in one run; more is a loop."""


class Machine:
    """What all processes share: the world, the database, the brokers, the services with their hands."""

    def __init__(self, world: World, services: list[Service], topics: list[str]) -> None:
        self.world = world
        self.database = Database(world)
        self.broker = Broker(world, topics)
        self.services = {service.name: watched(service, world) for service in services}
        self.stores = {name: SimStore(self.database, name) for name in self.services}
        for store in self.stores.values():
            store.pool = SimPool(store)
        self.hands: dict[str, Callable[[Transactions], Any]] = {}
        self.doors: list[tuple[Process, Door]] = []
        self._count = 0
        self._crashes = 0
        self.last_crash: Exception | None = None
        world.on_death.append(self._start_again)

    def start(self, service: str, role: str) -> Process:
        """Start a process of a service: ``worker`` or ``api``."""
        self._count += 1
        process = Process(f"{service}.{role}.{self._count}", service, f"{service}.{role}")
        self.world.processes.append(process)
        self.world.set_wrongly(process)
        coro = self._work(process) if role == "worker" else self._open(process)
        self.world.spawn(process, coro)
        return process

    def _start_again(self, process: Process) -> None:
        store = self.stores[process.service]
        store.kept.listeners = [
            one for one in store.kept.listeners if getattr(one, "process", None) is not process
        ]
        self.doors = [door for door in self.doors if door[0] is not process]
        role = process.role.rpartition(".")[2]
        self.world.loop.in_world(0.1 + self.world.random.random() * 20, self.start, process.service, role)

    def transactions(self, service: str, process: Process) -> Transactions:
        """Transactions of one process."""
        return Transactions(self.services[service], self.stores[service], HostClock(self.world, process))

    async def _open(self, process: Process) -> None:
        """The payments API: its door."""
        inbox = Inbox(self.stores["payments"].pool)
        gateways = self.hands["payments"](self.transactions("payments", process))
        self.doors.append(
            (process, Door(gateways, inbox=lambda: inbox, clock=HostClock(self.world, process)))
        )

    async def _work(self, process: Process) -> None:
        name = process.service
        try:
            worker = SimWorker(self, process)
            group = self.broker.group(name, worker.service.topics)
            self.database.holders[process] = None
            await asyncio.gather(
                worker.hold(),
                _Reader(worker, group).run(),
                SimTeller(worker).run(),
                *(worker.for_ever(chore) for chore in worker.chores()),
            )
        except Exception as error:  # noqa: BLE001 - production ends the process and its supervisor starts it again
            self._crashes += 1
            self.last_crash = error
            if self._crashes > _CRASHES:
                self.world.violated(f"stuck: {name} ends by itself again and again: {error!r}")
                self.world.loop.stop()
            self.world.kill(process)


class SimWorker(WorkerProcess):
    """A ``WorkerProcess`` whose waiting is done by the simulation: it hears and works as in production."""

    def __init__(self, machine: Machine, process: Process) -> None:
        self.machine = machine
        self.process = process
        self.store = SimStore(machine.database, process.service, holder=process)
        self.store.pool = machine.stores[process.service].pool
        self.transactions = machine.transactions(process.service, process)
        hands = machine.hands.get(process.service)
        super().__init__(
            machine.services[process.service], SETTINGS, hands=hands(self.transactions) if hands else None
        )
        self.clock = HostClock(machine.world, process)
        self._bell = SimBell(machine.world, process, self.store.kept, ("errands", "inbox"), self._due)  # type: ignore[assignment]  # a bell for virtual time

    def hearing(self) -> Callable[[list[Any]], Awaitable[None]]:
        """What hears a batch, patiently, as in production."""
        return self._hear_with(self.store)  # type: ignore[arg-type]  # the stand-in has what is needed of PgStore

    def chores(self) -> list[Callable[[], Awaitable[Any]]]:
        """What it does beside hearing and telling."""
        chores: list[Callable[[], Awaitable[Any]]] = []
        if self.service.errands:
            errands = SideBySide(self.service, self.store, self.hands, self.clock, ring=self._bell.ring)
            chores.append(errands.begin_due)
        if self.service.name == "payments":
            inbox = Inbox(self.store.pool, holder=self.process)  # type: ignore[arg-type]  # a process is its own number
            chores.append(Translator(inbox, self.transactions, self.hands).translate_due)
        return chores

    async def for_ever(self, chore: Callable[[], Awaitable[Any]]) -> None:
        """One chore, as in production; what ends a process there ends it here."""
        await self._for_ever(chore)

    def _due(self) -> datetime | None:
        hours = [self.store.next_errand(), self.store.pool.next_due()]
        return min((one for one in hours if one), default=None)

    async def hold(self) -> None:
        """Show that it lives, and again after every break, as ``_listen`` does in production."""
        database, random = self.machine.database, self.machine.world.random.random
        while True:
            try:
                await self.machine.world.before("hold")
                database.check()
            except OUTAGES:
                await asyncio.sleep(1.0)
                continue
            await database.hold(self.process)
            await asyncio.sleep(random())


class SimBell:
    """A bell (``shared.bell.Bell``) that also rings at the hour of what comes next, so that nobody looks in vain."""

    def __init__(
        self,
        world: World,
        process: Process,
        kept: Schema,
        channels: tuple[str, ...],
        due: Callable[[], datetime | None],
    ) -> None:
        self.process = process
        self._world = world
        self._clock = HostClock(world, process)
        self._channels = channels
        self._due = due
        self._rings = 0
        self._waiting: list[Any] = []
        kept.listeners.append(self)

    def __call__(self, channel: str, payload: str) -> None:  # noqa: ARG002 - a listener's shape
        """A notice of the database."""
        if channel in self._channels:
            self.ring()

    def ring(self, *_: Any) -> None:
        """See ``Bell``."""
        self._rings += 1
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            _ring(future)

    def mark(self) -> tuple[int, datetime]:
        """See ``Bell``."""
        return self._rings, self._clock.now()

    async def wait(self, mark: tuple[int, datetime]) -> None:
        """See ``Bell``."""
        if self._rings != mark[0]:
            return
        due = self._due()
        seconds = _LONGEST_REST if due is None else (due - self._clock.now()).total_seconds()
        future = self._world.loop.create_future()
        self._waiting.append(future)
        timer = self._world.loop.call_later(min(max(seconds, _SHORTEST_REST), _LONGEST_REST), _ring, future)
        await future
        timer.cancel()


def _ring(future: Any) -> None:
    if not future.done():
        future.set_result(None)


class SimTeller(Teller):
    """The production teller over a stand-in connection and producer."""

    def __init__(self, worker: SimWorker) -> None:
        super().__init__(worker.store, worker.clock, SETTINGS)  # type: ignore[arg-type]  # as for hearing
        self._worker = worker
        self._bell = SimBell(  # type: ignore[assignment]  # a bell for virtual time
            worker.machine.world, worker.process, worker.store.kept, (), worker.store.next_telling
        )

    async def _tell_while_connected(self) -> None:
        self._worker.store.database.check()
        await self._tell_with(_Session(self._worker), SimProducer(self._worker.machine.broker))


class _Listener:
    """Hands the notices of one channel on, as asyncpg does."""

    def __init__(self, process: Process, callback: Any) -> None:
        self.process = process
        self._callback = callback

    def __call__(self, channel: str, payload: str) -> None:
        if channel == "journal":
            self._callback(None, 0, channel, payload)


def _known(as_known: bool, sql: str) -> None:
    if not as_known:
        message = f"the stand-in knows the teller's statements otherwise: teach it {sql!r}"
        raise NotImplementedError(message)


class _Session:
    """The session of a teller: an advisory lock, and two statements on the journal."""

    def __init__(self, worker: SimWorker) -> None:
        self._worker = worker
        self._store = worker.store
        self._world = worker.machine.world

    async def fetchval(self, sql: str) -> bool:
        """Try the advisory lock that makes one teller of many."""
        _known("pg_try_advisory_lock" in sql, sql)
        await self._world.before("become the teller")
        database, name = self._store.database, f"{self._store.schema}.teller"
        database.check()
        owner = database.advisory.setdefault(name, self._worker.process)
        if owner is not self._worker.process:  # asking twice a second for weeks would teach nothing
            await database.until_free(name)
        return owner is self._worker.process

    async def fetch(self, sql: str, now: datetime, low: datetime) -> list[dict[str, Any]]:
        """What is to be told by ``now``, from the low mark on: a mark that is too high loses facts."""
        _known("told_at is null and tell_at <= $1 and tell_at >= $2" in sql, sql)
        await self._world.before("look into the journal")
        self._check()
        untold = self._store.kept.untold.values()
        due = [entry for entry in untold if low <= entry.planned.tell_at <= now]
        due.sort(key=lambda entry: (entry.planned.tell_at, entry.seq))
        return [
            {
                "id": entry.planned.envelope.id,
                "topic": entry.planned.envelope.topic,
                "key": entry.planned.envelope.key,
                "value": entry.value,
                "tell_at": entry.planned.tell_at,
            }
            for entry in due[: telling.BATCH]
        ]

    async def execute(self, sql: str, *arguments: Any) -> None:
        """Mark lines as told, or let go of the lock."""
        if "advisory_unlock" in sql:
            self._store.database.unlock(f"{self._store.schema}.teller", self._worker.process)
            return
        _known("set told_at = $2 where id = any($1)" in sql, sql)
        ids, now = arguments
        await self._world.before("mark as told")
        self._check()
        transaction = self._store.database.begin()
        transaction.changes.append(lambda: self._mark(ids, now))
        await self._store.database.commit(transaction, "mark as told")

    def _mark(self, ids: list[str], now: datetime) -> None:
        for fact_id in ids:
            entry = self._store.kept.untold.pop(fact_id, None)
            if entry is not None:
                entry.told_at = now

    def _check(self) -> None:
        """The lock went with the connection: whoever holds it now tells."""
        self._store.database.check()
        if self._store.database.advisory.get(f"{self._store.schema}.teller") is not self._worker.process:
            message = "the connection was lost"
            raise ConnectionResetError(message)

    async def add_listener(self, channel: str, callback: Any) -> None:
        """Notices of the journal come to ``callback`` from now on."""
        del channel
        self._listener = _Listener(self._worker.process, callback)
        self._store.kept.listeners.append(self._listener)

    async def remove_listener(self, channel: str, callback: Any) -> None:
        """No more."""
        del channel, callback
        self._store.kept.listeners.remove(self._listener)

    def is_closed(self) -> bool:
        """Whether the session ended."""
        return False


class _Confirmed(dict[Any, int]):
    """What was committed, confirmed to the brokers a moment later, as Faust's commit timer does."""

    def __init__(self, reader: _Reader) -> None:
        super().__init__()
        self._reader = reader

    def __setitem__(self, partition: Any, offset: int) -> None:
        super().__setitem__(partition, offset)
        self._reader.confirm_soon()


class _Reader:
    """A member of the consumer group: fetches go to production's hearing and confirming."""

    batch = 500

    def __init__(self, worker: SimWorker, group: Group) -> None:
        self._worker = worker
        self._world = worker.machine.world
        self._member = group.join(worker.process)
        self._confirmed = _Confirmed(self)
        self._soon = False
        hear = worker.hearing()
        # ``_hear_all`` calls its class's own, as production makes a class per worker.
        self._as_consumer: Any = type(
            "Reader",
            (SimpleNamespace,),
            {"hear": staticmethod(hear), "_hear_lane": _Consumer._hear_lane},  # noqa: SLF001 - as above
        )(app=self, batch=self.batch, _confirmed=self._confirmed)

    @property
    def consumer_generation_id(self) -> int:
        """What the coordinator said last."""
        return self._member.group.generation

    async def run(self) -> None:
        """Read for ever."""
        member = self._member
        while True:
            member.woken.clear()
            if member.generation != member.group.generation:
                self._confirmed.clear()
            records = await member.fetch()
            if records:
                await _Consumer._hear_all(self._as_consumer, records)  # noqa: SLF001 - production's own confirming
            else:
                await member.woken.wait()

    def confirm_soon(self) -> None:
        """Confirm within a second, unless the process dies before."""
        if not self._soon:
            self._soon = True
            self._world.loop.call_later(self._world.random.random(), self._confirm)

    def _confirm(self) -> None:
        self._soon = False
        member = self._member
        if member.generation == member.group.generation and not member.confirm(
            self._confirmed, member.generation
        ):
            self.confirm_soon()


def watched(service: Service, world: World) -> Service:
    """The service with its handlers counted: a fact may have its effect once, and a plan not before its hour."""
    return replace(service, hears={kind: _counted(handler, world) for kind, handler in service.hears.items()})


def _counted(handler: Any, world: World) -> Any:
    async def handle(fact: Fact, unit: Any) -> None:
        if fact.PLAN and fact.occurred_at > unit.now:
            world.violated(
                f"{type(fact).__name__} was decided at {unit.now}, before its hour {fact.occurred_at}"
            )
        if unit.cause.again > 12:
            world.violated(
                f"{type(fact).__name__} rang without pause: it was put back {unit.cause.again} times"
            )
        await handler(fact, unit)
        unit.shelf.handled.append(unit.cause_id)

    return handle
