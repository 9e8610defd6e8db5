"""PayPal's books as news: one subscription, its transactions, its last failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from services.payments.gateways.paypal import shapes
from services.payments.news import AttemptNews, News, Outcome, SubscriptionNews
from shared.decline_codes import paypal_decline
from shared.events.words import CancelledBy, Gateway

OUR_NOTE: Final = "Relance"
"""Begins the reason we give when we cancel or suspend."""
_TOGETHER: Final = timedelta(hours=1)
"""A line of the transactions and the subscription's last failure are one attempt within this."""
_OUTCOMES: Final = {
    "COMPLETED": Outcome.SUCCEEDED,
    "REFUNDED": Outcome.SUCCEEDED,
    "PARTIALLY_REFUNDED": Outcome.SUCCEEDED,
    "PENDING": Outcome.PENDING,
    "DECLINED": Outcome.FAILED,
}
_STATUSES: Final[dict[str, Any]] = {
    "ACTIVE": "active",
    "SUSPENDED": "suspended",
    "CANCELLED": "cancelled",
    "EXPIRED": "cancelled",
}


def told_by(
    subscription: shapes.Subscription, transactions: Sequence[shapes.Transaction], *, now: datetime
) -> tuple[News, ...]:
    """Everything the books say: activation first, attempts in order of time, an end last."""
    attempts = [news for one in transactions if (news := _attempt(subscription, one)) is not None]
    attempts = _with_last_failure(subscription, attempts)
    attempts.sort(key=lambda news: (news.occurred_at, news.transaction_id))
    attempts = _with_next_billing(subscription, attempts)
    standing = status_news(subscription, now)
    if standing is None:
        return tuple(attempts)
    return (standing, *attempts) if standing.status == "active" else (*attempts, standing)


def _attempt(subscription: shapes.Subscription, line: shapes.Transaction) -> AttemptNews | None:
    at = shapes.instant(line.time)
    outcome = _OUTCOMES.get(line.status)
    gross = line.amount_with_breakdown.gross_amount if line.amount_with_breakdown else None
    money = gross.money if gross else None
    if at is None or outcome is None or money is None:
        return None
    failed = outcome is Outcome.FAILED
    return AttemptNews(
        gateway=Gateway.PAYPAL,
        occurred_at=at,
        refs=refs_of(subscription),
        subscription_id=None,
        outcome=outcome,
        transaction_id=failure_name(subscription.id, at) if failed else line.id,
        amount=money,
        gateway_subscription_id=subscription.id,
        decline=paypal_decline("PAYMENT_DENIED").decline if failed else None,
        raw_code="PAYMENT_DENIED" if failed else "",
        approximate=failed,
    )


def failure_name(subscription: str, at: datetime) -> str:
    """A failure has no id of its own at PayPal: the subscription and its instant name it."""
    return f"{subscription}@{at:%Y-%m-%dT%H:%M:%SZ}"


def refs_of(subscription: shapes.Subscription) -> tuple[str, ...]:
    """The subscription itself, and the payer where nothing else is known (JP-11)."""
    payer = subscription.subscriber.payer_id if subscription.subscriber else None
    return (subscription.id, payer) if payer else (subscription.id,)


def _with_last_failure(subscription: shapes.Subscription, attempts: list[AttemptNews]) -> list[AttemptNews]:
    """The last failure brings the reason and PayPal's next try."""
    failed = subscription.billing_info.last_failed_payment if subscription.billing_info else None
    at = shapes.instant(failed.time) if failed else None
    money = failed.amount.money if failed and failed.amount else None
    if failed is None or at is None or money is None:
        return attempts
    reason = failed.reason_code or "PAYMENT_DENIED"
    following = shapes.instant(failed.next_payment_retry_time or failed.next_payment_retry_date)
    understood = paypal_decline(reason)
    facts: dict[str, Any] = {
        "decline": understood.decline,
        "fault": understood.fault,
        "raw_code": reason,
        "next_attempt_at": following if following and following > at else None,
    }
    near = [
        one for one in attempts if one.outcome is Outcome.FAILED and abs(one.occurred_at - at) <= _TOGETHER
    ]
    if near:
        last = max(near, key=lambda one: one.occurred_at)
        return [replace(one, **facts) if one is last else one for one in attempts]
    news = AttemptNews(
        gateway=Gateway.PAYPAL,
        occurred_at=at,
        refs=refs_of(subscription),
        outcome=Outcome.FAILED,
        transaction_id=failure_name(subscription.id, at),
        amount=money,
        gateway_subscription_id=subscription.id,
        approximate=True,
        **facts,
    )
    return [*attempts, news]


def _with_next_billing(subscription: shapes.Subscription, attempts: list[AttemptNews]) -> list[AttemptNews]:
    following = (
        shapes.instant(subscription.billing_info.next_billing_time) if subscription.billing_info else None
    )
    paid = [one for one in attempts if one.outcome is Outcome.SUCCEEDED]
    if following is None or not paid or following <= paid[-1].occurred_at:
        return attempts
    last = paid[-1]
    return [replace(one, next_billing_at=following) if one is last else one for one in attempts]


def status_news(subscription: shapes.Subscription, now: datetime) -> SubscriptionNews | None:
    """How it stands; who cancelled is read from the traces, because PayPal does not say it (J19)."""
    status = _STATUSES.get(subscription.status)
    if status is None:
        return None
    info = subscription.billing_info or shapes.BillingInfo()
    paid = info.last_payment.amount if info.last_payment else None
    return SubscriptionNews(
        gateway=Gateway.PAYPAL,
        occurred_at=shapes.instant(subscription.status_update_time) or now,
        refs=refs_of(subscription),
        gateway_subscription_id=subscription.id,
        status=status,
        by=_cancelled_by(subscription, info) if status == "cancelled" else CancelledBy.UNKNOWN,
        failed_payments=info.failed_payments_count,
        outstanding=info.outstanding_balance.money if info.outstanding_balance else None,
        amount=paid.money if paid else None,
        next_billing_at=shapes.instant(info.next_billing_time) if status == "active" else None,
    )


def _cancelled_by(subscription: shapes.Subscription, info: shapes.BillingInfo) -> CancelledBy:
    if subscription.status == "EXPIRED":
        return CancelledBy.GATEWAY
    if subscription.status_change_note:  # PayPal itself leaves no note: a person did it
        ours = subscription.status_change_note.startswith(OUR_NOTE)
        return CancelledBy.SCHOOL if ours else CancelledBy.LEARNER
    failed = info.last_failed_payment
    if failed is None:
        return CancelledBy.LEARNER
    more = shapes.instant(failed.next_payment_retry_time or failed.next_payment_retry_date)
    ended = shapes.instant(subscription.status_update_time)
    gave_up = more is None or (ended is not None and more <= ended)
    return CancelledBy.GATEWAY if gave_up else CancelledBy.LEARNER
