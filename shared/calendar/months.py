"""Which day a monthly subscription is due, in months that are too short for it.

The anchor is the billing day a learner signed up on; a short month clamps it and does not move it:
31 January, 28 February, 31 March (R-F8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from shared.errors import Unreadable

_ISO: Final = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)
_DAYS_OF: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An ISO 8601 duration: months are counted on the calendar, the rest is exact time."""

    months: int = 0
    exact: timedelta = timedelta()

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Read "P1M", "P14D", "PT48H", "P1Y2M"...

        Raises:
            Unreadable: the text is no ISO 8601 duration, or an empty one.
        """
        found = _ISO.fullmatch(text)
        if found is None or not any(found.groups()):
            raise Unreadable(f"{text!r} is no ISO 8601 duration: P1M, P14D, PT48H or PT15M are")
        years, months, weeks, days, hours, minutes, seconds = (int(group or 0) for group in found.groups())
        exact = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        return cls(months=years * 12 + months, exact=exact)

    def __str__(self) -> str:
        days, rest = self.exact.days, self.exact.seconds
        years, months = divmod(self.months, 12)
        date_part = "".join(f"{n}{unit}" for n, unit in ((years, "Y"), (months, "M"), (days, "D")) if n)
        parts = ((rest // 3600, "H"), (rest % 3600 // 60, "M"), (rest % 60, "S"))
        time_part = "".join(f"{n}{unit}" for n, unit in parts if n)
        if not date_part and not time_part:
            return "PT0S"
        return f"P{date_part}" + (f"T{time_part}" if time_part else "")


def parse_exact(text: str) -> timedelta:
    """Read a duration of exact time ("PT48H", "P14D").

    Raises:
        Unreadable: it is no duration, or it counts months, whose length depends on the calendar.
    """
    interval = Interval.parse(text)
    if interval.months:
        raise Unreadable(
            f"{text!r} counts months, whose length varies: say it in days or hours (P14D, PT48H)"
        )
    return interval.exact


def days_in_month(year: int, month: int) -> int:
    """28 to 31."""
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return _DAYS_OF[month - 1] + leap


def add_months(day: date, months: int, *, anchor_day: int | None = None) -> date:
    """``months`` later (or earlier), on the anchor day or the month's last day where that does not exist.

    ``anchor_day`` is the billing day, 1 to 31; without it the day of ``day`` itself. With it the answer never
    drifts: from 28 February, one month on with anchor 31, it is 31 March (R-F8).
    """
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    month = month0 + 1
    return date(year, month, min(anchor_day or day.day, days_in_month(year, month)))


def add_interval(day: date, interval: Interval, times: int = 1, *, anchor_day: int | None = None) -> date:
    """The due date ``times`` intervals after ``day``."""
    moved = add_months(day, interval.months * times, anchor_day=anchor_day) if interval.months else day
    return moved + timedelta(days=interval.exact.days * times)
