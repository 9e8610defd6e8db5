"""What has had its time is thrown away: sessions, limits, ids of acts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from services.desk.store import PASSING
from shared.clock import Clock
from shared.database import PgStore

_EVERY: Final = timedelta(minutes=10)


class Sweeper:
    """Sweeps every few minutes."""

    def __init__(self, store: PgStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._next: datetime | None = None

    async def sweep(self) -> int:
        """How many rows went; 0 when it is not time yet."""
        now = self._clock.now()
        if self._next is not None and now < self._next:
            return 0
        self._next = now + _EVERY
        gone = 0
        for table in PASSING:
            told: str = await self._store.pool.execute(
                f"delete from {self._store.schema}.{table.name} where expires_at < $1", now
            )
            gone += int(told.rpartition(" ")[2])
        return gone
