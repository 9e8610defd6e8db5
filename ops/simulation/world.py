"""What goes wrong, when, and to whom: decided by one number, noted as it happens."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ops.simulation.loop import PROCESS, TURN, Loop, Process


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How bad the days are; each number is a chance per point at which something can go wrong."""

    kill: float = 0.0
    pause: float = 0.0
    slow: float = 0.0
    wrong_clock: float = 0.0
    database_away: float = 0.0
    broker_away: float = 0.0
    connection_lost: float = 0.0
    acknowledgement_lost: float = 0.0
    answer_lost: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    workers: int = 1
    """Of each service, at most."""


FINE = Weather()
STORMY = Weather(
    kill=0.006,
    pause=0.0008,
    slow=0.06,
    wrong_clock=0.001,
    database_away=0.0004,
    broker_away=0.0004,
    connection_lost=0.01,
    acknowledgement_lost=0.02,
    answer_lost=0.25,
    duplicate=0.3,
    late=0.1,
    workers=2,
)

_NAMES: dict[tuple[str, str], tuple[str, bytes]] = {}

SKEW = 40.0
"""Seconds by which a clock may be wrong: two of them stay within the shortest lease (docs/reference/simulation.md)."""
LONGEST_PAUSE = 300.0
SHORT_PAUSE = 60.0


class Violation(Exception):
    """Something happened that must never happen."""


@dataclass(slots=True)
class Tally:
    """What a run went through."""

    kills: int = 0
    pauses: int = 0
    outages: int = 0
    lost: int = 0
    duplicates: int = 0
    jumps: int = 0
    points: Counter[str] = field(default_factory=Counter)
    died_at: Counter[str] = field(default_factory=Counter)


class World:
    """One simulated town: its time, its chances, its processes."""

    def __init__(self, seed: int, start: datetime, weather: Weather) -> None:
        self.random = Random(seed)  # noqa: S311 - a seed is the point
        self.start = start
        self.weather = weather
        self.loop = Loop(self.random)
        self.tally = Tally()
        self.processes: list[Process] = []
        self.violations: list[str] = []
        self.trace = 0
        self.diary: list[str] | None = None
        """A line per point when somebody wants to read along."""
        self.on_death: list[Callable[[Process], None]] = []
        self.on_outage: dict[str, Callable[[float], None]] = {}

    # --- time ---

    def now(self) -> datetime:
        """The true instant (aware UTC)."""
        return self.start + timedelta(seconds=self.loop._time)  # noqa: SLF001 - our own loop, a million times

    def seconds_until(self, at: datetime) -> float:
        """Virtual seconds from now to ``at``."""
        return (at - self.start).total_seconds() - self.loop.time()

    def chance(self, share: float) -> bool:
        """Whether it happens this time."""
        return share > 0 and self.random.random() < share

    # --- points ---

    async def before(self, what: str) -> None:
        """About to have an effect: whoever does it may die here, and then it does not happen."""
        await self._point(what + " <")

    async def after(self, what: str) -> None:
        """It happened; whoever did it may die before he knows."""
        await self._point(what + " >")

    async def _point(self, what: str) -> None:
        process = PROCESS.get()
        if process is None:
            await TURN
            return
        known = _NAMES.get((process.role, what))
        if known is None:
            name = f"{process.role} {what}"
            known = _NAMES[process.role, what] = (name, name.encode())
        name, spelled = known
        points = self.tally.points
        points[name] = points.get(name, 0) + 1
        self.trace = zlib.crc32(spelled, self.trace ^ (int(self.loop._time * 1e6) & 0xFFFFFFFF))  # noqa: SLF001 - as for now
        if self.diary is not None:
            self.diary.append(f"{self.now():%m-%d %H:%M:%S.%f} {process.name} {what}")
        weather = self.weather
        if weather.kill:
            self._misfortune(process, name, weather)
        await TURN
        if weather.slow and self.random.random() < weather.slow:
            await self.sleep(self.random.random() ** 4 * 8)

    def _misfortune(self, process: Process, name: str, weather: Weather) -> None:
        dice = self.random.random()
        if dice < weather.kill:
            self.tally.died_at[name] += 1
            self.kill(process)
            return
        dice -= weather.kill
        if dice < weather.pause:
            self.pause(process)
            return
        dice -= weather.pause
        if dice < weather.wrong_clock:
            self.tally.jumps += 1
            process.skew = self.random.uniform(-SKEW, SKEW)
            return
        dice -= weather.wrong_clock
        for what, share in (("database", weather.database_away), ("broker", weather.broker_away)):
            if dice < share:
                self.tally.outages += 1
                self.on_outage[what](self.random.random() ** 2 * 120)
                return
            dice -= share

    async def sleep(self, seconds: float) -> None:
        """Wait, as whoever calls."""
        future = self.loop.create_future()
        self.loop.call_later(seconds, _wake, future)
        await future

    # --- processes ---

    def kill(self, process: Process) -> None:
        """``kill -9``: nothing of it is ever run again."""
        if process.dead:
            return
        self.tally.kills += 1
        process.dead = True
        process.held.clear()
        if self.diary is not None:
            self.diary.append(f"{self.now():%m-%d %H:%M:%S.%f} {process.name} KILLED")
        for told in self.on_death:
            told(process)

    def pause(self, process: Process) -> None:
        """SIGSTOP, and SIGCONT a while later."""
        self.tally.pauses += 1
        longest = SHORT_PAUSE if process.service == "notifications" else LONGEST_PAUSE
        process.paused = True
        self.loop.in_world(self.random.random() * longest, self.loop.resume, process)

    def set_wrongly(self, process: Process) -> None:
        """In bad weather every other machine's clock is wrong from the start."""
        if self.weather.wrong_clock and self.random.random() < 0.5:
            process.skew = self.random.uniform(-SKEW, SKEW)

    def spawn(self, process: Process | None, coro: Coroutine[Any, Any, Any]) -> None:
        """Start a task of a process."""
        self.loop.spawn(process, coro)

    def violated(self, what: str) -> None:
        """Note what must never happen."""
        if what not in self.violations:
            self.violations.append(what)


def _wake(future: Any) -> None:
    if not future.done():
        future.set_result(None)


class HostClock:
    """A process's own clock: right, or wrong by its skew."""

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process

    def now(self) -> datetime:
        """See ``shared.clock.Clock``."""
        world = self._world
        return world.start + timedelta(seconds=world.loop.time() + self._process.skew)
