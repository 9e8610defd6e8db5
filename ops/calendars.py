"""Writes the tables of national days that Relance checks in, so that no date ever depends on a silent library.

The `holidays` library is the generator (it knows the French and Alsace-Moselle days, the Japanese substitute
days and citizens' holidays); the file keeps its version, its source in law and its horizon. Refresh every
February, when Japan publishes the next year.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Final

import holidays

from shared.calendar.tables import LANGUAGES
from shared.errors import Refused

FIRST_YEAR: Final = 2020
LAST_YEAR: Final = 2040
FOLDER: Final = Path(__file__).resolve().parent.parent / "shared" / "calendar" / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one table is made. ``official_year``: the last year that the state itself has published."""

    id: str
    country: str
    subdivision: str | None
    law: str
    official_year: int


RECIPES: Final[Mapping[str, Recipe]] = {
    recipe.id: recipe
    for recipe in (
        Recipe(
            id="FR",
            country="FR",
            subdivision=None,
            law="Code du travail L3133-1 (11 days, metropolitan list)",
            official_year=LAST_YEAR,
        ),
        Recipe(
            id="FR-57",
            country="FR",
            subdivision="57",
            law="Code du travail L3133-1 and L3134-13 (Alsace-Moselle: Good Friday and 26 December)",
            official_year=LAST_YEAR,
        ),
        Recipe(
            id="JP",
            country="JP",
            subdivision=None,
            law="Act on National Holidays (1948, no. 178), with substitute days and citizens' holidays of art. 3; "
            "equinox days after the last published year are forecasts",
            official_year=2027,
        ),
        Recipe(
            id="TARGET",
            country="TARGET",
            subdivision=None,
            law="Closing days of the euro area's TARGET system (European Central Bank)",
            official_year=LAST_YEAR,
        ),
    )
}

# Every name once, in three languages, by the generator's English name. A day without a line here is refused.
NAMES: Final[Mapping[str, tuple[str, str, str]]] = {
    "New Year's Day": ("Jour de l'an", "元日", "New Year's Day"),
    "Good Friday": ("Vendredi saint", "聖金曜日", "Good Friday"),
    "Easter Monday": ("Lundi de Pâques", "復活祭の月曜日", "Easter Monday"),
    "Labor Day": ("Fête du Travail", "メーデー", "Labour Day"),
    "Labour Day": ("Fête du Travail", "メーデー", "Labour Day"),
    "Victory Day": ("Victoire de 1945", "戦勝記念日", "Victory in Europe Day"),
    "Ascension Day": ("Ascension", "昇天祭", "Ascension Day"),
    "Pentecost Monday": ("Lundi de Pentecôte", "聖霊降臨祭の月曜日", "Whit Monday"),
    "National Day": ("Fête nationale", "革命記念日", "Bastille Day"),
    "Assumption Day": ("Assomption", "聖母被昇天祭", "Assumption Day"),
    "All Saints' Day": ("Toussaint", "諸聖人の日", "All Saints' Day"),
    "Armistice Day": ("Armistice 1918", "第一次世界大戦休戦記念日", "Armistice Day"),
    "Christmas Day": ("Noël", "クリスマス", "Christmas Day"),
    "Saint Stephen's Day": ("Saint-Étienne", "聖ステファノの日", "Saint Stephen's Day"),
    "Christmas Holiday": ("Lendemain de Noël", "クリスマス翌日", "26 December"),
    "Coming of Age Day": ("Jour de la majorité", "成人の日", "Coming of Age Day"),
    "Foundation Day": ("Fondation de l'État", "建国記念の日", "National Foundation Day"),
    "Emperor's Birthday": ("Anniversaire de l'empereur", "天皇誕生日", "Emperor's Birthday"),
    "Vernal Equinox Day": ("Équinoxe de printemps", "春分の日", "Vernal Equinox Day"),
    "Showa Day": ("Jour de Shōwa", "昭和の日", "Showa Day"),
    "Constitution Day": ("Jour de la Constitution", "憲法記念日", "Constitution Memorial Day"),
    "Greenery Day": ("Jour de la nature", "みどりの日", "Greenery Day"),
    "Children's Day": ("Jour des enfants", "こどもの日", "Children's Day"),
    "Marine Day": ("Jour de la mer", "海の日", "Marine Day"),
    "Mountain Day": ("Jour de la montagne", "山の日", "Mountain Day"),
    "Respect for the Aged Day": (
        "Jour du respect des personnes âgées",
        "敬老の日",
        "Respect for the Aged Day",
    ),
    "Autumnal Equinox Day": ("Équinoxe d'automne", "秋分の日", "Autumnal Equinox Day"),
    "Sports Day": ("Jour du sport", "スポーツの日", "Sports Day"),
    "Culture Day": ("Jour de la culture", "文化の日", "Culture Day"),
    "Labor Thanksgiving Day": (
        "Fête du travail et de la gratitude",
        "勤労感謝の日",
        "Labour Thanksgiving Day",
    ),
    "Substitute Holiday": ("Jour férié de substitution", "振替休日", "Substitute Holiday"),
    "National Holiday": ("Jour férié des citoyens", "国民の休日", "Citizens' Holiday"),
}


def make_table(
    table_id: str, *, first_year: int = FIRST_YEAR, last_year: int = LAST_YEAR
) -> dict[str, object]:
    """The content of one table's file.

    Raises:
        Refused: no recipe of that name, or the library names a day this module has no words for.
    """
    recipe = RECIPES.get(table_id)
    if recipe is None:
        raise Refused(
            f"there is no recipe for {table_id!r}: one of {', '.join(RECIPES)}, or add a line", status=422
        )
    names: dict[str, dict[str, str]] = {}
    years: dict[str, list[str]] = {}
    for year in range(first_year, last_year + 1):
        found = _days_of(recipe, year)
        if not found:
            raise Refused(
                f"the library knows no holiday of {table_id} in {year}: shorten the horizon", status=422
            )
        years[str(year)] = [f"{day:%m-%d} {_keys(names, text)}" for day, text in sorted(found.items())]
    return {
        "id": recipe.id,
        "country": recipe.country,
        "subdivision": recipe.subdivision,
        "source": f"{recipe.law}; generated with holidays {version('holidays')}",
        "first": f"{first_year}-01-01",
        "last": f"{last_year}-12-31",
        "official_through": f"{recipe.official_year}-12-31",
        "names": names,
        "years": years,
    }


def write_tables(folder: Path = FOLDER, *, only: str | None = None) -> list[Path]:
    """Write every table (or one) and return the files; the same library gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for table_id in RECIPES if only is None else (only,):
        path = folder / f"{table_id.lower()}.json"
        path.write_text(as_text(make_table(table_id)), encoding="utf-8")
        written.append(path)
    return written


def as_text(table: Mapping[str, object]) -> str:
    """JSON that a person can read and compare: one name a line, one year a paragraph."""
    return json.dumps(table, ensure_ascii=False, indent=1) + "\n"


def _days_of(recipe: Recipe, year: int) -> dict[date, str]:
    if recipe.country == "TARGET":
        found = holidays.financial_holidays("XECB", years=year, language="en_US")
    else:
        found = holidays.country_holidays(
            recipe.country, subdiv=recipe.subdivision, years=year, language="en_US"
        )
    return {day: text for day, text in found.items() if day.year == year}


def _keys(names: dict[str, dict[str, str]], text: str) -> str:
    keys = []
    for part in text.split("; "):
        words = NAMES.get(part)
        if words is None:
            raise Refused(
                f"the library names a day {part!r} that has no words yet: add it to NAMES", status=422
            )
        key = "".join(letter if letter.isalnum() else "_" for letter in words[2].lower().replace("'", ""))
        names[key] = dict(zip(LANGUAGES, words, strict=True))
        keys.append(key)
    return "+".join(sorted(keys))
