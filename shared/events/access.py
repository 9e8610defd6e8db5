"""What access says: who may reach what, and which path closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from shared.events.fact import Fact
from shared.events.words import AccessLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class PathEnrolled(Fact):
    """A learner follows a path; ``re_enrolment_deadline`` is inclusive, 24:00 in the school's zone (F22)."""

    KEY: ClassVar[str] = "learner_id"

    learner_id: str
    path_id: str
    subscription_id: str | None
    re_enrolment_deadline: date | None
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentClosed(Fact):
    """The deadline passed while the learner was suspended (F22)."""

    KEY: ClassVar[str] = "learner_id"
    IDENTITY: ClassVar[tuple[str, ...]] = ("learner_id", "path_id", "occurred_at")

    learner_id: str
    path_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentReopened(Fact):
    """A closed path is open again: a relaunch was submitted in time (FR-37), or the school moved the date."""

    KEY: ClassVar[str] = "learner_id"
    IDENTITY: ClassVar[tuple[str, ...]] = ("learner_id", "path_id", "occurred_at")

    learner_id: str
    path_id: str
    why: str
    """``relaunched``, ``recovered``, ``staff``, ``deadline_moved``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSuspended(Fact):
    """One subscription's level fell; ``because_of`` are the cases that hold it down, strictest first (R-X2).

    ``occurred_at`` is the instant from which access answers had to be stricter, not when a timer ran (FR-33).
    """

    IDENTITY: ClassVar[tuple[str, ...]] = ("learner_id", "level", "occurred_at", "subscription_id")

    learner_id: str
    subscription_id: str
    level: AccessLevel
    because_of: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRestored(Fact):
    """One subscription's level rose to ``level``; ``case_id`` is the case that gave way."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("learner_id", "level", "occurred_at", "subscription_id")

    learner_id: str
    subscription_id: str
    level: AccessLevel
    case_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessDeadlineFellDue(Fact):
    """A plan of access itself: look again at this learner's level at ``occurred_at``."""

    KEY: ClassVar[str] = "learner_id"
    PLAN: ClassVar[bool] = True
    IDENTITY: ClassVar[tuple[str, ...]] = ("learner_id", "occurred_at", "about")

    learner_id: str
    about: str
    set_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformTold(Fact):
    """The learning platform confirmed the level."""

    KEY: ClassVar[str] = "learner_id"

    learner_id: str
    level: AccessLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRefused(Fact):
    """The learning platform would not take the level: a person must look at its address or its rules."""

    KEY: ClassVar[str] = "learner_id"

    learner_id: str
    level: AccessLevel
    reason: str


SAYS: tuple[type[Fact], ...] = (
    PathEnrolled,
    EnrolmentClosed,
    EnrolmentReopened,
    AccessSuspended,
    AccessRestored,
    AccessDeadlineFellDue,
    PlatformTold,
    PlatformRefused,
)
