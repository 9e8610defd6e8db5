"""A parked message as people see it, what they did about it, and what a shelf must offer for that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from shared.errors import Unreadable
from shared.events.wire import from_bytes
from shared.shelf import Parked


class What(StrEnum):
    """What somebody did."""

    FIXED = "fixed"
    RETRIED = "retried"
    FAILED = "failed"
    """Retried, and it failed again."""
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that somebody did about a parked message."""

    act_id: str
    what: What
    who: str
    at: datetime
    because: str
    value: bytes | None = None
    """The body that was put in the place of the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A parked message. Its original body stays whatever is done about it."""

    id: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    original: bytes | None
    fixed: bytes | None = None
    reason: str
    remembered: bool | None = None
    """See ``Parked``; ``None`` for what was parked before that was written down."""
    parked_at: datetime
    settled_at: datetime | None = None
    how: str | None = None
    acts: int = 0
    """How often somebody acted on it."""

    @classmethod
    def of(cls, parked: Parked, at: datetime) -> SetAside:
        """As it is parked at ``at``."""
        message = parked.message
        return cls(
            id=parked.id,
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            key=message.key,
            original=message.value,
            reason=parked.reason,
            remembered=parked.remembered,
            parked_at=at,
        )

    @property
    def value(self) -> bytes | None:
        """The body that counts: the fixed one, else the original."""
        return self.original if self.fixed is None else self.fixed

    @property
    def noted_id(self) -> str | None:
        """The id that was noted as heard when it was parked, without any effect; ``None`` when none was."""
        try:
            envelope = from_bytes(self.original)
        except Unreadable:
            return None
        noted = self.remembered
        if noted is None:
            noted = "no fact is called" not in self.reason
        return envelope.id if noted else None

    @property
    def type(self) -> str:
        """The fact's name as far as it can be read."""
        return str(self._raw().get("type") or "")

    @property
    def school_id(self) -> str | None:
        """Whose it is, as far as it can be read."""
        fact = self._raw().get("fact")
        found = fact.get("school_id") if isinstance(fact, dict) else None
        return found if isinstance(found, str) else None

    def _raw(self) -> dict[str, Any]:
        try:
            read = msgspec.json.decode(self.value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return {}
        return read if isinstance(read, dict) else {}


class Aside(Protocol):
    """The parked messages of one service, in one transaction."""

    async def page(self, *, settled: bool, after: str, limit: int) -> list[SetAside]:
        """Open (or settled) messages in the order of their parking, behind the id ``after``."""
        ...

    async def one(self, parked_id: str) -> SetAside | None:
        """One message, kept from others until the transaction ends where it may write."""
        ...

    async def acts(self, parked_id: str) -> list[Act]:
        """What was done about it, in order."""
        ...

    async def fix(self, parked_id: str, value: bytes) -> None:
        """Another body in place of the one that could not be read."""
        ...

    async def settle(self, parked_id: str, how: str, now: datetime) -> None:
        """It waits for nobody any more."""
        ...

    async def note(self, parked_id: str, act: Act) -> None:
        """Keep what somebody did."""
        ...


class Desk(Protocol):
    """What acts on parked messages need of a shelf, beside ``Shelf``."""

    def aside(self) -> Aside:
        """What was parked, in this transaction."""
        ...
