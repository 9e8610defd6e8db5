"""What becomes of a subscription that a school registers, again or anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from services.payments.domain.periods import period_of, re_anchored
from services.payments.domain.state import Anchor, Reference, Registration, Role, Subscription
from shared.events import Fact
from shared.events.payments import SubscriptionRegistered


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The subscription as it is now, its references, and what is said (nothing when nothing changed)."""

    subscription: Subscription
    references: tuple[Reference, ...]
    said: tuple[Fact, ...]


def when_registered(
    known: Subscription | None, told: Registration, *, today: date, now: datetime
) -> Registered:
    """The newest registration holds; telling the same again says nothing (idempotent PUT)."""
    anchors: tuple[Anchor, ...]
    if known is None or known.started_on != told.started_on:
        anchors = (Anchor(since=told.started_on, day=told.billing_day),)
    elif known.billing_day != told.billing_day:
        anchors = re_anchored(known.anchors, period_of(today, known.anchors), told.billing_day)
    else:
        anchors = known.anchors
    facts = {
        "subscription_id": told.subscription_id,
        "school_id": told.school_id,
        "learner_id": told.learner_id,
        "gateway": told.gateway,
        "gateway_subscription_id": told.gateway_subscription_id,
        "gateway_customer_id": told.gateway_customer_id or (known.gateway_customer_id if known else None),
        "gateway_plan": told.gateway_plan or (known.gateway_plan if known else None),
        "price": told.price,
        "current_price": told.current_price,
        "grandfathered": told.grandfathered,
        "anchors": anchors,
        "started_on": told.started_on,
        "path_id": told.path_id,
        "method": told.method,
        "label": told.label or (known.label if known else ""),
        "card": told.card or (known.card if known else None),
        "card_country": told.card_country or (known.card_country if known else None),
    }
    subscription = replace(known, **facts) if known else Subscription(**facts)  # type: ignore[arg-type]
    said = () if subscription == known else (_registered(subscription, now),)
    return Registered(subscription=subscription, references=_references(known, subscription), said=said)


def _registered(subscription: Subscription, now: datetime) -> SubscriptionRegistered:
    return SubscriptionRegistered(
        school_id=subscription.school_id,
        occurred_at=now,
        subscription_id=subscription.subscription_id,
        learner_id=subscription.learner_id,
        gateway=subscription.gateway,
        price=subscription.price,
        current_price=subscription.current_price,
        grandfathered=subscription.grandfathered,
        billing_day=subscription.billing_day,
        started_on=subscription.started_on,
        path_id=subscription.path_id,
        method=subscription.method,
        card_country=subscription.card_country,
    )


def _references(known: Subscription | None, subscription: Subscription) -> tuple[Reference, ...]:
    def reference(gateway_id: str, role: Role) -> Reference:
        return Reference(
            key=f"{subscription.gateway}:{gateway_id}",
            subscription_id=subscription.subscription_id,
            role=role,
        )

    references = [reference(subscription.gateway_subscription_id, Role.SUBSCRIPTION)]
    if known is not None and known.gateway_subscription_id != subscription.gateway_subscription_id:
        references.append(reference(known.gateway_subscription_id, Role.FORMER))
    if subscription.gateway_customer_id:
        references.append(reference(subscription.gateway_customer_id, Role.CUSTOMER))
    return tuple(references)
