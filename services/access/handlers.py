"""What access does when it hears a fact: load, decide, record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from services.access import domain
from services.access.domain import Decided, Learner, School
from shared.events import access, dunning, payments
from shared.service import Hears


class Unit(Protocol):
    """What the handlers need of the transaction they work in (store.py gives it)."""

    now: datetime

    async def learner(self, school_id: str, learner_id: str) -> Learner: ...

    async def learners_waiting_for_zone(self, school_id: str) -> list[Learner]: ...

    async def school(self, school_id: str) -> School: ...

    def keep_school(self, school: School) -> None: ...

    async def record(self, decided: Decided) -> None: ...


async def on_school_registered(fact: dunning.SchoolRegistered, unit: Unit) -> None:
    """Deadlines end at midnight in the school's zone; those that came first get their instant now."""
    school = await unit.school(fact.school_id)
    unit.keep_school(replace(school, zone=fact.zone))
    for learner in await unit.learners_waiting_for_zone(fact.school_id):
        await unit.record(domain.when_zone_known(learner, fact.zone, unit.now))


async def on_subscription_registered(fact: payments.SubscriptionRegistered, unit: Unit) -> None:
    """A subscription gives access until something takes it away."""
    learner = await unit.learner(fact.school_id, fact.learner_id)
    await unit.record(domain.when_subscription_registered(learner, fact, unit.now))


async def on_deadline_set(fact: dunning.AccessDeadlineSet, unit: Unit) -> None:
    """The end of the grace is known, moved or lifted; answers compare instants with it (FR-33)."""
    learner = await unit.learner(fact.school_id, fact.learner_id)
    await unit.record(domain.when_deadline_set(learner, fact, unit.now))


async def on_suspension_requested(fact: dunning.AccessSuspensionRequested, unit: Unit) -> None:
    """Access is cut to a level from an instant on (F18)."""
    learner = await unit.learner(fact.school_id, fact.learner_id)
    await unit.record(domain.when_suspension_requested(learner, fact, unit.now))


async def on_restoration_requested(fact: dunning.AccessRestorationRequested, unit: Unit) -> None:
    """The case lets go; a path may open again (F20, FR-37)."""
    learner = await unit.learner(fact.school_id, fact.learner_id)
    await unit.record(domain.when_restoration_requested(learner, fact, unit.now))


async def on_end_requested(fact: dunning.AccessEndRequested, unit: Unit) -> None:
    """The contract ends, now or later (T34)."""
    learner = await unit.learner(fact.school_id, fact.learner_id)
    await unit.record(domain.when_end_requested(learner, fact, unit.now))


async def on_deadline_fell_due(fact: access.AccessDeadlineFellDue, unit: Unit) -> None:
    """An announced hour passed: look again, say what changed."""
    learner = await unit.learner(fact.school_id, fact.learner_id)
    await unit.record(domain.when_deadline_fell_due(learner, fact, unit.now))


HEARS: Hears = {
    dunning.SchoolRegistered: on_school_registered,
    payments.SubscriptionRegistered: on_subscription_registered,
    dunning.AccessDeadlineSet: on_deadline_set,
    dunning.AccessSuspensionRequested: on_suspension_requested,
    dunning.AccessRestorationRequested: on_restoration_requested,
    dunning.AccessEndRequested: on_end_requested,
    access.AccessDeadlineFellDue: on_deadline_fell_due,
}
