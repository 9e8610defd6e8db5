"""Local time: clock changes, midnight, service days and the 26-hour clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar import (
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
from shared.errors import Unreadable

PARIS = "Europe/Paris"
TOKYO = "Asia/Tokyo"
NOON = WallTime(12)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("day", "at"),
    [
        (date(2026, 3, 28), "2026-03-28T08:00Z"),
        (date(2026, 3, 30), "2026-03-30T07:00Z"),
        (date(2026, 10, 24), "2026-10-24T07:00Z"),
        (date(2026, 10, 26), "2026-10-26T08:00Z"),
    ],
)
def test_nine_in_paris_stays_nine_through_the_clock_changes(day: date, at: str) -> None:
    assert instant(day, WallTime(9), PARIS) == utc(at)


def test_a_time_that_spring_skips_runs_once_an_hour_later() -> None:
    assert instant(date(2026, 3, 29), WallTime(2, 30), PARIS) == utc("2026-03-29T01:30Z")


def test_a_time_that_autumn_repeats_runs_at_the_first() -> None:
    assert instant(date(2026, 10, 25), WallTime(2, 30), PARIS) == utc("2026-10-25T00:30Z")


def test_a_policy_may_take_the_other_sides_of_the_clock_changes() -> None:
    last = instant(date(2026, 10, 25), WallTime(2, 30), PARIS, overlap="last")
    back = instant(date(2026, 3, 29), WallTime(2, 30), PARIS, gap="shift_back")

    assert last == utc("2026-10-25T01:30Z")
    assert back == utc("2026-03-29T00:30Z")


@pytest.mark.parametrize(
    ("day", "at"),
    [
        (date(2026, 6, 12), "2026-06-12T22:00Z"),
        (date(2026, 4, 1), "2026-04-01T22:00Z"),
        (date(2026, 3, 28), "2026-03-28T23:00Z"),
        (date(2026, 3, 29), "2026-03-29T22:00Z"),
        (date(2026, 10, 25), "2026-10-25T23:00Z"),
    ],
)
def test_a_day_ends_at_its_own_midnight(day: date, at: str) -> None:
    assert end_of_day(day, PARIS) == utc(at)


def test_where_a_change_skips_midnight_the_day_starts_at_its_first_instant() -> None:
    start = start_of_day(date(2026, 4, 24), "Africa/Cairo")

    assert local_date(start, "Africa/Cairo") == date(2026, 4, 24)
    assert local_date(start - timedelta(microseconds=1), "Africa/Cairo") == date(2026, 4, 23)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-09-20T16:30Z", date(2026, 9, 20)),
        ("2026-10-31T16:10Z", date(2026, 10, 31)),
        ("2026-09-20T10:00Z", date(2026, 9, 20)),
        ("2026-09-21T02:59:59Z", date(2026, 9, 20)),
        ("2026-09-21T03:00Z", date(2026, 9, 21)),
    ],
)
def test_a_charge_before_noon_belongs_to_the_evening_before(at: str, day: date) -> None:
    assert service_day(utc(at), TOKYO, NOON) == day


def test_a_learners_click_at_half_past_one_is_today() -> None:
    assert local_date(utc("2026-09-20T16:30Z"), TOKYO) == date(2026, 9, 21)


def test_half_past_midnight_in_paris_is_still_yesterday_in_utc() -> None:
    at = instant(date(2026, 6, 1), WallTime(0, 30), PARIS)

    assert at.date() == date(2026, 5, 31)
    assert local_date(at, PARIS) == date(2026, 6, 1)


def test_twenty_six_oclock_is_two_in_the_morning() -> None:
    assert instant(date(2026, 9, 20), WallTime(26), TOKYO) == utc("2026-09-20T17:00Z")
    assert long_clock(utc("2026-09-20T17:00Z"), TOKYO, date(2026, 9, 20)) == WallTime(26)
    assert str(long_clock(utc("2026-09-20T16:30Z"), TOKYO, date(2026, 9, 20))) == "25:30"


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - the strategy adds the zone
def test_a_service_day_and_its_long_clock_name_one_instant(at: datetime) -> None:
    whole_minute = at.replace(second=0, microsecond=0)
    day, wall = service_clock(whole_minute, TOKYO, NOON)

    assert WallTime(12) <= wall < WallTime(36)
    assert instant(day, wall, TOKYO) == whole_minute


def test_an_instant_of_another_week_has_no_long_hour() -> None:
    with pytest.raises(Unreadable, match="long clock"):
        long_clock(utc("2026-09-20T17:00Z"), TOKYO, date(2026, 9, 10))


@pytest.mark.parametrize("text", ["9", "25:60", "48:00", "09:00:00", "", "ab:cd"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="HH:MM"):
        WallTime.parse(text)


@pytest.mark.parametrize("name", ["Europe/Pari", "../etc", ""])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(Unreadable, match="time zone"):
        zone(name)


@given(
    st.dates(date(2020, 1, 1), date(2040, 12, 31)),
    st.integers(0, 47),
    st.integers(0, 59),
    st.sampled_from([PARIS, TOKYO, "America/New_York", "Australia/Lord_Howe"]),
)
def test_a_wall_time_is_shown_by_the_wall_unless_the_clock_skipped_it(
    day: date, hour: int, minute: int, zone_name: str
) -> None:
    at = instant(day, WallTime(hour, minute), zone_name)
    shown = at.astimezone(zone(zone_name))
    wanted = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)

    moved = shown.replace(tzinfo=UTC) - wanted
    assert timedelta() <= moved <= timedelta(hours=1)


@given(st.dates(date(2020, 1, 1), date(2040, 12, 31)), st.sampled_from([PARIS, TOKYO, "Africa/Cairo"]))
def test_days_follow_each_other_without_a_hole(day: date, zone_name: str) -> None:
    end = end_of_day(day, zone_name)

    assert end == start_of_day(day + timedelta(days=1), zone_name)
    assert local_date(end, zone_name) == day + timedelta(days=1)
    assert local_date(end - timedelta(microseconds=1), zone_name) == day
