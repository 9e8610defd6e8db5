"""A stand-in for PostgreSQL: row locks, versions compared on writing, sessions that break, commits of unknown fate.

Statements see what was committed when they began; a lock is waited for; of two that wait for each other the second
is refused; nothing of a transaction is there before its commit, and whether a broken commit happened nobody knows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import asyncpg

from ops.simulation.loop import PROCESS, Process
from ops.simulation.world import World
from shared.database import DATA_ERRORS, OUTAGES, OvertakenError
from shared.events import Envelope
from shared.events.wire import to_bytes
from shared.shelf import Errand, Parked, Planned, Shelf, Table

T = TypeVar("T")


@dataclass(slots=True)
class Entry:
    """A line of a journal."""

    seq: int
    planned: Planned
    value: bytes
    told_at: datetime | None = None


@dataclass(slots=True)
class Held:
    """An errand's row."""

    errand: Errand
    leased_until: datetime | None = None
    leased_by: Process | None = None
    done: str | None = None


@dataclass(slots=True)
class Schema:
    """What one service keeps."""

    rows: dict[str, dict[str, tuple[int, Any]]] = field(default_factory=dict)
    journal: dict[str, Entry] = field(default_factory=dict)
    untold: dict[str, Entry] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    errands: dict[str, Held] = field(default_factory=dict)
    undone: dict[str, Held] = field(default_factory=dict)
    parked: dict[str, Parked] = field(default_factory=dict)
    handled: dict[str, int] = field(default_factory=dict)
    """How often each fact's handler had an effect, as committed."""
    listeners: list[Any] = field(default_factory=list)
    changed: list[Callable[[str, str, Any, Any], None]] = field(default_factory=list)
    """Told of every committed row: table, key, before, after."""
    said: list[Callable[[Planned], None]] = field(default_factory=list)

    def notify(self, channel: str, payload: str = "") -> None:
        """Wake whoever listens."""
        for listener in list(self.listeners):
            listener(channel, payload)


class Transaction:
    """One transaction of one session."""

    def __init__(self, database: Database, process: Process | None) -> None:
        self.database = database
        self.process = process
        self.open = True
        self.held: list[Any] = []
        self.waits_for: Transaction | None = None
        self.changes: list[Callable[[], None]] = []

    def check(self) -> None:
        """Raise when the connection is gone."""
        if not self.open:
            raise _gone()

    async def lock(self, key: Any) -> None:
        """Hold ``key`` until the end; waits for whoever holds it."""
        locks = self.database.locks
        while True:
            self.check()
            holder = locks.get(key)
            if holder is self:
                return
            if holder is None:
                locks[key] = self
                self.held.append(key)
                return
            other: Transaction | None = holder
            while other is not None:
                if other is self:
                    self.abort()
                    message = "deadlock detected"
                    raise asyncpg.exceptions.DeadlockDetectedError(message)
                other = other.waits_for
            self.waits_for = holder
            future = self.database.world.loop.create_future()
            self.database.waiting.setdefault(key, []).append(future)
            await future
            self.waits_for = None

    def abort(self) -> None:
        """Forget everything."""
        self.changes.clear()
        self._close()

    def commit(self) -> None:
        """Everything at once."""
        self.check()
        changes, self.changes = self.changes, []
        for change in changes:
            change()
        self._close()

    def _close(self) -> None:
        self.open = False
        self.waits_for = None
        database = self.database
        for key in self.held:
            if database.locks.get(key) is self:
                del database.locks[key]
            for future in database.waiting.pop(key, ()):
                if not future.done():
                    future.set_result(None)
        self.held.clear()
        database.transactions.pop(self, None)


class Database:
    """The server: all services' schemas, and whether it answers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.schemas: dict[str, Schema] = {}
        self.locks: dict[Any, Transaction] = {}
        self.waiting: dict[Any, list[Any]] = {}
        self.transactions: dict[Transaction, None] = {}
        self.advisory: dict[str, Process] = {}
        self.holders: dict[Process, None] = {}
        """Processes known to live: the leases of all others are free."""
        self._dropped_holders: dict[Process, Any] = {}
        self._candidates: dict[str, list[Any]] = {}
        self.away_until = -1.0
        self._seq = 0
        world.on_death.append(self._dropped)
        world.on_outage["database"] = self.crash

    def schema(self, name: str) -> Schema:
        """One service's part."""
        return self.schemas.setdefault(name, Schema())

    def crash(self, seconds: float) -> None:
        """Everybody's connection breaks, and nobody is let in for a while."""
        self.away_until = self.world.loop.time() + seconds
        for transaction in list(self.transactions):
            transaction.abort()
        for name in list(self.advisory):
            self._free(name)
        self.holders.clear()
        for schema in self.schemas.values():
            for channel in ("errands", "inbox", "journal"):
                self.world.loop.in_world(seconds + 1.0, schema.notify, channel)
        for future in self._dropped_holders.values():
            if not future.done():
                future.set_result(None)
        self._dropped_holders.clear()

    def check(self) -> None:
        """Raise when nobody is let in."""
        if self.world.loop.time() < self.away_until:
            message = "the database does not answer"
            raise ConnectionRefusedError(message)

    def begin(self) -> Transaction:
        """A new transaction of whoever runs."""
        self.check()
        transaction = Transaction(self, PROCESS.get())
        self.transactions[transaction] = None
        return transaction

    async def commit(self, transaction: Transaction, what: str) -> None:
        """Commit, if the connection holds; afterwards it may break before the answer came."""
        world = self.world
        await world.before(what)
        if world.chance(world.weather.connection_lost) and transaction.process is not None:
            transaction.abort()
            raise _gone()
        transaction.commit()
        if world.chance(world.weather.connection_lost) and transaction.process is not None:
            raise _gone()
        await world.after(what)

    def next_seq(self) -> int:
        """Numbers rows in order of writing."""
        self._seq += 1
        return self._seq

    def is_free(self, leased_until: datetime | None, leased_by: Process | None) -> bool:
        """Whether a lease is over by the database's own clock, or its holder is not known to live."""
        over = leased_until is None or leased_until <= self.world.now()
        return over or (leased_by is not None and leased_by not in self.holders)

    async def hold(self, process: Process) -> None:
        """Be known to live until the connection breaks."""
        self.holders[process] = None
        future = self._dropped_holders[process] = self.world.loop.create_future()
        await future

    def _dropped(self, process: Process) -> None:
        self.holders.pop(process, None)
        self._dropped_holders.pop(process, None)
        for (
            schema
        ) in self.schemas.values():  # what a dead process held is free at once: whoever rests looks again
            self.world.loop.in_world(0.5, schema.notify, "errands")
        for transaction in list(self.transactions):
            if transaction.process is process:
                transaction.abort()
        for name, owner in list(self.advisory.items()):
            if owner is process:
                self._free(name)

    def _free(self, name: str) -> None:
        del self.advisory[name]
        for future in self._candidates.pop(name, ()):
            if not future.done():
                future.set_result(None)

    def unlock(self, name: str, process: Process) -> None:
        """Let go of an advisory lock, if it is held."""
        if self.advisory.get(name) is process:
            self._free(name)

    async def until_free(self, name: str) -> None:
        """Wait until nobody holds an advisory lock."""
        future = self.world.loop.create_future()
        self._candidates.setdefault(name, []).append(future)
        await future


def _gone() -> Exception:
    error: Exception = asyncpg.exceptions.ConnectionDoesNotExistError("the connection was closed in between")
    return error


class SimStore:
    """One service's schema (``shared.shelf.Store``), with the session that a teller and a letter box need."""

    def __init__(self, database: Database, schema: str, *, holder: Process | None = None) -> None:
        self.holder = holder
        self.database = database
        self.world = database.world
        self.schema = schema
        self.kept = database.schema(schema)
        self.pool: Any = None

    def transaction(self, *, locking: bool = True) -> AbstractAsyncContextManager[Shelf]:
        """See ``Store``."""
        return self._open(locking)

    @asynccontextmanager
    async def _open(self, locking: bool) -> AsyncIterator[Shelf]:
        await self.world.before("begin")
        transaction = self.database.begin()
        try:
            yield SimShelf(self, transaction, locking)
        except BaseException:
            if transaction.open:
                transaction.abort()
            raise
        await self.database.commit(transaction, "commit" if locking else "end of reading")

    async def claim_errands(self, now: datetime, *, limit: int, lease: timedelta) -> list[Errand]:
        """See ``Store``."""
        await self.world.before("claim errands")
        transaction = self.database.begin()
        claimed: list[Errand] = []
        free = [
            held
            for held in self.kept.undone.values()
            if held.errand.due_at <= now
            and self.database.is_free(held.leased_until, held.leased_by)
            and ("errand", self.schema, held.errand.id) not in self.database.locks
        ]
        for held in sorted(free, key=lambda one: (one.errand.due_at, one.errand.id))[:limit]:
            await transaction.lock(("errand", self.schema, held.errand.id))
            errand = replace(held.errand, tries=held.errand.tries + 1)
            claimed.append(errand)
            transaction.changes.append(lambda held=held, errand=errand: self._claim(held, errand, lease))  # type: ignore[misc]
        await self.database.commit(transaction, "claim errands")
        return claimed

    async def postpone_errand(self, errand: Errand, *, until: datetime, error: str) -> None:  # noqa: ARG002 - Store's shape
        """See ``Store``."""
        await self.world.before("postpone errand")
        transaction = self.database.begin()
        await transaction.lock(("errand", self.schema, errand.id))
        held = self.kept.errands[errand.id]

        def apply() -> None:
            if held.done is None and held.errand.tries == errand.tries:
                held.errand = replace(held.errand, due_at=until)
                held.leased_until = held.leased_by = None
                self.kept.notify("errands")

        transaction.changes.append(apply)
        await self.database.commit(transaction, "postpone errand")

    def _claim(self, held: Held, errand: Errand, lease: timedelta) -> None:
        held.errand = errand
        held.leased_until = self.world.now() + lease
        held.leased_by = self.holder

    def next_errand(self) -> datetime | None:
        """When the next errand can be taken up."""
        hours = [
            max(held.errand.due_at, held.leased_until or held.errand.due_at)
            for held in self.kept.undone.values()
        ]
        return min(hours, default=None)

    def next_telling(self) -> datetime | None:
        """When the next line of the journal is to be told."""
        return min((entry.planned.tell_at for entry in self.kept.untold.values()), default=None)


class SimShelf:
    """One transaction over a SimStore (``shared.shelf.Shelf``)."""

    DATA_ERRORS = DATA_ERRORS
    OUTAGES = OUTAGES

    def __init__(self, store: SimStore, transaction: Transaction, locking: bool) -> None:
        self._store = store
        self._kept = store.kept
        self._world = store.world
        self._locking = locking
        self.transaction = transaction
        self.connection = SimConnection(store, transaction)
        self._versions: dict[tuple[str, str], int] = {}
        self.handled: list[str] = []
        transaction.changes.append(self._count)

    async def load(self, table: Table[T], keys: Sequence[str]) -> dict[str, T]:
        """See ``Shelf``."""
        await self._world.before(f"load {table.name}")
        rows = self._kept.rows.get(table.name, {})
        if self._locking:
            for key in sorted(key for key in keys if key in rows):
                await self._lock(table.name, key)
        else:
            self.transaction.check()
        return self._seen(table, [key for key in keys if key in rows])

    async def find(self, table: Table[T], column: str, values: Sequence[Any]) -> list[T]:
        """See ``Shelf``."""
        await self._world.before(f"find {table.name}")
        value_of = table.columns[column][1]
        rows = self._kept.rows.get(table.name, {})
        while True:
            found = sorted(key for key, (_, row) in rows.items() if value_of(row) in values)
            if not self._locking:
                self.transaction.check()
                break
            for key in found:
                await self._lock(table.name, key)
            if found == sorted(key for key, (_, row) in rows.items() if value_of(row) in values):
                break
        return list(self._seen(table, found).values())

    async def save(
        self, rows: Mapping[Table[Any], Mapping[str, Any]], gone: Mapping[Table[Any], Iterable[str]]
    ) -> None:
        """See ``Shelf``."""
        await self._world.before("save")
        for table, changed in sorted(rows.items(), key=lambda item: item[0].name):
            for key in sorted(changed):
                await self._save(table, key, changed[key])
        for table, keys in gone.items():
            for key in keys:
                await self._lock(table.name, key)
                self.transaction.changes.append(lambda table=table, key=key: self._remove(table, key))  # type: ignore[misc]

    async def plan(self, planned: Sequence[Planned]) -> None:
        """See ``Shelf``."""
        await self._world.before("write journal")
        for one in planned:
            await self._lock("journal", one.envelope.id)
        self.transaction.changes.append(lambda: self._write(planned))

    async def send_out(self, errands: Sequence[Errand]) -> None:
        """See ``Shelf``."""
        await self._world.before("write errands")
        for errand in errands:
            await self.transaction.lock(("errand", self._store.schema, errand.id))
        self.transaction.changes.append(lambda: self._ask(errands))

    async def remember(self, heard: Sequence[Envelope], now: datetime) -> set[str]:  # noqa: ARG002 - Shelf's shape
        """See ``Shelf``."""
        await self._world.before("remember")
        fresh = []
        for envelope_id in [envelope.id for envelope in heard]:
            await self._lock("heard", envelope_id)
            if envelope_id not in self._kept.heard:
                fresh.append(envelope_id)
        self.transaction.changes.append(lambda: self._kept.heard.update(fresh))
        return set(fresh)

    async def park(self, parked: Sequence[Parked], now: datetime) -> None:  # noqa: ARG002 - Shelf's shape
        """See ``Shelf``."""
        if parked:
            self.transaction.check()
            self.transaction.changes.append(lambda: self._kept.parked.update({one.id: one for one in parked}))

    async def end_errand(self, errand: Errand, outcome: str, now: datetime) -> bool:  # noqa: ARG002 - Shelf's shape
        """See ``Shelf``."""
        await self._world.before("end errand")
        await self.transaction.lock(("errand", self._store.schema, errand.id))
        held = self._kept.errands[errand.id]
        if held.done is not None:
            return False

        def apply() -> None:
            held.done = outcome
            self._kept.undone.pop(errand.id, None)

        self.transaction.changes.append(apply)
        return True

    # --- inside ---

    async def _lock(self, table: str, key: str) -> None:
        await self.transaction.lock((self._store.schema, table, key))

    def _seen(self, table: Table[T], keys: Sequence[str]) -> dict[str, T]:
        rows = self._kept.rows.get(table.name, {})
        found: dict[str, T] = {}
        for key in keys:
            version, row = rows[key]
            self._versions[table.name, key] = version
            found[key] = row
        return found

    async def _save(self, table: Table[Any], key: str, row: Any) -> None:
        await self._lock(table.name, key)
        stored = self._kept.rows.get(table.name, {}).get(key)
        read = self._versions.get((table.name, key), 0)
        if stored is not None and stored[0] != read:
            raise OvertakenError(f"{self._store.schema}.{table.name} {key} was changed by another process")
        self._versions[table.name, key] = read + 1
        self.transaction.changes.append(lambda: self._keep(table, key, read + 1, row))

    def _keep(self, table: Table[Any], key: str, version: int, row: Any) -> None:
        rows = self._kept.rows.setdefault(table.name, {})
        before = rows[key][1] if key in rows else None
        rows[key] = (version, row)
        for told in self._kept.changed:
            told(table.name, key, before, row)

    def _remove(self, table: Table[Any], key: str) -> None:
        self._kept.rows.get(table.name, {}).pop(key, None)

    def _write(self, planned: Sequence[Planned]) -> None:
        kept = self._kept
        for one in planned:
            if one.envelope.id in kept.journal:
                continue
            entry = Entry(self._store.database.next_seq(), one, to_bytes(one.envelope))
            kept.journal[one.envelope.id] = kept.untold[one.envelope.id] = entry
            for told in kept.said:
                told(one)
        if planned:
            kept.notify("journal", min(one.tell_at for one in planned).isoformat())

    def _ask(self, errands: Sequence[Errand]) -> None:
        kept = self._kept
        for errand in errands:
            if errand.id not in kept.errands:
                kept.errands[errand.id] = kept.undone[errand.id] = Held(errand)
        kept.notify("errands")

    def _count(self) -> None:
        for fact_id in self.handled:
            self._kept.handled[fact_id] = self._kept.handled.get(fact_id, 0) + 1


class SimConnection:
    """What SQL of the letter box reaches inside a transaction."""

    def __init__(self, store: SimStore, transaction: Transaction) -> None:
        self._store = store
        self._transaction = transaction

    async def execute(self, sql: str, *arguments: Any) -> None:
        """The statements that the stand-in's letter box knows."""
        await self._store.pool.run(self._transaction, sql, arguments)
