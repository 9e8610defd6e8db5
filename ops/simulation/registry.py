"""A school, a learner and a subscription as they are registered before a history begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ops.simulation.histories import History
from services.access import domain as access_domain
from services.credits import domain as credits_domain
from services.dunning import domain as dunning_domain
from services.dunning.domain.policies_at_hand import preset_document
from services.notifications.domain.people import Learner, Teacher
from services.payments.domain.registration import when_registered
from services.payments.domain.state import Registration
from shared.events import dunning, notifications
from shared.events.words import Gateway, MethodKind

Opened = Mapping[str, Any]
"""What opens a transaction of each service, by its name."""


async def register(history: History, opened: Opened) -> None:
    """Through the services' own decisions, as their APIs do it."""
    await register_school(history, opened)
    await register_learner(history, opened)


async def register_school(history: History, opened: Opened) -> None:
    """The school, everywhere."""
    adopted = preset_document(history.policy_id)
    async with opened["dunning"]() as unit:
        fact = dunning.SchoolRegistered(
            school_id=history.school_id,
            occurred_at=unit.now,
            name="School",
            policy_id=history.policy_id,
            zone=adopted.policy.timezone,
            languages=tuple(adopted.policy.languages),
            currency=adopted.policy.currency,
            support_contact="help@school.example",
            staff_email="office@school.example",
            delivery_calendar=adopted.policy.notices.delivery_calendar,
            accepted_methods=("credit_card", "paypal"),
        )
        unit.keep_school(dunning_domain.registry.school_registered(None, fact))
        unit.say(fact)
    async with opened["access"]() as unit:
        school = await unit.school(history.school_id)
        unit.keep_school(replace(school, zone=str(history.zone), platform_url="https://lms.example/hook"))
    async with opened["notifications"]() as unit:
        teacher = Teacher(
            teacher_id="t1", school_id=history.school_id, name="Tom", email="tom@home.example", language="en"
        )
        await unit.keep_teacher(teacher)
    if history.credits:
        async with opened["credits"]() as unit:
            unit.keep_school(credits_domain.School(school_id=history.school_id, zone=str(history.zone)))


async def register_learner(history: History, opened: Opened) -> None:
    """The learner and the subscription, with credits and lessons where the school has any."""
    await _register_person(history, opened)
    await _register_subscription(history, opened["payments"])


async def _register_person(history: History, opened: Opened) -> None:
    language = "ja" if history.school_id == "eikaiwa" else "fr"
    async with opened["notifications"]() as unit:
        learner = Learner(
            learner_id=history.learner_id,
            school_id=history.school_id,
            name="Ada",
            email="ada@home.example",
            language=language,
            zone=str(history.zone),
        )
        await unit.keep_learner(learner)
        unit.say(
            notifications.LearnerRegistered(
                school_id=history.school_id,
                occurred_at=unit.now,
                learner_id=history.learner_id,
                language=language,
                zone=str(history.zone),
            )
        )
    async with opened["access"]() as unit:
        learner = await unit.learner(history.school_id, history.learner_id)
        await unit.record(
            access_domain.when_enrolled(
                learner,
                path_id="data",
                title="Data",
                subscription_id=history.subscription_id,
                deadline=None,
                zone=str(history.zone),
                now=unit.now,
            )
        )
    if history.credits:
        await _grant(history, opened["credits"])


async def _grant(history: History, opened: Any) -> None:
    async with opened() as unit:
        account = credits_domain.Account(
            subscription_id=history.subscription_id,
            school_id=history.school_id,
            learner_id=history.learner_id,
        )
        await unit.record(
            credits_domain.when_granted(
                account,
                grant_id=f"{history.subscription_id}-g1",
                credits=history.credits,
                expires_on=None,
                why="month",
                zone=str(history.zone),
                now=unit.now,
            )
        )
    for number, starts_at in enumerate(history.lessons):
        async with opened() as unit:
            account = await unit.account(history.subscription_id)
            await unit.record(
                credits_domain.when_lesson_asked_for(
                    account,
                    lesson_id=f"{history.subscription_id}-l{number}",
                    starts_at=starts_at,
                    teacher_id="t1",
                    credits=1,
                    now=unit.now,
                )
            )


async def _register_subscription(history: History, opened: Any) -> None:
    paypal = history.gateway is Gateway.PAYPAL
    async with opened() as unit:
        told = Registration(
            subscription_id=history.subscription_id,
            school_id=history.school_id,
            learner_id=history.learner_id,
            gateway=history.gateway,
            gateway_subscription_id=history.key,
            price=history.old_price,
            current_price=history.price,
            grandfathered=history.old_price != history.price,
            billing_day=history.billing_day,
            started_on=history.started_on,
            method=MethodKind.PAYPAL_SUBSCRIPTION if paypal else MethodKind.CARD,
            label="PayPal" if paypal else "1111",
        )
        registered = when_registered(None, told, today=unit.now.date(), now=unit.now)
        unit.keep(registered.subscription)
        await unit.refer(*registered.references)
        unit.say(*registered.said)
