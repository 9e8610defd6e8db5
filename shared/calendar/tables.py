"""The national days Relance knows: tables that were checked in, each with its source and its horizon.

Libraries answer "no holiday" beyond their years without a word; a table here ends, and says so (R-X6).
`relance calendars refresh` writes these files (ops/calendars.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from shared.errors import Unreadable

Language = Literal["fr", "ja", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("fr", "ja", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A day's name in the three languages of Relance."""

    fr: str
    ja: str
    en: str

    def get(self, language: Language) -> str:
        """The name in that language."""
        if language == "fr":
            return self.fr
        return self.ja if language == "ja" else self.en

    @classmethod
    def same(cls, text: str) -> Name:
        """A name that is not translated, such as the one an office gave to its own closure."""
        return cls(fr=text, ja=text, en=text)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HolidayTable:
    """The public holidays of a country, or of a part of it, from ``first`` to ``last`` inclusive.

    ``official_through``: up to here the state has published the days; what follows is computed by the law's
    rule (equinox days are forecasts) and is refreshed every February.
    """

    id: str
    country: str
    subdivision: str | None
    source: str
    first: date
    last: date
    official_through: date
    days: Mapping[date, Name]


def table_ids() -> tuple[str, ...]:
    """The tables that exist, by id: FR, FR-57, JP, TARGET."""
    folder = files("shared.calendar") / "data"
    return tuple(
        sorted(entry.name[:-5].upper() for entry in folder.iterdir() if entry.name.endswith(".json"))
    )


@cache
def holiday_table(country: str, subdivision: str | None = None) -> HolidayTable:
    """The checked-in table of a country ("FR") or of a part of it ("FR", "57").

    Raises:
        Unreadable: there is no such table.
    """
    wanted = country if subdivision is None else f"{country}-{subdivision}"
    entry = files("shared.calendar") / "data" / f"{wanted.lower()}.json"
    if not entry.is_file():
        known = ", ".join(table_ids())
        raise Unreadable(
            f"there is no holiday table {wanted!r} (known: {known}): "
            f"write one with `relance calendars refresh {wanted}`"
        )
    return table_from_data(json.loads(entry.read_text(encoding="utf-8")))


def table_from_data(data: Mapping[str, object]) -> HolidayTable:
    """A table from the content of its JSON file: names by key, days by year as ``MM-DD key``."""
    raw = TableFile.from_data(data)
    names = {key: Name(**texts) for key, texts in raw.names.items()}
    days = {
        date.fromisoformat(f"{year}-{line[:5]}"): _joined([names[key] for key in line[6:].split("+")])
        for year, lines in raw.years.items()
        for line in lines
    }
    return HolidayTable(
        id=raw.id,
        country=raw.country,
        subdivision=raw.subdivision,
        source=raw.source,
        first=date.fromisoformat(raw.first),
        last=date.fromisoformat(raw.last),
        official_through=date.fromisoformat(raw.official_through),
        days=days,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFile:
    """The shape of a table's file, as the generator writes it."""

    id: str
    country: str
    subdivision: str | None
    source: str
    first: str
    last: str
    official_through: str
    names: dict[str, dict[str, str]]
    years: dict[str, list[str]]

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> TableFile:
        """The file's content by field name.

        Raises:
            Unreadable: a key is missing or unknown.
        """
        try:
            return cls(**data)  # type: ignore[arg-type]  # the files are our own and a test reads each of them
        except TypeError as error:
            raise Unreadable(f"this holiday table has another shape: {error}; generate it again") from error


def _joined(names: list[Name]) -> Name:
    if len(names) == 1:
        return names[0]
    return Name(**{language: ", ".join(name.get(language) for name in names) for language in LANGUAGES})
