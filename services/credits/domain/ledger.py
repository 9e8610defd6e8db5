"""A decision while it is written: each movement is one entry, and the account adds up after every one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from services.credits.domain.state import (
    Account,
    Decided,
    Entry,
    EntryKind,
    Grant,
    Hold,
    Lesson,
    LessonRecord,
    LessonState,
    Lot,
    Move,
    Pot,
    with_lot,
)
from shared.events import Fact, Later
from shared.events.credits import CreditsConsumed, CreditsExpired, LessonCancelledByAdmin

NOTICE: Final = timedelta(hours=24)
"""How long before its start a lesson is cancelled that a hold forbids, so that its teacher knows."""


class Draft:
    """Collects what one decision does to one account; pure, as it lives and dies inside the decision."""

    def __init__(self, account: Account, now: datetime) -> None:
        self.account = account
        self.now = now
        self._said: list[Fact | Later] = []
        self._entries: list[Entry] = []
        self._lessons: list[LessonRecord] = []
        self._grants: list[Grant] = []

    def about(self, at: datetime) -> dict[str, Any]:
        """The fields that every fact of credits begins with."""
        return {
            "school_id": self.account.school_id,
            "occurred_at": at,
            "subscription_id": self.account.subscription_id,
            "learner_id": self.account.learner_id,
        }

    def enter(
        self,
        kind: EntryKind,
        ref: str,
        at: datetime,
        *moves: Move,
        case_id: str = "",
        lots: tuple[Lot, ...] | None = None,
        lessons: tuple[Lesson, ...] | None = None,
    ) -> int:
        """Write one entry and bring pots, lots and lessons to what it says; its number."""
        account = self.account
        moves = tuple(move for move in moves if move.credits)
        balance = account.balance.after(moves)
        self.account = replace(
            account,
            balance=balance,
            lots=account.lots if lots is None else tuple(lot for lot in lots if lot.credits),
            lessons=account.lessons if lessons is None else lessons,
            entries=account.entries + 1,
        )
        self._entries.append(
            Entry(
                subscription_id=account.subscription_id,
                number=self.account.entries,
                kind=kind,
                ref=ref,
                at=at,
                recorded_at=self.now,
                moves=moves,
                balance=balance,
                case_id=case_id,
            )
        )
        return self.account.entries

    def say(self, *said: Fact | Later) -> None:
        self._said += said

    def keep_lesson(self, lesson: Lesson, state: LessonState, at: datetime, case_id: str = "") -> None:
        """Note what became of a lesson."""
        self._lessons.append(
            LessonRecord(
                subscription_id=self.account.subscription_id,
                school_id=self.account.school_id,
                learner_id=self.account.learner_id,
                lesson_id=lesson.lesson_id,
                starts_at=lesson.starts_at,
                teacher_id=lesson.teacher_id,
                credits=lesson.credits,
                state=state,
                changed_at=at,
                case_id=case_id,
            )
        )

    def keep_grant(self, grant: Grant) -> None:
        self._grants.append(grant)

    def settle(self, *, lots_until: datetime | None = None, freed_at: datetime | None = None) -> None:
        """Do what the hours passed have done, though no timer ran yet: lessons began or were held back, grants ended.

        While credits are held nothing expires (docs/decisions/0011). ``lots_until`` looks no further than the
        instant at which a hold began; ``freed_at`` is when credits came back whose last day had passed.
        """
        for lesson in sorted(self.account.lessons, key=lambda lesson: (lesson.starts_at, lesson.lesson_id)):
            hold = self._hold_against(lesson)
            if hold is not None and lesson.starts_at - NOTICE <= self.now:
                self._hold_back(lesson, hold)
            elif lesson.starts_at <= self.now:
                self._consume(lesson)
        if not self.account.held:
            until = self.now if lots_until is None else min(self.now, lots_until)
            for lot in self.account.lots:
                if lot.expires_at is not None and lot.expires_at <= until:
                    self._expire(lot, max(lot.expires_at, freed_at or lot.expires_at))

    def decided(self) -> Decided:
        return Decided(
            account=self.account,
            said=tuple(self._said),
            entries=tuple(self._entries),
            lessons=tuple(self._lessons),
            grants=tuple(self._grants),
        )

    def _hold_against(self, lesson: Lesson) -> Hold | None:
        forbids = [hold for hold in self.account.holds if hold.cancels_lessons]
        return next((hold for hold in forbids if hold.since < lesson.starts_at), None)

    def _hold_back(self, lesson: Lesson, hold: Hold) -> None:
        """The lesson does not take place; its credit is untouched again, and held."""
        at = max(lesson.starts_at - NOTICE, hold.since)
        lots = self.account.lots
        for part in lesson.parts:
            lots = with_lot(lots, part)
        self.enter(
            EntryKind.CANCELLED_BY_ADMIN,
            lesson.lesson_id,
            at,
            Move(source=Pot.RESERVED, target=Pot.UNTOUCHED, credits=lesson.credits),
            case_id=hold.case_id,
            lots=lots,
            lessons=without(self.account.lessons, [lesson]),
        )
        self.cancelled_by_admin(lesson, at, hold.case_id)

    def cancelled_by_admin(self, lesson: Lesson, at: datetime, case_id: str) -> None:
        """Note and say that the administration cancelled; the teacher is told at once."""
        self.keep_lesson(lesson, LessonState.CANCELLED_BY_ADMIN, at, case_id)
        self.say(
            LessonCancelledByAdmin(
                **self.about(at),
                case_id=case_id,
                lesson_id=lesson.lesson_id,
                starts_at=lesson.starts_at,
                teacher_id=lesson.teacher_id,
                credits=lesson.credits,
            )
        )

    def _consume(self, lesson: Lesson) -> None:
        self.enter(
            EntryKind.CONSUMED,
            lesson.lesson_id,
            lesson.starts_at,
            Move(source=Pot.RESERVED, target=Pot.CONSUMED, credits=lesson.credits),
            lessons=without(self.account.lessons, [lesson]),
        )
        self.keep_lesson(lesson, LessonState.STARTED, lesson.starts_at)
        self.say(
            CreditsConsumed(
                **self.about(lesson.starts_at), lesson_id=lesson.lesson_id, credits=lesson.credits
            )
        )

    def _expire(self, lot: Lot, at: datetime) -> None:
        number = self.enter(
            EntryKind.EXPIRED,
            lot.grant_id,
            at,
            Move(source=Pot.UNTOUCHED, target=Pot.EXPIRED, credits=lot.credits),
            lots=tuple(other for other in self.account.lots if other.grant_id != lot.grant_id),
        )
        self.say(CreditsExpired(**self.about(at), grant_id=lot.grant_id, credits=lot.credits, entry=number))


def without(lessons: Iterable[Lesson], gone: Sequence[Lesson]) -> tuple[Lesson, ...]:
    """``lessons`` except those that are ``gone``."""
    names = {lesson.lesson_id for lesson in gone}
    return tuple(lesson for lesson in lessons if lesson.lesson_id not in names)


def as_of(account: Account, now: datetime) -> Account:
    """The account as it stands at ``now``, for readers: what the hours did is counted, nothing is recorded."""
    draft = Draft(account, now)
    draft.settle()
    return draft.account
