"""Amounts, dates and hours as each reader writes them."""

from __future__ import annotations

from datetime import date

import pytest

from shared import formatting
from shared.calendar import Language, WallTime
from shared.money import Money
from tests.notifications.conftest import jst, utc

NBSP, THIN = "\u00a0", "\u202f"


@pytest.mark.parametrize(
    ("money", "language", "written"),
    [
        (Money(7500, "EUR"), "fr", f"75,00{NBSP}€"),
        (Money(7500, "EUR"), "en", "€75.00"),
        (Money(7500, "EUR"), "ja", "€75.00"),
        (Money(12800, "JPY"), "ja", "12,800円"),
        (Money(12800, "JPY"), "en", "¥12,800"),
        (Money(12800, "JPY"), "fr", f"12{THIN}800{NBSP}¥"),
        (Money(123456789, "EUR"), "fr", f"1{THIN}234{THIN}567,89{NBSP}€"),
        (Money(1, "EUR"), "en", "€0.01"),
        (Money(1250, "USD"), "en", "$12.50"),
    ],
)
def test_an_amount_is_written_as_its_reader_writes_it(money: Money, language: Language, written: str) -> None:
    assert formatting.amount(money, language) == written


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("fr", "vendredi 12 juin 2026 à 24:00 (heure de Paris)"),
        ("en", "Friday 12 June 2026 at 24:00 (Paris time)"),
        ("ja", "2026年6月12日(金)24:00(パリ時間)"),
    ],
)
def test_a_deadline_at_midnight_is_the_end_of_its_day(language: Language, written: str) -> None:
    """R-F5: never 00:00 of the next day."""
    assert formatting.deadline(utc("2026-06-12T22:00:00Z"), "Europe/Paris", language) == written


def test_a_deadline_at_another_hour_is_that_hour() -> None:
    written = formatting.deadline(utc("2026-06-12T16:30:00Z"), "Europe/Paris", "fr")
    assert written == "vendredi 12 juin 2026 à 18:30 (heure de Paris)"


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("ja", "2026年9月20日(日)25:30=21日1:30(日本時間)"),
        ("fr", "dimanche 20 septembre 2026 à 25:30, soit le lundi 21 à 01:30 (heure du Japon)"),
        ("en", "Sunday 20 September 2026 at 25:30, that is 01:30 on Monday 21 (Japan time)"),
    ],
)
def test_an_evening_past_midnight_is_written_both_ways(language: Language, written: str) -> None:
    """J28: 20日25:30=21日1:30."""
    at, service_day = jst("2026-09-21 01:30"), date(2026, 9, 20)
    assert formatting.evening(at, service_day, "Asia/Tokyo", language) == written


def test_an_evening_before_midnight_is_written_once() -> None:
    written = formatting.evening(jst("2026-04-15 20:10"), date(2026, 4, 15), "Asia/Tokyo", "ja")
    assert written == "2026年4月15日(水)20:10(日本時間)"


def test_a_night_across_a_month_keeps_its_service_day() -> None:
    """JP-33."""
    written = formatting.evening(jst("2026-11-01 01:10"), date(2026, 10, 31), "Asia/Tokyo", "ja")
    assert written == "2026年10月31日(土)25:10=11月1日1:10(日本時間)"


@pytest.mark.parametrize(
    ("first", "last", "language", "written"),
    [
        ("2026-07-15", "2026-07-15", "ja", "2026年7月15日(水)19:00〜26:00(=16日2:00)(日本時間)"),
        (
            "2026-04-18",
            "2026-04-20",
            "ja",
            "2026年4月18日(土)〜4月20日(月)のいずれかの日の19:00〜26:00(=翌日2:00)(日本時間)",
        ),
        (
            "2027-01-04",
            "2027-01-06",
            "fr",
            (
                "entre le lundi 4 janvier et le mercredi 6 janvier 2027, 19:00–26:00 (c’est-à-dire jusqu’à 02:00 le lendemain) (heure du Japon)"
            ),
        ),
    ],
)
def test_a_window_tells_its_end_on_both_clocks(
    first: str, last: str, language: Language, written: str
) -> None:
    window = formatting.window(
        date.fromisoformat(first),
        date.fromisoformat(last),
        WallTime(19),
        WallTime(26),
        "Asia/Tokyo",
        language,
    )
    assert window == written


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-08-20", "jeudi 20 août 2026, 12:00–19:00 (heure de Paris)"),
        ("2026-12-20", "dimanche 20 décembre 2026, 11:00–18:00 (heure de Paris)"),
    ],
)
def test_a_learner_in_france_reads_the_window_on_her_own_clock(day: str, expected: str) -> None:
    """JP-46: summer and winter."""
    on = date.fromisoformat(day)
    start, end = formatting.window_instants(on, on, WallTime(19), WallTime(26), "Asia/Tokyo")
    assert formatting.span(start, end, "Europe/Paris", "fr") == expected


@pytest.mark.parametrize(
    ("number", "language", "written"),
    [
        (1, "fr", "le 1er"),
        (15, "fr", "le 15"),
        (15, "ja", "毎月15日"),
        (1, "en", "the 1st"),
        (2, "en", "the 2nd"),
        (3, "en", "the 3rd"),
        (11, "en", "the 11th"),
        (22, "en", "the 22nd"),
        (31, "en", "the 31st"),
    ],
)
def test_a_billing_day_is_said_as_people_say_it(number: int, language: Language, written: str) -> None:
    assert formatting.day_of_month(number, language) == written


@pytest.mark.parametrize(
    ("zone", "language", "written"),
    [
        ("Europe/Paris", "fr", "heure de Paris"),
        ("Asia/Tokyo", "ja", "日本時間"),
        ("Indian/Reunion", "fr", "heure locale, La Réunion"),
        ("America/New_York", "en", "New York time"),
        ("America/New_York", "ja", "ニューヨーク時間"),
    ],
)
def test_a_zone_is_named_by_its_place(zone: str, language: Language, written: str) -> None:
    assert formatting.zone_label(zone, language) == written


def test_the_first_of_a_month_is_premier_and_the_eleventh_is_not() -> None:
    assert formatting.day(date(2026, 6, 1), "fr") == "lundi 1er juin 2026"
    assert formatting.day(date(2026, 6, 11), "fr") == "jeudi 11 juin 2026"
    assert formatting.short_day(date(2026, 6, 1), "fr") == "lundi 1er juin"
