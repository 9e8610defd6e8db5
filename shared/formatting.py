"""Amounts, dates and hours as a French, Japanese or English reader writes them, always in the rule's own zone.

Japanese evenings that run past midnight are written both ways: 20日25:30=21日1:30 (J28). Pure.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from babel.dates import format_date, get_timezone_location
from babel.numbers import format_currency, format_decimal

from shared.calendar import Language, WallTime, instant, local_date, long_clock, zone
from shared.money import Money

_DAY: Final = {"fr": "EEEE d MMMM y", "ja": "y年M月d日(E)", "en": "EEEE d MMMM y"}
_SHORT_DAY: Final = {"fr": "EEEE d MMMM", "ja": "M月d日(E)", "en": "EEEE d MMMM"}
_WEEKDAY_AND_NUMBER: Final = {"fr": "EEEE d", "ja": "d日", "en": "EEEE d"}
_NEXT_MONTH: Final = {"fr": "EEEE d MMMM", "ja": "M月d日", "en": "EEEE d MMMM"}
_MONTH: Final = {"fr": "MMMM y", "ja": "y年M月", "en": "MMMM y"}

_ZONES: Final = {
    "Europe/Paris": {"fr": "heure de Paris", "ja": "パリ時間", "en": "Paris time"},
    "Asia/Tokyo": {"fr": "heure du Japon", "ja": "日本時間", "en": "Japan time"},
    "UTC": {"fr": "UTC", "ja": "UTC", "en": "UTC"},
}


def amount(money: Money, language: Language) -> str:
    """``75,00 €``, ``€75.00``; ``12,800円``, ``¥12,800``: exact, never through a float (X-23)."""
    value = Decimal(money.decimal_text)
    if money.currency == "JPY":
        digits = format_decimal(value, locale=language)
        return {"ja": f"{digits}円", "fr": f"{digits}\u00a0¥", "en": f"¥{digits}"}[language]
    return format_currency(value, money.currency, locale=language)


def day(on: date, language: Language) -> str:
    """``lundi 1er juin 2026``, ``2026年6月1日(月)``, ``Monday 1 June 2026``."""
    return _first(format_date(on, _DAY[language], locale=language), on, language)


def short_day(on: date, language: Language) -> str:
    """Without the year."""
    return _first(format_date(on, _SHORT_DAY[language], locale=language), on, language)


def month(on: date, language: Language) -> str:
    """``juin 2026``, ``2026年6月``, ``June 2026``."""
    return format_date(on, _MONTH[language], locale=language)


def day_of_month(number: int, language: Language) -> str:
    """``le 15``, ``毎月15日``, ``the 15th``: a billing day."""
    if language == "ja":
        return f"毎月{number}日"
    if language == "fr":
        return "le 1er" if number == 1 else f"le {number}"
    suffix = "th" if 11 <= number <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"the {number}{suffix}"


def zone_label(name: str, language: Language) -> str:
    """``heure de Paris``, ``日本時間``, ``Japan time``; another zone by its city."""
    known = _ZONES.get(name)
    if known is not None:
        return known[language]
    city = get_timezone_location(name, locale=language, return_city=True)
    if language == "ja":
        return f"{city}時間"
    return f"heure locale, {city}" if language == "fr" else f"{city} time"


def clock(at: datetime, zone_name: str, language: Language) -> str:
    """``09:00``; Japanese hours have no leading zero (``9:00``)."""
    local = at.astimezone(zone(zone_name))
    return _clock(WallTime(local.hour, local.minute), language)


def moment(at: datetime, zone_name: str, language: Language) -> str:
    """``lundi 1er juin 2026 à 09:00 (heure de Paris)``."""
    on = local_date(at, zone_name)
    return _with_zone(_at(day(on, language), clock(at, zone_name, language), language), zone_name, language)


def deadline(at: datetime, zone_name: str, language: Language) -> str:
    """The end of a day is 24:00 of that day, never 00:00 of the next one (R-F5)."""
    local = at.astimezone(zone(zone_name))
    if (local.hour, local.minute, local.second) != (0, 0, 0):
        return moment(at, zone_name, language)
    last = local.date() - timedelta(days=1)
    return _with_zone(_at(day(last, language), "24:00", language), zone_name, language)


def last_day(at: datetime, zone_name: str) -> date:
    """The last day before a deadline: midnight belongs to the day that ends."""
    return local_date(at - timedelta(microseconds=1), zone_name)


def evening(at: datetime, service_day: date, zone_name: str, language: Language) -> str:
    """A gateway's charge on its service day; past midnight both ways: ``9月20日(日)25:30=21日1:30(日本時間)``."""
    if local_date(at, zone_name) == service_day:
        return moment(at, zone_name, language)
    long = _clock(long_clock(at, zone_name, service_day), language)
    plain = _other_way(local_date(at, zone_name), clock(at, zone_name, language), language)
    return _with_zone(_at(day(service_day, language), long, language) + plain, zone_name, language)


def window(
    first: date, last: date, opens: WallTime, closes: WallTime, zone_name: str, language: Language
) -> str:
    """When a gateway is expected to charge: ``2026年4月18日(土)〜4月20日(月)の19:00〜26:00(=翌日2:00)(日本時間)``."""
    hours = f"{_clock(opens, language)}{'〜' if language == 'ja' else '–'}{_clock(closes, language)}"
    if closes.hour >= 24:
        plain = _clock(WallTime(closes.hour - 24, closes.minute), language)
        if first == last:
            hours += _same_hour(first + timedelta(days=1), plain, language)
        else:
            hours += {
                "ja": f"(=翌日{plain})",
                "fr": f" (c’est-à-dire jusqu’à {plain} le lendemain)",
                "en": f" (that is, until {plain} the next day)",
            }[language]
    if first == last:
        days = day(first, language)
        joined = {"ja": f"{days}{hours}", "fr": f"{days}, {hours}", "en": f"{days}, {hours}"}[language]
    else:
        joined = {
            "ja": f"{day(first, 'ja')}〜{short_day(last, 'ja')}のいずれかの日の{hours}",
            "fr": f"entre le {short_day(first, 'fr')} et le {day(last, 'fr')}, {hours}",
            "en": f"between {short_day(first, 'en')} and {day(last, 'en')}, {hours}",
        }[language]
    return _with_zone(joined, zone_name, language)


def hours(opens: WallTime, closes: WallTime, zone_name: str, language: Language) -> str:
    """The hours of the debits: ``日本時間19〜26時``, past midnight in plain words as well."""
    label = zone_label(zone_name, language)
    past = closes.hour >= 24
    plain = _clock(WallTime(closes.hour % 24, closes.minute), language)
    if language == "ja":
        return f"{label}{_clock(opens, 'ja')}〜{_clock(closes, 'ja')}" + (
            f"(翌日{plain}まで)" if past else ""
        )
    if language == "fr":
        text = f"entre {opens} et {closes}, {label}"
        return text + (f", c’est-à-dire jusqu’à {plain} le lendemain" if past else "")
    text = f"between {opens} and {closes} {label}"
    return text + (f", that is, until {plain} the next day" if past else "")


def span(start: datetime, end: datetime, zone_name: str, language: Language) -> str:
    """From an instant to another on the reader's own clock: ``jeudi 20 août 2026, 12:00–19:00 (heure de Paris)``."""
    first, last = local_date(start, zone_name), local_date(end, zone_name)
    begins, ends = clock(start, zone_name, language), clock(end, zone_name, language)
    if first == last:
        days = day(first, language)
        hours = f"{begins}〜{ends}" if language == "ja" else f"{begins}–{ends}"
        joined = f"{days}{hours}" if language == "ja" else f"{days}, {hours}"
    else:
        joined = {
            "ja": f"{day(first, 'ja')}{begins}〜{short_day(last, 'ja')}{ends}",
            "fr": f"du {short_day(first, 'fr')} à {begins} au {day(last, 'fr')} à {ends}",
            "en": f"from {begins} on {short_day(first, 'en')} to {ends} on {day(last, 'en')}",
        }[language]
    return _with_zone(joined, zone_name, language)


def window_instants(
    first: date, last: date, opens: WallTime, closes: WallTime, zone_name: str
) -> tuple[datetime, datetime]:
    """The instants at which such a window begins and ends."""
    return instant(first, opens, zone_name), instant(last, closes, zone_name)


def period(first: date, last: date, language: Language) -> str:
    """``du 1er au 30 juin 2026`` in full; both days included."""
    return {
        "ja": f"{day(first, 'ja')}〜{day(last, 'ja')}",
        "fr": f"du {day(first, 'fr')} au {day(last, 'fr')}",
        "en": f"{day(first, 'en')} to {day(last, 'en')}",
    }[language]


def same_clock(at: datetime, one: str, other: str) -> bool:
    """Whether the walls of two zones show the same at ``at``."""
    return at.astimezone(zone(one)).utcoffset() == at.astimezone(zone(other)).utcoffset()


def parse_instant(text: str) -> datetime:
    """``2026-06-12T22:00:00Z`` as aware UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def parse_money(text: str) -> Money:
    """``7500 EUR``: minor units and currency."""
    minor, _, currency = text.partition(" ")
    return Money(int(minor), currency)


# --- small parts ------------------------------------------------------------------------------------------


def _first(text: str, on: date, language: Language) -> str:
    return text.replace(" 1 ", " 1er ", 1) if language == "fr" and on.day == 1 else text


def _clock(wall: WallTime, language: Language) -> str:
    return f"{wall.hour}:{wall.minute:02d}" if language == "ja" else str(wall)


def _at(days: str, hours: str, language: Language) -> str:
    return (
        f"{days}{hours}"
        if language == "ja"
        else f"{days} à {hours}"
        if language == "fr"
        else f"{days} at {hours}"
    )


def _with_zone(text: str, zone_name: str, language: Language) -> str:
    label = zone_label(zone_name, language)
    return f"{text}({label})" if language == "ja" else f"{text} ({label})"


def _shortest(on: date, language: Language) -> str:
    """The next morning in short; with its month where that is another one."""
    if on.day == 1:
        return _first(format_date(on, _NEXT_MONTH[language], locale=language), on, language)
    return format_date(on, _WEEKDAY_AND_NUMBER[language], locale=language)


def _other_way(on: date, hours: str, language: Language) -> str:
    short = _shortest(on, language)
    return {
        "ja": f"={short}{hours}",
        "fr": f", soit le {short} à {hours}",
        "en": f", that is {hours} on {short}",
    }[language]


def _same_hour(on: date, hours: str, language: Language) -> str:
    short = _shortest(on, language)
    return {
        "ja": f"(={short}{hours})",
        "fr": f" (c’est-à-dire jusqu’à {hours} le {short})",
        "en": f" (that is, until {hours} on {short})",
    }[language]
