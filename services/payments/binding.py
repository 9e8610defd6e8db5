"""The chore that lays old bodies under somebody's key, and loses the keys of days under which nothing lies any more."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final

from services.payments.inbox import Inbox
from services.payments.sealing import DOOR_KEPT, door_subject, sealed_for, subjects_for
from shared.keys import KEYS, Keys
from shared.logs import logger
from shared.transactions import Transactions

log = logger("payments.binding")

_CHUNK: Final = 200
_PAUSE: Final = timedelta(hours=1)
_LOOKED_BACK: Final = 60
"""Days behind ``DOOR_KEPT`` whose keys are looked for: a worker that stood still for two months misses none."""


class Binder:
    """What older versions kept in the clear is sealed a little at a time; the rest of its work is an hourly look."""

    def __init__(self, inbox: Inbox, opened: Transactions) -> None:
        self._inbox = inbox
        self._opened = opened
        self._next: datetime | None = None

    async def bind_due(self) -> int:
        """Bind one chunk; 0 when there is nothing until the next hour."""
        now = self._opened.clock.now()
        if self._next is not None and self._next - _PAUSE <= now < self._next:
            return 0
        bound = await self._bind()
        if not bound:
            await self._lose_days(now)
            self._next = now + _PAUSE
        return bound

    async def _bind(self) -> int:
        found = await self._inbox.unbound(_CHUNK)
        if not found:
            return 0
        async with self._opened() as unit:
            whose = await subjects_for(unit, {one.dedupe_key: (one.gateway, one.body, ()) for one in found})
            await Keys(unit).fetch(list(whose.values()))
            bound = [
                (key, whose[key], await sealed_for(unit, whose[key], key, one.compressed, one.received_at))
                for one in found
                for key in (one.dedupe_key,)
            ]
            await self._inbox.bind(getattr(unit.shelf, "connection", None), bound)
        log.info("webhooks_sealed", rows=len(bound))
        return len(bound)

    async def _lose_days(self, now: datetime) -> None:
        last = (now - DOOR_KEPT).date()
        days = [last - timedelta(days=back) for back in range(_LOOKED_BACK)]
        async with self._opened.looking() as unit:
            await unit.fetch(KEYS, [door_subject(day) for day in days])
            rows = [(day, await unit.get(KEYS, door_subject(day))) for day in days]
        for day, row in reversed(rows):
            if row is None or row.erased_at is not None:
                continue
            if await self._inbox.lies_under_the_door(datetime.combine(day + timedelta(days=1), time(), UTC)):
                return
            async with self._opened() as unit:
                await Keys(unit).let_go(door_subject(day))
            log.info("door_key_lost", day=day.isoformat())
