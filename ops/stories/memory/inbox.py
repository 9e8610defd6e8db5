"""The letter box of payments in memory: what webhooks wait in until they are told (X-01, X-28)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from services.payments.inbox import Claimed, Settled
from services.payments.news import Arrived
from shared.clock import Clock
from shared.errors import NotFound


@dataclass(slots=True)
class _Letter:
    claimed: Claimed
    due_at: datetime
    reason: str = ""
    waits_for: tuple[str, ...] = ()


class MemoryInbox:
    """``services.payments.inbox.Inbox`` without a database; counts what came twice."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._letters: dict[str, _Letter] = {}
        self._transmissions: set[str] = set()
        self.duplicates = 0

    async def keep(self, arrived: Arrived, body: bytes, received_at: datetime) -> bool:
        """See ``Inbox``."""
        known = arrived.dedupe_key in self._letters or arrived.transmission in self._transmissions
        if known:
            self.duplicates += 1
            return False
        if arrived.transmission is not None:
            self._transmissions.add(arrived.transmission)
        claimed = Claimed(
            dedupe_key=arrived.dedupe_key,
            gateway=arrived.gateway,
            kind=arrived.kind,
            received_at=received_at,
            body=body,
            state="new",
            attempts=0,
            flagged_at=None,
        )
        self._letters[arrived.dedupe_key] = _Letter(claimed=claimed, due_at=received_at)
        return True

    async def claim(self, *, limit: int, lease: timedelta) -> list[Claimed]:
        """See ``Inbox``."""
        now = self._clock.now()
        due = [
            letter
            for letter in self._letters.values()
            if letter.claimed.state in {"new", "waiting"} and letter.due_at <= now
        ]
        due.sort(key=lambda letter: (letter.due_at, letter.claimed.received_at))
        for letter in due[:limit]:
            letter.claimed = replace(letter.claimed, attempts=letter.claimed.attempts + 1)
            letter.due_at = now + lease
        return [letter.claimed for letter in due[:limit]]

    async def settle(self, connection: Any, settled: Sequence[Settled]) -> None:  # noqa: ARG002 - Inbox's shape
        """See ``Inbox``."""
        for one in settled:
            letter = self._letters[one.dedupe_key]
            letter.claimed = replace(
                letter.claimed,
                state=one.state,
                flagged_at=letter.claimed.flagged_at or one.flagged_at,
            )
            letter.due_at = self._clock.now() + one.pause
            letter.reason = one.reason
            letter.waits_for = one.waits_for

    async def wake(self, references: Sequence[str]) -> None:
        """See ``Inbox``."""
        for letter in self._letters.values():
            if letter.claimed.state == "waiting" and set(references) & set(letter.waits_for):
                letter.due_at = self._clock.now()

    async def counts(self) -> dict[str, int]:
        """See ``Inbox``."""
        found: dict[str, int] = {}
        for letter in self._letters.values():
            found[letter.claimed.state] = found.get(letter.claimed.state, 0) + 1
        return found

    async def shown(self, *, state: str | None, limit: int) -> list[dict[str, Any]]:
        """See ``Inbox``."""
        rows: list[dict[str, Any]] = [
            {
                "dedupe_key": letter.claimed.dedupe_key,
                "gateway": letter.claimed.gateway,
                "kind": letter.claimed.kind,
                "received_at": letter.claimed.received_at,
                "state": letter.claimed.state,
                "reason": letter.reason,
                "attempts": letter.claimed.attempts,
                "waits_for": list(letter.waits_for),
                "flagged_at": letter.claimed.flagged_at,
            }
            for letter in self._letters.values()
            if state in {None, letter.claimed.state}
        ]
        return rows[::-1][:limit]

    async def again(self, dedupe_key: str) -> None:
        """See ``Inbox``."""
        letter = self._letters.get(dedupe_key)
        if letter is None:
            raise NotFound(f"we could not translate {dedupe_key} again because no webhook has that key")
        letter.claimed = replace(letter.claimed, state="new", attempts=0)
        letter.due_at = self._clock.now()

    # --- for the engine ---

    def next_due(self) -> datetime | None:
        """When a letter is to be looked at next."""
        hours = [
            letter.due_at for letter in self._letters.values() if letter.claimed.state in {"new", "waiting"}
        ]
        return min(hours, default=None)

    def flagged(self) -> list[str]:
        """Letters that have waited so long that a person must look."""
        return [key for key, letter in self._letters.items() if letter.claimed.flagged_at is not None]
