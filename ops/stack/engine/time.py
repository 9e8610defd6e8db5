"""How time passes on a stack: from one thing that falls due to the next, each settled before the clock moves."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Final

from ops.stack.engine.lines import Lines, instant
from ops.stack.engine.trouble import Troubles
from ops.stack.quiet import Pulse, feel
from ops.stories.engine import EngineStuck

PATIENCE: Final = 30.0
"""Wall seconds that an instant may take to settle."""
_PAUSE: Final = 0.003
_LONGEST_PAUSE: Final = 0.03


class NotQuiet(EngineStuck):
    """An instant did not settle in time; the message names what was not done."""


@dataclass(slots=True)
class Time:
    """The virtual clock of one stack and what falls due on it. ``at`` adds something of the story's own."""

    lines: Lines
    troubles: Troubles
    heard_before: datetime = field(init=False)
    """Everything told before this instant was heard."""
    gateways_down: set[str] = field(default_factory=set)
    _arrivals: list[tuple[datetime, int, Callable[[], Awaitable[None]]]] = field(default_factory=list)
    _order: Any = field(default_factory=count)
    _next_outside: datetime | None = None
    _in_the_air: int = 0
    """Calls of ours that a bank takes its time to answer."""
    _pulse: Pulse | None = None

    def begin(self, start: datetime) -> None:
        """A new story: the clock stands at ``start``."""
        self.lines.clock.move_to(start)
        self.heard_before = start
        self.gateways_down.clear()
        self._arrivals.clear()

    def now(self) -> datetime:
        """The instant the stack stands at."""
        return self.lines.clock.now()

    def at(self, at: datetime, act: Callable[[], Awaitable[None]]) -> None:
        """Do ``act`` when the clock reaches ``at``."""
        heapq.heappush(self._arrivals, (at, next(self._order), act))

    async def live_until(self, until: datetime) -> None:
        """Let everything happen at its own hour up to ``until``."""
        await self.settle()
        while (hour := self._next()) is not None and hour <= until:
            await self._move(hour)
        await self._move(until)

    async def _move(self, to: datetime) -> None:
        hour = max(to, self.now())
        if (
            not self.troubles.dead
        ):  # all is settled; over a long jump services forget what they heard before it
            self.heard_before = hour
        self.lines.clock.move_to(hour)
        await self.lines.wake()
        await self.settle()

    def _next(self) -> datetime | None:
        hours = [self._next_outside, self._arrivals[0][0] if self._arrivals else None]
        if self._pulse is not None:
            hours.append(self._pulse.next(self.troubles.dead))
        return min((hour for hour in hours if hour is not None), default=None)

    async def settle(self) -> None:
        """Wait until nothing is left to do at this instant.

        Raises:
            NotQuiet: within half a minute it was not.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            await self._until_quiet(deadline)
            if self._arrivals and self._arrivals[0][0] <= self.now():
                _, _, act = heapq.heappop(self._arrivals)
                await act()
                continue
            if not self.troubles.dead:  # what the dead have not heard is still to be heard
                self.heard_before = self.now()
            return

    async def _until_quiet(self, deadline: float) -> None:
        """Nothing outside, nothing inside, and nothing outside again: then nothing happened in between."""
        lines = -1
        while True:
            outside = await self.lines.control("POST", "/run")
            self._note_outside(outside)
            if not outside["done"] and outside["lines"] == lines:
                return
            left = await self._until_calm_inside(deadline)
            if left:
                raise NotQuiet(self._late(left))
            lines = outside["lines"]

    async def _until_calm_inside(self, deadline: float) -> list[str]:
        began = time.monotonic()
        while True:
            pulse = self._pulse = await feel(self.lines.database, self.now(), self.heard_before)
            await self.troubles.tend()
            if pulse.paused and not self.gateways_down:
                await self._look_again("new")
            if pulse.overdue:
                await self.look_at_waiting()
            left = await self._left(pulse)
            if not left:
                return []
            if time.monotonic() > deadline:
                return left
            # The longer it takes, the less often it is looked: a tenth of the wait, 30 ms at most.
            await asyncio.sleep(min(_PAUSE + (time.monotonic() - began) / 10, _LONGEST_PAUSE))

    async def _left(self, pulse: Pulse) -> list[str]:
        left = pulse.what(self.troubles.dead)
        if pulse.paused and not self.gateways_down and "payments" not in self.troubles.dead:
            left.append(f"{pulse.paused} webhooks are read again")
        if pulse.overdue and "payments" not in self.troubles.dead:
            left.append(f"{pulse.overdue} webhooks wait too long and nobody was shown them")
        asked = [one for one in left if "of payments is not done" in one]
        if asked and asked == left:
            self._note_outside(await self.lines.control("GET", "/next"))
        if asked and len(asked) <= self._in_the_air:  # they are done when the clock has moved
            left = [one for one in left if one not in asked]
        return left

    def _note_outside(self, outside: Any) -> None:
        hours = [instant(at) for at in outside["waiting"]]
        self._in_the_air = len(hours)
        if outside["next"] is not None:
            hours.append(instant(outside["next"]["at"]))
        self._next_outside = min(hours, default=None)

    async def look_at_waiting(self) -> None:
        """Webhooks that wait for a subscription are looked at now, as they would be some time later."""
        await self._look_again("waiting")

    async def _look_again(self, state: str) -> None:
        """The pauses of the letter box count on the database's clock, which no story moves: they are over now."""
        await self.lines.database.execute(
            "update payments.webhooks set due_at = now() where state = $1 and leased_by is null", state
        )
        await self.lines.database.execute("notify payments_inbox")

    def _late(self, left: list[str]) -> str:
        shown = "; ".join(left[:8])
        return f"at {self.now().isoformat()} the stack did not come to rest within {PATIENCE:.0f} s: {shown}"
