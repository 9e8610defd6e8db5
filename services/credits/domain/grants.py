"""Credits come: bought, granted for a month, granted again; and they are valid until the end of a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from services.credits.domain.ledger import Draft
from services.credits.domain.state import (
    Account,
    Decided,
    EntryKind,
    Grant,
    Lot,
    Month,
    Move,
    Pot,
    with_lot,
)
from shared.calendar import end_of_day, start_of_day
from shared.errors import Refused
from shared.events import Later
from shared.events.credits import (
    CreditExpiryFellDue,
    CreditGrantFellDue,
    CreditsExtended,
    CreditsGranted,
)
from shared.events.dunning import CreditGrantRequested

MONTH: Final = "month"
_MONTHS_REMEMBERED: Final = 60


def when_granted(
    account: Account,
    *,
    grant_id: str,
    credits: int,
    expires_on: date | None,
    why: str,
    zone: str | None,
    now: datetime,
) -> Decided:
    """Grant credits that can be used to book until the end of ``expires_on`` (school's zone)."""
    draft = Draft(account, now)
    draft.settle()
    grant(draft, grant_id=grant_id, credits=credits, expires_on=expires_on, why=why, zone=zone, at=now)
    draft.settle()
    return draft.decided()


def when_extended(
    account: Account, known: Grant, *, expires_on: date | None, zone: str | None, now: datetime
) -> Decided:
    """Make a grant valid for longer (Q-J9).

    Raises:
        Refused: for shorter, or when nothing of it is left to extend.
    """
    if known.expires_on is None or (expires_on is not None and expires_on < known.expires_on):
        raise Refused(
            f"we could not change grant {known.grant_id} because its last day is {known.expires_on or 'open'}: "
            "what a learner was told is only ever extended",
            code="shorter",
        )
    draft = Draft(account, now)
    draft.settle()

    def longer(lot: Lot) -> Lot:
        if lot.grant_id != known.grant_id:
            return lot
        return replace(lot, expires_on=expires_on, expires_at=_expiry(expires_on, zone))

    lots = tuple(longer(lot) for lot in draft.account.lots)
    lessons = tuple(
        replace(lesson, parts=tuple(longer(part) for part in lesson.parts))
        for lesson in draft.account.lessons
    )
    if lots == draft.account.lots and lessons == draft.account.lessons:
        raise Refused(
            f"we could not extend grant {known.grant_id} because nothing of it is left: grant new credits instead",
            code="nothing_left",
        )
    draft.enter(EntryKind.EXTENDED, known.grant_id, now, lots=lots, lessons=lessons)
    draft.keep_grant(replace(known, expires_on=expires_on))
    draft.say(CreditsExtended(**draft.about(now), grant_id=known.grant_id, expires_on=expires_on))
    _plan_expiry(draft, known.grant_id, _expiry(expires_on, zone))
    return draft.decided()


def when_month_requested(
    account: Account, fact: CreditGrantRequested, zone: str | None, now: datetime
) -> Decided:
    """Grant a month's credits once, from its first day on and valid to its last (JP-07, Q-J9)."""
    draft = Draft(account, now)
    draft.settle()
    month = Month(case_id=fact.case_id, covers_from=fact.covers_from, covers_until=fact.covers_until)
    asked = {other.covers_from for other in account.months} | set(account.months_granted)
    if month.covers_from not in asked:
        draft.account = replace(draft.account, months=(*draft.account.months, month))
        _grant_months(draft, zone)
        _plan_month(draft, month, zone)
    return draft.decided()


def when_months_looked_at(account: Account, zone: str | None, now: datetime) -> Decided:
    """A month began, or the plan or the school became known: grant what waited for it."""
    draft = Draft(account, now)
    draft.settle()
    _grant_months(draft, zone)
    return draft.decided()


def when_plan_known(
    account: Account,
    *,
    credits_per_month: int | None,
    cancellation_notice_minutes: int,
    zone: str | None,
    now: datetime,
) -> Decided:
    """How many credits a month gives, and how long before its start a lesson may be cancelled."""
    account = replace(
        account,
        credits_per_month=credits_per_month,
        cancellation_notice_minutes=cancellation_notice_minutes,
    )
    return when_months_looked_at(account, zone, now)


def when_zone_known(account: Account, zone: str, now: datetime) -> Decided:
    """The school's zone came after its grants: their last days become instants."""
    draft = Draft(account, now)

    def with_hour(lot: Lot) -> Lot:
        return lot if lot.expires_at else replace(lot, expires_at=_expiry(lot.expires_on, zone))

    lots = tuple(with_hour(lot) for lot in account.lots)
    lessons = tuple(
        replace(lesson, parts=tuple(with_hour(part) for part in lesson.parts)) for lesson in account.lessons
    )
    draft.account = replace(account, lots=lots, lessons=lessons)
    for lot, before in zip(lots, account.lots, strict=True):
        if lot != before:
            _plan_expiry(draft, lot.grant_id, lot.expires_at)
    draft.settle()
    _grant_months(draft, zone)
    for month in draft.account.months:
        _plan_month(draft, month, zone)
    return draft.decided()


def when_expiry_fell_due(account: Account, now: datetime) -> Decided:
    """A last day is over: what is left expires, unless it is held or was extended."""
    draft = Draft(account, now)
    draft.settle()
    return draft.decided()


def grant(
    draft: Draft,
    *,
    grant_id: str,
    credits: int,
    expires_on: date | None,
    why: str,
    zone: str | None,
    at: datetime,
) -> None:
    """Enter a grant and plan the end of its last day."""
    lot = Lot(grant_id=grant_id, credits=credits, expires_on=expires_on, expires_at=_expiry(expires_on, zone))
    draft.enter(
        EntryKind.GRANTED,
        grant_id,
        at,
        Move(source=None, target=Pot.UNTOUCHED, credits=credits),
        lots=with_lot(draft.account.lots, lot),
    )
    draft.keep_grant(
        Grant(
            subscription_id=draft.account.subscription_id,
            grant_id=grant_id,
            credits=credits,
            expires_on=expires_on,
            why=why,
            granted_at=at,
        )
    )
    draft.say(
        CreditsGranted(**draft.about(at), grant_id=grant_id, credits=credits, expires_on=expires_on, why=why)
    )
    _plan_expiry(draft, grant_id, lot.expires_at)


def plan_expiries(draft: Draft, lots: tuple[Lot, ...]) -> None:
    """Look again at the end of each lot's last day."""
    for lot in lots:
        _plan_expiry(draft, lot.grant_id, lot.expires_at)


def _grant_months(draft: Draft, zone: str | None) -> None:
    credits = draft.account.credits_per_month
    if credits is None or zone is None:
        return
    for month in draft.account.months:
        if start_of_day(month.covers_from, zone) > draft.now:
            continue
        draft.account = replace(
            draft.account,
            months=tuple(other for other in draft.account.months if other != month),
            months_granted=(*draft.account.months_granted, month.covers_from)[-_MONTHS_REMEMBERED:],
        )
        grant(
            draft,
            grant_id=f"{MONTH}~{month.covers_from}",
            credits=credits,
            expires_on=month.covers_until,
            why=MONTH,
            zone=zone,
            at=draft.now,
        )
    draft.settle()


def _plan_month(draft: Draft, month: Month, zone: str | None) -> None:
    if zone is None or (begins := start_of_day(month.covers_from, zone)) <= draft.now:
        return
    draft.say(Later(at=begins, fact=CreditGrantFellDue(**draft.about(begins), covers_from=month.covers_from)))


def _plan_expiry(draft: Draft, grant_id: str, expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at > draft.now:
        draft.say(
            Later(at=expires_at, fact=CreditExpiryFellDue(**draft.about(expires_at), grant_id=grant_id))
        )


def _expiry(expires_on: date | None, zone: str | None) -> datetime | None:
    return end_of_day(expires_on, zone) if expires_on and zone else None
