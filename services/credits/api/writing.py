"""What the school's own system does with credits: plans, grants, bookings, cancellations."""

from __future__ import annotations

from datetime import UTC

from services.credits import domain
from services.credits.api.common import Opened, PathId, account_of
from services.credits.api.shapes import BalanceOut, GrantIn, LessonIn, LessonOut, PlanIn
from services.credits.domain import Decided, LessonState
from services.credits.store import CreditsUnit
from shared.errors import NotFound, Refused


async def put_plan(subscription_id: PathId, body: PlanIn, opened: Opened) -> BalanceOut:
    """How many credits a paid month gives; months that waited for this are granted at once."""
    async with opened() as unit:
        account = await account_of(unit, subscription_id, body.school_id, body.learner_id)
        school = await unit.school(account.school_id)
        decided = domain.when_plan_known(
            account,
            credits_per_month=body.credits_per_month,
            cancellation_notice_minutes=body.cancellation_notice_minutes,
            zone=school.zone,
            now=unit.now,
        )
        await unit.record(decided)
    return BalanceOut.of(decided.account)


async def put_grant(subscription_id: PathId, grant_id: PathId, body: GrantIn, opened: Opened) -> BalanceOut:
    """Grant credits once; a later last day extends the grant, anything else about it stays as it was."""
    async with opened() as unit:
        decided = await granted(unit, subscription_id, grant_id, body)
        await unit.record(decided)
    return BalanceOut.of(decided.account)


async def put_lesson(subscription_id: PathId, lesson_id: PathId, body: LessonIn, opened: Opened) -> LessonOut:
    """Book a lesson once. 409 in words when credits are held or too few."""
    async with opened() as unit:
        await unit.record(await booked(unit, subscription_id, lesson_id, body))
        record = await unit.lesson(subscription_id, lesson_id)
    return LessonOut.of(record)


async def cancel_lesson(subscription_id: PathId, lesson_id: PathId, opened: Opened) -> LessonOut:
    """The learner cancels; the credit is at hand again. Asking twice is asking once."""
    async with opened() as unit:
        record = await unit.lesson(subscription_id, lesson_id)
        if record is None:
            raise NotFound(
                f"we could not cancel lesson {lesson_id} because subscription {subscription_id} booked none of that "
                "id: check both ids"
            )
        if record.state is LessonState.BOOKED:
            account = await account_of(unit, subscription_id)
            await unit.record(domain.when_lesson_given_up(account, lesson_id, unit.now))
            record = await unit.lesson(subscription_id, lesson_id)
        elif record.state is LessonState.STARTED:
            raise Refused(
                f"we could not cancel lesson {lesson_id} because it has started: its credit counts as consumed",
                code="lesson_started",
            )
    return LessonOut.of(record)


async def granted(unit: CreditsUnit, subscription_id: str, grant_id: str, body: GrantIn) -> Decided:
    """What comes of a grant that is sent for the first time, again, or with a later last day."""
    account = await account_of(unit, subscription_id, body.school_id, body.learner_id)
    zone = (await unit.school(account.school_id)).zone
    known = await unit.grant(subscription_id, grant_id)
    if known is None:
        return domain.when_granted(
            account,
            grant_id=grant_id,
            credits=body.credits,
            expires_on=body.expires_on,
            why=body.why,
            zone=zone,
            now=unit.now,
        )
    if known.credits != body.credits:
        raise Refused(
            f"we could not grant {body.credits} credits as {grant_id} because {known.credits} were granted under "
            "that id: use another id for another grant",
            code="other_grant",
        )
    if known.expires_on == body.expires_on:
        return Decided(account=account)
    return domain.when_extended(account, known, expires_on=body.expires_on, zone=zone, now=unit.now)


async def booked(unit: CreditsUnit, subscription_id: str, lesson_id: str, body: LessonIn) -> Decided:
    """What comes of a booking that is sent for the first time or again."""
    account = await account_of(unit, subscription_id)
    starts_at = body.starts_at.astimezone(UTC)
    known = await unit.lesson(subscription_id, lesson_id)
    if known is None:
        return domain.when_lesson_asked_for(
            account,
            lesson_id=lesson_id,
            starts_at=starts_at,
            teacher_id=body.teacher_id,
            credits=body.credits,
            now=unit.now,
        )
    cancelled = known.state in {LessonState.CANCELLED_BY_ADMIN, LessonState.CANCELLED_BY_LEARNER}
    if cancelled or not known.same_booking(starts_at, body.teacher_id, body.credits):
        raise Refused(
            f"we could not book lesson {lesson_id} because that id stands for a lesson at "
            f"{known.starts_at:%Y-%m-%d %H:%M} UTC with {known.teacher_id} ({known.state}): use another id",
            code="other_lesson",
        )
    return Decided(account=account)
