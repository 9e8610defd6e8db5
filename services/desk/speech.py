"""The desk's words in French, Japanese and English, and dates as the office writes them, on the school's own wall."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml
from babel.dates import format_date, format_datetime

from services.desk.domain.school import School
from shared import formatting
from shared.calendar import Language, local_date
from shared.calendar.wall import zone
from shared.keys import PLACEHOLDER
from shared.money import Money

_MOMENT: Final = {"fr": "EEE d MMM, HH:mm", "ja": "M月d日(E) H:mm", "en": "EEE d MMM, HH:mm"}
_LONG: Final = {"fr": "EEE d MMM y, HH:mm", "ja": "y年M月d日(E) H:mm", "en": "EEE d MMM y, HH:mm"}
_DAY: Final = {"fr": "EEE d MMM", "ja": "M月d日(E)", "en": "EEE d MMM"}


@cache
def words() -> dict[str, Any]:
    """Every section of ``words/*.yaml``."""
    found: dict[str, Any] = {}
    for file in sorted((files("services.desk") / "words").iterdir(), key=lambda one: one.name):
        if file.name.endswith(".yaml"):
            found.update(yaml.safe_load(file.read_text(encoding="utf-8")))
    return found


class Speech:
    """One reader's language, one school's wall clock."""

    def __init__(self, language: Language, school: School, now: datetime) -> None:
        self.language = language
        self.school = school
        self.now = now

    def t(self, name: str, /, **values: Any) -> str:
        """The words of ``section.key``; a missing one is a mistake in a page.

        Raises:
            KeyError: no such words.
        """
        section, _, key = name.partition(".")
        text: str = words()[section][key][self.language]
        return text.format(**values) if values else text

    def w(self, section: str, key: Any) -> str:
        """The words of a code that comes from a fact; the code itself, made readable, when there are none."""
        code = "" if key is None else str(getattr(key, "value", key))
        entry: Mapping[str, str] | None = words().get(section, {}).get(code)
        return entry[self.language] if entry else code.replace("_", " ")

    def shown(self, text: str) -> str:
        """What somebody typed; where it was erased, the language's own words for that."""
        return text.replace(PLACEHOLDER, self.t("case.erased")) if PLACEHOLDER in text else text

    def span(self, seconds: float) -> str:
        """How long something has lasted, in its largest unit."""
        for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
            if seconds >= size:
                return self.t(f"spans.{unit}", n=int(seconds // size))
        return self.t("spans.seconds", n=int(seconds))

    def moment(self, at: Any, *, long: bool = False) -> str:
        """An hour on the school's wall; the year only when it is another one, or ``long``."""
        instant = _instant(at)
        if instant is None:
            return "–"
        local = instant.astimezone(zone(self.school.zone))
        other = local.year != self.now.astimezone(zone(self.school.zone)).year
        return format_datetime(
            local, (_LONG if long or other else _MOMENT)[self.language], locale=self.language
        )

    def day(self, on: Any) -> str:
        """A day in full."""
        if isinstance(on, str):
            on = date.fromisoformat(on[:10])
        return formatting.day(on, self.language) if on else "–"

    def short_day(self, on: date | str | None) -> str:
        """A day without its year."""
        if isinstance(on, str):
            on = date.fromisoformat(on[:10])
        return format_date(on, _DAY[self.language], locale=self.language) if on else "–"

    def closed_day(self, day: str | date, why: str) -> str:
        """A skipped day and why; a Sunday says it by its weekday already."""
        on = day if isinstance(day, date) else date.fromisoformat(day)
        return self.short_day(day) if why == f"{on:%A}" else f"{self.short_day(day)} {why}"

    def month(self, text: str) -> str:
        """``2026-04`` as April 2026."""
        return formatting.month(date.fromisoformat(f"{text}-01"), self.language)

    def deadline(self, at: Any) -> str:
        """The end of a day is 24:00 of that day."""
        instant = _instant(at)
        return formatting.deadline(instant, self.school.zone, self.language) if instant else "–"

    def money(self, amount: Any) -> str:
        """An exact amount, from ours or from an API's."""
        if amount is None:
            return "–"
        if isinstance(amount, Mapping):
            amount = Money(int(amount["amount_minor"]), str(amount["currency"]))
        return formatting.amount(amount, self.language)

    def ago(self, at: Any) -> str:
        """How long ago, or in how long, in words."""
        instant = _instant(at)
        if instant is None or instant.year > 9000:
            return ""
        seconds = (instant - self.now).total_seconds()
        size = abs(seconds)
        days = abs((local_date(instant, self.school.zone) - self.today).days)
        way = "in" if seconds > 0 else "ago"
        if size < 3600:
            return self.t(f"time.{way}_minutes", n=max(1, round(size / 60)))
        if days == 0 or size < 36 * 3600:
            return self.t(f"time.{way}_hours", n=round(size / 3600))
        return self.t(f"time.{way}_days", n=days)

    @property
    def today(self) -> date:
        """The school's own day."""
        return local_date(self.now, self.school.zone)

    @property
    def zone_label(self) -> str:
        """Whose clock it is."""
        return formatting.zone_label(self.school.zone, self.language)


def _instant(at: Any) -> datetime | None:
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    return at.astimezone(UTC) if isinstance(at, datetime) else None
