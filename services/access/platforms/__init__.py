"""Learning platforms that want to be told of levels instead of asking for them; one file per kind."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.access.domain import Notice


class Platform(Protocol):
    """Takes notices of levels. At least once: the same ``notice.id`` is one notice."""

    async def tell(self, url: str, notice: Notice, now: datetime) -> None:
        """Hand over ``notice``; returns when the platform confirmed it.

        Raises:
            Transient: it does not answer now, tell it again later.
            PlatformWouldNotError: it answered that it never will.
        """
        ...


class PlatformWouldNotError(Exception):
    """The platform refused a notice for good: its address or its rules must be looked at by a person."""
