"""What we ask of a gateway, written down whole: an errand carries its order and asks nobody later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from services.payments.domain.state import Invoice, Request, School, Session, Subscription, Transaction
from services.payments.news import (
    AdoptOrder,
    CancelOrder,
    ChargeOrder,
    MethodNews,
    OwnOrder,
    PauseOrder,
    ReadOrder,
    ResumeOrder,
    SubscribeOrder,
)
from shared.calendar.wall import start_of_day
from shared.events.words import AttemptKind


def charge(
    subscription: Subscription, request: Request, invoice: Invoice | None, known: Sequence[Transaction]
) -> ChargeOrder:
    """Take the money of one request."""
    return ChargeOrder(
        subscription_id=subscription.subscription_id,
        gateway=subscription.gateway,
        gateway_subscription_id=subscription.gateway_subscription_id,
        gateway_customer_id=subscription.gateway_customer_id,
        request_id=request.request_id,
        amount=request.amount,
        period=request.period.isoformat(),
        asked_at=request.asked_at,
        on_session=request.on_session,
        fallback=request.fallback,
        one_off=request.kind is AttemptKind.RELAUNCH,
        invoice_id=invoice.invoice_id if invoice and request.kind is not AttemptKind.RELAUNCH else None,
        known_transactions=tuple(sorted({one.transaction_id for one in known})),
    )


def own(subscription: Subscription, case_id: str, period: date, invoice: Invoice | None) -> OwnOrder:
    """Take over the clock of a period's invoice."""
    return OwnOrder(
        subscription_id=subscription.subscription_id,
        gateway=subscription.gateway,
        gateway_subscription_id=subscription.gateway_subscription_id,
        gateway_customer_id=subscription.gateway_customer_id,
        request_id=f"own/{case_id}",
        period=period.isoformat(),
        invoice_id=invoice.invoice_id if invoice else None,
    )


def cancel(subscription: Subscription, case_id: str) -> CancelOrder:
    """End the subscription at the gateway."""
    return CancelOrder(
        subscription_id=subscription.subscription_id,
        gateway=subscription.gateway,
        gateway_subscription_id=subscription.gateway_subscription_id,
        gateway_customer_id=subscription.gateway_customer_id,
        request_id=case_id,
    )


def pause(subscription: Subscription, case_id: str, period: date, invoice: Invoice | None) -> PauseOrder:
    """Stop collecting and write the period's invoice off."""
    return PauseOrder(
        subscription_id=subscription.subscription_id,
        gateway=subscription.gateway,
        gateway_subscription_id=subscription.gateway_subscription_id,
        gateway_customer_id=subscription.gateway_customer_id,
        request_id=case_id,
        period=period.isoformat(),
        invoice_id=invoice.invoice_id if invoice else None,
    )


def resume(subscription: Subscription, case_id: str, next_billing_at: datetime) -> ResumeOrder:
    """Collect again from ``next_billing_at``."""
    return ResumeOrder(
        subscription_id=subscription.subscription_id,
        gateway=subscription.gateway,
        gateway_subscription_id=subscription.gateway_subscription_id,
        gateway_customer_id=subscription.gateway_customer_id,
        request_id=case_id,
        next_billing_at=next_billing_at,
    )


def read(subscription: Subscription, period: date, since: datetime, invoice: Invoice | None) -> ReadOrder:
    """Read what happened to a period."""
    return ReadOrder(
        subscription_id=subscription.subscription_id,
        gateway=subscription.gateway,
        gateway_subscription_id=subscription.gateway_subscription_id,
        gateway_customer_id=subscription.gateway_customer_id,
        since=since,
        period=period.isoformat(),
        invoice_id=invoice.invoice_id if invoice else None,
    )


def adopt(subscription: Subscription, news: MethodNews) -> AdoptOrder:
    """Make a stored method the default."""
    return AdoptOrder(
        subscription_id=subscription.subscription_id,
        gateway=subscription.gateway,
        gateway_subscription_id=subscription.gateway_subscription_id,
        gateway_customer_id=subscription.gateway_customer_id,
        request_id=f"adopt/{news.update_id}",
        news=news,
    )


def detach(subscription_id: str, news: MethodNews) -> AdoptOrder:
    """Take a refused method away."""
    return AdoptOrder(
        subscription_id=subscription_id,
        gateway=news.gateway,
        gateway_subscription_id="",
        request_id=f"detach/{news.update_id}",
        news=news,
    )


def sign_up(session: Session, news: MethodNews) -> SubscribeOrder:
    """Make the subscription that a sign-up asked for."""
    registration = session.registration
    return SubscribeOrder(
        subscription_id=session.subscription_id,
        gateway=session.gateway,
        gateway_subscription_id="",
        gateway_customer_id=news.gateway_customer_id,
        request_id=f"subscribe/{news.update_id}",
        plan=(registration.gateway_plan if registration else None) or "",
        method_id=news.method_id,
        session_id=session.session_id,
    )


def read_since(subscription: Subscription, period: date, school: School) -> ReadOrder:
    """Read everything since the period began, whatever invoice it is about."""
    return read(subscription, period, start_of_day(period, school.zone), None)
