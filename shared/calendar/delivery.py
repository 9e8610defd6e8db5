"""When a school's mail may leave: the office's holidays are part of the clock (seed J37, R-J4, R-J5).

On a working day a mail leaves at once, even in the evening; on a closed day it waits for the next working day's
opening. A reminder for a given day goes the other way: it leaves before the closed day, never after it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal

from shared.calendar.days import Calendar, Closure
from shared.calendar.wall import WallTime, instant, local_date
from shared.reasons import Dated, Reason

Gate = Literal["date", "office_hours"]
"""``date``: any hour of a working day is good (R-J4); ``office_hours``: only while the office answers."""

OPENING: Final = WallTime(10)
"""When waiting mails leave, where a calendar names no office hours."""


def mail_delivery(calendar: Calendar, now: datetime, *, gate: Gate = "date") -> Dated:
    """When a mail that is wanted at ``now`` (aware) leaves, by the office's live calendar.

    Raises:
        CalendarHorizon: the calendar does not know that day.
    """
    day = local_date(now, calendar.timezone)
    opens = opening_of(calendar)
    counted = calendar.from_day_on(day)
    if counted.day == day:
        outside = _outside_hours(calendar, now, day) if gate == "office_hours" else None
        if outside is None:
            return Dated(at=now, because=Reason(rule="mail_at_once", source="R-J4", calendar=calendar.id))
        if outside == "before":
            at = instant(day, opens, calendar.timezone)
            return Dated(at=at, because=Reason(rule="mail_office_opens", source="R-J4", calendar=calendar.id))
        counted = calendar.add_working_days(day, 1)
    return Dated(
        at=instant(counted.day, opens, calendar.timezone),
        because=Reason(
            rule="mail_deferred",
            source="R-J4, R-J5",
            calendar=calendar.id,
            counted=counted.counted,
            skipped=counted.skipped,
        ),
    )


def reminder(calendar: Calendar, day: date, wall: WallTime, *, source: str = "R-J4") -> Dated:
    """When a reminder about ``day`` leaves: that day, or the last working day before it (JP-47)."""
    counted = calendar.up_to_day(day)
    rolled = counted.day != day
    return Dated(
        at=instant(counted.day, wall, calendar.timezone),
        because=Reason(
            rule="reminder_rolled_back" if rolled else "reminder_on_the_day",
            source=source,
            calendar=calendar.id,
            counted=counted.counted,
            skipped=counted.skipped,
            values=(("day", day.isoformat()),),
        ),
    )


def before_closure(calendar: Calendar, closure: Closure, wall: WallTime = OPENING) -> Dated:
    """When a heads-up before an announced closure leaves: the last working day before it (seed J38)."""
    counted = calendar.add_working_days(closure.first, -1)
    return Dated(
        at=instant(counted.day, wall, calendar.timezone),
        because=Reason(
            rule="before_closure",
            source="seed J38",
            calendar=calendar.id,
            counted=counted.counted,
            skipped=counted.skipped,
            values=(
                ("closure", closure.name),
                ("from", closure.first.isoformat()),
                ("to", closure.last.isoformat()),
            ),
        ),
    )


def opening_of(calendar: Calendar) -> WallTime:
    """When the office opens."""
    return calendar.office_hours.opens if calendar.office_hours else OPENING


def _outside_hours(calendar: Calendar, now: datetime, day: date) -> Literal["before", "after"] | None:
    hours = calendar.office_hours
    if hours is None:
        return None
    if now < instant(day, hours.opens, calendar.timezone):
        return "before"
    return "after" if now >= instant(day, hours.closes, calendar.timezone) else None
