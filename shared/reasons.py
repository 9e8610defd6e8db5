"""Every date Relance acts on carries the reason that made it, so that anybody can be told why.

A reason is data (a rule's word, the calendar, the days counted and skipped, a few values); its sentence in
French, Japanese or English is made when somebody asks (``shared.reason_words``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from shared.calendar.days import ClosedDay
from shared.calendar.tables import Name
from shared.errors import Unreadable

Value = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a date is what it is."""

    rule: str
    """The word of the rule, a key of ``shared.reason_words.SENTENCES``."""
    source: str = ""
    """Where the rule comes from: ``seed F15``, ``R-F3``."""
    calendar: str | None = None
    counted: tuple[date, ...] = ()
    """The days that counted, oldest first (latest first where it counts back)."""
    skipped: tuple[ClosedDay, ...] = ()
    values: tuple[tuple[str, Value], ...] = ()
    """What the sentence names: ``(("ordinal", 4), ("of", 10))``."""

    def __hash__(self) -> int:
        """Of the short fields: reasons are looked up often, and two that differ in nothing else are rare."""
        return hash((self.rule, self.calendar, self.values))

    def value(self, name: str) -> Value | None:
        """One of ``values`` by name."""
        return next((value for key, value in self.values if key == name), None)

    def to_data(self) -> dict[str, Any]:
        """Plain JSON, for journals and timelines; ``from_data`` reads it back."""
        return {
            "rule": self.rule,
            "source": self.source,
            "calendar": self.calendar,
            "counted": [day.isoformat() for day in self.counted],
            "skipped": [_closed_to_data(closed) for closed in self.skipped],
            "values": dict(self.values),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Reason:
        """The reason that ``to_data`` wrote.

        Raises:
            Unreadable: the data has another form.
        """
        try:
            return cls(
                rule=data["rule"],
                source=data["source"],
                calendar=data["calendar"],
                counted=tuple(date.fromisoformat(day) for day in data["counted"]),
                skipped=tuple(_closed_from_data(closed) for closed in data["skipped"]),
                values=tuple(data["values"].items()),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unreadable(f"{data!r} is no reason as Relance writes them: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """An instant (aware UTC) and why it is that one."""

    at: datetime
    because: Reason

    def to_data(self) -> dict[str, Any]:
        """Plain JSON; ``from_data`` reads it back."""
        return {"at": self.at.isoformat(), "because": self.because.to_data()}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Dated:
        """The dated decision that ``to_data`` wrote."""
        at = datetime.fromisoformat(data["at"]).astimezone(UTC)
        return cls(at=at, because=Reason.from_data(data["because"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedDay:
    """A calendar day, without an hour, and why it is that one."""

    day: date
    because: Reason


def _closed_to_data(closed: ClosedDay) -> dict[str, Any]:
    name = closed.name
    return {
        "day": closed.day.isoformat(),
        "why": closed.why,
        "name": {"fr": name.fr, "ja": name.ja, "en": name.en},
    }


def _closed_from_data(data: Mapping[str, Any]) -> ClosedDay:
    return ClosedDay(day=date.fromisoformat(data["day"]), why=data["why"], name=Name(**data["name"]))
