"""The memory twin of every store, and a line of services in one process under a clock that is moved by hand.

The same handlers, Units, hearing and errands as in production, without database, broker or waiting: fast
tests, stories, dry runs and what-if all live here.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from shared.clock import HandClock
from shared.errands import run_errand
from shared.events import Envelope
from shared.events.wire import to_bytes
from shared.hearing import hear
from shared.parking.memory import MemoryAside
from shared.parking.rows import Act, SetAside
from shared.service import Service
from shared.shelf import Errand, Message, Page, Parked, Planned, Shelf, Table
from shared.transactions import Transactions

T = TypeVar("T")


@dataclass(slots=True)
class _Held:
    errand: Errand
    leased_until: datetime | None = None
    outcome: str | None = None


@dataclass(slots=True)
class MemoryStore:
    """One service's state, journal and errands in dictionaries."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Table name -> key -> row."""
    journal: list[Planned] = field(default_factory=list)
    told: int = 0
    heard: set[str] = field(default_factory=set)
    parked: dict[str, Parked] = field(default_factory=dict)
    aside: dict[str, SetAside] = field(default_factory=dict)
    """The same messages as people see them, settled or not."""
    acts: dict[str, list[Act]] = field(default_factory=dict)
    """What people did about each."""
    errands: dict[str, _Held] = field(default_factory=dict)
    _undone: dict[str, _Held] = field(default_factory=dict)
    _ids: set[str] = field(default_factory=set)
    _agenda: list[tuple[datetime, int]] = field(default_factory=list)

    def transaction(self, *, locking: bool = True) -> AbstractAsyncContextManager[Shelf]:  # noqa: ARG002 - Store's shape
        """See ``Store``."""
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Shelf]:
        shelf = MemoryShelf(self)
        yield shelf
        shelf.commit()

    async def claim_errands(self, now: datetime, *, limit: int, lease: timedelta) -> list[Errand]:
        """See ``Store``."""
        claimed: list[Errand] = []
        for held in self._undone.values():
            free = held.leased_until is None or held.leased_until <= now
            if held.errand.due_at <= now and free and len(claimed) < limit:
                held.leased_until = now + lease
                held.errand = replace(held.errand, tries=held.errand.tries + 1)
                claimed.append(held.errand)
        return claimed

    async def postpone_errand(self, errand: Errand, *, until: datetime, error: str) -> None:  # noqa: ARG002 - Store's shape
        """See ``Store``."""
        held = self.errands[errand.id]
        held.errand = replace(errand, due_at=until)
        held.leased_until = None

    def next_due(self) -> datetime | None:
        """The hour of the next plan or errand, ``None`` when nothing is left to come."""
        hours = [held.errand.due_at for held in self._undone.values()]
        if self._agenda:
            hours.append(self._agenda[0][0])
        return min(hours, default=None)

    def due(self, now: datetime) -> Planned | None:
        """Take the first plan that is due out of the agenda, in order of hour and writing."""
        if not self._agenda or self._agenda[0][0] > now:
            return None
        _, index = heapq.heappop(self._agenda)
        self.told += 1
        return self.journal[index]

    def write_all(self, planned: Sequence[Planned]) -> None:
        """Append to the journal what is not there yet."""
        for one in planned:
            if one.envelope.id not in self._ids:
                self._ids.add(one.envelope.id)
                self.journal.append(one)
                heapq.heappush(self._agenda, (one.tell_at, len(self.journal) - 1))

    def ask(self, errand: Errand) -> None:
        """Add an errand unless it is there."""
        if errand.id not in self.errands:
            self.errands[errand.id] = self._undone[errand.id] = _Held(errand)

    def end(self, errand_id: str, outcome: str) -> None:
        """Mark an errand as done."""
        self.errands[errand_id].outcome = outcome
        self._undone.pop(errand_id, None)


class WrittenUnread(Exception):
    """A handler wrote over a row that it had not read: a mistake of ours that only shows on PostgreSQL."""


class MemoryShelf:
    """One transaction over a MemoryStore: changes are staged and applied together at the end."""

    DATA_ERRORS: tuple[type[Exception], ...] = ()
    OUTAGES: tuple[type[Exception], ...] = ()

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._changes: list[Callable[[], None]] = []
        self._fresh: set[str] = set()
        self._asked: set[tuple[str, str]] = set()

    async def load(self, table: Table[T], keys: Sequence[str]) -> dict[str, T]:
        """See ``Shelf``."""
        rows = self._store.rows.get(table.name, {})
        self._asked.update((table.name, key) for key in keys)
        return {key: rows[key] for key in keys if key in rows}

    async def find(self, table: Table[T], column: str, values: Sequence[Any]) -> list[T]:
        """See ``Shelf``."""
        value_of = table.columns[column][1]
        rows = self._store.rows.get(table.name, {})
        found = [(key, row) for key, row in sorted(rows.items()) if value_of(row) in values]
        self._asked.update((table.name, key) for key, _ in found)
        return [row for _, row in found]

    async def page(self, table: Table[T], page: Page) -> list[T]:
        """See ``Lists``."""
        by = table.columns[page.order][1] if page.order else table.key
        found = [
            ((by(row), key), row)
            for key, row in self._store.rows.get(table.name, {}).items()
            if all(table.columns[column][1](row) == value for column, value in page.where.items())
        ]
        found = [
            (place, row)
            for place, row in found
            if place[0] is not None
            and (page.since is None or place[0] >= page.since)
            and (page.before is None or place[0] < page.before)
            and (page.after is None or (place < page.after if page.newest_first else place > page.after))
        ]
        found.sort(key=lambda one: one[0], reverse=page.newest_first)
        return [row for _, row in found[: page.limit]]

    async def count(self, table: Table[Any], where: Mapping[str, Any], *, most: int) -> int:
        """See ``Lists``."""
        rows = self._store.rows.get(table.name, {}).values()
        found = (
            1
            for row in rows
            if all(table.columns[column][1](row) == value for column, value in where.items())
        )
        return min(sum(found), most)

    async def save(
        self, rows: Mapping[Table[Any], Mapping[str, Any]], gone: Mapping[Table[Any], Iterable[str]]
    ) -> None:
        """See ``Shelf``.

        Raises:
            WrittenUnread: PostgreSQL compares versions, and so would never take it.
        """
        for table, changed in rows.items():
            there = self._store.rows.get(table.name, {})
            unread = [key for key in changed if key in there and (table.name, key) not in self._asked]
            if unread:
                raise WrittenUnread(
                    f"{table.name} {unread[0]!r} is there and was not read before it was written"
                )

        def apply() -> None:
            for table, changed in rows.items():
                self._store.rows.setdefault(table.name, {}).update(changed)
            for table, keys in gone.items():
                for key in keys:
                    self._store.rows.get(table.name, {}).pop(key, None)

        self._changes.append(apply)

    async def plan(self, planned: Sequence[Planned]) -> None:
        """See ``Shelf``."""
        self._changes.append(lambda: self._store.write_all(planned))

    async def send_out(self, errands: Sequence[Errand]) -> None:
        """See ``Shelf``."""

        def apply() -> None:
            for errand in errands:
                self._store.ask(errand)

        self._changes.append(apply)

    async def remember(self, heard: Sequence[Envelope], now: datetime) -> set[str]:  # noqa: ARG002 - Shelf's shape
        """See ``Shelf``."""
        fresh = {envelope.id for envelope in heard} - self._store.heard
        self._changes.append(lambda: self._store.heard.update(fresh))
        return set(fresh)

    async def park(self, parked: Sequence[Parked], now: datetime) -> None:
        """See ``Shelf``."""

        def apply() -> None:
            for one in parked:
                self._store.parked.setdefault(one.id, one)
                self._store.aside.setdefault(one.id, SetAside.of(one, now))

        self._changes.append(apply)

    def aside(self) -> MemoryAside:
        """See ``shared.parking.rows.Desk``."""
        return MemoryAside(self._store.aside, self._store.acts, self._changes)

    async def end_errand(self, errand: Errand, outcome: str, now: datetime) -> bool:  # noqa: ARG002 - Shelf's shape
        """See ``Shelf``."""
        held = self._store.errands[errand.id]
        if held.outcome is not None:
            return False
        self._changes.append(lambda: self._store.end(errand.id, outcome))
        return True

    def commit(self) -> None:
        """Apply what was staged."""
        for change in self._changes:
            change()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A fact as it went over the line, with the instant at which it did."""

    at: datetime
    service: str
    envelope: Envelope


class Line:
    """All services of a town, facts carried between them in the order of their hours.

    ``hands`` gives each service what its errands work with (a gateway twin, a mailbox).
    """

    def __init__(
        self, services: Sequence[Service], clock: HandClock, hands: Mapping[str, Any] | None = None
    ) -> None:
        self.clock = clock
        self.services = {service.name: service for service in services}
        self.stores = {service.name: MemoryStore() for service in services}
        self.hands = dict(hands or {})
        self.history: list[Told] = []
        self._hearers: dict[type[Any], list[str]] = {}
        self._offset = 0
        for service in services:
            for kind in service.hears:
                self._hearers.setdefault(kind, []).append(service.name)

    def transactions(self, service: str) -> Transactions:
        """Open transactions of one service, as its API does."""
        return Transactions(self.services[service], self.stores[service], self.clock)

    async def settle(self) -> None:
        """Carry facts and run errands until nothing is left to do at the clock's instant."""
        while await self._step():
            pass

    async def live_until(self, until: datetime) -> None:
        """Move the clock from event to event up to ``until``, settling at each."""
        await self.settle()
        while True:
            hour = self.next_due()
            if hour is None or hour > until:
                break
            self.clock.move_to(max(hour, self.clock.now()))
            await self.settle()
        self.clock.move_to(max(until, self.clock.now()))
        await self.settle()

    def next_due(self) -> datetime | None:
        """The hour of the next thing that will happen by itself."""
        hours = [hour for store in self.stores.values() if (hour := store.next_due()) is not None]
        return min(hours, default=None)

    async def deliver(self, envelope: Envelope, *, to: Iterable[str] | None = None) -> None:
        """Hand one message to its hearers, as the broker would; also used for duplicates and replays."""
        self._offset += 1
        message = Message(
            topic=envelope.topic,
            partition=0,
            offset=self._offset,
            key=envelope.key.encode(),
            value=to_bytes(envelope),
        )
        hearers = self._hearers.get(type(envelope.fact), [])
        for name in hearers if to is None else [name for name in hearers if name in to]:
            await hear(self.services[name], self.stores[name], self.clock, [message])

    async def _step(self) -> bool:
        now = self.clock.now()
        for name, store in self.stores.items():
            planned = store.due(now)
            if planned is not None:
                self.history.append(Told(at=now, service=name, envelope=planned.envelope))
                await self.deliver(planned.envelope)
                return True
        worked = False
        for name, store in self.stores.items():
            for errand in await store.claim_errands(now, limit=100, lease=timedelta(minutes=5)):
                await run_errand(self.services[name], store, self.hands.get(name), self.clock, errand)
                worked = True
        return worked
