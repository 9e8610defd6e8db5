"""A learner is erased: raw webhooks and what a learner would recognise go, the money's facts stay by their ids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.payments.domain.state import Role
from shared import erasing
from shared.events.notifications import LearnerErased
from shared.keys import subject_of


async def on_learner_erased(fact: LearnerErased, unit: Any) -> None:
    """Lose the learner's key and those of who paid for them alone; empty bodies, labels and visits' addresses."""
    subjects = await subjects_of(fact.school_id, fact.learner_id, unit)
    gone = {"webhooks": await unit.empty_bodies(subjects), "subscriptions": 0, "visits": 0}
    for subject in subjects:
        await unit.keys.erase(subject)
    for subscription in await unit.subscriptions_of(fact.learner_id):
        if subscription.school_id != fact.school_id:
            continue
        if subscription.label or subscription.card:
            unit.keep(replace(subscription, label="", card=None, card_country=None))
            gone["subscriptions"] += 1
        for visit in await unit.sessions_of(subscription.subscription_id):
            if visit.url or visit.return_url:
                unit.keep(replace(visit, url="", return_url=""))
                gone["visits"] += 1
    await erasing.record(unit, fact, gone)


async def subjects_of(school_id: str, learner_id: str, unit: Any) -> list[str]:
    """The learner, and each id of a gateway that stands for this learner and nobody else."""
    subjects = [subject_of(school_id, learner_id)]
    for subscription in await unit.subscriptions_of(learner_id):
        if subscription.school_id != school_id:
            continue
        references = await unit.references_to(subscription.subscription_id)
        subjects += [
            one.key
            for one in references
            if one.role not in {Role.CUSTOMER, Role.SEVERAL}
            or await _pays_alone(unit, one.key, school_id, learner_id)
        ]
    return subjects


async def _pays_alone(unit: Any, payer: str, school_id: str, learner_id: str) -> bool:
    others = await unit.paid_by(payer)
    return all((one.school_id, one.learner_id) == (school_id, learner_id) for one in others)


async def holds(unit: Any, school_id: str, learner_id: str) -> dict[str, int]:
    """Raw webhooks, subscriptions with a card's last digits, visits to a gateway's page."""
    theirs = [one for one in await unit.subscriptions_of(learner_id) if one.school_id == school_id]
    visits = [one for each in theirs for one in await unit.sessions_of(each.subscription_id)]
    return {
        "webhooks": await unit.bodies_of(await subjects_of(school_id, learner_id, unit)),
        "subscriptions": sum(bool(one.label or one.card) for one in theirs),
        "visits": sum(bool(one.url or one.return_url) for one in visits),
    }
