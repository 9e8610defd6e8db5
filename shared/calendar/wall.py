"""What the clock on the wall says: rules speak in local time, the system acts on instants.

A rule keeps its wall clock through summer and winter (seed F15 at 09:00 Paris, J28 at 19:00-26:00 Japan); the
UTC instant is computed late, from the date, the wall time and the zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.errors import Unreadable

Gap = Literal["shift_forward", "shift_back"]
"""What a wall time that the spring change skips becomes: 02:30 is 03:30, or 01:30."""
Overlap = Literal["first", "last"]
"""Which of the two instants an autumn wall time means."""

_HH_MM: Final = re.compile(r"([0-9]{1,2}):([0-5][0-9])")
_LAST_HOUR: Final = 47


@dataclass(frozen=True, slots=True, order=True)
class WallTime:
    """Hours and minutes of a service day: 09:00, 24:00, or 26:00 which is 02:00 of the next morning (J28)."""

    hour: int
    minute: int = 0

    @classmethod
    def parse(cls, text: str) -> WallTime:
        """Read "HH:MM", up to 47:59.

        Raises:
            Unreadable: the text has another form.
        """
        found = _HH_MM.fullmatch(text)
        if found is None or int(found[1]) > _LAST_HOUR:
            raise Unreadable(f'{text!r} is no time of day: "HH:MM" is expected, 00:00 to 47:59, in quotes')
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.hour:02d}:{self.minute:02d}"


@cache
def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name.

    Raises:
        Unreadable: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Unreadable(f"there is no time zone {name!r}: use an IANA name such as Europe/Paris") from error


def instant(
    day: date, wall: WallTime, zone_name: str, *, gap: Gap = "shift_forward", overlap: Overlap = "first"
) -> datetime:
    """The UTC instant at which the wall of that zone shows ``wall`` on ``day``.

    In a spring gap the time moves by the length of the gap; in an autumn overlap one of the two is taken
    (FR-18). Hours from 24 on belong to the following morning.
    """
    extra, hour = divmod(wall.hour, 24)
    if extra:
        day += timedelta(days=extra)
    tz = zone(zone_name)
    local = datetime(day.year, day.month, day.day, hour, wall.minute, tzinfo=tz)
    at = local.astimezone(UTC)
    if gap == "shift_forward" and overlap == "first":  # both are what Python's fold=0 means
        return at
    later = local.replace(fold=1)
    if local.utcoffset() == later.utcoffset():
        return at
    is_gap = at.astimezone(tz).replace(tzinfo=None) != local.replace(tzinfo=None)
    takes_fold = gap == "shift_back" if is_gap else overlap == "last"
    return later.astimezone(UTC) if takes_fold else at


# A case asks for the day of the same few instants again and again.
@lru_cache(maxsize=4096)
def local_date(at: datetime, zone_name: str) -> date:
    """The calendar date that the wall of that zone shows at ``at`` (aware)."""
    return at.astimezone(zone(zone_name)).date()


def start_of_day(day: date, zone_name: str) -> datetime:
    """00:00 of ``day`` in that zone, as UTC; where the change skips midnight, the day's first instant."""
    return datetime(day.year, day.month, day.day, tzinfo=zone(zone_name)).astimezone(UTC)


def end_of_day(day: date, zone_name: str) -> datetime:
    """24:00 of ``day``: the first instant that is no longer that day (CPC art. 642, R-F5)."""
    return start_of_day(day + timedelta(days=1), zone_name)


def service_day(at: datetime, zone_name: str, rollover: WallTime) -> date:
    """The day that a gateway's charge belongs to: before ``rollover`` it is still yesterday (R-J2).

    With noon, 01:30 JST on the 21st is dated the 20th. Never use it for what a person does: learners and
    staff live on the plain calendar date (``local_date``).
    """
    local = at.astimezone(zone(zone_name))
    before = (local.hour, local.minute) < (rollover.hour, rollover.minute)
    return local.date() - timedelta(days=1) if before else local.date()


def long_clock(at: datetime, zone_name: str, day: date) -> WallTime:
    """What a clock that started at 00:00 of ``day`` shows: 01:30 on the 21st is 25:30 of the 20th (J28).

    Raises:
        Unreadable: ``at`` is before ``day`` or more than two days after it.
    """
    local = at.astimezone(zone(zone_name))
    hour = (local.date() - day).days * 24 + local.hour
    if not 0 <= hour <= _LAST_HOUR:
        raise Unreadable(f"{local:%Y-%m-%d %H:%M} has no hour on the long clock of {day}: name another day")
    return WallTime(hour, local.minute)


def service_clock(at: datetime, zone_name: str, rollover: WallTime) -> tuple[date, WallTime]:
    """The service day of an instant and what the long clock shows: the 21st at 01:30 is the 20th at 25:30."""
    day = service_day(at, zone_name, rollover)
    return day, long_clock(at, zone_name, day)
