"""How many cases are in which state, for dashboards: counted now and then by the worker, not by whoever looks."""

from __future__ import annotations

import time
from typing import Any, Final

from shared.events.words import CaseState
from shared.metrics import CASES

EVERY: Final = 60.0
"""Seconds between counts."""

_ALIVE: Final = [state.value for state in CaseState if not state.is_terminal]
_COUNT: Final = "select state, count(*) as n from dunning.cases where state = any($1::text[]) group by state"
"""Along the index of states; cases that ended, which are most of them, are not walked over."""


class Measure:
    """A worker's chore: it counts the cases that are still open."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._next = 0.0

    async def measure_due(self) -> int:
        """Count when a minute has passed; always 0, because nothing is left to do at once."""
        at = time.monotonic()
        if at >= self._next:
            self._next = at + EVERY
            found = {row["state"]: row["n"] for row in await self._pool.fetch(_COUNT, _ALIVE)}
            for state in _ALIVE:
                CASES.set(state, to=found.get(state, 0))
        return 0
