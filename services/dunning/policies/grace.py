"""How long a learner keeps the lessons while the money is missing (seeds F16-F19, J40; R-F4, R-F5, R-F6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from services.dunning.policies.attempts import FirstDay
from services.dunning.policies.parts import Exact, Part
from shared.events.words import AccessLevel

AccessWord = Literal["full", "booked_lessons_only", "read_only", "suspended", "none"]


def access_level(word: AccessWord) -> AccessLevel:
    """The level of the shared vocabulary; a policy may also say "suspended" for none."""
    return AccessLevel.NONE if word == "suspended" else AccessLevel(word)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessDaysLength(Part):
    """So many business days of a calendar."""

    unit: Literal["business_days"]
    n: Annotated[int, Field(ge=0, le=366)]
    calendar: str
    first_day: FirstDay = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDaysLength(Part):
    """So many calendar days."""

    unit: Literal["calendar_days"]
    n: Annotated[int, Field(ge=0, le=366)]
    first_day: FirstDay = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class UntilExhausted(Part):
    """As long as an attempt is left; no date of its own (J5)."""

    unit: Literal["until_exhausted"]


Length = Annotated[BusinessDaysLength | CalendarDaysLength | UntilExhausted, Field(discriminator="unit")]
DatedLength = Annotated[BusinessDaysLength | CalendarDaysLength, Field(discriminator="unit")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessStep(Part):
    """After so many calendar days access becomes this."""

    after_days: Annotated[int, Field(ge=1, le=366)]
    access: AccessWord


@dataclass(frozen=True, slots=True, kw_only=True)
class Grace(Part):
    """What a learner may still use, and until when."""

    length: Length
    ends_at: Literal["end_of_day", "same_time", "after_last_attempt", "exhaustion"] = "end_of_day"
    """``end_of_day`` is 24:00 of the last day (R-F5); ``after_last_attempt`` ends with the last retry's failure."""
    access: AccessWord = "full"
    steps: tuple[AccessStep, ...] = ()
    new_purchases: Literal["allowed", "blocked"] = "allowed"
    pending_hold_max: Exact | None = None
    """How long the suspension waits for an attempt whose outcome is still open."""
    skew_tolerance: Exact | None = None
    """By how much a success may be late and still count, in the learner's favour."""
