"""Compares what a story says with what is there, in the story's own notation: local times, amounts, plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, Final

from ops.stories.writing import Amount, parse_day, parse_moment
from shared.errors import Unreadable
from shared.money import Money

ANYTHING: Final = "*"
"""Whatever it is, it must be there."""
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Eye:
    """How to read what a story expects: in which zone and currency, and how exactly instants must be met."""

    zone: str
    currency: str
    tolerance: timedelta = timedelta(0)

    def same_instant(self, one: datetime, other: datetime) -> bool:
        """Whether two instants are the same, to the second."""
        return abs(one - other) < timedelta(seconds=1) + self.tolerance

    def same(self, expected: Any, found: Any) -> bool:
        """Whether ``found`` is what was written: a mapping need only be a part, lists are compared whole."""
        if expected == ANYTHING:
            return found not in {None, ""} if isinstance(found, str | None) else True
        if isinstance(expected, Mapping):
            return all(self.same(value, get(found, key)) for key, value in expected.items())
        if isinstance(expected, list | tuple):
            return self._same_list(expected, found)
        found = plain(found)
        if isinstance(expected, bool) or expected is None or found is None or found is _ABSENT:
            return expected is found or (expected is None and found is _ABSENT)
        return self._same_scalar(expected, found)

    def _same_list(self, expected: Sequence[Any], found: Any) -> bool:
        if not isinstance(found, list | tuple | set | frozenset):
            return False
        there = sorted(found) if isinstance(found, set | frozenset) else list(found)
        return len(expected) == len(there) and all(
            self.same(one, other) for one, other in zip(expected, there, strict=True)
        )

    def _same_scalar(self, expected: Any, found: Any) -> bool:
        text = str(expected)
        if isinstance(found, Money) or _is_money(found):
            return self._same_money(text, found if isinstance(found, Money) else Money(**found))
        if isinstance(found, datetime):
            return self._same_moment(text, found)
        if isinstance(found, date):
            return self._same_day(text, found)
        if isinstance(found, str):
            return text == found or self._same_text(text, found)
        if isinstance(found, bool):
            return text.lower() == str(found).lower()
        return text == str(found)

    def _same_text(self, expected: str, found: str) -> bool:
        """Instants, days and amounts that travel as text."""
        try:
            at = datetime.fromisoformat(found)
        except ValueError:
            return self._same_amount_text(expected, found)
        if at.tzinfo is not None:
            return self._same_moment(expected, at)
        return self._same_day(expected, at.date())

    def _same_amount_text(self, expected: str, found: str) -> bool:
        """``7500 EUR`` in minor units, as mails' data have it."""
        minor, _, currency = found.partition(" ")
        if not (minor.isdigit() and len(currency) == 3):
            return False
        return self._same_money(expected, Money(int(minor), currency))

    def _same_moment(self, expected: str, found: datetime) -> bool:
        try:
            return self.same_instant(parse_moment(expected).at(self.zone), found.astimezone(UTC))
        except Unreadable:
            return False

    def _same_day(self, expected: str, found: date) -> bool:
        try:
            return parse_day(expected).day == found
        except Unreadable:
            return False

    def _same_money(self, expected: str, found: Money) -> bool:
        try:
            return Amount.parse(expected).money(self.currency) == found
        except Unreadable:
            return False


def plain(value: Any) -> Any:
    """An enum's own word."""
    return value.value if isinstance(value, Enum) else value


def get(value: Any, dotted: str) -> Any:
    """A part of a fact or of JSON by a dotted key; a list's parts by their number."""
    for step in str(dotted).split("."):
        if isinstance(value, Mapping):
            value = value.get(step, _ABSENT)
        elif isinstance(value, list | tuple) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif is_dataclass(value) and any(field.name == step for field in fields(value)):
            value = getattr(value, step)
        else:
            return _ABSENT
    return value


def shown(value: Any) -> str:
    """A value as a difference shows it."""
    value = plain(value)
    if value is _ABSENT:
        return "nothing of that name"
    if isinstance(value, Money):
        return str(value)
    if _is_money(value):
        return str(Money(**value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, list | tuple):
        return f"[{', '.join(shown(one) for one in value)}]"
    return str(value)


def _is_money(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"amount_minor", "currency"}
