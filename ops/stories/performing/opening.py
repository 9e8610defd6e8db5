"""What is told to Relance before a story begins: schools, people, subscriptions, paths, credits, lessons."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from ops.stories.cast import SchoolCast, SubscriptionCast
from ops.stories.engine import Answer, AtGateway
from ops.stories.model import setup
from ops.stories.rules import policy_text
from ops.stories.stage import CannotPlay, Stage, reason_of
from services.dunning.policies import Policy
from shared.events.words import MethodKind
from shared.money import Money


async def open_story(stage: Stage) -> None:
    """Tell everything that stands before the story.

    Raises:
        CannotPlay: Relance refused some of it.
    """
    for school in stage.cast.schools.values():
        await open_school(stage, school)
    await _people(stage)
    for subscription in stage.cast.subscriptions.values():
        if subscription.signs_up:
            continue
        await _at_gateway(stage, subscription)
        if subscription.told.registered is None:
            await must(stage, *registration(stage, subscription))
    for path in stage.cast.story.paths:
        await must(stage, *enrolment(stage, path))
    await _credits(stage)


async def must(stage: Stage, service: str, method: str, path: str, body: Any = None) -> Answer:
    """One request that has to be taken.

    Raises:
        CannotPlay: it was refused.
    """
    answer = await stage.engine.call(service, method, path, body)
    if not answer.ok:
        raise CannotPlay(
            f"before the story, {method} {path} of {service} was answered with {answer.status}: {reason_of(answer)}"
        )
    return answer


async def open_school(stage: Stage, school: SchoolCast) -> None:
    """A school, its own policy, its closures."""
    told = school.told
    body = {
        "name": told.name or told.id.replace("-", " ").title(),
        "policy_id": told.policy,
        "zone": school.zone,
        "languages": list(school.languages),
        "currency": school.currency,
        "support_contact": told.support_contact,
        "staff_email": told.staff_email,
        "site_url": told.site_url,
        "help_urls": told.help_urls,
        "delivery_calendar": school.delivery_calendar,
        "accepted_methods": list(told.accepted_methods or accepted_words(school.policy)),
    }
    await must(stage, "dunning", "PUT", f"/schools/{school.id}", body)
    stage.versions[school.id] = 1
    if not school.is_preset:
        change: dict[str, Any] = {"version": told.version, "by": "story"}
        if told.own_policy is not None:
            change["text"] = policy_text(school.policy_data)
        else:
            change |= {"policy_id": told.policy, "overrides": told.set}
        await must(stage, "dunning", "PUT", f"/schools/{school.id}/policy", change)
        stage.versions[school.id] = told.version
    for name in told.not_observed:
        await must(stage, "dunning", "DELETE", f"/schools/{school.id}/closures/{name}")
    for closure in told.closures:
        await must(stage, "dunning", "PUT", *closure_body(school.id, closure))


def closure_body(school_id: str, closure: Any) -> tuple[str, dict[str, Any]]:
    """Where and how a closure is told."""
    body = {"name": closure.name, "first": str(closure.first.day), "last": str(closure.last.day)}
    if closure.calendar:
        body["calendar"] = closure.calendar
    return f"/schools/{school_id}/closures/{closure.id or closure_id(closure.name)}", body


def closure_id(name: str) -> str:
    """The id of a closure that the story gave none; a name that has no letter for an id counts by its sum."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in name)
    return plain if plain.strip("-_.") and name.isascii() else f"closure-{crc32(name.encode()):08x}"


def accepted_words(policy: Policy) -> list[str]:
    """The policy's white list in the words that a school is registered with."""
    if policy.accepted_methods.default == "allow":
        return []
    words: list[str] = []
    for rule in policy.accepted_methods.rules:
        only_credit = getattr(rule, "funding", None) == ("credit",)
        words.append("credit_card" if rule.type == "card" and only_credit else rule.type)
    return words


async def _people(stage: Stage) -> None:
    for learner in stage.cast.learners.values():
        body = {
            "school_id": learner.school.id,
            "name": learner.name,
            "email": learner.email,
            "language": learner.language,
            "zone": learner.zone,
        }
        await must(stage, "notifications", "PUT", f"/learners/{learner.id}", body)
    teachers = dict(stage.cast.story.teachers)
    for lesson in stage.cast.story.lessons:
        teachers.setdefault(lesson.teacher, None)
    for entry in stage.cast.story.entries:
        named = getattr(entry, "teacher", None)
        if named:
            teachers.setdefault(named, None)
    for name, told in teachers.items():
        teacher = told or setup.Teacher()
        school = stage.cast.school(teacher.school)
        body = {
            "school_id": school.id,
            "name": teacher.name or name.title(),
            "email": teacher.email or f"{name}@teachers.example",
            "language": teacher.language or school.languages[0],
        }
        await must(stage, "notifications", "PUT", f"/teachers/{name}", body)


async def _at_gateway(stage: Stage, subscription: SubscriptionCast) -> None:
    told = subscription.told
    stage.gateway_ids[subscription.id] = await stage.engine.at_gateway(
        AtGateway(
            subscription_id=subscription.id,
            learner_id=subscription.learner.id,
            gateway=subscription.gateway,
            gateway_subscription_id=told.gateway_subscription,
            price=subscription.price,
            billing_day=subscription.billing_day,
            started_on=subscription.started_on,
            method=subscription.method,
            card=told.card,
            card_country=told.card_country,
            other_methods=tuple(MethodKind(one) for one in told.also_stored),
        )
    )
    otherwise = stage.answer(told.otherwise, subscription) if told.otherwise else None
    await stage.engine.bank_will_say(
        subscription.id, stage.answers(told.bank, subscription), otherwise=otherwise
    )


def registration(
    stage: Stage, subscription: SubscriptionCast, **changes: Any
) -> tuple[str, str, str, dict[str, Any]]:
    """How a subscription is registered."""
    told, ids = subscription.told, stage.gateway_ids[subscription.id]
    body = {
        "school_id": subscription.school.id,
        "learner_id": subscription.learner.id,
        "gateway": subscription.gateway.value,
        "gateway_subscription_id": ids.subscription,
        "gateway_customer_id": ids.customer,
        "gateway_plan": ids.plan,
        "price": minor(subscription.price),
        "current_price": minor(subscription.current_price),
        "grandfathered": subscription.grandfathered,
        "billing_day": subscription.billing_day,
        "started_on": str(subscription.started_on),
        "path_id": told.path,
        "method": subscription.method.value,
        "label": told.label or ("4242" if subscription.method is MethodKind.CARD else "PayPal"),
        "card": told.card,
        "card_country": told.card_country,
    }
    return "payments", "PUT", f"/subscriptions/{subscription.id}", {**body, **changes}


def enrolment(stage: Stage, path: Any) -> tuple[str, str, str, dict[str, Any]]:
    """How a path and its deadline are told."""
    learner = stage.cast.learner(
        getattr(path, "learner", None) or getattr(path, "who", None), subscription=path.subscription
    )
    body = {
        "school_id": learner.school.id,
        "subscription_id": path.subscription,
        "re_enrolment_deadline": str(path.deadline.day) if path.deadline else None,
        "title": path.title,
    }
    return "access", "PUT", f"/learners/{learner.id}/paths/{path.path}", body


async def _credits(stage: Stage) -> None:
    for name, subscription in stage.cast.subscriptions.items():
        if subscription.told.credits_per_month is not None:
            body = {"credits_per_month": subscription.told.credits_per_month, **_owner(subscription)}
            await must(stage, "credits", "PUT", f"/subscriptions/{name}/plan", body)
    for grant in stage.cast.story.credits:
        await must(stage, *grant_body(stage, grant))
    for lesson in stage.cast.story.lessons:
        await must(stage, *lesson_body(stage, lesson, stage.cast.subscription(lesson.subscription)))


def _owner(subscription: SubscriptionCast) -> dict[str, str]:
    return {"school_id": subscription.school.id, "learner_id": subscription.learner.id}


def grant_body(stage: Stage, grant: Any) -> tuple[str, str, str, dict[str, Any]]:
    """How credits are granted."""
    subscription = stage.cast.subscription(grant.subscription)
    name = grant.id or f"grant-{stage.number('grant')}"
    body = {
        "credits": grant.credits,
        "expires_on": str(grant.expires.day) if grant.expires else None,
        **_owner(subscription),
    }
    return "credits", "PUT", f"/subscriptions/{subscription.id}/grants/{name}", body


def lesson_body(
    stage: Stage, lesson: Any, subscription: SubscriptionCast
) -> tuple[str, str, str, dict[str, Any]]:
    """How a lesson is booked."""
    name = (
        getattr(lesson, "id", None) or getattr(lesson, "lesson", None) or f"lesson-{stage.number('lesson')}"
    )
    body = {
        "starts_at": stage.instant(lesson.starts, subscription).isoformat(),
        "teacher_id": lesson.teacher,
        "credits": lesson.credits,
    }
    return "credits", "PUT", f"/subscriptions/{subscription.id}/lessons/{name}", body


def minor(money: Money) -> dict[str, Any]:
    """An amount as the doors take it."""
    return {"amount_minor": money.amount_minor, "currency": money.currency}
