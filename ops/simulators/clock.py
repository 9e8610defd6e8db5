"""What time it is at the gateways: the school's clock, and the instant a due payment belongs to."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from shared.clock import Clock, FileClock

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


class SimClock:
    """Two readings of one clock.

    ``reading`` is what the services' own clock shows now: signatures are dated with it, because the
    services verify them with that clock. ``now`` is the gateway's time: the due instant while a due item
    runs (a renewal of 07:00 is dated 07:00 even if it is run at noon), otherwise the later of ``reading``
    and the instant the story driver has advanced to.
    """

    def __init__(self, clock: Clock, *, owner: bool = False, floor: datetime | None = None) -> None:
        self._clock = clock
        self._owned = clock if owner and isinstance(clock, FileClock) else None
        self._pinned: datetime | None = None
        self.floor = floor

    def reading(self) -> datetime:
        """What the services' clock shows (aware, UTC)."""
        return self._clock.now()

    def now(self) -> datetime:
        """The gateway's instant (aware, UTC)."""
        if self._pinned is not None:
            return self._pinned
        reading = self.reading()
        return max(reading, self.floor) if self.floor else reading

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Date everything inside the block ``moment``; only for code that never awaits."""
        before, self._pinned = self._pinned, moment
        try:
            yield
        finally:
            self._pinned = before

    def step_to(self, at: datetime) -> None:
        """Advance to ``at``: the floor rises and, if the clock file is ours, every process sees it."""
        self.floor = max(self.floor, at) if self.floor else at
        if self._owned is not None and at > self._owned.now():
            self._owned.move_to(at)


def unix(at: datetime) -> int:
    """Stripe's timestamps: whole seconds since 1970."""
    return int(at.timestamp())


def from_unix(seconds: float) -> datetime:
    """The instant of a Stripe timestamp."""
    return datetime.fromtimestamp(seconds, UTC)


def zulu(at: datetime) -> str:
    """PayPal's timestamps: ``2026-04-15T11:10:00Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def exact(at: datetime) -> str:
    """An instant with its microseconds, as it is kept and shown under ``/_sim``."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def instant(text: str) -> datetime:
    """Read an ISO instant; without an offset it is UTC. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def duration(value: float | str) -> timedelta:
    """Read ``"PT1H"``, ``"P5D"`` or a number of seconds. Raises ValueError."""
    if not isinstance(value, str):
        return timedelta(seconds=value)
    match = _DURATION.fullmatch(value)
    if match is None or value in {"P", "PT"}:
        raise ValueError(f"{value!r} is not an ISO 8601 duration such as PT1H or P5D")
    return timedelta(**{unit: int(count) for unit, count in match.groupdict().items() if count})


def interval_after(anchor: datetime, interval: str, count: int) -> datetime:
    """``count`` intervals (day, week, month, year) after ``anchor``; the 31st becomes the month's last day."""
    if interval == "day":
        return anchor + timedelta(days=count)
    if interval == "week":
        return anchor + timedelta(weeks=count)
    months = anchor.year * 12 + anchor.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last))
