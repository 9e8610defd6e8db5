"""How the values of a policy file are written, so that every section reads them the same way.

Times of day are "HH:MM" in quotes, durations ISO 8601 ("PT48H"), a single word may stand for a list of one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BeforeValidator, ConfigDict, PlainSerializer
from pydantic_core import PydanticCustomError

from shared.calendar import Interval, WallTime, parse_exact, zone
from shared.errors import Unreadable

T = TypeVar("T")


class Part:
    """The root of every section of a policy: a key that no rule knows is refused, never ignored."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


def _reading(kind: type[T], read: Callable[[str], T]) -> BeforeValidator:
    def validate(value: Any) -> T:
        if isinstance(value, kind):
            return value
        try:
            return read(str(value))
        except Unreadable as error:
            raise PydanticCustomError("unreadable", "{why}", {"why": str(error)}) from error

    return BeforeValidator(validate)


def _zone_name(value: Any) -> str:
    try:
        return zone(str(value)).key
    except Unreadable as error:
        raise PydanticCustomError("unreadable", "{why}", {"why": str(error)}) from error


def _duration_text(value: timedelta) -> str:
    return str(Interval(exact=value))


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Clock = Annotated[WallTime, _reading(WallTime, WallTime.parse), PlainSerializer(str)]
"""A time of day up to 47:59; 26:00 is 02:00 of the next morning (J28)."""

Exact = Annotated[timedelta, _reading(timedelta, parse_exact), PlainSerializer(_duration_text)]
"""A length of exact time."""

Months = Annotated[Interval, _reading(Interval, Interval.parse), PlainSerializer(str)]
"""A length that may count months, such as a billing interval."""

Zone = Annotated[str, BeforeValidator(_zone_name)]
"""An IANA time zone."""

Listed = BeforeValidator(_listed)
"""Lets one word stand for a list of one (``exhausted_when: deadline``)."""
