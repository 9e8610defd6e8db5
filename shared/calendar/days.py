"""Which days a school works, so that nobody is charged, warned or cut off on a day that does not count.

A jour ouvrable is Monday to Saturday without the eleven French holidays (R-F1); a Japanese school's business
day is Monday to Friday without holidays and without its own announced closures (R-J3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import Final, Literal

from shared.calendar.tables import HolidayTable, Name
from shared.calendar.wall import WallTime
from shared.errors import CalendarHorizon, Unreadable

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY: Final = frozenset(range(7))
_WEEKDAY_NAMES: Final = (
    Name(fr="lundi", ja="月曜日", en="Monday"),
    Name(fr="mardi", ja="火曜日", en="Tuesday"),
    Name(fr="mercredi", ja="水曜日", en="Wednesday"),
    Name(fr="jeudi", ja="木曜日", en="Thursday"),
    Name(fr="vendredi", ja="金曜日", en="Friday"),
    Name(fr="samedi", ja="土曜日", en="Saturday"),
    Name(fr="dimanche", ja="日曜日", en="Sunday"),
)
_LONGEST_WALK: Final = 3_660
"""Ten years of days: a calendar that stays closed longer has no next working day."""

Why = Literal["weekday", "holiday", "closure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedDay:
    """A day that does not count, and why: the weekday, a public holiday, or the school's own closure."""

    day: date
    why: Why
    name: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """Office holidays that the school announced, both ends included (seed J37); staff change them."""

    name: str
    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise Unreadable(
                f"the closure {self.name!r} ends on {self.last}, before it starts on {self.first}: swap them"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeHours:
    """When the office answers; mails that waited leave when it opens (R-J4)."""

    opens: WallTime
    closes: WallTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A day that was counted to: the working days on the way, ``day`` the last of them, and those skipped."""

    day: date
    counted: tuple[date, ...]
    skipped: tuple[ClosedDay, ...]


@cache
def _holidays_by_number(table: HolidayTable) -> dict[int, ClosedDay]:
    return {day.toordinal(): ClosedDay(day=day, why="holiday", name=name) for day, name in table.days.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Working days of one office or one law, in one zone.

    ``holidays`` is ``None`` where public holidays do not matter. Asked beyond its table it raises
    ``CalendarHorizon`` (R-X6) unless ``beyond_horizon`` is ``"ignore"``.
    """

    id: str
    timezone: str
    working_weekdays: frozenset[int]
    """0 is Monday, as in ``date.weekday()``."""
    holidays: HolidayTable | None
    closures: tuple[Closure, ...] = ()
    beyond_horizon: Literal["error", "ignore"] = "error"
    office_hours: OfficeHours | None = None
    _closed: dict[int, ClosedDay] = field(init=False, repr=False, compare=False)
    """By ordinal: holidays and closures; weekdays are looked at first by number."""
    _first: int = field(init=False, repr=False, compare=False)
    _last: int = field(init=False, repr=False, compare=False)
    _rest: tuple[bool, ...] = field(init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.working_weekdays:
            raise Unreadable(
                f"calendar {self.id!r} works on no weekday: name at least one in working_weekdays"
            )
        closed: dict[int, ClosedDay] = {}
        for closure in self.closures:
            name = Name.same(closure.name)
            for number in range(closure.first.toordinal(), closure.last.toordinal() + 1):
                closed[number] = ClosedDay(day=date.fromordinal(number), why="closure", name=name)
        table = self.holidays
        if table is not None:
            closed.update(_holidays_by_number(table))
        bounded = table is not None and self.beyond_horizon == "error"
        put = object.__setattr__
        put(self, "_closed", closed)
        put(
            self, "_first", table.first.toordinal() if table is not None and bounded else date.min.toordinal()
        )
        put(self, "_last", table.last.toordinal() if table is not None and bounded else date.max.toordinal())
        put(self, "_hash", hash((self.id, self.timezone, self.working_weekdays, table, self.closures)))
        put(self, "_rest", tuple(number not in self.working_weekdays for number in range(7)))

    def __hash__(self) -> int:
        return self._hash  # counted once: plans are remembered by their calendar

    @property
    def first(self) -> date:
        """The first day this calendar can speak of."""
        return date.fromordinal(self._first)

    @property
    def last(self) -> date:
        """Its horizon: the last day it can speak of."""
        return date.fromordinal(self._last)

    @property
    def is_every_day(self) -> bool:
        """No day is ever closed: business days are calendar days."""
        return not self._closed and self.working_weekdays == EVERY_DAY

    def why_closed(self, day: date) -> ClosedDay | None:
        """Why ``day`` does not count: holiday, closure or weekday, the most telling first; ``None``: it counts.

        Raises:
            CalendarHorizon: ``day`` is outside the table.
        """
        return self.look(day.toordinal())

    def is_working(self, day: date) -> bool:
        """Whether ``day`` counts.

        Raises:
            CalendarHorizon: ``day`` is outside the table.
        """
        return self.look(day.toordinal()) is None

    def add_working_days(self, day: date, n: int) -> Counted:
        """The ``n``-th working day after ``day``, which itself is excluded (CPC art. 641, Civil Code art. 140).

        With ``n`` 0 it is ``day``; with a negative ``n`` working days are counted back.

        Raises:
            CalendarHorizon: the count leaves the table.
        """
        return _count(self, day, n)

    def next_working(self, day: date) -> date:
        """The first working day strictly after ``day``."""
        return self.add_working_days(day, 1).day

    def previous_working(self, day: date) -> date:
        """The last working day strictly before ``day``."""
        return self.add_working_days(day, -1).day

    def from_day_on(self, day: date) -> Counted:
        """``day`` itself when it works, else the next working day, with what was skipped on the way."""
        closed = self.why_closed(day)
        if closed is None:
            return Counted(day=day, counted=(day,), skipped=())
        after = self.add_working_days(day, 1)
        return replace(after, skipped=(closed, *after.skipped))

    def up_to_day(self, day: date) -> Counted:
        """``day`` itself when it works, else the last working day before it (a reminder rolls back, R-J4)."""
        closed = self.why_closed(day)
        if closed is None:
            return Counted(day=day, counted=(day,), skipped=())
        before = self.add_working_days(day, -1)
        return replace(before, skipped=(closed, *before.skipped))

    def with_closures(self, closures: Iterable[Closure]) -> Calendar:
        """The same calendar with these closures instead of its own: what staff edit (seed J37)."""
        return replace(self, closures=tuple(closures))

    def closure_on(self, day: date) -> Closure | None:
        """The announced closure that ``day`` falls into, if any."""
        return next((c for c in self.closures if c.first <= day <= c.last), None)

    def closed_span(self, day: date) -> tuple[date, date] | None:
        """The whole run of closed days around ``day``, both ends included; ``None`` when ``day`` works.

        Raises:
            CalendarHorizon: the run leaves the table.
        """
        if self.is_working(day):
            return None
        one = timedelta(days=1)
        return self.previous_working(day) + one, self.next_working(day) - one

    def look(self, number: int) -> ClosedDay | None:
        """``why_closed`` for a day given by its ordinal."""
        if not self._first <= number <= self._last:
            asked = date.fromordinal(number) if 0 < number <= date.max.toordinal() else f"day {number}"
            raise CalendarHorizon(self.id, asked, self.first, self.last)
        closed = self._closed.get(number)
        if closed is not None:
            return closed
        weekday = (number + 6) % 7
        if self._rest[weekday]:
            return ClosedDay(day=date.fromordinal(number), why="weekday", name=_WEEKDAY_NAMES[weekday])
        return None


# Many months fail on the same few days: each count is walked once.
@lru_cache(maxsize=8192)
def _count(calendar: Calendar, day: date, n: int) -> Counted:
    counted: list[date] = []
    skipped: list[ClosedDay] = []
    number, step, wanted = day.toordinal(), 1 if n > 0 else -1, abs(n)
    for _ in range(_LONGEST_WALK):
        if len(counted) == wanted:
            return Counted(
                day=counted[-1] if counted else day, counted=tuple(counted), skipped=tuple(skipped)
            )
        number += step
        closed = calendar.look(number)
        if closed is None:
            counted.append(date.fromordinal(number))
        else:
            skipped.append(closed)
    raise Unreadable(
        f"calendar {calendar.id!r} has no working day within ten years of {day}: shorten its closures"
    )
