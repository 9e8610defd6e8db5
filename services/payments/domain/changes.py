"""When a subscription, a method or a challenge changed, or money went back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.payments.domain.attempts import passed_by
from services.payments.domain.periods import service_day_of
from services.payments.domain.state import Reference, Role, School, Session, Subscription, Transaction
from services.payments.news import (
    ChallengeNews,
    MethodNews,
    MoneyBackNews,
    News,
    Outcome,
    PausedNews,
    ReviewNews,
    SubscriptionNews,
    UnknownNews,
)
from shared.events import Fact
from shared.events.payments import (
    AttemptUnknown,
    AuthenticationFailed,
    AuthenticationStarted,
    ChargebackOpened,
    GatewaySubscriptionActivated,
    GatewaySubscriptionCancelled,
    GatewaySubscriptionPaused,
    GatewaySubscriptionResumed,
    GatewaySubscriptionSuspended,
    PaymentMethodUpdated,
    PaymentRefunded,
    PaymentReviewRaised,
    SaleReversed,
)
from shared.events.words import CancelledBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is said, and what of the subscription or its reference changes."""

    said: tuple[Fact, ...] = ()
    subscription: Subscription | None = None
    reference: Reference | None = None


NOTHING = Change()


def about(subscription: Subscription, at: datetime) -> dict[str, object]:
    """The fields every fact about a subscription has."""
    return {
        "school_id": subscription.school_id,
        "occurred_at": at,
        "subscription_id": subscription.subscription_id,
        "learner_id": subscription.learner_id,
    }


def when_subscription(
    subscription: Subscription, school: School, news: SubscriptionNews, *, reference: Reference | None
) -> Change:
    """Activation, suspension and cancellation; who cancelled is ours to know when we asked for it (J19)."""
    fields = {
        **about(subscription, news.occurred_at),
        "gateway_subscription_id": news.gateway_subscription_id,
    }
    is_current = news.gateway_subscription_id == subscription.gateway_subscription_id
    match news.status:
        case "active":
            return _activated(subscription, school, news, reference, fields)
        case "suspended":
            fact: Fact = GatewaySubscriptionSuspended(
                **fields,  # type: ignore[arg-type]
                failed_payments=news.failed_payments,
                outstanding=news.outstanding,
            )
            return Change(said=(fact,)) if is_current else NOTHING
        case "cancelled":
            by = CancelledBy.SCHOOL if subscription.cancel_asked and is_current else news.by
            fact = GatewaySubscriptionCancelled(**fields, by=by)  # type: ignore[arg-type]
            return Change(said=(fact,))
        case "paused":
            return NOTHING


def _activated(
    subscription: Subscription,
    school: School,
    news: SubscriptionNews,
    reference: Reference | None,
    fields: dict[str, object],
) -> Change:
    role = reference.role if reference else Role.DUPLICATE
    if role is Role.FORMER or (
        role is Role.SUBSCRIPTION and news.gateway_subscription_id == subscription.gateway_subscription_id
    ):
        return NOTHING  # it was active all along: only another subscription is news (J26, T32)
    fact = GatewaySubscriptionActivated(
        **fields,  # type: ignore[arg-type]
        amount=news.amount,
        next_billing_on=service_day_of(news.next_billing_at, school) if news.next_billing_at else None,
    )
    if role is Role.RESUME:
        changed = replace(
            subscription, gateway_subscription_id=news.gateway_subscription_id, cancel_asked=False
        )
        return Change(said=(fact,), subscription=None if changed == subscription else changed)
    duplicate = Reference(
        key=f"{news.gateway}:{news.gateway_subscription_id}",
        subscription_id=subscription.subscription_id,
        role=Role.DUPLICATE,
    )
    return Change(said=(fact,), reference=duplicate)


def when_method(subscription: Subscription, news: MethodNews) -> Change:
    """Another method is the subscription's default now (F17)."""
    changed = replace(
        subscription,
        method=news.method,
        label=news.label,
        card=news.card,
        card_country=news.card_country or subscription.card_country,
    )
    fact = PaymentMethodUpdated(
        **about(subscription, news.occurred_at),  # type: ignore[arg-type]
        update_id=news.update_id,
        method=news.method,
        label=news.label,
        card=news.card,
        card_country=news.card_country,
    )
    return Change(said=(fact,), subscription=changed)


def when_challenge(subscription: Subscription, news: ChallengeNews, period: date) -> Change:
    """The bank's page was opened, passed or left (F11)."""
    fields = {
        **about(subscription, news.occurred_at),
        "period": period,
        "challenge_id": news.challenge_id,
    }
    match news.state:
        case "started":
            return Change(said=(AuthenticationStarted(**fields),))  # type: ignore[arg-type]
        case "failed":
            return Change(said=(AuthenticationFailed(**fields),))  # type: ignore[arg-type]
        case "passed":
            fact = passed_by(subscription, news.challenge_id, period, news.occurred_at)
            return Change(said=(fact,), subscription=replace(subscription, authenticated=True))


def when_money_back(
    subscription: Subscription, news: MoneyBackNews, transactions: Sequence[Transaction]
) -> Change:
    """Refund, chargeback or reversal: told with the period it undoes, when we know it (R-X4)."""
    undone = next(
        (
            one
            for one in transactions
            if one.transaction_id == news.transaction_id and one.outcome is Outcome.SUCCEEDED
        ),
        None,
    )
    kinds = {"refund": PaymentRefunded, "chargeback": ChargebackOpened, "reversal": SaleReversed}
    fact = kinds[news.what](
        **about(subscription, news.occurred_at),  # type: ignore[arg-type]
        period=undone.period if undone else None,
        gateway=news.gateway,
        reversal_id=news.reversal_id,
        transaction_id=news.transaction_id,
        amount=news.amount,
    )
    return Change(said=(fact,))


def when_unknown(subscription: Subscription, news: UnknownNews, period: date) -> Change:
    """Nobody knows what came of a request: a person must look, nothing is sent again."""
    fact = AttemptUnknown(
        **about(subscription, news.occurred_at),  # type: ignore[arg-type]
        period=period,
        request_id=news.request_id,
        detail=news.detail,
    )
    return Change(said=(fact,))


def when_paused(subscription: Subscription, school: School, news: PausedNews) -> Change:
    """The gateway did what it was asked for a case: it stopped collecting, or began again."""
    fields = {
        **about(subscription, news.occurred_at),
        "case_id": news.case_id,
        "gateway_subscription_id": news.gateway_subscription_id,
    }
    if news.paused:
        return Change(said=(GatewaySubscriptionPaused(**fields),))  # type: ignore[arg-type]
    if news.next_billing_at is None:
        return NOTHING
    next_on = service_day_of(news.next_billing_at, school)
    fact = GatewaySubscriptionResumed(**fields, next_billing_on=next_on)  # type: ignore[arg-type]
    return Change(said=(fact,))


def when_review(subscription: Subscription, news: ReviewNews) -> Change:
    """Payments saw something for a person."""
    fact = PaymentReviewRaised(
        **about(subscription, news.occurred_at),  # type: ignore[arg-type]
        reason=news.reason,
        about=news.about,
        detail=news.detail,
    )
    return Change(said=(fact,))


def open_challenge(sessions: Sequence[Session], news: News, period: date) -> Session | None:
    """The visit to the bank's page that this period's money may have come through."""
    started = [
        session
        for session in sessions
        if session.kind == "authenticate" and session.state != "done" and session.period == period
    ]
    before = [session for session in started if session.started_at <= news.occurred_at]
    return max(before, key=lambda session: session.started_at, default=None)
