"""One simulated day outside the school: everything the two gateways share, in one place."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from ops.simulators.agenda import Agenda
from ops.simulators.clock import SimClock, exact, instant
from ops.simulators.faults import Faults
from ops.simulators.ids import Ids
from ops.simulators.journal import Journal, Ledger
from ops.simulators.scripts import Scripts
from ops.simulators.store import Json, Store
from ops.simulators.webhooks.outbox import Outbox
from shared.clock import Clock

_LOOK_AGAIN = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a simulator is started. ``base_url`` is what hosted pages and certificate addresses begin with."""

    data: Path
    base_url: str
    clock: Clock
    clock_owner: bool = False
    seed: str = "relance"


@dataclass(slots=True, kw_only=True)
class Cause:
    """The API call that is being answered, for the ``request`` field of the events it causes."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass(slots=True, kw_only=True)
class World:
    """The state and the tools every part of the simulators is handed."""

    settings: Settings
    store: Store
    clock: SimClock
    ids: Ids
    agenda: Agenda
    journal: Journal
    ledger: Ledger
    scripts: Scripts
    faults: Faults
    outbox: Outbox
    cause: Cause = field(default_factory=Cause)
    waiting: list[datetime] = field(default_factory=list)
    """When calls that are in the air will be answered (a bank that takes its time)."""
    wanted: list[datetime] = field(default_factory=list)
    """Instants a test clock asked the engine to advance to."""

    @contextmanager
    def caused_by(self, request_id: str, idempotency_key: str | None) -> Iterator[None]:
        """Events said inside the block carry this request; only for code that never awaits."""
        before, self.cause = self.cause, Cause(request_id=request_id, idempotency_key=idempotency_key)
        try:
            yield
        finally:
            self.cause = before

    @property
    def only_told(self) -> bool:
        """Subscriptions are not billed by themselves: a story says what happens (``POST /_sim/settings``)."""
        return bool((self.store.get("meta", "only_told") or {}).get("value"))

    async def wait(self, time: timedelta) -> None:
        """Keep a caller waiting until so much time has passed on the clock, real or virtual."""
        until = self.clock.now() + time
        self.waiting.append(until)
        try:
            while self.clock.now() < until:
                await asyncio.sleep(_LOOK_AGAIN)
        finally:
            self.waiting.remove(until)

    def keep(self) -> None:
        """Write everything that changed to disk."""
        if self.clock.floor is not None:
            floor = exact(self.clock.floor)
            if (self.store.get("meta", "floor") or {}).get("at") != floor:
                self.store.put("meta", "floor", {"at": floor})
        self.store.flush()

    def forget(self) -> None:
        """Begin again with empty accounts; certificates stay."""
        self.store.clear()
        self.agenda.clear()
        self.clock.floor = None
        self.wanted.clear()


def open_world(settings: Settings) -> World:
    """Load what a former run left under ``settings.data``, or begin anew."""
    settings.data.mkdir(parents=True, exist_ok=True)
    store = Store(settings.data / "gateways.sqlite3")
    floor: Json | None = store.get("meta", "floor")
    clock = SimClock(
        settings.clock, owner=settings.clock_owner, floor=instant(floor["at"]) if floor else None
    )
    ids = Ids(store, settings.seed)
    agenda = Agenda(store)
    journal = Journal(store, clock)
    outbox = Outbox(store=store, clock=clock, ids=ids, agenda=agenda, journal=journal)
    outbox.recover()
    return World(
        settings=settings,
        store=store,
        clock=clock,
        ids=ids,
        agenda=agenda,
        journal=journal,
        ledger=Ledger(store, clock),
        scripts=Scripts(store),
        faults=Faults(store),
        outbox=outbox,
    )
