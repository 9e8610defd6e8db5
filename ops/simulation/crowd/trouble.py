"""Who dies when: by how far the crowd has come, so that every fifth of the way has its share of every trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from ops.simulation.crowd.place import SESSION, Place
from ops.stack.plan import SERVICES

FIFTHS: Final = 5
KILLS: Final = 3
"""Of each service in each fifth, at least."""
_PAUSE: Final = SESSION * 2.0
"""Seconds: long past the session's timeout, far from the end of a lease."""


@dataclass(frozen=True, slots=True)
class Blow:
    """Something bad, when the crowd has come so far (0 to 1)."""

    at: float
    what: str
    does: Callable[[], Awaitable[None]]


class Trouble:
    """All blows of a run, dealt as the crowd goes on."""

    def __init__(self, place: Place, seed: int) -> None:
        self._place = place
        self._random = Random(seed)  # noqa: S311 - a seed is the point
        self._blows = sorted(self._all(), key=lambda blow: -blow.at)
        self._dealing: set[asyncio.Task[None]] = set()

    def deal(self, progress: float) -> None:
        """Everything whose moment has come; what takes a while goes on by itself."""
        while self._blows and self._blows[-1].at <= progress:
            task = asyncio.create_task(self._deal(self._blows.pop()))
            self._dealing.add(task)
            task.add_done_callback(self._dealing.discard)

    async def rest(self) -> None:
        """Wait until everything that was dealt is over."""
        while self._dealing:
            await asyncio.gather(*self._dealing)

    @property
    def left(self) -> int:
        """Blows that were not dealt."""
        return len(self._blows)

    async def _deal(self, blow: Blow) -> None:
        try:
            await blow.does()
        except Exception as error:  # noqa: BLE001 - trouble that cannot be made is a finding, not an end
            self._place.violations.append(f"{blow.what} could not be done: {error!r}")

    def _all(self) -> Iterator[Blow]:
        random = self._random
        for fifth in range(FIFTHS):
            for service in SERVICES:
                for number in range(KILLS):
                    # Near the end of the last fifth there may be nothing left to come.
                    within = (number + random.random()) / KILLS * 0.95
                    yield Blow((fifth + within) / FIFTHS, f"kill of {service}", self._kill(service))
            yield self._at(fifth, "pause", self._pause(random.choice(SERVICES)))
            yield self._at(fifth, "drain", self._drain(random.choice(SERVICES)))
            yield self._at(fifth, "kill of the API", self._kill("payments", "api"))
            yield self._at(fifth, "crash of PostgreSQL", self._place.crash_database)
        yield Blow(0.3, "broker crash", lambda: self._place.restart_broker(crash=True))
        yield Blow(0.7, "broker restart", lambda: self._place.restart_broker(crash=False))
        yield Blow(0.5, "third worker", self._grow("dunning"))

    def _at(self, fifth: int, what: str, does: Callable[[], Awaitable[None]]) -> Blow:
        return Blow((fifth + self._random.random() * 0.95) / FIFTHS, what, does)

    def _kill(self, service: str, kind: str = "worker") -> Callable[[], Awaitable[None]]:
        async def kill() -> None:
            self._place.kill(self._random.choice(self._place.of(service, kind)))

        return kill

    def _pause(self, service: str) -> Callable[[], Awaitable[None]]:
        async def pause() -> None:
            await self._place.pause(self._random.choice(self._place.of(service)), _PAUSE)

        return pause

    def _drain(self, service: str) -> Callable[[], Awaitable[None]]:
        async def drain() -> None:
            await self._place.drain(self._random.choice(self._place.of(service)))

        return drain

    def _grow(self, service: str) -> Callable[[], Awaitable[None]]:
        """One more worker for a while: partitions are dealt anew when it comes and when it goes."""

        async def grow() -> None:
            place = self._place
            one = place.start(place.of(service)[0].part, 99)
            place.counts["further workers"] += 1
            await asyncio.sleep(SESSION * 2)
            if one in place.running:
                await place.drain(one, again=False)

        return grow
