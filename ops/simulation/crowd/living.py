"""The months of a crowd: everybody is registered, then time goes from one due hour to the next, each lived to its end."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import msgspec

from ops.simulation.crowd.learners import happens, history_of
from ops.simulation.crowd.outside import Bank, Post
from ops.simulation.crowd.place import Place
from ops.simulation.crowd.trouble import Trouble
from ops.simulation.histories import History
from ops.simulation.registry import register_learner, register_school
from ops.simulation.town import SETTLES_WITHIN
from ops.stack.plan import SERVICES
from ops.stack.quiet import Pulse, feel
from shared.database import OvertakenError
from shared.events.words import Gateway

_TWICE: Final = 0.3
"""How many webhooks are delivered twice."""
_SIDE_BY_SIDE: Final = 8
_TRIES: Final = 50
_LOOK: Final = 0.25
_STUCK: Final = 900.0
"""Seconds that one instant may take."""


class Stuck(Exception):
    """An instant did not come to its end."""


class Living:
    """One run. ``events`` is how many facts are expected on the topics."""

    def __init__(
        self,
        place: Place,
        trouble: Trouble | None,
        *,
        learners: int,
        events: int,
        seed: int,
        say: Callable[[str], None],
    ) -> None:
        self._place = place
        self._say = say
        self._trouble = trouble
        self._learners = learners
        self._events = events
        self._random = Random(seed)  # noqa: S311 - a seed is the point
        self._clock = place.clock
        self._banks = {name: Bank(place.books, name) for name in (Gateway.STRIPE, Gateway.PAYPAL)}
        self._heard_before = self._clock.now()
        self.acknowledged: set[str] = set()
        self.told = 0
        """Facts on the topics so far."""

    async def live(self) -> None:
        """Through all seasons.

        Raises:
            Stuck: an instant did not come to its end.
        """
        beside = [asyncio.create_task(self._post()), asyncio.create_task(self._watch())]
        try:
            seasons: dict[datetime, list[int]] = defaultdict(list)
            for number in range(self._learners):
                seasons[history_of(number).starts].append(number)
            for starts, numbers in sorted(seasons.items()):
                await self._season(starts, numbers)
            if self._trouble is not None:
                await self._trouble.rest()
                await self._until_quiet()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        for task in beside:
            if not task.cancelled() and (error := task.exception()):
                raise error

    async def _season(self, starts: datetime, numbers: Sequence[int]) -> None:
        self._clock.move_to(starts)
        self._place.may_crash.clear()
        await self._register(numbers)
        self._place.may_crash.set()
        await self._until_quiet()
        due = sorted(
            (happening.at, number, which)
            for number in numbers
            for which, happening in enumerate(history_of(number).happenings)
        )
        ends = max(history_of(number).ends for number in numbers) + SETTLES_WITHIN
        while True:
            hours = [hour for hour in (self._pulse.next(), due[0][0] if due else None) if hour is not None]
            at = max(min(hours, default=ends), self._clock.now())
            if at >= ends:
                break
            self._clock.move_to(at)
            while due and due[0][0] <= at:
                _, number, which = due.pop(0)
                what = happens(number, which)
                self._banks[what.gateway].happens(what.told)
            await self._until_quiet()

    async def _register(self, numbers: Sequence[int]) -> None:
        for first in {history_of(number).school_id: history_of(number) for number in numbers}.values():
            await self._surely(register_school, first)
        waiting = list(numbers)

        async def some() -> None:
            while waiting:
                await self._surely(register_learner, history_of(waiting.pop()))

        await asyncio.gather(*(some() for _ in range(_SIDE_BY_SIDE)))

    async def _surely(self, register: Any, history: History) -> None:
        """Again when a worker wrote the same row meanwhile, as whoever calls an API would."""
        for _ in range(_TRIES):
            try:
                await register(history, self._place.transactions())
            except OvertakenError:
                await asyncio.sleep(0.2)
            else:
                return
        raise Stuck(f"{history.subscription_id} could not be registered in {_TRIES} tries")

    # --- one instant ---

    async def _until_quiet(self) -> None:
        began = time.monotonic()
        while True:
            left = await self._left()
            if not left:
                self._heard_before = self._clock.now()
                seconds = time.monotonic() - began
                self._say(
                    f"{self._clock.now():%Y-%m-%d %H:%M} lived in {seconds:.1f} s, {self.told:,} events so far"
                )
                return
            if time.monotonic() > began + _STUCK:
                raise Stuck(f"at {self._clock.now()}: {'; '.join(left[:6])}")
            await asyncio.sleep(_LOOK)

    async def _left(self) -> list[str]:
        taken, posts = len(self.acknowledged), len(self._place.books.files("posts"))
        pulse = await self._place.patiently(self._feel)
        self._pulse = pulse
        left = pulse.what()
        if pulse.paused:
            left.append(f"{pulse.paused} webhooks are translated again in a moment")
        if posts or self._place.books.files("posts") or len(self.acknowledged) != taken:
            left.append(f"{posts} webhooks are on their way")
        return left

    async def _feel(self, connection: Any) -> Pulse:
        return await feel(connection, self._clock.now(), self._heard_before)

    # --- beside it ---

    async def _watch(self) -> None:
        """How far the crowd has come; trouble comes with it."""
        while True:
            self.told = await self._place.patiently(self._count)
            if self._trouble is not None:
                self._trouble.deal(self.told / self._events)
            self._place.reap()
            await asyncio.sleep(_LOOK)

    async def _count(self, connection: Any) -> int:
        counts = " + ".join(
            f"(select count(*) from {name}.journal where told_at is not null)" for name in SERVICES
        )
        return int(await connection.fetchval(f"select {counts}"))

    async def _post(self) -> None:
        """Webhooks in any order, many of them twice, each until it is accepted."""
        async with httpx.AsyncClient(base_url=self._place.plan.url("payments"), timeout=20) as client:
            while True:
                posts = self._place.books.files("posts")
                self._random.shuffle(posts)
                for start in range(0, len(posts), _SIDE_BY_SIDE):
                    chunk = posts[start : start + _SIDE_BY_SIDE]
                    await asyncio.gather(*(self._deliver(client, post) for post in chunk))
                await asyncio.sleep(0.05)

    async def _deliver(self, client: httpx.AsyncClient, file: Path) -> None:
        books = self._place.books
        post = msgspec.json.decode(books.content(file), type=Post)
        body = msgspec.json.encode(post.body)
        for _ in range(2 if self._random.random() < _TWICE else 1):
            while not await self._accepted(client, post.gateway, body):
                await asyncio.sleep(0.5)
        self.acknowledged.add(f"{post.gateway}:{post.body.id}")
        books.move(file, "posted")

    async def _accepted(self, client: httpx.AsyncClient, gateway: str, body: bytes) -> bool:
        try:
            answer = await client.post(f"/webhooks/{gateway}", content=body)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200
