"""What schools, subscriptions and learners are registered with, as decisions need them: newest registration holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.dunning.domain.account import Account, Closed, Enrolment, Learner, School
from shared.errors import Unreadable
from shared.events import access, dunning, payments
from shared.events.words import Gateway, MethodKind


def account_registered(known: Account | None, fact: payments.SubscriptionRegistered) -> Account:
    """The subscription's terms; what was paid and what is open stay."""
    terms: dict[str, Any] = {
        "gateway": fact.gateway,
        "price": fact.price,
        "current_price": fact.current_price,
        "grandfathered": fact.grandfathered,
        "billing_day": fact.billing_day,
        "started_on": fact.started_on,
        "path_id": fact.path_id,
        "method": fact.method,
    }
    if known is None:
        return Account(
            subscription_id=fact.subscription_id,
            school_id=fact.school_id,
            learner_id=fact.learner_id,
            **terms,
        )
    if known.started_on < fact.started_on:
        terms.update(cancelled_at=None, cancelled_by="", suspended_at=None)
    return replace(known, school_id=fact.school_id, learner_id=fact.learner_id, **terms)


def account_from_news(fact: Any) -> Account:
    """A subscription that is known only by news of it: its terms are what the news says.

    Raises:
        Unreadable: the news says neither amount nor month.
    """
    if getattr(fact, "amount", None) is None or getattr(fact, "period", None) is None:
        raise Unreadable(
            f"the subscription {fact.subscription_id!r} is not known here and this news does not say what it costs: "
            "register it with payments, then retry this message"
        )
    return Account(
        subscription_id=fact.subscription_id,
        school_id=fact.school_id,
        learner_id=fact.learner_id,
        gateway=getattr(fact, "gateway", Gateway.STRIPE),
        price=fact.amount,
        current_price=fact.amount,
        billing_day=fact.period.day,
        started_on=fact.period,
        method=getattr(fact, "method", MethodKind.OTHER),
    )


def account_with_method(account: Account, fact: payments.PaymentMethodUpdated) -> Account:
    """The method that pays from now on (F17)."""
    return replace(account, method=fact.method, method_label=fact.label, card=fact.card)


def learner_enrolled(known: Learner | None, fact: access.PathEnrolled) -> Learner:
    """The learner with that path's newest re-enrolment deadline (F22)."""
    learner = known or Learner(learner_id=fact.learner_id, school_id=fact.school_id)
    enrolment = Enrolment(
        path_id=fact.path_id, title=fact.title, re_enrolment_deadline=fact.re_enrolment_deadline
    )
    return learner.with_enrolment(enrolment)


def school_registered(known: School | None, fact: dunning.SchoolRegistered) -> School:
    """The school as registered; its adopted policy and closures stay unless it names another policy."""
    told: dict[str, Any] = {
        "name": fact.name,
        "zone": fact.zone,
        "languages": fact.languages,
        "currency": fact.currency,
        "support_contact": fact.support_contact,
        "staff_email": fact.staff_email,
        "site_url": fact.site_url,
        "help_urls": fact.help_urls,
        "delivery_calendar": fact.delivery_calendar,
        "service_day_rollover": fact.service_day_rollover,
        "accepted_methods": fact.accepted_methods,
    }
    if known is None:
        return School(school_id=fact.school_id, policy_id=fact.policy_id, **told)
    if known.policy_id != fact.policy_id:
        told.update(policy_id=fact.policy_id, policy_hash="", policy_version=1)
    return replace(known, **told)


def school_adopted(school: School, *, policy_id: str, version: int, content_hash: str) -> School:
    """Cases that open from now on use this document (R-X5)."""
    return replace(school, policy_id=policy_id, policy_version=version, policy_hash=content_hash)


def closure_announced(school: School, fact: dunning.ClosureAnnounced) -> School:
    """The school with one more closure, or with another span for the same one (J37)."""
    closed = Closed(
        closure_id=fact.closure_id,
        calendar=fact.calendar,
        name=fact.name,
        first=fact.first,
        last=fact.last,
    )
    others = (one for one in school.closures if one.closure_id != fact.closure_id)
    closures = tuple(sorted((*others, closed), key=lambda one: (one.first, one.closure_id)))
    withdrawn = tuple(name for name in school.withdrawn if name != fact.closure_id)
    return replace(school, closures=closures, withdrawn=withdrawn)


def closure_withdrawn(school: School, fact: dunning.ClosureWithdrawn) -> School:
    """The school without that closure; one that came with the calendar does not come back by itself."""
    closures = tuple(one for one in school.closures if one.closure_id != fact.closure_id)
    withdrawn = tuple(sorted({*school.withdrawn, fact.closure_id}))
    return replace(school, closures=closures, withdrawn=withdrawn)
