"""What credits says: every movement of lesson credits and every lesson that was cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from shared.events.fact import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutCredits(Fact):
    subscription_id: str
    learner_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsGranted(_AboutCredits):
    """Lesson credits were added to a subscription."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "grant_id")

    grant_id: str
    credits: int
    expires_on: date | None
    """Last valid day, in the school's zone."""
    why: str = "purchase"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsExtended(_AboutCredits):
    """Staff made a grant valid for longer, never for shorter (Q-J9)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "grant_id", "expires_on")

    grant_id: str
    expires_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditGrantFellDue(_AboutCredits):
    """A plan: a month that was paid in advance begins, its credits are granted (JP-07)."""

    PLAN: ClassVar[bool] = True
    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "covers_from", "occurred_at")

    covers_from: date


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonBooked(_AboutCredits):
    """A learner booked a lesson; its credits are reserved."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "lesson_id")

    lesson_id: str
    starts_at: datetime
    teacher_id: str
    credits: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonStarted(_AboutCredits):
    """A plan that fell due: the lesson's credit counts as consumed from its start (J46)."""

    PLAN: ClassVar[bool] = True
    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "lesson_id", "occurred_at")

    lesson_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLessonFellDue(_AboutCredits):
    """A plan: a lesson is near while a hold may still forbid it (``credits.held_lessons: cancel``)."""

    PLAN: ClassVar[bool] = True
    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "lesson_id", "occurred_at")

    lesson_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonCancelledByLearner(_AboutCredits):
    """The learner cancelled a lesson; its credits can be booked again."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "lesson_id")

    lesson_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsConsumed(_AboutCredits):
    """A lesson began, and its credits are used up (J46)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "lesson_id")

    lesson_id: str
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsExpired(_AboutCredits):
    """A grant's last day passed. Credits of a lesson cancelled after it expire later, by an entry of their own."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "grant_id", "entry")

    grant_id: str
    credits: int
    entry: int = 0
    """Its number in the subscription's ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditExpiryFellDue(_AboutCredits):
    """A plan: a grant's last day is over, what is left of it expires."""

    PLAN: ClassVar[bool] = True
    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "grant_id", "occurred_at")

    grant_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutHold(_AboutCredits):
    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "case_id", "hold")

    case_id: str
    hold: str
    untouched: int
    reserved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsHeld(_AboutHold):
    """No new booking from now on; booked lessons still take place (R-J6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsReleased(_AboutHold):
    """The last hold went: untouched credits can be booked again. While another hold lasts, nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonCancelledByAdmin(_AboutCredits):
    """The administration cancelled the lesson (J47); its credit never became bookable."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "lesson_id", "case_id")

    case_id: str
    lesson_id: str
    starts_at: datetime
    teacher_id: str
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsForfeited(_AboutCredits):
    """One ledger entry: (a) untouched and (b) freed by the cancelled lessons, together (J47)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "case_id")

    case_id: str
    untouched: int
    reserved: int
    effective_on: date | None = None
    cancelled_lessons: tuple[tuple[str, datetime], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsRegranted(_AboutCredits):
    """What a case forfeited was granted again as goodwill; cancelled lessons are not booked again (JP-28)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "case_id", "why")

    case_id: str
    credits: int
    why: str


SAYS: tuple[type[Fact], ...] = (
    CreditsGranted,
    CreditsExtended,
    CreditGrantFellDue,
    LessonBooked,
    LessonStarted,
    HeldLessonFellDue,
    LessonCancelledByLearner,
    CreditsConsumed,
    CreditsExpired,
    CreditExpiryFellDue,
    CreditsHeld,
    CreditsReleased,
    LessonCancelledByAdmin,
    CreditsForfeited,
    CreditsRegranted,
)
