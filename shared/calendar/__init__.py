"""Time as the two schools count it: working days, long evenings, months that end, clocks that change.

Pure and without I/O, apart from reading the tables that come with the package.
"""

from __future__ import annotations

from shared.calendar.book import (
    Calendars,
    built_in_calendars,
    calendar_from_data,
    closure_from_data,
    closure_to_data,
)
from shared.calendar.days import WEEKDAYS, Calendar, ClosedDay, Closure, Counted, OfficeHours
from shared.calendar.months import Interval, add_interval, add_months, days_in_month, parse_exact
from shared.calendar.tables import LANGUAGES, HolidayTable, Language, Name, holiday_table, table_ids
from shared.calendar.wall import (
    Gap,
    Overlap,
    WallTime,
    end_of_day,
    instant,
    local_date,
    long_clock,
    service_clock,
    service_day,
    start_of_day,
    zone,
)

__all__ = [
    "LANGUAGES",
    "WEEKDAYS",
    "Calendar",
    "Calendars",
    "ClosedDay",
    "Closure",
    "Counted",
    "Gap",
    "HolidayTable",
    "Interval",
    "Language",
    "Name",
    "OfficeHours",
    "Overlap",
    "WallTime",
    "add_interval",
    "add_months",
    "built_in_calendars",
    "calendar_from_data",
    "closure_from_data",
    "closure_to_data",
    "days_in_month",
    "end_of_day",
    "holiday_table",
    "instant",
    "local_date",
    "long_clock",
    "parse_exact",
    "service_clock",
    "service_day",
    "start_of_day",
    "table_ids",
    "zone",
]
