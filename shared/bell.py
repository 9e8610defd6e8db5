"""What wakes a loop that has nothing to do: a notice that came, or a virtual clock that was moved on.

Looking at a mapped clock costs nothing; asking a database fifty times a second would keep a small machine busy.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from shared.clock import Clock, FileClock

TICK: Final = 0.02
"""How often a virtual clock is looked at, in seconds of the wall."""

PATIENCE: Final = 1.0
"""Without a notice, work is looked for this often: things fall due silently."""

Mark = tuple[int, datetime]


class Bell:
    """Many loops may wait for it; a notice that comes while a loop works is not missed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._virtual = isinstance(clock, FileClock)
        self._rings = 0
        self._rung = asyncio.Event()

    def ring(self, *_: Any) -> None:
        """A notice came."""
        self._rings += 1
        self._rung.set()
        self._rung = asyncio.Event()

    def mark(self) -> Mark:
        """Take this before looking for work."""
        return self._rings, self._clock.now()

    async def wait(self, mark: Mark) -> None:
        """Return when something may have changed since ``mark``, or patience ends."""
        tick = TICK if self._virtual else PATIENCE
        for _ in range(round(PATIENCE / tick)):
            if self._rings != mark[0] or (self._virtual and self._clock.now() != mark[1]):
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), tick)
