"""What credits does when it hears a fact: load, decide, record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from services.credits import domain
from services.credits.domain import Account, Decided, School
from shared.events import credits, dunning, payments
from shared.service import Hears


class About(Protocol):
    """Every fact about a subscription's credits says whose they are."""

    @property
    def school_id(self) -> str: ...
    @property
    def subscription_id(self) -> str: ...
    @property
    def learner_id(self) -> str: ...


class Unit(Protocol):
    """What the handlers need of the transaction they work in (store.py gives it)."""

    now: datetime

    async def account_of(self, fact: About) -> Account: ...

    async def accounts_waiting_for_zone(self, school_id: str) -> list[Account]: ...

    async def school(self, school_id: str) -> School: ...

    def keep_school(self, school: School) -> None: ...

    async def record(self, decided: Decided) -> None: ...


async def on_school_registered(fact: dunning.SchoolRegistered, unit: Unit) -> None:
    """Days end at midnight in the school's zone; grants that came first get their instant now."""
    unit.keep_school(
        School(school_id=fact.school_id, zone=fact.zone, service_day_rollover=fact.service_day_rollover)
    )
    for account in await unit.accounts_waiting_for_zone(fact.school_id):
        await unit.record(domain.when_zone_known(account, fact.zone, unit.now))


async def on_subscription_registered(fact: payments.SubscriptionRegistered, unit: Unit) -> None:
    """A subscription has a ledger from the day it is known."""
    account = await unit.account_of(fact)
    known = replace(account, school_id=fact.school_id, learner_id=fact.learner_id)
    await unit.record(Decided(account=known))


async def on_case_opened(fact: dunning.CaseOpened, unit: Unit) -> None:
    """By rule credits lapse on a day that the case names; cases of schools without credits name none (J40)."""
    if fact.effective_forfeiture_on is not None:
        account = await unit.account_of(fact)
        await unit.record(domain.when_case_opened(account, fact))


async def on_hold_requested(fact: dunning.CreditHoldRequested, unit: Unit) -> None:
    """No new booking while the case is open (R-J6)."""
    account = await unit.account_of(fact)
    await unit.record(domain.when_hold_requested(account, fact, unit.now))


async def on_release_requested(fact: dunning.CreditReleaseRequested, unit: Unit) -> None:
    """The case lets go (JP-26)."""
    account = await unit.account_of(fact)
    await unit.record(domain.when_release_requested(account, fact, unit.now))


async def on_forfeit_requested(fact: dunning.CreditForfeitRequested, unit: Unit) -> None:
    """Lessons are cancelled first, then all unconsumed credits lapse (J47)."""
    account = await unit.account_of(fact)
    school = await unit.school(fact.school_id)
    await unit.record(domain.when_forfeit_requested(account, fact, school, unit.now))


async def on_restoration_requested(fact: dunning.CreditRestorationRequested, unit: Unit) -> None:
    """What lapsed is granted again as goodwill (JP-28, Q-J10)."""
    account = await unit.account_of(fact)
    school = await unit.school(fact.school_id)
    await unit.record(domain.when_restoration_requested(account, fact, school, unit.now))


async def on_grant_requested(fact: dunning.CreditGrantRequested, unit: Unit) -> None:
    """A paid month gives its credits, on its first day at the earliest (JP-07)."""
    account = await unit.account_of(fact)
    school = await unit.school(fact.school_id)
    await unit.record(domain.when_month_requested(account, fact, school.zone, unit.now))


async def on_grant_fell_due(fact: credits.CreditGrantFellDue, unit: Unit) -> None:
    """A month that was paid in advance begins."""
    account = await unit.account_of(fact)
    school = await unit.school(fact.school_id)
    await unit.record(domain.when_months_looked_at(account, school.zone, unit.now))


async def on_lesson_started(fact: credits.LessonStarted | credits.HeldLessonFellDue, unit: Unit) -> None:
    """From its start on the lesson's credit is consumed (J46), unless a hold forbade the lesson."""
    account = await unit.account_of(fact)
    await unit.record(domain.when_lesson_started(account, unit.now))


async def on_expiry_fell_due(fact: credits.CreditExpiryFellDue, unit: Unit) -> None:
    """A grant's last day is over."""
    account = await unit.account_of(fact)
    await unit.record(domain.when_expiry_fell_due(account, unit.now))


HEARS: Hears = {
    dunning.SchoolRegistered: on_school_registered,
    payments.SubscriptionRegistered: on_subscription_registered,
    dunning.CaseOpened: on_case_opened,
    dunning.CreditHoldRequested: on_hold_requested,
    dunning.CreditReleaseRequested: on_release_requested,
    dunning.CreditForfeitRequested: on_forfeit_requested,
    dunning.CreditRestorationRequested: on_restoration_requested,
    dunning.CreditGrantRequested: on_grant_requested,
    credits.CreditGrantFellDue: on_grant_fell_due,
    credits.LessonStarted: on_lesson_started,
    credits.HeldLessonFellDue: on_lesson_started,
    credits.CreditExpiryFellDue: on_expiry_fell_due,
}
