"""Billing days in months that are too short, and durations as people write them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar import Interval, add_interval, add_months, days_in_month, parse_exact
from shared.errors import Unreadable


def test_a_short_month_clamps_the_anchor_and_does_not_move_it() -> None:
    january = date(2026, 1, 31)

    assert add_months(january, 1) == date(2026, 2, 28)
    assert add_months(date(2026, 2, 28), 1, anchor_day=31) == date(2026, 3, 31)
    assert add_months(date(2026, 2, 28), 1) == date(2026, 3, 28)


def test_a_leap_year_has_a_29th_of_february() -> None:
    assert add_months(date(2028, 1, 31), 1) == date(2028, 2, 29)
    assert days_in_month(2100, 2) == 28
    assert days_in_month(2000, 2) == 29


def test_a_year_end_is_crossed_in_both_directions() -> None:
    assert add_months(date(2026, 12, 29), 2, anchor_day=29) == date(2027, 2, 28)
    assert add_months(date(2026, 1, 15), -2) == date(2025, 11, 15)


@pytest.mark.parametrize(
    ("text", "months", "exact"),
    [
        ("P1M", 1, timedelta()),
        ("P1Y2M", 14, timedelta()),
        ("P14D", 0, timedelta(days=14)),
        ("P2W", 0, timedelta(days=14)),
        ("PT48H", 0, timedelta(hours=48)),
        ("PT15M", 0, timedelta(minutes=15)),
        ("P1DT30M", 0, timedelta(days=1, minutes=30)),
    ],
)
def test_durations_are_read_as_iso_8601(text: str, months: int, exact: timedelta) -> None:
    assert Interval.parse(text) == Interval(months=months, exact=exact)


@pytest.mark.parametrize("text", ["", "P", "PT", "48h", "1 month", "P-1D", "PT1.5H"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="duration"):
        Interval.parse(text)


def test_a_month_is_no_exact_time() -> None:
    with pytest.raises(Unreadable, match="length varies"):
        parse_exact("P1M")


@given(st.integers(0, 30), st.integers(0, 100), st.integers(0, 86_399))
def test_a_duration_is_written_as_it_is_read(months: int, days: int, seconds: int) -> None:
    interval = Interval(months=months, exact=timedelta(days=days, seconds=seconds))

    read = Interval.parse(str(interval))
    assert read == interval


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 31), st.integers(0, 40))
def test_due_days_never_drift_however_many_months_are_added(start: date, anchor: int, months: int) -> None:
    first = add_months(start, 0, anchor_day=anchor)
    direct = add_months(first, months, anchor_day=anchor)
    step_by_step = first
    for _ in range(months):
        step_by_step = add_months(step_by_step, 1, anchor_day=anchor)

    assert direct == step_by_step
    assert direct.day == min(anchor, days_in_month(direct.year, direct.month))


def test_an_interval_may_also_count_days() -> None:
    assert add_interval(date(2026, 1, 1), Interval(exact=timedelta(days=14)), 2) == date(2026, 1, 29)
    assert add_interval(date(2026, 1, 31), Interval(months=3), anchor_day=31) == date(2026, 4, 30)
