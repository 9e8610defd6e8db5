"""Which month's fee a payment is: the due date it belongs to, found from the day the gateway took it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from services.payments.domain.state import Anchor, School
from shared.calendar.months import add_months
from shared.calendar.wall import WallTime, local_date, service_day

TOLERANCE = timedelta(days=1)
"""A gateway that runs a day early still means the due date that follows."""


def service_day_of(at: datetime, school: School) -> date:
    """The day that a gateway's own charge belongs to, in the school's zone (R-J2)."""
    if school.service_day_rollover is None:
        return local_date(at, school.zone)
    return service_day(at, school.zone, WallTime.parse(school.service_day_rollover))


def period_of(day: date, anchors: tuple[Anchor, ...]) -> date:
    """The first day of the billing period that ``day`` falls into, with one day of tolerance before it.

    The 31st is clamped in short months and not moved by that (R-F8). A day before the first period belongs
    to the first period.
    """
    reached = day + TOLERANCE
    anchor = next((one for one in reversed(anchors) if one.since <= reached), anchors[0])
    due = add_months(reached, 0, anchor_day=anchor.day)
    if due > reached:
        due = add_months(reached, -1, anchor_day=anchor.day)
    return max(due, anchor.since)


def re_anchored(anchors: tuple[Anchor, ...], since: date, day: int) -> tuple[Anchor, ...]:
    """The anchors after a relaunch or a resumption: what was due before ``since`` keeps its own."""
    kept = tuple(anchor for anchor in anchors if anchor.since < since)
    return (*kept, Anchor(since=since, day=day))


def billing_day_of(started_on: date, due_on: date) -> int:
    """The anchor behind a due date: a month's last day may stand for a later day of the start (R-F8)."""
    is_last = (due_on + timedelta(days=1)).day == 1
    return max(due_on.day, started_on.day) if is_last else due_on.day
