"""What is kept, and for how long, so that years of facts do not make every table large (docs/decisions/0020).

The journal is the service's memory of what it said, ``heard`` its memory of what it acted upon. Neither has to
remember for ever: a message older than ``heard`` reaches is set aside for a person, never acted upon twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from shared.clock import Clock
from shared.events import Envelope
from shared.logs import logger

log = logger("retention")

REMEMBERED: Final = timedelta(days=120)
"""How long an id that was heard is known. Topics keep messages for a week, and nothing tells again later."""

LATEST: Final = REMEMBERED - timedelta(days=5)
"""A message older than this is not acted upon: whether it was heard before cannot be told for sure."""

KEPT: Final[Mapping[str, tuple[str, timedelta]]] = {
    "heard": ("heard_at", REMEMBERED),
    "journal": ("told_at", timedelta(days=800)),
    "errands": ("done_at", timedelta(days=400)),
    "parked": ("settled_at", timedelta(days=400)),
}
"""Table: the column that says when a row was done with, and how long it stays after that."""

_CHUNK: Final = 5000
_PAUSE: Final = timedelta(hours=1)


def is_too_old(envelope: Envelope, now: datetime) -> bool:
    """Whether ``heard`` may have forgotten this message. A plan is as old as the hour for which it was made."""
    return max(envelope.recorded_at, envelope.fact.occurred_at) < now - LATEST


async def forget(pool: Any, schema: str, now: datetime, *, chunk: int = _CHUNK) -> int:
    """Remove at most ``chunk`` rows of each table that are past their time; how many went.

    Rows that still wait for something (untold, undone, unsettled) stay whatever their age.
    """
    gone = 0
    for table, (done_with, kept) in KEPT.items():
        done = await pool.execute(
            f"""delete from {schema}.{table} where ctid = any(array(
                    select ctid from {schema}.{table} where {done_with} < $1 limit $2 for update skip locked))""",
            now - kept,
            chunk,
        )
        count = int(done.rsplit(" ", 1)[-1])
        if count and table == "journal":
            await pool.execute(
                f"""insert into {schema}.forgotten (name, until) values ('journal', $1)
                    on conflict (name) do update set until = greatest(forgotten.until, excluded.until)""",
                now - kept,
            )
        gone += count
    return gone


class Retention:
    """A worker's chore: once an hour it calls ``forget`` until nothing is left to forget."""

    def __init__(self, forget: Callable[[datetime], Awaitable[int]], clock: Clock) -> None:
        self._forget, self._clock = forget, clock
        self._next: datetime | None = None

    async def forget_due(self) -> int:
        """Forget one chunk; 0 when all is done until the next hour."""
        now = self._clock.now()
        if self._next is not None and self._next - _PAUSE <= now < self._next:
            return 0
        gone = await self._forget(now)
        if gone:
            log.info("forgotten", rows=gone)
        else:
            self._next = now + _PAUSE
        return gone
