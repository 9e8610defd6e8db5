"""Lessons: booked with the credits that expire first, cancelled by the learner, consumed when they start (J46).

A credit is used when it books a lesson, so its last day is the last day for booking; the lesson may be later
(docs/decisions/0010).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from services.credits.domain.ledger import Draft, without
from services.credits.domain.state import (
    Account,
    Decided,
    EntryKind,
    Lesson,
    LessonState,
    Lot,
    Move,
    Pot,
    with_lot,
)
from shared.errors import Refused
from shared.events import Later
from shared.events.credits import LessonBooked, LessonCancelledByLearner, LessonStarted


def when_lesson_asked_for(
    account: Account, *, lesson_id: str, starts_at: datetime, teacher_id: str, credits: int, now: datetime
) -> Decided:
    """Book a lesson.

    Raises:
        Refused: credits are held, there are too few, or the lesson has started.
    """
    draft = Draft(account, now)
    draft.settle()
    account = draft.account
    if starts_at <= now:
        raise Refused(
            f"we could not book lesson {lesson_id} because it began at {starts_at:%Y-%m-%d %H:%M} UTC: "
            "choose a later one",
            code="lesson_started",
        )
    if account.held:
        raise Refused(
            f"we could not book lesson {lesson_id} because the credits of subscription "
            f"{account.subscription_id} are held while a payment is open: lessons booked before still take place; "
            "settle the payment first",
            code="credits_held",
        )
    if account.balance.untouched < credits:
        raise Refused(
            f"we could not book lesson {lesson_id} because it takes {credits} credit(s) and "
            f"{account.balance.untouched} can be used: grant credits first or cancel another lesson",
            code="insufficient_credits",
        )
    parts, left = _take(account.lots, credits)
    lesson = Lesson(lesson_id=lesson_id, starts_at=starts_at, teacher_id=teacher_id, parts=parts)
    draft.enter(
        EntryKind.BOOKED,
        lesson_id,
        now,
        Move(source=Pot.UNTOUCHED, target=Pot.RESERVED, credits=credits),
        lots=left,
        lessons=(*account.lessons, lesson),
    )
    draft.keep_lesson(lesson, LessonState.BOOKED, now)
    draft.say(
        LessonBooked(
            **draft.about(now),
            lesson_id=lesson_id,
            starts_at=starts_at,
            teacher_id=teacher_id,
            credits=credits,
        ),
        Later(at=starts_at, fact=LessonStarted(**draft.about(starts_at), lesson_id=lesson_id)),
    )
    return draft.decided()


def when_lesson_given_up(account: Account, lesson_id: str, now: datetime) -> Decided:
    """The learner cancels: the credit is at hand again, held or expired as it would have been.

    Raises:
        Refused: the lesson has started, or starts within the school's notice.
    """
    draft = Draft(account, now)
    draft.settle()
    lesson = next((one for one in draft.account.lessons if one.lesson_id == lesson_id), None)
    if lesson is None:
        raise Refused(
            f"we could not cancel lesson {lesson_id} because it has started: its credit counts as consumed",
            code="lesson_started",
        )
    notice = timedelta(minutes=account.cancellation_notice_minutes)
    if lesson.starts_at - now < notice:
        raise Refused(
            f"we could not cancel lesson {lesson_id} because it starts at {lesson.starts_at:%Y-%m-%d %H:%M} UTC, "
            f"within the school's notice of {account.cancellation_notice_minutes} minutes: ask the office",
            code="too_late",
        )
    lots = draft.account.lots
    for part in lesson.parts:
        lots = with_lot(lots, part)
    draft.enter(
        EntryKind.CANCELLED_BY_LEARNER,
        lesson_id,
        now,
        Move(source=Pot.RESERVED, target=Pot.UNTOUCHED, credits=lesson.credits),
        lots=lots,
        lessons=without(draft.account.lessons, [lesson]),
    )
    draft.keep_lesson(lesson, LessonState.CANCELLED_BY_LEARNER, now)
    draft.say(LessonCancelledByLearner(**draft.about(now), lesson_id=lesson_id))
    draft.settle(freed_at=now)
    return draft.decided()


def when_lesson_started(account: Account, now: datetime) -> Decided:
    """The hour came: the credit is consumed; of a lesson that was cancelled meanwhile nothing is left to say."""
    draft = Draft(account, now)
    draft.settle()
    return draft.decided()


def _take(lots: tuple[Lot, ...], credits: int) -> tuple[tuple[Lot, ...], tuple[Lot, ...]]:
    """Split ``credits`` off, those that expire first before the others: (taken, left)."""
    taken: list[Lot] = []
    rest = {lot.grant_id: lot for lot in lots}
    for lot in sorted(lots, key=lambda lot: lot.expires_on or date.max):
        part = min(lot.credits, credits)
        if part:
            taken.append(replace(lot, credits=part))
            rest[lot.grant_id] = replace(lot, credits=lot.credits - part)
            credits -= part
    return tuple(taken), tuple(lot for lot in rest.values() if lot.credits)
