"""Instants and days as people say them: in the school's zone, on a 30-hour clock, with the weekday if they like.

``2026-06-01 09:00`` is local time of the school; ``2026-06-12T22:00:00Z`` and ``2026-06-13 00:00 +02:00`` carry
their own offset, ``2026-08-20 12:00 Europe/Paris`` its zone; ``2026-04-20 25:30`` is 01:30 of the 21st; ``+5s`` is
five seconds after what was written before. A weekday in front (``Mon 2026-06-01``) must be the right one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import timezone as fixed
from typing import Final

from shared.calendar.wall import WallTime, instant, zone
from shared.errors import Unreadable

_MIDNIGHT: Final = WallTime(0)
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = r"(?:(?P<weekday>[A-Za-z]{3,9}),?\s+)?(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
_OFFSET: Final = r"[+-][0-9]{2}:?[0-9]{2}"
_MOMENT: Final = re.compile(
    _DAY
    + r"(?:(?:\s+|T)(?P<hour>[0-9]{1,2}):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9])(?:\.(?P<part>[0-9]{1,6}))?)?)?"
    + rf"\s*(?P<zone>Z|UTC|{_OFFSET}|[A-Za-z]+(?:/[A-Za-z0-9_+\-]+)+)?"
)
_ONLY_DAY: Final = re.compile(_DAY)
_SPAN: Final = re.compile(r"([0-9]+)\s*(d|h|m|min|s)", re.IGNORECASE)
_ISO_SPAN: Final = re.compile(r"P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:\.[0-9]+)?)S)?)?")
_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes", "min": "minutes", "s": "seconds"}

_YEARS: Final = range(1970, 2200)
_TOLD: Final = f"the years {_YEARS[0]} to {_YEARS[-1]} can be told"
_FARTHEST_ZONE: Final = 14
_LONGEST_SPAN: Final = timedelta(days=36_525)

MOMENT_FORM: Final = (
    'an instant is expected: "2026-06-01 09:00" (the school\'s local time, seconds and hours up to 47:59 allowed), '
    '"2026-06-01T07:00:00Z", "2026-06-01 09:00 +02:00", "2026-06-01 09:00 Asia/Tokyo", or "+5s" after what was before'
)
DAY_FORM: Final = 'a day is expected: "2026-06-01" (a weekday may stand before it)'
SPAN_FORM: Final = 'a length of time is expected: "5s", "3m", "48h", "2d", "1h 30m" or ISO 8601 as "PT15M"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An instant that needs to know the school's zone, or what came before it, to be one."""

    text: str
    day: date | None = None
    wall: WallTime = _MIDNIGHT
    rest: timedelta = timedelta(0)
    """Seconds and below."""
    zone: str | None = None
    """An IANA zone or a fixed offset; ``None``: the school's."""
    after: timedelta | None = None
    """So long after what was written before."""

    def at(self, school_zone: str, before: datetime | None = None) -> datetime:
        """The UTC instant. A wall time skipped in spring moves forward; an autumn one that is there twice is the first.

        Raises:
            Unreadable: it is relative and nothing was before it, or it lies beyond the years that can be told.
        """
        if self.after is not None:
            if before is None:
                raise Unreadable(
                    f"{self.text!r} counts from what was before it, and there is nothing: name a date"
                )
            reached = before + self.after
            if reached.year not in _YEARS:
                raise Unreadable(f"{self.text!r} leads too far away: {_TOLD}")
            return reached
        if self.day is None:
            raise Unreadable(MOMENT_FORM)
        if self.zone is None or "/" in self.zone:
            return instant(self.day, self.wall, self.zone or school_zone) + self.rest
        extra, hour = divmod(self.wall.hour, 24)
        local = datetime(
            self.day.year, self.day.month, self.day.day, hour, self.wall.minute, tzinfo=_fixed(self.zone)
        )
        return local.astimezone(UTC) + timedelta(days=extra) + self.rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A calendar day of the school."""

    text: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A length of time."""

    text: str
    length: timedelta


def parse_moment(text: str) -> Moment:
    """Read an instant.

    Raises:
        Unreadable: it has another form, or its weekday is wrong.
    """
    text = text.strip()
    if text.startswith("+"):
        return Moment(text=text, after=parse_span(text[1:]).length)
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise Unreadable(f"{text!r} is none: {MOMENT_FORM}")
    day = _day(found, text)
    wall = WallTime.parse(f"{found['hour']}:{found['minute']}") if found["hour"] else WallTime(0)
    rest = timedelta(
        seconds=int(found["second"] or 0), microseconds=int((found["part"] or "0").ljust(6, "0"))
    )
    named = found["zone"]
    if named and "/" in named:
        zone(named)
    elif named and named not in {"Z", "UTC"} and int(named[1:3]) > _FARTHEST_ZONE:
        raise Unreadable(f"{text!r} has an offset that no zone has: {_FARTHEST_ZONE} hours are the most")
    return Moment(text=text, day=day, wall=wall, rest=rest, zone=named)


def parse_day(text: str) -> Day:
    """Read a calendar day.

    Raises:
        Unreadable: it has another form, or its weekday is wrong.
    """
    found = _ONLY_DAY.fullmatch(text.strip())
    if found is None:
        raise Unreadable(f"{text!r} is none: {DAY_FORM}")
    return Day(text=text, day=_day(found, text))


def parse_span(text: str) -> Span:
    """Read a length of time.

    Raises:
        Unreadable: it has another form.
    """
    stripped = text.strip()
    iso = _ISO_SPAN.fullmatch(stripped)
    if iso is not None and any(iso.groups()):
        days, hours, minutes, seconds = (float(part or 0) for part in iso.groups())
        return _span(text, {"days": days, "hours": hours, "minutes": minutes, "seconds": seconds})
    parts = _SPAN.findall(stripped)
    if not parts or _SPAN.sub("", stripped).strip():
        raise Unreadable(f"{text!r} is none: {SPAN_FORM}")
    return _span(text, *({_UNITS[unit.lower()]: int(count)} for count, unit in parts))


def _span(text: str, *parts: Mapping[str, float]) -> Span:
    try:
        length = sum((timedelta(**part) for part in parts), timedelta(0))
    except OverflowError:
        length = timedelta.max
    if length > _LONGEST_SPAN:
        raise Unreadable(f"{text!r} is longer than any story: {_LONGEST_SPAN.days} days are the most")
    return Span(text=text, length=length)


def _day(found: re.Match[str], text: str) -> date:
    try:
        day = date.fromisoformat(found["date"])
    except ValueError as error:
        raise Unreadable(f"{text!r} is no day of any month: {error}") from error
    if day.year not in _YEARS:
        raise Unreadable(f"{text!r} lies too far away: {_TOLD}")
    said = found["weekday"]
    if said and (said[:3].lower() not in _WEEKDAYS or _WEEKDAYS[day.weekday()] != said[:3].lower()):
        raise Unreadable(f"{text!r} is wrong: {day} is a {_WEEKDAYS[day.weekday()].capitalize()}")
    return day


def _fixed(offset: str) -> fixed:
    if offset in {"Z", "UTC"}:
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    sign = -1 if offset[0] == "-" else 1
    return fixed(sign * timedelta(hours=hours, minutes=minutes))
