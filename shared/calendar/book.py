"""The calendars a school has at hand, by name, and how they are written down.

Those of ``calendars.yaml`` come with Relance; a school's own closures are laid over them, and mails always look
at the live ones (R-X5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from shared.calendar.days import WEEKDAYS, Calendar, Closure, OfficeHours
from shared.calendar.tables import holiday_table
from shared.calendar.wall import WallTime, zone
from shared.errors import Refused, Unreadable

CALENDAR_KEYS: Final = (
    "timezone",
    "working_weekdays",
    "public_holidays",
    "extra_closed",
    "office_hours",
    "beyond_horizon",
)


@dataclass(frozen=True, slots=True, eq=False)
class Calendars(Mapping[str, Calendar]):
    """Calendars by id; a missing one is refused by name."""

    by_id: Mapping[str, Calendar]

    def named(self, calendar_id: str) -> Calendar:
        """The calendar of that id.

        Raises:
            Refused: there is none (422).
        """
        found = self.by_id.get(calendar_id)
        if found is None:
            known = ", ".join(sorted(self.by_id))
            raise Refused(
                f"there is no calendar {calendar_id!r} (known: {known}): define it or correct the name",
                status=422,
                code="unknown_calendar",
            )
        return found

    def with_closures(self, closures: Mapping[str, Iterable[Closure]]) -> Calendars:
        """The same calendars; those named get these closures instead of their own (seed J37).

        Raises:
            Refused: a calendar is unknown (422).
        """
        changed = {name: self.named(name).with_closures(own) for name, own in closures.items()}
        return Calendars({**self.by_id, **changed})

    def and_also(self, others: Mapping[str, Calendar]) -> Calendars:
        """These and ``others``, which win where a name is in both."""
        return Calendars({**self.by_id, **others})

    def __getitem__(self, key: str) -> Calendar:
        return self.by_id[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_id)

    def __len__(self) -> int:
        return len(self.by_id)


@cache
def built_in_calendars() -> Calendars:
    """The calendars of ``calendars.yaml``: jours ouvrables, ouvrés, TARGET days, the Japanese school, every day."""
    text = (files("shared.calendar") / "calendars.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)["calendars"]
    return Calendars({name: calendar_from_data(name, definition) for name, definition in data.items()})


def calendar_from_data(calendar_id: str, data: Mapping[str, Any]) -> Calendar:
    """A calendar from its written form (``calendars.yaml``, a policy file, an API).

    Raises:
        Unreadable: a key is unknown or a value has another form; the message names the key.
    """
    for key in data:
        if key not in CALENDAR_KEYS:
            raise Unreadable(
                f"calendar {calendar_id!r} has no key {key!r}: one of {', '.join(CALENDAR_KEYS)}"
            )
    for key in ("timezone", "working_weekdays"):
        if key not in data:
            raise Unreadable(f"calendar {calendar_id!r} lacks {key!r}: add it")
    beyond = data.get("beyond_horizon", "error")
    if beyond not in {"error", "ignore"}:
        raise Unreadable(f"beyond_horizon of calendar {calendar_id!r} is {beyond!r}: write error or ignore")
    holidays = data.get("public_holidays")
    return Calendar(
        id=calendar_id,
        timezone=zone(str(data["timezone"])).key,
        working_weekdays=frozenset(_weekdays(calendar_id, data["working_weekdays"])),
        holidays=None if holidays is None else _table(calendar_id, holidays),
        closures=tuple(closure_from_data(one) for one in data.get("extra_closed") or ()),
        beyond_horizon=beyond,
        office_hours=_office_hours(data.get("office_hours")),
    )


def closure_from_data(data: Mapping[str, Any]) -> Closure:
    """A closure from ``{name, from, to}``, both days included.

    Raises:
        Unreadable: a key is missing or a day is no ISO date.
    """
    try:
        name, first, last = data["name"], data["from"], data["to"]
        return Closure(name=str(name), first=_day(first), last=_day(last))
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(
            f'{data!r} is no closure: {{name: GW, from: "2026-04-29", to: "2026-05-06"}} is the form'
        ) from error


def closure_to_data(closure: Closure) -> dict[str, str]:
    """The written form of a closure."""
    return {"name": closure.name, "from": closure.first.isoformat(), "to": closure.last.isoformat()}


def _day(value: object) -> date:
    return value if type(value) is date else date.fromisoformat(str(value))


def _weekdays(calendar_id: str, value: object) -> list[int]:
    if not isinstance(value, list) or any(name not in WEEKDAYS for name in value):
        raise Unreadable(
            f"working_weekdays of calendar {calendar_id!r} is {value!r}: a list of {', '.join(WEEKDAYS)} is expected"
        )
    return [WEEKDAYS.index(name) for name in value]


def _table(calendar_id: str, value: object) -> Any:
    if (
        not isinstance(value, Mapping)
        or "country" not in value
        or not set(value) <= {"country", "subdivision"}
    ):
        raise Unreadable(
            f"public_holidays of calendar {calendar_id!r} is {value!r}: "
            "{country: FR, subdivision: null} is the form, or null for none"
        )
    subdivision = value.get("subdivision")
    return holiday_table(str(value["country"]), None if subdivision is None else str(subdivision))


def _office_hours(value: object) -> OfficeHours | None:
    if value is None:
        return None
    opens, dash, closes = str(value).partition("-")
    if not dash:
        raise Unreadable(f'office_hours is {value!r}: "10:00-18:00" is the form')
    return OfficeHours(opens=WallTime.parse(opens.strip()), closes=WallTime.parse(closes.strip()))
