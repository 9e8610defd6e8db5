"""What notifications keeps of what others register: schools, their closures and calendars, payers' cards."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import yaml

from services.notifications.domain.people import AnnouncedClosure, Payment, School
from shared.calendar import calendar_from_data
from shared.errors import Unreadable
from shared.events import dunning, payments


def when_school_registered(school: School | None, fact: dunning.SchoolRegistered) -> School:
    """The newest registration holds; announced closures stay."""
    return replace(
        school or School(school_id=fact.school_id),
        name=fact.name,
        zone=fact.zone,
        languages=fact.languages,
        support_contact=fact.support_contact,
        staff_email=fact.staff_email,
        site_url=fact.site_url,
        help_urls=fact.help_urls,
        delivery_calendar=fact.delivery_calendar,
        rollover=fact.service_day_rollover,
    )


def when_policy_adopted(school: School | None, fact: dunning.PolicyAdopted) -> School:
    """Keep the calendars that the policy defines by itself, should the school deliver by one of them."""
    school = school or School(school_id=fact.school_id)
    return replace(school, own_calendars={**school.own_calendars, **_calendars_in(fact.text)})


def _calendars_in(text: str) -> dict[str, str]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    defined = document.get("calendars") if isinstance(document, dict) else None
    if not isinstance(defined, dict):
        return {}
    own: dict[str, str] = {}
    for name, definition in defined.items():
        data = {**definition, "extra_closed": []} if isinstance(definition, dict) else definition
        try:
            calendar_from_data(name, data)
        except (Unreadable, TypeError):
            continue  # dunning refuses such a policy with file and line; here it only has no use
        own[str(name)] = msgspec.json.encode(data).decode()
    return own


def when_closure_announced(school: School | None, fact: dunning.ClosureAnnounced) -> School:
    """Add the closure, or move it when it was announced before."""
    school = school or School(school_id=fact.school_id)
    closure = AnnouncedClosure(
        closure_id=fact.closure_id, calendar=fact.calendar, name=fact.name, first=fact.first, last=fact.last
    )
    others = tuple(one for one in school.closures if one.closure_id != fact.closure_id)
    return replace(
        school, closures=tuple(sorted((*others, closure), key=lambda one: (one.first, one.closure_id)))
    )


def when_closure_withdrawn(school: School | None, fact: dunning.ClosureWithdrawn) -> School:
    """Take the closure away again."""
    school = school or School(school_id=fact.school_id)
    left = tuple(one for one in school.closures if one.closure_id != fact.closure_id)
    return replace(school, closures=left)


def when_subscription_registered(payment: Payment | None, fact: payments.SubscriptionRegistered) -> Payment:
    """Whose subscription it is and where its card comes from (J36); a card's country, once known, is not forgotten."""
    known = payment.card_country if payment else None
    return Payment(
        subscription_id=fact.subscription_id,
        learner_id=fact.learner_id,
        card_country=fact.card_country or known,
        grandfathered=fact.grandfathered,
    )


def when_method_updated(payment: Payment | None, fact: payments.PaymentMethodUpdated) -> Payment:
    """Another card, perhaps of another country."""
    before = payment or Payment(subscription_id=fact.subscription_id, learner_id=fact.learner_id)
    return replace(before, card_country=fact.card_country or before.card_country)
