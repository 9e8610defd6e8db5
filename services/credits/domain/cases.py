"""What a case does to credits: hold, release, forfeit, grant again (J40-J47, R-J6, R-J7, X-10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from services.credits.domain.grants import plan_expiries
from services.credits.domain.ledger import NOTICE, Draft, without
from services.credits.domain.state import (
    Account,
    Decided,
    EntryKind,
    Forfeiture,
    Hold,
    Lesson,
    Lot,
    Move,
    Pot,
    School,
    with_lot,
)
from shared.calendar import WallTime, end_of_day, local_date, service_day
from shared.events import Later
from shared.events.credits import (
    CreditsForfeited,
    CreditsHeld,
    CreditsRegranted,
    CreditsReleased,
    HeldLessonFellDue,
)
from shared.events.dunning import (
    CaseOpened,
    CreditForfeitRequested,
    CreditHoldRequested,
    CreditReleaseRequested,
    CreditRestorationRequested,
)


def when_case_opened(account: Account, fact: CaseOpened) -> Decided:
    """Remember the day on which, by rule, credits lapse; what is done about it is asked for in time (R-J6)."""
    if fact.effective_forfeiture_on is None:
        return Decided(account=account)
    days = {**account.lapse_days, fact.case_id: fact.effective_forfeiture_on}
    return Decided(account=replace(account, lapse_days=days))


def when_hold_requested(account: Account, fact: CreditHoldRequested, now: datetime) -> Decided:
    """No new booking from now on; booked lessons still take place, unless the policy cancels them (R-J6, Q-J3)."""
    draft = Draft(account, now)
    draft.settle(lots_until=fact.occurred_at)
    if any((hold.case_id, hold.hold) == (fact.case_id, fact.hold) for hold in account.holds):
        return draft.decided()
    cancels = fact.lessons == "cancel"
    hold = Hold(case_id=fact.case_id, hold=fact.hold, since=fact.occurred_at, cancels_lessons=cancels)
    draft.account = replace(draft.account, holds=(*draft.account.holds, hold))
    draft.enter(EntryKind.HELD, fact.hold, fact.occurred_at, case_id=fact.case_id)
    draft.say(
        CreditsHeld(
            **draft.about(fact.occurred_at),
            case_id=fact.case_id,
            hold=fact.hold,
            untouched=draft.account.balance.untouched,
            reserved=draft.account.balance.reserved,
        )
    )
    if cancels:
        draft.settle()
        _look_at_lessons(draft)
    return draft.decided()


def when_release_requested(account: Account, fact: CreditReleaseRequested, now: datetime) -> Decided:
    """Let go of one hold; credits can be used again when it was the last one (JP-26, X-11)."""
    draft = Draft(account, now)
    draft.settle()
    holds = tuple(
        hold for hold in draft.account.holds if (hold.case_id, hold.hold) != (fact.case_id, fact.hold)
    )
    if holds == draft.account.holds:
        return draft.decided()
    draft.account = replace(draft.account, holds=holds)
    draft.enter(EntryKind.RELEASED, fact.hold, fact.occurred_at, case_id=fact.case_id)
    if not holds:
        draft.say(
            CreditsReleased(
                **draft.about(fact.occurred_at),
                case_id=fact.case_id,
                hold=fact.hold,
                untouched=draft.account.balance.untouched,
                reserved=draft.account.balance.reserved,
            )
        )
        draft.settle(freed_at=fact.occurred_at)
    return draft.decided()


def when_forfeit_requested(
    account: Account, fact: CreditForfeitRequested, school: School, now: datetime
) -> Decided:
    """Cancel the lessons that start after the exhaustion, then let (a) and (b) lapse in one entry (J47, R-J7).

    The credits of the cancelled lessons stay reserved until that entry: they are bookable at no instant. A
    lesson that has begun by now took place, even when the exhaustion is older news: its credit is consumed
    (J46, JP-30).
    """
    draft = Draft(account, now)
    draft.settle(lots_until=_held_since(account, fact))
    if any(forfeiture.case_id == fact.case_id for forfeiture in account.forfeitures):
        return draft.decided()
    at = fact.occurred_at
    cancelled = sorted(
        (lesson for lesson in draft.account.lessons if lesson.starts_at > at),
        key=lambda lesson: (lesson.starts_at, lesson.lesson_id),
    )
    for lesson in cancelled:
        _cancel(draft, lesson, fact)
    taken = _forfeit(draft, cancelled, fact)
    draft.account = replace(
        draft.account,
        holds=tuple(hold for hold in draft.account.holds if hold.case_id != fact.case_id),
        forfeitures=(*draft.account.forfeitures, Forfeiture(case_id=fact.case_id, at=at, lots=taken)),
    )
    reserved = sum(lesson.credits for lesson in cancelled)
    draft.say(
        CreditsForfeited(
            **draft.about(at),
            case_id=fact.case_id,
            untouched=sum(lot.credits for lot in taken) - reserved,
            reserved=reserved,
            effective_on=_effective_on(account, fact, school),
            cancelled_lessons=tuple((lesson.lesson_id, lesson.starts_at) for lesson in cancelled),
        )
    )
    return draft.decided()


def when_restoration_requested(
    account: Account, fact: CreditRestorationRequested, school: School, now: datetime
) -> Decided:
    """Grant again, as goodwill and once, what the case forfeited; cancelled lessons stay so (JP-28, Q-J10).

    Credits keep their last day; where it came while they were away they get back the days they had left.
    """
    draft = Draft(account, now)
    draft.settle()
    known = next((one for one in account.forfeitures if one.case_id == fact.case_id), None)
    if known is None or known.regranted:
        return draft.decided()
    lots = tuple(_again(lot, known, fact, school) for lot in known.lots)
    after = draft.account.lots
    for lot in lots:
        after = with_lot(after, lot)
    credits = sum(lot.credits for lot in lots)
    draft.enter(
        EntryKind.REGRANTED,
        fact.why,
        fact.occurred_at,
        Move(source=None, target=Pot.UNTOUCHED, credits=credits),
        case_id=fact.case_id,
        lots=after,
    )
    draft.account = replace(
        draft.account,
        forfeitures=tuple(
            replace(one, regranted=True) if one.case_id == fact.case_id else one
            for one in draft.account.forfeitures
        ),
    )
    draft.say(
        CreditsRegranted(**draft.about(fact.occurred_at), case_id=fact.case_id, credits=credits, why=fact.why)
    )
    plan_expiries(draft, lots)
    draft.settle()
    return draft.decided()


def _cancel(draft: Draft, lesson: Lesson, fact: CreditForfeitRequested) -> None:
    draft.enter(EntryKind.CANCELLED_BY_ADMIN, lesson.lesson_id, fact.occurred_at, case_id=fact.case_id)
    draft.cancelled_by_admin(lesson, fact.occurred_at, fact.case_id)


def _forfeit(draft: Draft, cancelled: list[Lesson], fact: CreditForfeitRequested) -> tuple[Lot, ...]:
    """One entry for everything; what was taken, by grant."""
    untouched = draft.account.lots
    taken = untouched
    for lesson in cancelled:
        for part in lesson.parts:
            taken = with_lot(taken, part)
    draft.enter(
        EntryKind.FORFEITED,
        fact.case_id,
        fact.occurred_at,
        Move(source=Pot.UNTOUCHED, target=Pot.FORFEITED, credits=sum(lot.credits for lot in untouched)),
        Move(
            source=Pot.RESERVED,
            target=Pot.FORFEITED,
            credits=sum(lesson.credits for lesson in cancelled),
        ),
        case_id=fact.case_id,
        lots=(),
        lessons=without(draft.account.lessons, cancelled),
    )
    return taken


def _look_at_lessons(draft: Draft) -> None:
    for lesson in draft.account.lessons:
        at = lesson.starts_at - NOTICE
        draft.say(Later(at=at, fact=HeldLessonFellDue(**draft.about(at), lesson_id=lesson.lesson_id)))


def _held_since(account: Account, fact: CreditForfeitRequested) -> datetime:
    since = [hold.since for hold in account.holds if hold.case_id == fact.case_id]
    return min(since, default=fact.occurred_at)


def _effective_on(account: Account, fact: CreditForfeitRequested, school: School) -> date | None:
    """By rule credits lapse at the first failure (J40): the day that the case named, or that of its hold."""
    named = account.lapse_days.get(fact.case_id)
    if named is not None:
        return named
    if school.zone is None:
        return None
    since = _held_since(account, fact)
    if school.service_day_rollover is None:
        return local_date(since, school.zone)
    return service_day(since, school.zone, WallTime.parse(school.service_day_rollover))


def _again(lot: Lot, known: Forfeiture, fact: CreditRestorationRequested, school: School) -> Lot:
    """The lot as it is granted again, under an id of its own."""
    name = f"{lot.grant_id}~{fact.case_id}"
    if lot.expires_on is None or school.zone is None:
        return replace(lot, grant_id=name)
    today = local_date(fact.occurred_at, school.zone)
    expires_on = lot.expires_on
    if expires_on < today:
        days_left = expires_on - local_date(known.at, school.zone)
        expires_on = today + max(days_left, timedelta(0))
    return replace(lot, grant_id=name, expires_on=expires_on, expires_at=end_of_day(expires_on, school.zone))
