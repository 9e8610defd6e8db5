"""Working days: which days count, why others do not, and where a calendar stops knowing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar import Calendar, Closure, built_in_calendars, calendar_from_data, holiday_table
from shared.errors import CalendarHorizon, Refused, Unreadable

CALENDARS = built_in_calendars()
OUVRABLE = CALENDARS.named("fr-ouvrable")
SCHOOL = CALENDARS.named("jp-school")
DAYS = st.dates(date(2020, 2, 1), date(2040, 6, 30))


def test_a_saturday_is_a_jour_ouvrable_and_a_sunday_is_not() -> None:
    assert OUVRABLE.is_working(date(2026, 6, 6))
    assert not OUVRABLE.is_working(date(2026, 6, 7))


def test_a_saturday_is_no_jour_ouvre() -> None:
    assert not CALENDARS.named("fr-ouvre").is_working(date(2026, 6, 6))


@pytest.mark.parametrize("day", [date(2026, 8, 15), date(2027, 5, 1), date(2027, 5, 8)])
def test_a_holiday_on_a_saturday_matters_because_saturdays_count(day: date) -> None:
    closed = OUVRABLE.why_closed(day)

    assert closed is not None
    assert closed.why == "holiday"


@pytest.mark.parametrize("day", [date(2026, 4, 3), date(2026, 12, 26)])
def test_alsace_moselle_has_two_days_more(day: date) -> None:
    assert OUVRABLE.is_working(day)
    assert not CALENDARS.named("fr-57-ouvrable").is_working(day)


@pytest.mark.parametrize(
    ("day", "name"),
    [(date(2026, 9, 22), "国民の休日"), (date(2026, 9, 21), "敬老の日"), (date(2028, 9, 22), "秋分の日")],
)
def test_japanese_holidays_that_other_libraries_miss_are_known(day: date, name: str) -> None:
    closed = SCHOOL.why_closed(day)

    assert closed is not None
    assert closed.name.ja == name


def test_the_substitute_day_of_may_2026_is_a_holiday_even_without_the_golden_week_closure() -> None:
    closed = SCHOOL.with_closures([]).why_closed(date(2026, 5, 6))

    assert closed is not None
    assert closed.name.ja == "振替休日"


def test_each_skipped_day_says_why() -> None:
    counted = OUVRABLE.add_working_days(date(2026, 4, 30), 2)

    assert counted.day == date(2026, 5, 4)
    assert [(one.day.day, one.why, one.name.fr) for one in counted.skipped] == [
        (1, "holiday", "Fête du Travail"),
        (3, "weekday", "dimanche"),
    ]


def test_a_closed_school_names_its_closure() -> None:
    closed = SCHOOL.why_closed(date(2026, 4, 30))

    assert closed is not None
    assert (closed.why, closed.name.ja) == ("closure", "GW")


def test_closures_are_what_staff_say_and_nothing_else_changes() -> None:
    moved = SCHOOL.with_closures([Closure(name="move", first=date(2026, 6, 1), last=date(2026, 6, 2))])

    assert moved.is_working(date(2026, 4, 30))
    assert not moved.is_working(date(2026, 6, 2))
    assert SCHOOL.is_working(date(2026, 6, 2))


def test_a_run_of_closed_days_is_found_whole() -> None:
    assert SCHOOL.closed_span(date(2026, 9, 20)) == (date(2026, 9, 19), date(2026, 9, 23))
    assert SCHOOL.closed_span(date(2026, 9, 24)) is None


@pytest.mark.parametrize("day", [date(2105, 4, 1), date(2041, 1, 1), date(2019, 12, 31)])
def test_beyond_its_table_a_calendar_raises_and_never_says_no_holidays(day: date) -> None:
    with pytest.raises(CalendarHorizon, match=f"'fr-ouvrable'.*{day}"):
        OUVRABLE.is_working(day)


def test_a_count_that_leaves_the_table_raises_too() -> None:
    with pytest.raises(CalendarHorizon, match="2041-01-01"):
        OUVRABLE.add_working_days(date(2040, 12, 30), 3)


def test_the_calendar_of_every_day_has_no_horizon() -> None:
    every_day = CALENDARS.named("every-day")

    assert every_day.add_working_days(date(2105, 1, 1), 10).day == date(2105, 1, 11)
    assert every_day.is_every_day


def test_a_school_that_never_opens_is_an_error_and_no_endless_loop() -> None:
    shut = CALENDARS.named("every-day").with_closures(
        [Closure(name="gone", first=date(2026, 1, 1), last=date(2040, 1, 1))]
    )

    with pytest.raises(Unreadable, match="within ten years"):
        shut.next_working(date(2026, 1, 1))


def test_a_closure_ends_after_it_starts() -> None:
    with pytest.raises(Unreadable, match="swap them"):
        Closure(name="GW", first=date(2026, 5, 6), last=date(2026, 4, 29))


def test_an_unknown_calendar_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refused, match="fr-ouvrable"):
        CALENDARS.named("fr-ouvrables")


@given(DAYS, st.integers(1, 40))
def test_counting_never_lands_on_a_closed_day_and_counts_exactly(day: date, n: int) -> None:
    counted = OUVRABLE.add_working_days(day, n)

    assert OUVRABLE.is_working(counted.day)
    assert len(counted.counted) == n
    assert counted.counted == tuple(sorted(set(counted.counted)))
    assert (counted.day - day).days == n + len(counted.skipped)


@given(DAYS, st.integers(1, 20))
def test_counting_back_undoes_counting_forward(day: date, n: int) -> None:
    there = SCHOOL.add_working_days(day, n).day

    assert SCHOOL.add_working_days(there, 1 - n).day == SCHOOL.next_working(day)
    assert SCHOOL.previous_working(there) < there


@given(DAYS, st.integers(1, 15))
def test_a_later_start_never_ends_earlier(day: date, n: int) -> None:
    later = day + timedelta(days=1)

    assert OUVRABLE.add_working_days(day, n).day <= OUVRABLE.add_working_days(later, n).day


@given(DAYS)
def test_rolling_forward_and_back_stays_on_a_working_day(day: date) -> None:
    assert SCHOOL.from_day_on(day).day >= day
    assert SCHOOL.up_to_day(day).day <= day
    assert (SCHOOL.from_day_on(day).day == day) == SCHOOL.is_working(day)


def test_a_calendar_is_written_down_and_read_back() -> None:
    calendar = calendar_from_data(
        "mine",
        {
            "timezone": "Asia/Tokyo",
            "working_weekdays": ["mon", "sat"],
            "public_holidays": {"country": "JP", "subdivision": None},
            "extra_closed": [{"name": "obon", "from": "2026-08-13", "to": "2026-08-16"}],
            "office_hours": "09:30-17:00",
        },
    )

    assert isinstance(calendar, Calendar)
    assert calendar.closure_on(date(2026, 8, 14)) == calendar.closures[0]
    assert str(calendar.office_hours.opens if calendar.office_hours else None) == "09:30"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"working_weekdays": ["mon", "satt"]}, "working_weekdays"),
        ({"timezone": "Europe/Pari"}, "Europe/Pari"),
        ({"public_holidays": {"country": "XX"}}, "XX"),
        ({"public_holidays": "FR"}, "public_holidays"),
        ({"extra_closed": [{"name": "GW", "from": "2026-13-01", "to": "2026-05-06"}]}, "2026-13-01"),
        ({"office_hours": "10:00"}, "office_hours"),
        ({"beyond_horizon": "guess"}, "beyond_horizon"),
        ({"holidays": None}, "holidays"),
        ({"working_weekdays": []}, "works on no weekday"),
    ],
)
def test_a_badly_written_calendar_names_what_is_wrong(change: dict[str, object], named: str) -> None:
    good: dict[str, object] = {"timezone": "Europe/Paris", "working_weekdays": ["mon"]}

    with pytest.raises(Unreadable, match=named):
        calendar_from_data("bad", good | change)


def test_a_closure_of_every_kind_of_day_still_tells_the_holiday_by_name() -> None:
    closed = SCHOOL.why_closed(date(2026, 5, 5))

    assert closed is not None
    assert closed.name.ja == "こどもの日"
    assert holiday_table("JP").days[date(2026, 5, 5)].ja == "こどもの日"


def test_two_calendars_that_say_the_same_are_the_same() -> None:
    one, two = (SCHOOL.with_closures(SCHOOL.closures) for _ in range(2))

    assert one is not two
    assert one == two == SCHOOL
    assert hash(one) == hash(two) == hash(SCHOOL)
    assert one != SCHOOL.with_closures([])
