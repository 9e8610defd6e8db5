"""What time it is for Relance: the wall clock, or a virtual one that a story moves.

The virtual clock is a file of eight bytes (little-endian signed microseconds since 1970 UTC) that every
process maps, so that a whole stack lives through a month in seconds and agrees on each instant.
"""

from __future__ import annotations

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = struct.Struct("<q")


class Clock(Protocol):
    """Tells the current instant as an aware UTC datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class HandClock:
    """A clock that stands still until it is moved; for tests and for the memory engine."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def move_to(self, at: datetime) -> None:
        """Set the clock to ``at`` (aware); it may also be set back, as a wrong clock would be."""
        self._at = at.astimezone(UTC)


class FileClock:
    """A virtual clock shared by processes through a mapped file; created at ``start`` when absent."""

    def __init__(self, path: Path, *, start: datetime | None = None) -> None:
        if not path.exists():
            if start is None:
                raise FileNotFoundError(f"there is no clock file at {path}: create it with a start instant")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_MICROSECONDS.pack(_to_microseconds(start)))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _MICROSECONDS.size)

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=_MICROSECONDS.unpack_from(self._map)[0])

    def move_to(self, at: datetime) -> None:
        """Move every process that maps this file to ``at`` (aware)."""
        _MICROSECONDS.pack_into(self._map, 0, _to_microseconds(at))


def _to_microseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def clock_for(path: Path | None) -> Clock:
    """The virtual clock at ``path``, or the wall clock when there is none."""
    return SystemClock() if path is None else FileClock(path)
