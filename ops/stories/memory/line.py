"""The line of services that a story's bad days happen to: dead processes, wrong clocks, two workers at once."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ops.stories.engine import CrashPoint, Trouble
from shared.clock import HandClock
from shared.errands import run_errand
from shared.events import Envelope
from shared.events.wire import to_bytes
from shared.hearing import hear
from shared.memory import Line, MemoryStore, Told
from shared.service import Service
from shared.shelf import Errand, Message

_LEASE = timedelta(minutes=5)


class Died(BaseException):
    """A process ended here; no handler of errors may catch it."""


@dataclass(slots=True)
class _Health:
    """How one service is."""

    dead: bool = False
    dies_at: CrashPoint | None = None
    skew: timedelta = timedelta(0)
    twice: bool = False
    missed: list[Envelope] = field(default_factory=list)
    """Messages that came while it was dead: the broker keeps them."""
    claimed: list[Errand] = field(default_factory=list)
    """Errands it held when it died: free again when it lives."""


class StoryLine(Line):
    """A ``Line`` whose services can die, be early or be two; parked messages and given-up errands are noted."""

    def __init__(
        self, services: Sequence[Service], clock: HandClock, hands: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(services, clock, hands)
        self.health = {service.name: _Health() for service in services}
        self.troubles: list[Trouble] = []
        self.messages: list[Message] = []
        self._parked_seen: dict[str, int] = {}

    # --- the bad days ---

    def crash(self, name: str, point: CrashPoint) -> None:
        """The service dies at ``point``."""
        health = self.health[name]
        if point is CrashPoint.NOW:
            health.dead = True
        else:
            health.dies_at = point

    async def restart(self, name: str) -> None:
        """The service lives again: what the broker kept comes, and its leases are over."""
        health = self.health[name]
        health.dead, health.dies_at = False, None
        for errand in health.claimed:
            held = self.stores[name].errands[errand.id]
            held.leased_until = None
        health.claimed.clear()
        missed, health.missed = health.missed, []
        for envelope in missed:
            await self.deliver(envelope, to=[name])

    # --- Line's own steps, with the bad days in them ---

    async def deliver(self, envelope: Envelope, *, to: Iterable[str] | None = None) -> None:
        """Hand one message to its hearers; a dead one gets it when it lives."""
        hearers = self._hearers.get(type(envelope.fact), [])
        for name in hearers if to is None else [name for name in hearers if name in to]:
            health = self.health[name]
            if health.dead:
                health.missed.append(envelope)
                continue
            try:
                await self._hear(name, envelope)
            except Died:
                health.dead = True
                health.missed.append(envelope)
            if health.twice and not health.dead:
                await self._hear(name, envelope)

    async def _hear(self, name: str, envelope: Envelope) -> None:
        self._offset += 1
        message = Message(
            topic=envelope.topic,
            partition=0,
            offset=self._offset,
            key=envelope.key.encode(),
            value=to_bytes(envelope),
        )
        service, store, health = self.services[name], self.stores[name], self.health[name]
        if health.dies_at is CrashPoint.BEFORE_COMMIT:
            health.dies_at = None
            raise Died
        heard = await hear(service, store, self.clock, [message])
        for parked in heard.parked:
            self.troubles.append(Trouble(at=self.clock.now(), service=name, what=parked.reason))
        if health.dies_at is CrashPoint.AFTER_COMMIT:
            health.dies_at = None
            raise Died

    def next_due(self) -> datetime | None:
        """The hour of the next thing that will happen by itself, as the services' own clocks have it."""
        hours = []
        for name, store in self.stores.items():
            health = self.health[name]
            if health.dead or (hour := store.next_due()) is None:
                continue
            hours.append(hour - health.skew)
        return min(hours, default=None)

    async def _step(self) -> bool:
        now = self.clock.now()
        for name, store in self.stores.items():
            health = self.health[name]
            if health.dead:
                continue
            if health.skew:
                _put_back(store, now, health.skew)
            planned = store.due(now + health.skew)
            if planned is not None:
                self.history.append(Told(at=now, service=name, envelope=planned.envelope))
                await self.deliver(planned.envelope)
                return True
        worked = False
        for name, store in self.stores.items():
            if not self.health[name].dead:
                worked = await self._errands(name, store, now) or worked
        return worked

    async def _errands(self, name: str, store: MemoryStore, now: datetime) -> bool:
        claimed = await store.claim_errands(now, limit=100, lease=_LEASE)
        service, health, hands = self.services[name], self.health[name], self.hands.get(name)
        for errand in claimed:
            if health.dead or health.dies_at is CrashPoint.BEFORE_CHARGE:
                health.dead, health.dies_at = True, None
                health.claimed.append(errand)
                continue
            tries = 2 if health.twice else 1
            try:
                await asyncio.gather(
                    *(run_errand(service, store, hands, self.clock, errand) for _ in range(tries))
                )
            except Died:
                health.dead, health.dies_at = True, None
                health.claimed.append(errand)
                continue
            outcome = store.errands[errand.id].outcome
            if outcome is not None and outcome.startswith("gave up"):
                self.troubles.append(
                    Trouble(at=now, service=name, what=f"errand {errand.kind} {errand.id} {outcome}")
                )
        return bool(claimed)


def _put_back(store: MemoryStore, now: datetime, skew: timedelta) -> None:
    """A plan that was told too early and put back takes its way through the broker before it is told again."""
    agenda = store._agenda  # noqa: SLF001 - the line is the store's own machinery
    while agenda and agenda[0][0] <= now + skew:
        _, index = agenda[0]
        envelope = store.journal[index].envelope
        earliest = envelope.recorded_at + timedelta(seconds=min(2**envelope.again, 60) / 10)
        if not envelope.again or earliest <= now:
            return
        heapq.heapreplace(agenda, (earliest + skew, index))
