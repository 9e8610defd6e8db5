"""A page's voice: sentences in French, Japanese or English, amounts and dates with their zone, never raw codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml
from markupsafe import Markup, escape

from services.portal.domain.people import School
from shared import formatting
from shared.calendar import Language, WallTime, local_date, zone
from shared.money import Money

_BEFORE: Final = re.compile(r" ([:;?!»])")
_STRONG: Final = re.compile(r"\*\*(.+?)\*\*")


@cache
def sentences() -> Mapping[str, Mapping[Language, str]]:
    """Every sentence of every page, by name."""
    found: dict[str, Mapping[Language, str]] = {}
    for file in sorted((files("services.portal") / "words").iterdir(), key=lambda one: one.name):
        if not file.name.endswith(".yaml"):
            continue
        room = file.name.removesuffix(".yaml")
        for name, text in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            found[f"{room}.{name}"] = text
    return found


@cache
def _typeset(text: str, language: Language) -> str:
    """French double signs stay with the word they belong to; ``**strong**`` is strong."""
    safe = str(escape(text))
    if language == "fr":
        safe = _BEFORE.sub("\u00a0\\1", safe).replace("« ", "«\u00a0").replace("'", "’").replace("&#39;", "’")
    return _STRONG.sub(r"<strong>\1</strong>", safe)


class Speech:
    """One reader's language, the school's zone, and his own."""

    def __init__(self, language: Language, school: School, reader_zone: str | None = None) -> None:
        self.language = language
        self.school = school
        self.zone = school.zone
        self.reader_zone = reader_zone or school.zone

    def t(self, name: str, **values: Any) -> Markup:
        """The sentence of that name, with its values set in; a missing name is a mistake and raises."""
        text = _typeset(sentences()[name][self.language], self.language)
        return Markup(text).format(**values) if values else Markup(text)  # noqa: S704 - our own words, escaped above; values are escaped by format

    def has(self, name: str) -> bool:
        """Whether there is such a sentence."""
        return name in sentences()

    def word(self, group: str, value: Any) -> Markup:
        """A value's word: ``word("decline", DeclineClass.EXPIRED_CARD)``; an unknown one is told as unknown."""
        name = f"{group}.{getattr(value, 'value', value)}"
        return self.t(name if self.has(name) else f"{group}.unknown")

    # --- amounts, days and hours ---

    def money(self, amount: Money | None) -> str:
        return formatting.amount(amount, self.language) if amount else ""

    def day(self, on: date | None) -> str:
        return formatting.day(on, self.language) if on else ""

    def short_day(self, on: date | None) -> str:
        return formatting.short_day(on, self.language) if on else ""

    def month(self, on: date | None) -> str:
        return formatting.month(on, self.language) if on else ""

    def billing_day(self, number: int) -> str:
        return formatting.day_of_month(number, self.language)

    def moment(self, at: datetime | None) -> str:
        """An instant on the school's wall, with its zone."""
        return formatting.moment(at, self.zone, self.language) if at else ""

    def date_of(self, at: datetime | None) -> str:
        """Only the day of an instant."""
        return formatting.day(local_date(at, self.zone), self.language) if at else ""

    def deadline(self, at: datetime | None) -> str:
        """The end of a day is 24:00 of that day (R-F5)."""
        return formatting.deadline(at, self.zone, self.language) if at else ""

    def last_day(self, at: datetime | None) -> str:
        """The last whole day before a deadline."""
        return formatting.day(formatting.last_day(at, self.zone), self.language) if at else ""

    def evening(self, at: datetime, service_day: date | None = None) -> str:
        """A gateway's charge on the long clock; past midnight both ways (J28)."""
        on = service_day or self.service_day(at)
        return formatting.evening(at, on, self.zone, self.language)

    def service_day(self, at: datetime) -> date:
        """Before noon a gateway's debit still belongs to the evening before (R-J2)."""
        local = at.astimezone(zone(self.zone))
        return (
            local_date(at, self.zone)
            if local.hour >= 12
            else formatting.last_day(_midnight(local), self.zone)
        )

    def window(self, first: date, last: date) -> str:
        """When the gateway is expected to try: days and the hours of the long clock."""
        opens, closes = (WallTime.parse(text) for text in self.school.window)
        return formatting.window(first, last, opens, closes, self.zone, self.language)

    def window_here(self, first: date, last: date) -> str:
        """The same on the reader's own clock; empty where it is the same."""
        opens, closes = (WallTime.parse(text) for text in self.school.window)
        start, end = formatting.window_instants(first, last, opens, closes, self.zone)
        if formatting.same_clock(start, self.zone, self.reader_zone):
            return ""
        return formatting.span(start, end, self.reader_zone, self.language)

    def hours(self) -> str:
        """The hours of the debits: ``日本時間19〜26時``."""
        opens, closes = (WallTime.parse(text) for text in self.school.window)
        return formatting.hours(opens, closes, self.zone, self.language)

    def span_here(self, start: datetime, end: datetime) -> str:
        """A span on the reader's own clock; empty where it shows the same as the school's."""
        if formatting.same_clock(start, self.zone, self.reader_zone):
            return ""
        return formatting.span(start, end, self.reader_zone, self.language)

    def here(self, at: datetime | None) -> str:
        """The reader's own clock; empty where it shows the same as the school's."""
        if at is None or formatting.same_clock(at, self.zone, self.reader_zone):
            return ""
        return formatting.moment(at, self.reader_zone, self.language)

    def period(self, first: date, last: date) -> str:
        return formatting.period(first, last, self.language)

    @property
    def zone_label(self) -> str:
        """``heure de Paris``."""
        return formatting.zone_label(self.zone, self.language)


def _midnight(local: datetime) -> datetime:
    return local.replace(hour=0, minute=0, second=0, microsecond=0)
