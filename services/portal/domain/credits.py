"""Credits and lessons of one subscription, as their ledger tells them; always adding up to what was granted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from shared.events import credits

ENTRIES_KEPT: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    lesson_id: str
    starts_at: datetime
    credits: int
    state: str = "booked"
    """``booked``, ``taken``, ``cancelled_by_learner``, ``cancelled_by_admin``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger."""

    at: datetime
    kind: str
    credits: int
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """The pots of J46 and what moved between them."""

    subscription_id: str
    school_id: str
    learner_id: str
    untouched: int = 0
    reserved: int = 0
    consumed: int = 0
    forfeited: int = 0
    expired: int = 0
    holds: tuple[str, ...] = ()
    """The cases that hold them: no new booking, booked lessons take place (R-J6)."""
    lessons: tuple[Lesson, ...] = ()
    entries: tuple[Entry, ...] = ()
    """Newest first."""

    @property
    def key(self) -> str:
        return f"{self.school_id}/{self.learner_id}"

    @property
    def granted(self) -> int:
        return self.untouched + self.reserved + self.consumed + self.forfeited + self.expired

    @property
    def is_held(self) -> bool:
        return bool(self.holds)

    def lesson(self, lesson_id: str) -> Lesson | None:
        return next((one for one in self.lessons if one.lesson_id == lesson_id), None)


def when_moved(known: Credits, fact: credits._AboutCredits) -> Credits:
    """The credits after one fact of theirs."""
    match fact:
        case credits.CreditsGranted():
            return _entered(
                replace(known, untouched=known.untouched + fact.credits),
                fact,
                "granted",
                fact.credits,
                fact.expires_on,
            )
        case credits.CreditsRegranted():
            return _entered(
                replace(known, untouched=known.untouched + fact.credits), fact, "regranted", fact.credits
            )
        case credits.CreditsExpired():
            moved = replace(
                known, untouched=known.untouched - fact.credits, expired=known.expired + fact.credits
            )
            return _entered(moved, fact, "expired", -fact.credits)
        case credits.CreditsHeld():
            return _entered(replace(known, holds=_with(known.holds, fact.case_id)), fact, "held", 0)
        case credits.CreditsReleased():
            return _entered(replace(known, holds=()), fact, "released", 0)
        case credits.CreditsForfeited():
            moved = replace(
                known,
                untouched=known.untouched - fact.untouched,
                reserved=known.reserved - fact.reserved,
                forfeited=known.forfeited + fact.untouched + fact.reserved,
            )
            return _entered(moved, fact, "forfeited", -(fact.untouched + fact.reserved))
        case _:
            return _lesson_moved(known, fact)


def _lesson_moved(known: Credits, fact: credits._AboutCredits) -> Credits:
    match fact:
        case credits.LessonBooked():
            lesson = Lesson(lesson_id=fact.lesson_id, starts_at=fact.starts_at, credits=fact.credits)
            moved = replace(
                known, untouched=known.untouched - fact.credits, reserved=known.reserved + fact.credits
            )
            return _entered(_with_lesson(moved, lesson), fact, "booked", -fact.credits)
        case credits.CreditsConsumed():
            moved = replace(
                known, reserved=known.reserved - fact.credits, consumed=known.consumed + fact.credits
            )
            return _entered(_changed(moved, fact.lesson_id, "taken"), fact, "consumed", 0)
        case credits.LessonCancelledByLearner():
            lesson_credits = known_credits(known, fact.lesson_id)
            moved = replace(
                known, reserved=known.reserved - lesson_credits, untouched=known.untouched + lesson_credits
            )
            return _entered(
                _changed(moved, fact.lesson_id, "cancelled_by_learner"), fact, "cancelled", lesson_credits
            )
        case credits.LessonCancelledByAdmin():
            return _entered(
                _changed(known, fact.lesson_id, "cancelled_by_admin"), fact, "cancelled_by_admin", 0
            )
        case _:
            return known


def known_credits(known: Credits, lesson_id: str) -> int:
    """What a lesson costs; nothing when it was never heard of."""
    lesson = known.lesson(lesson_id)
    return lesson.credits if lesson else 0


def _with(holds: tuple[str, ...], case_id: str) -> tuple[str, ...]:
    return holds if case_id in holds else (*holds, case_id)


def _with_lesson(known: Credits, lesson: Lesson) -> Credits:
    others = [one for one in known.lessons if one.lesson_id != lesson.lesson_id]
    kept = sorted((*others, lesson), key=lambda one: one.starts_at)[-ENTRIES_KEPT:]
    return replace(known, lessons=tuple(kept))


def _changed(known: Credits, lesson_id: str, state: str) -> Credits:
    lesson = known.lesson(lesson_id)
    return known if lesson is None else _with_lesson(known, replace(lesson, state=state))


def _entered(
    known: Credits,
    fact: credits._AboutCredits,
    kind: str,
    number: int,
    until: date | None = None,
) -> Credits:
    entry = Entry(at=fact.occurred_at, kind=kind, credits=number, until=until)
    return replace(known, entries=(entry, *known.entries)[:ENTRIES_KEPT])
