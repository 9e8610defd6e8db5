"""Where a payer reaches PayPal: by the country of the card's billing address (J33, J36). Numbers are configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml
from babel import Locale
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from shared.errors import Unreadable

ELSEWHERE = "elsewhere"
HOME = "JP"


class Number(BaseModel):
    """A telephone number and who should use it, by language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: str
    use: dict[str, str] = {}


class Desk(BaseModel):
    """PayPal's support in one country."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    hours: dict[str, str] = {}
    note: dict[str, str] = {}
    numbers: tuple[Number, ...] = ()


_DESKS = TypeAdapter(dict[str, Desk])


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """A support block in one language."""

    country: str
    """The country's name; empty when the card's country is not known."""
    is_foreign: bool
    url: str
    hours: str
    note: str
    numbers: tuple[dict[str, str], ...]


def read_desks(text: str, *, where: str) -> dict[str, Desk]:
    """The desks of a configuration file.

    Raises:
        Unreadable: it has another shape, or lacks ``JP`` or ``elsewhere``.
    """
    try:
        desks = _DESKS.validate_python(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise Unreadable(f"{where} does not tell where PayPal is reached: {error}") from error
    for needed in (HOME, ELSEWHERE):
        if needed not in desks:
            raise Unreadable(f"{where} lacks {needed!r}: add it")
    return desks


@cache
def built_in() -> dict[str, Desk]:
    """The desks that come with Relance."""
    text = (files("shared.paypal_support") / "desks.yaml").read_text(encoding="utf-8")
    return read_desks(text, where="shared/paypal_support/desks.yaml")


def desks_from(path: Path | None) -> Mapping[str, Desk]:
    """The school's own file, or what comes with Relance."""
    return built_in() if path is None else read_desks(path.read_text(encoding="utf-8"), where=str(path))


def support_for(
    desks: Mapping[str, Desk], card_country: str | None, *, country_name: str, language: str
) -> Support:
    """The block for a card's country; an unknown country is taken for a Japanese card, as the seed does."""
    code = (card_country or HOME).upper()
    desk = desks.get(code) or desks[ELSEWHERE]
    return Support(
        country=country_name,
        is_foreign=code != HOME,
        url=desk.url.format(country=code.lower()),
        hours=desk.hours.get(language, ""),
        note=desk.note.get(language, ""),
        numbers=tuple(
            {"use": number.use.get(language, number.number), "number": number.number}
            for number in desk.numbers
        ),
    )


def country_of(code: str | None, language: str) -> str:
    """The country's name in that language; empty when the card's country is not known."""
    return Locale(language).territories.get(code.upper(), code) if code else ""
