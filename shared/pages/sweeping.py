"""What has had its time is thrown away: links, sessions, hand-overs, limits, ids of acts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from shared.clock import Clock
from shared.database import PgStore
from shared.shelf import Table

_EVERY: Final = timedelta(minutes=10)


class Sweeper:
    """Sweeps rows whose ``expires_at`` was ``kept`` ago, every ten minutes."""

    def __init__(
        self, store: PgStore, clock: Clock, tables: Sequence[Table[Any]], *, kept: timedelta = timedelta()
    ) -> None:
        self._store = store
        self._clock = clock
        self._tables = tables
        self._kept = kept
        self._next: datetime | None = None

    async def sweep(self) -> int:
        """How many rows went; 0 when it is not time yet."""
        now = self._clock.now()
        if self._next is not None and now < self._next:
            return 0
        self._next = now + _EVERY
        gone = 0
        for table in self._tables:
            statement = f"delete from {self._store.schema}.{table.name} where expires_at < $1"
            told: str = await self._store.pool.execute(statement, now - self._kept)
            gone += int(told.rpartition(" ")[2])
        return gone
