"""The checked-in holiday tables: complete, named in three languages, and what their generator writes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ops.calendars import FOLDER, RECIPES, as_text, make_table
from shared.calendar import LANGUAGES, holiday_table, table_ids
from shared.errors import Refused, Unreadable


@pytest.mark.parametrize("table_id", sorted(RECIPES))
def test_a_checked_in_table_is_what_the_generator_writes(table_id: str) -> None:
    written = (FOLDER / f"{table_id.lower()}.json").read_text(encoding="utf-8")

    assert written == as_text(make_table(table_id))


@pytest.mark.parametrize("table_id", sorted(RECIPES))
def test_every_holiday_has_a_name_in_three_languages(table_id: str) -> None:
    country, _, subdivision = table_id.partition("-")
    table = holiday_table(country, subdivision or None)

    assert all(name.get(language) for name in table.days.values() for language in LANGUAGES)
    assert table.first <= min(table.days) <= max(table.days) <= table.last
    assert "holidays 0." in table.source


def test_the_tables_that_exist_are_those_with_a_recipe() -> None:
    assert table_ids() == tuple(sorted(RECIPES))


def _easter(year: int) -> date:
    """Gauss's rule in the form of Meeus, Jones and Butcher."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


@pytest.mark.parametrize("year", range(2020, 2041))
def test_the_eleven_french_days_agree_with_the_law_counted_by_hand(year: int) -> None:
    easter = _easter(year)
    moving = {easter + timedelta(days=days) for days in (1, 39, 50)}
    fixed = {
        date(year, *md) for md in ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
    }
    known = {day for day in holiday_table("FR").days if day.year == year}

    assert known == fixed | moving


@pytest.mark.parametrize("year", range(2020, 2041))
def test_japanese_sundays_that_are_holidays_have_their_substitute_day(year: int) -> None:
    days = holiday_table("JP").days
    for day in [one for one in days if one.year == year and one.weekday() == 6]:
        substitute = day + timedelta(days=1)
        while substitute in days and days[substitute].ja != "振替休日":
            substitute += timedelta(days=1)

        assert days[substitute].ja == "振替休日"


@pytest.mark.parametrize("year", range(2020, 2041))
def test_a_day_between_two_japanese_holidays_is_one_itself(year: int) -> None:
    days = holiday_table("JP").days
    between = [
        day + timedelta(days=1)
        for day in days
        if day.year == year and day + timedelta(days=2) in days and day + timedelta(days=1) not in days
    ]

    assert all(day.weekday() == 6 for day in between)


def test_a_table_that_nobody_wrote_is_refused_with_its_name() -> None:
    with pytest.raises(Unreadable, match="'BE'"):
        holiday_table("BE")


def test_a_table_without_a_recipe_is_not_made() -> None:
    with pytest.raises(Refused, match="no recipe"):
        make_table("BE")


def test_years_that_the_library_does_not_know_are_refused_and_not_left_empty() -> None:
    with pytest.raises(Refused, match="2105"):
        make_table("FR", first_year=2105, last_year=2105)
