"""A service's worker as a process: it hears, tells and does its errands until it is asked to stop.

Trouble outside is waited out inside; anything else ends the process with a reason, and whoever supervises it
starts it again: what was not committed was not acknowledged.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from shared.bell import Bell
from shared.clock import Clock
from shared.database import OUTAGES, PgStore, hold, open_pool
from shared.errands import SideBySide
from shared.errors import Transient
from shared.hearing import hear
from shared.logs import logger
from shared.pulse import Pulse
from shared.retention import Retention, forget
from shared.service import Service
from shared.settings import Settings
from shared.shelf import Message
from shared.side_door import SideDoor
from shared.standing import Readiness
from shared.telling import Teller
from shared.worker import Worker

log = logger("running")

Loop = Callable[[], Awaitable[Any]]
"""A further loop of a service (the webhook inbox); returns how much it did, 0 when idle."""

_LATER: Final[tuple[type[Exception], ...]] = (Transient, *OUTAGES)


class WorkerProcess:
    """Everything one worker of a service does, over real PostgreSQL and Kafka."""

    def __init__(
        self, service: Service, settings: Settings, *, hands: Any = None, migrations: Path | None = None
    ) -> None:
        self.service = service
        self.settings = settings
        self.clock: Clock = settings.clock()
        self.hands = hands
        self._stopping = asyncio.Event()
        self._bell = Bell(self.clock)
        self._held: Any = None
        self._pool: Any = None
        self._holder = secrets.randbits(31)
        readiness = Readiness(service, lambda: self._pool, migrations)
        self._pulse = Pulse(service, self.clock, self._holder, readiness)
        self.side_door = SideDoor(settings, self._pulse.ready)

    async def run(self, loops: Callable[[PgStore], Sequence[Loop]] | None = None) -> None:
        """Work until SIGTERM or SIGINT; raises what ended it otherwise."""
        running = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            running.add_signal_handler(name, self._stopping.set)
        await self.side_door.open()
        stop = asyncio.create_task(self._stopping.wait(), name="stop")
        opening = asyncio.create_task(self._open(), name="open")
        await asyncio.wait((stop, opening), return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            await self.side_door.close()
            return
        pool, store = opening.result()
        worker = Worker(
            f"relance-{self.service.name}", self.service.topics, self._hear_with(store), self.settings
        )
        tasks = [
            asyncio.create_task(self._hear(worker), name="worker"),
            asyncio.create_task(Teller(store, self.clock, self.settings).run(), name="teller"),
            stop,
            asyncio.create_task(self._listen(pool, store), name="listen"),
            asyncio.create_task(self._pulse.run(pool, worker), name="pulse"),
        ]
        chores: list[Loop] = [Retention(partial(forget, pool, self.service.name), self.clock).forget_due]
        errands = SideBySide(self.service, store, self.hands, self.clock, ring=self._bell.ring)
        if self.service.errands:
            chores.append(errands.begin_due)
        chores += loops(store) if loops else ()
        tasks += [asyncio.create_task(self._for_ever(chore), name="chore") for chore in chores]
        log.info("worker_started", topics=list(self.service.topics))
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await self._close(worker, tasks, errands, pool)
        for task in done:
            if task.get_name() != "stop":
                task.result()
                message = f"the {task.get_name()} of {self.service.name} ended by itself: start it again"
                raise RuntimeError(message)
        log.info("worker_stopped")

    async def _close(
        self, worker: Worker, tasks: Sequence[asyncio.Task[Any]], errands: SideBySide, pool: Any
    ) -> None:
        await worker.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await errands.stop()
        with suppress(Exception):  # it listens for ever: the pool would wait for it
            await self._held.close(timeout=2)
            await pool.release(self._held)
        with suppress(Exception):
            await self._pulse.stop(pool)
        with suppress(Exception):
            await asyncio.wait_for(pool.close(), 5)
        await self.side_door.close()

    async def _open(self) -> tuple[Any, PgStore]:
        pool = self._pool = await self._connect()
        store = PgStore(pool, self.service.name, holder=self._holder)
        await self._patiently(lambda: self._begin_to_hold(pool, store), "database")
        return pool, store

    async def _hear(self, worker: Worker) -> None:
        """Returns only when the membership broke. A group that is slow to form keeps no fact untold, no errand undone."""
        await self._patiently(worker.start, "brokers")
        await worker.crashed()

    async def _connect(self) -> Any:
        async def connect() -> Any:
            return await open_pool(
                self.settings.database,
                size=self.settings.pool + 3,
                name=f"relance {self.service.name} worker",
                watched=self.service.name,
            )

        return await self._patiently(connect, "database")

    async def _patiently(self, start: Callable[[], Awaitable[Any]], what: str) -> Any:
        pause = 0.1
        while True:
            try:
                return await start()
            except OUTAGES as error:
                log.warning("waiting_for", what=what, reason=repr(error), seconds=pause)
            except Exception as error:
                if not type(error).__module__.startswith("aiokafka"):
                    raise
                log.warning("waiting_for", what=what, reason=repr(error), seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    def _hear_with(self, store: PgStore) -> Callable[[list[Message]], Awaitable[None]]:
        async def hear_batch(messages: list[Message]) -> None:
            pause = 0.05
            while True:
                try:
                    heard = await hear(
                        self.service, store, self.clock, messages, parked_limit=self.settings.parked_limit
                    )
                except _LATER as error:
                    log.warning("hearing_paused", reason=repr(error), seconds=pause)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 5.0)
                else:
                    log.debug("batch_heard", handled=heard.handled, duplicates=heard.duplicates)
                    return

        return hear_batch

    async def _for_ever(self, chore: Loop) -> None:
        pause = 0.1
        while True:
            mark = self._bell.mark()
            try:
                did = await chore()
            except _LATER as error:
                log.warning("chore_paused", reason=repr(error), seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
                continue
            pause = 0.1
            if not did:
                await self._bell.wait(mark)

    async def _begin_to_hold(self, pool: Any, store: PgStore) -> None:
        """Before the first lease is taken, its holder is known to live."""
        self._held = await pool.acquire(timeout=10)
        await hold(self._held, store.holder or 0)

    async def _listen(self, pool: Any, store: PgStore) -> None:
        """Errands and webhooks wake their loops at once; without the notice they are found a moment later."""
        while True:
            try:
                for channel in ("errands", "inbox"):
                    await self._held.add_listener(f"{self.service.name}_{channel}", self._bell.ring)
                while not self._held.is_closed():
                    await asyncio.sleep(1)
                await pool.release(self._held)
                await self._begin_to_hold(pool, store)
            except OUTAGES:
                await asyncio.sleep(1)
