"""The memory twin of parked messages: what an act changes is staged with the rest of its transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from shared.parking.rows import Act, SetAside


class MemoryAside:
    """See ``Aside``."""

    def __init__(
        self,
        messages: dict[str, SetAside],
        acts: dict[str, list[Act]],
        changes: list[Callable[[], None]],
    ) -> None:
        self._messages, self._acts, self._changes = messages, acts, changes
        self._mine: dict[str, SetAside] = {}
        self._noted: dict[str, list[Act]] = {}

    async def page(self, *, settled: bool, after: str, limit: int) -> list[SetAside]:
        """See ``Aside``."""
        found = sorted(self._messages.values(), key=lambda one: (one.parked_at, one.id))
        start = next((n + 1 for n, one in enumerate(found) if one.id == after), 0)
        return [self._seen(one) for one in found[start:] if (one.settled_at is not None) is settled][:limit]

    async def one(self, parked_id: str) -> SetAside | None:
        """See ``Aside``."""
        found = self._mine.get(parked_id) or self._messages.get(parked_id)
        return self._seen(found) if found is not None else None

    async def acts(self, parked_id: str) -> list[Act]:
        """See ``Aside``."""
        return [*self._acts.get(parked_id, ()), *self._noted.get(parked_id, ())]

    async def fix(self, parked_id: str, value: bytes) -> None:
        """See ``Aside``."""
        self._keep(replace(self._mine.get(parked_id, self._messages[parked_id]), fixed=value))

    async def settle(self, parked_id: str, how: str, now: datetime) -> None:
        """See ``Aside``."""
        self._keep(
            replace(self._mine.get(parked_id, self._messages[parked_id]), settled_at=now, how=how[:2000])
        )

    async def note(self, parked_id: str, act: Act) -> None:
        """See ``Aside``."""
        self._noted.setdefault(parked_id, []).append(act)
        self._changes.append(lambda: self._acts.setdefault(parked_id, []).append(act))

    def _keep(self, message: SetAside) -> None:
        self._mine[message.id] = message
        self._changes.append(lambda: self._messages.update({message.id: message}))

    def _seen(self, message: SetAside) -> SetAside:
        noted = len(self._acts.get(message.id, ())) + len(self._noted.get(message.id, ()))
        return replace(message, acts=noted)
