"""The hand that turns the days: runs what is due, in order, and posts the letters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

from ops.simulators.agenda import DELIVERY, Due
from ops.simulators.clock import exact
from ops.simulators.store import Json
from ops.simulators.webhooks.sender import Sender
from ops.simulators.world import World

_LOG = logging.getLogger(__name__)
Doer = Callable[[World, Due], None]


class Engine:
    """Runs the agenda. Billing is done only when asked to (or on every tick, when ``tick`` is given);
    webhooks caused by API calls leave by themselves, as they do at the real gateways.
    """

    def __init__(
        self, world: World, doers: Mapping[str, Doer], sender: Sender, *, tick: float | None = None
    ) -> None:
        self._world = world
        self._doers = doers
        self._sender = sender
        self._tick = tick
        self._one_at_a_time = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        kept = world.store.get("meta", "side_by_side")
        self.side_by_side = int(kept["value"]) if kept else 1

    def set_side_by_side(self, count: int | None) -> None:
        """How many letters may be on their way at once (1 keeps them in order); None changes nothing."""
        if count is not None:
            self.side_by_side = count
            self._world.store.put("meta", "side_by_side", {"value": count})

    async def advance(self, to: datetime) -> list[Json]:
        """Do everything due up to ``to``, then stand at ``to``; answers what was done."""
        async with self._one_at_a_time:
            done = await self._run(to, deliveries_only=False, stepping=True)
            self._world.clock.step_to(to)
            self._world.keep()
            return done

    async def run(self) -> list[Json]:
        """Do everything that is due now."""
        async with self._one_at_a_time:
            return await self._run(self._world.clock.now(), deliveries_only=False, stepping=False)

    async def deliver(self) -> None:
        """Post every letter that is due now, and nothing else."""
        async with self._one_at_a_time:
            await self._run(self._world.clock.now(), deliveries_only=True, stepping=False)

    def wake(self) -> None:
        """Something may have been said: let the postman look."""
        self._wake.set()

    async def start(self) -> None:
        """Begin to deliver in the background."""
        self._task = asyncio.create_task(self._pump())
        self.wake()

    async def stop(self) -> None:
        """Stop delivering and let go of everything."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._sender.close()
        self._world.store.close()

    async def _pump(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._tick)
            self._wake.clear()
            ticking = self._tick is not None
            try:
                while self._world.wanted:
                    await self.advance(self._world.wanted.pop(0))
                async with self._one_at_a_time:
                    await self._run(self._world.clock.now(), deliveries_only=not ticking, stepping=False)
            except Exception:  # noqa: BLE001 - one bad item must not silence the postman for the rest of the story
                _LOG.exception("something due could not be done")

    async def _run(self, until: datetime, *, deliveries_only: bool, stepping: bool) -> list[Json]:
        world = self._world
        done: list[Json] = []
        while (due := world.agenda.next(deliveries_only=deliveries_only)) and due.at <= until:
            if stepping:
                world.clock.step_to(due.at)
            if due.kind == DELIVERY:
                letters = self._take_letters(due, until, deliveries_only=deliveries_only)
                await asyncio.gather(*(self._sender.deliver(letter.ref) for letter in letters))
                done += [_told(letter) for letter in letters]
            else:
                world.agenda.remove(due.id)
                with world.clock.at(due.at):
                    world.journal.note("due", due=due.kind, ref=due.ref)
                    self._doers[due.kind](world, due)
                done.append(_told(due))
            world.keep()
        return done

    def _take_letters(self, first: Due, until: datetime, *, deliveries_only: bool) -> list[Due]:
        """As many deliveries as go side by side, without overtaking anything else that is due."""
        agenda = self._world.agenda
        letters = [first]
        agenda.remove(first.id)
        while len(letters) < self.side_by_side:
            due = agenda.next(deliveries_only=deliveries_only)
            if due is None or due.kind != DELIVERY or due.at > until:
                break
            agenda.remove(due.id)
            letters.append(due)
        return letters


def _told(due: Due) -> Json:
    return {"at": exact(due.at), "kind": due.kind, "ref": due.ref, **due.facts}
