"""What must be done outside (charge a card, send a mail), kept beside the state that asked for it.

An errand is claimed under a lease, done outside any transaction, and what came of it is recorded in the
transaction that ends it. It may be done twice when a process dies in between, so its id is the idempotency
key of whatever it does; it is recorded once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from shared.clock import Clock
from shared.database import OUTAGES
from shared.errors import Transient
from shared.logs import logger
from shared.metrics import ERRAND_AGE, ERRAND_SECONDS, ERRANDS
from shared.scrubbing import scrubbed
from shared.service import Service
from shared.shelf import Errand, Store
from shared.subject import ids_in, subject
from shared.tallying import tally
from shared.tracing import span

log = logger("errands")

LEASE: Final = timedelta(minutes=2)
"""Longer than any answer of a gateway is waited for; a dead process's errands are taken up after it."""

_NOT_NOW: Final[tuple[type[Exception], ...]] = (Transient, TimeoutError, *OUTAGES)
"""An errand may read its own service's database, which may be away as anything else may."""
_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=5)
_SOON: Final = (0.05, 0.2, 0.8, 3.0)
"""Pauses in seconds before what came of an errand is recorded again; after them its lease has to end."""


def pause_after(tries: int) -> timedelta:
    """How long to wait before the next try: 5 s, doubled each time, five minutes at most."""
    longer: timedelta = _FIRST_PAUSE * (1 << min(tries - 1, 10))
    return min(longer, _LONGEST_PAUSE)


async def run_errand(service: Service, store: Store, hands: Any, clock: Clock, errand: Errand) -> None:
    """Do one claimed errand and record what came of it."""
    waited = clock.now() - errand.due_at
    if errand.tries <= 1:
        ERRAND_AGE.add(service.name, errand.kind, value=max(waited.total_seconds(), 0))
    following = span(
        f"errand {errand.kind}",
        kind="consumer",
        follows=errand.trace,
        waited=waited,
        errand=errand.kind,
        errand_id=errand.id,
        tries=errand.tries,
        cause=errand.cause,
    )
    with following, subject(cause=errand.cause, **ids_in(errand.key)):
        await _do(service, store, hands, clock, errand)


async def _do(service: Service, store: Store, hands: Any, clock: Clock, errand: Errand) -> None:
    doing = service.errands[errand.kind]
    try:
        result = await _timed(doing.run(errand, hands, clock.now()), service, errand)
    except _NOT_NOW as error:
        retry_after: timedelta = getattr(error, "retry_after", None) or pause_after(errand.tries)
        await store.postpone_errand(errand, until=clock.now() + retry_after, error=scrubbed(str(error)))
        ERRANDS.add(service.name, errand.kind, "postponed")
        log.warning("errand_postponed", kind=errand.kind, id=errand.id, tries=errand.tries, reason=str(error))
        return
    except Exception as error:  # noqa: BLE001 - an errand that cannot be done is recorded as such, or kept
        await _give_up(service, store, clock, errand, error)
        return
    await _record_surely(service, store, clock, errand, result)


async def _timed(outside: Awaitable[Any], service: Service, errand: Errand) -> Any:
    began = time.perf_counter()
    try:
        return await outside
    finally:
        ERRAND_SECONDS.add(service.name, errand.kind, value=time.perf_counter() - began)


async def _record_surely(service: Service, store: Store, clock: Clock, errand: Errand, result: Any) -> None:
    """Record what came of it; a transaction in another's way is tried again, because it is done already."""
    for pause in _SOON:
        try:
            await _record(service, store, clock, errand, result)
        except _NOT_NOW as error:
            log.warning("errand_recorded_later", kind=errand.kind, id=errand.id, reason=repr(error))
            await asyncio.sleep(pause)
        else:
            return
    await _record(service, store, clock, errand, result)


async def _record(service: Service, store: Store, clock: Clock, errand: Errand, result: Any) -> None:
    async with store.transaction() as shelf:
        now = clock.now()
        if not await shelf.end_errand(errand, "done", now):
            ERRANDS.add(service.name, errand.kind, "done_by_another")
            log.info("errand_done_by_another", kind=errand.kind, id=errand.id)
            return
        unit = service.unit(shelf, now)
        unit.cause_id = errand.cause
        await service.errands[errand.kind].finish(errand, result, unit)
        await unit.write()
    ERRANDS.add(service.name, errand.kind, "done")
    tally(unit.said, unit.now)


async def _give_up(service: Service, store: Store, clock: Clock, errand: Errand, error: Exception) -> None:
    log.error("errand_failed", kind=errand.kind, id=errand.id, exc_info=error)
    ERRANDS.add(service.name, errand.kind, "failed")
    give_up = service.errands[errand.kind].give_up
    if give_up is None:
        await store.postpone_errand(
            errand, until=clock.now() + timedelta(hours=1), error=scrubbed(repr(error))
        )
        return
    async with store.transaction() as shelf:
        if await shelf.end_errand(errand, scrubbed(f"gave up: {error!r}"), clock.now()):
            unit = service.unit(shelf, clock.now())
            unit.cause_id = errand.cause
            await give_up(errand, error, unit)
            await unit.write()
            tally(unit.said, unit.now)


async def run_due_errands(
    service: Service, store: Store, hands: Any, clock: Clock, *, limit: int = 32
) -> int:
    """Claim and do what is due, side by side; how many were claimed."""
    if not service.errands:
        return 0
    claimed = await store.claim_errands(clock.now(), limit=limit, lease=LEASE)
    await asyncio.gather(*(run_errand(service, store, hands, clock, errand) for errand in claimed))
    return len(claimed)


class SideBySide:
    """The errands of a worker: a slow one keeps no other waiting. ``ring`` is called when one has ended."""

    def __init__(
        self,
        service: Service,
        store: Store,
        hands: Any,
        clock: Clock,
        *,
        limit: int = 32,
        ring: Callable[[], object] = lambda: None,
    ) -> None:
        self._service, self._store, self._hands, self._clock = service, store, hands, clock
        self._limit = limit
        self._ring = ring
        self._running: dict[str, asyncio.Task[None]] = {}
        self._troubles: list[BaseException] = []

    async def begin_due(self) -> int:
        """Claim what is due, as far as hands are free, and begin with it; how many were begun.

        What this process is doing already is not begun again: while the connection that shows it alive is broken,
        its own errands look deserted.

        Raises:
            Exception: what an errand raised that had begun before; it is free again when its lease is over.
        """
        if self._troubles:
            raise self._troubles.pop(0)
        free = self._limit - len(self._running)
        if not free:
            return 0
        claimed = await self._store.claim_errands(self._clock.now(), limit=free, lease=LEASE)
        begun = [errand for errand in claimed if errand.id not in self._running]
        for errand in begun:
            doing = run_errand(self._service, self._store, self._hands, self._clock, errand)
            task = asyncio.create_task(doing, name=f"errand {errand.id}")
            self._running[errand.id] = task
            task.add_done_callback(partial(self._ended, errand.id))
        return len(begun)

    async def stop(self) -> None:
        """Let go of what is being done: whoever starts next takes it up under the same id."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, errand_id: str, task: asyncio.Task[None]) -> None:
        del self._running[errand_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._troubles.append(error)
        self._ring()
