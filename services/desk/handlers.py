"""What the desk does when it hears a fact: change the case in its lists, and count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date
from typing import Any, Final, Protocol

from services.desk.domain.case import Case
from services.desk.domain.changes import CHANGES, after
from services.desk.domain.figures import Tally, counted, new_tally, tally_key
from services.desk.domain.school import School
from services.desk.sealed import on_learner_erased
from shared.events import dunning, notifications, payments
from shared.service import Hears


class Room(Protocol):
    """What handlers need of the transaction they work in (``store.DeskUnit``)."""

    cause_id: str | None

    async def school(self, school_id: str) -> School: ...

    async def case(self, case_id: str) -> Case | None: ...

    async def tally(self, key: str) -> Tally | None: ...

    def keep(self, *rows: Any) -> None: ...


async def on_case_fact(fact: Any, unit: Room) -> None:
    """Something about a case, or about one of its mails."""
    before = await unit.case(fact.case_id) or _blank(fact)
    if before.school_id != fact.school_id:
        return
    changed = after(_completed(before, fact), fact)
    if changed == before:
        return
    unit.keep(changed)
    if changed.opened_at is not None and (before.opened_at is None or before.is_open != changed.is_open):
        key = tally_key(changed)
        tally = await unit.tally(key) or new_tally(key)
        now_counted = counted(tally, before, changed)
        if now_counted != tally:
            unit.keep(now_counted)


async def on_news(fact: Any, unit: Room) -> None:
    """News of a gateway: when it reached us, for the case's timeline. A month that went well has no case."""
    case_id = f"{fact.subscription_id}~{fact.period.isoformat()}"
    case = await unit.case(case_id)
    if case is None and isinstance(fact, payments.AttemptFailed):
        case = Case(
            case_id=case_id,
            school_id=fact.school_id,
            learner_id=fact.learner_id,
            subscription_id=fact.subscription_id,
            period=fact.period,
        )
    if case is not None and case.school_id == fact.school_id and unit.cause_id is not None:
        known = [one for one in case.received if one[0] != unit.cause_id]
        unit.keep(replace(case, received=tuple([*known, (unit.cause_id, fact.received_at)][-_NEWS_KEPT:])))


async def on_school_registered(fact: dunning.SchoolRegistered, unit: Room) -> None:
    """A school, or news of it."""
    school = await unit.school(fact.school_id)
    unit.keep(
        replace(
            school,
            name=fact.name,
            policy_id=fact.policy_id,
            zone=fact.zone,
            languages=fact.languages,
            currency=fact.currency,
        )
    )


async def on_policy_adopted(fact: dunning.PolicyAdopted, unit: Room) -> None:
    """A school has another policy."""
    unit.keep(replace(await unit.school(fact.school_id), policy_id=fact.policy_id))


def _blank(fact: Any) -> Case:
    """A case of which a mail was heard before its opening."""
    return _completed(
        Case(
            case_id=fact.case_id,
            school_id=fact.school_id,
            learner_id="",
            subscription_id="",
            period=_period(fact),
        ),
        fact,
    )


def _completed(case: Case, fact: Any) -> Case:
    subscription = getattr(fact, "subscription_id", None)
    if case.subscription_id or not subscription:
        return case if case.learner_id else replace(case, learner_id=fact.learner_id)
    return replace(case, subscription_id=subscription, learner_id=fact.learner_id, period=_period(fact))


def _period(fact: Any) -> date:
    period = getattr(fact, "period", None)
    return period if isinstance(period, date) else fact.occurred_at.astimezone(UTC).date()


_NEWS_KEPT: Final = 40

HEARS: Final[Hears] = {
    payments.AttemptFailed: on_news,
    payments.AttemptSucceeded: on_news,
    payments.AttemptPending: on_news,
    **dict.fromkeys(CHANGES, on_case_fact),
    notifications.LearnerErased: on_learner_erased,
    dunning.SchoolRegistered: on_school_registered,
    dunning.PolicyAdopted: on_policy_adopted,
}
