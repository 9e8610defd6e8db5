"""Why a learner stands where he stands: a case tells its own story, in French, Japanese or English.

The story is made from the case's dated notes: what happened, what was decided and by which rule, the fact that
caused it, and which mails left. Times are told on the wall of the policy's zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml
from babel.numbers import format_currency

from services.dunning.domain.case import Case
from services.dunning.domain.parts import Note
from shared.calendar import LANGUAGES, Language
from shared.money import exponent_of
from shared.reason_words import tell as tell_reason
from shared.reason_words import tell_day, tell_instant

_LOCALES: Final[Mapping[Language, str]] = {"fr": "fr_FR", "ja": "ja_JP", "en": "en_GB"}
_PLAIN: Final = frozenset({"detail", "policy", "by", "transaction", "label", "note", "method", "template"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the story."""

    at: datetime
    text: str
    because: str | None = None
    """The rule behind a date, with the days it skipped."""
    event: str | None = None
    """The id of the fact that caused it."""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A case as a person tells it."""

    title: str
    lines: tuple[Line, ...]

    def to_text(self, language: Language, zone_name: str) -> str:
        """The story as plain lines: when, what, why, which event."""
        told = [self.title]
        for line in self.lines:
            told.append(f"{tell_instant(line.at, language, zone_name=zone_name)}  {line.text}")
            if line.because:
                told.append(f"    {line.because}")
            if line.event:
                told.append(f"    [{line.event}]")
        return "\n".join(told)


def tell(case: Case, language: Language, *, zone_name: str, until: datetime | None = None) -> Story:
    """The case's story up to ``until`` (aware), oldest first, mails among the rest."""
    speaker = _Speaker(case, language, zone_name)
    lines = sorted([*speaker.notes(), *speaker.mails()], key=lambda line: line.at)
    kept = tuple(line for line in lines if until is None or line.at <= until)
    return Story(title=speaker.title(), lines=kept)


def language_of(word: str | None, *, otherwise: Language = "en") -> Language:
    """One of ours, or ``otherwise``."""
    return next((language for language in LANGUAGES if language == word), otherwise)


class _Speaker:
    def __init__(self, case: Case, language: Language, zone_name: str) -> None:
        self._case = case
        self._language = language
        self._zone = zone_name
        self._words = vocabulary()

    def title(self) -> str:
        state = self._words["states"][self._case.state.value][self._language]
        return str(self._words["titles"]["case"][self._language]).format(
            case_id=self._case.case_id, state=state
        )

    def notes(self) -> Iterator[Line]:
        for note in self._case.notes:
            because = note.because
            yield Line(
                at=note.at,
                text=self._sentence(note),
                because=tell_reason(because, self._language, zone_name=self._zone) if because else None,
                event=note.cause,
                code=note.code,
            )

    def mails(self) -> Iterator[Line]:
        for mail in self._case.mails:
            code = "mail_left" if mail.sent_at else "mail_waits"
            text = self._words["sentences"][code][self._language].format(template=mail.template.value)
            yield Line(at=mail.sent_at or mail.requested_at, text=text, code=code)

    def _sentence(self, note: Note) -> str:
        sentence = self._words["sentences"].get(note.code)
        params = {"period": tell_day(self._case.period, self._language), "by": ""}
        params |= {name: self._value(name, value) for name, value in note.params.items()}
        if sentence is None:
            return f"{note.code.replace('_', ' ')} {' '.join(params[name] for name in note.params)}".strip()
        return str(sentence[self._language]).format_map(_Gaps(params))

    def _value(self, name: str, value: str) -> str:
        if name == "by" or name not in _PLAIN:
            word = self._words["words"].get(value)
            if word is not None:
                return str(word[self._language])
        if name in _PLAIN:
            return value
        return _money(value, self._language) or self._when(value) or value.replace("_", " ")

    def _when(self, value: str) -> str | None:
        try:
            if len(value) == len("2026-06-01"):
                return tell_day(date.fromisoformat(value), self._language)
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
        return tell_instant(at.astimezone(UTC), self._language, zone_name=self._zone)


class _Gaps(dict[str, str]):
    """A value that a note does not have is left out of its sentence."""

    def __missing__(self, key: str) -> str:
        return "–"


def _money(value: str, language: Language) -> str | None:
    minor, space, currency = value.partition(" ")
    if not space or len(currency) != 3 or not currency.isupper() or not minor.lstrip("-").isdigit():
        return None
    amount = Decimal(minor).scaleb(-exponent_of(currency))
    return format_currency(amount, currency, locale=_LOCALES[language])


@cache
def vocabulary() -> dict[str, Any]:
    """Every sentence and word of ``why_words.yaml``."""
    text = (files("services.dunning") / "why_words.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(text)
    return read
