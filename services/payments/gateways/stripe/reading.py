"""Stripe's objects as news, whether they came by a webhook, in an answer or from the books."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from services.payments.gateways.stripe import shapes
from services.payments.news import AttemptNews, InvoiceNews, MethodNews, News, Outcome
from shared.decline_codes import stripe_decline
from shared.declines import DeclineClass
from shared.events.words import Gateway, MethodKind
from shared.methods import Funding, OfferedMethod
from shared.money import Money

_FUNDING: dict[str | None, Funding] = {"credit": "credit", "debit": "debit", "prepaid": "prepaid"}
_ACTION = "invoice_payment_intent_requires_action"


def from_unix(seconds: int | None) -> datetime | None:
    """An instant of Stripe's, or ``None``."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def minor(amount: int, currency: str) -> Money:
    """Stripe counts in minor units already."""
    return Money(amount, currency.upper())


def method_kind(kind: str | None) -> MethodKind:
    """Card, PayPal through Stripe, or something else."""
    return {"card": MethodKind.CARD, "paypal": MethodKind.PAYPAL}.get(kind or "", MethodKind.OTHER)


def _card(details: shapes.MethodDetails | shapes.PaymentMethod | None) -> str | None:
    return details.card.fingerprint if details and details.card else None


def _brand(details: shapes.MethodDetails | shapes.PaymentMethod | None) -> str | None:
    return details.card.brand if details and details.card else None


def failed_charge(charge: shapes.Charge) -> AttemptNews:
    """A charge the bank refused; its invoice and subscription are not in it."""
    outcome = charge.outcome or shapes.Outcome()
    code = outcome.reason or charge.failure_code or ""
    details = charge.payment_method_details
    understood = stripe_decline(
        code,
        advice=outcome.advice_code,
        network=_brand(details),
        network_code=outcome.network_decline_code,
        network_advice=outcome.network_advice_code,
    )
    return AttemptNews(
        gateway=Gateway.STRIPE,
        occurred_at=datetime.fromtimestamp(charge.created, UTC),
        outcome=Outcome.FAILED,
        transaction_id=charge.id,
        amount=minor(charge.amount, charge.currency),
        decline=understood.decline,
        fault=understood.fault,
        raw_code=code,
        network_code=outcome.network_decline_code,
        advice_code=outcome.network_advice_code or outcome.advice_code,
        method=method_kind(details.type) if details else None,
        card=_card(details),
    )


def failed_intent(intent: shapes.Intent, error: shapes.Failure, *, at: datetime) -> AttemptNews:
    """The error of an intent, or of a 402, as one failed attempt."""
    charge = intent.latest_charge
    code = error.decline_code or error.code or ""
    method = error.payment_method if isinstance(error.payment_method, shapes.PaymentMethod) else None
    transaction = shapes.id_of(error.charge) or shapes.id_of(charge)
    created = charge.created if isinstance(charge, shapes.Charge) else None
    understood = stripe_decline(
        code,
        advice=error.advice_code,
        network=_brand(method),
        network_code=error.network_decline_code,
        network_advice=error.network_advice_code,
    )
    return AttemptNews(
        gateway=Gateway.STRIPE,
        occurred_at=from_unix(created) or at,
        refs=(intent.id,),
        outcome=Outcome.FAILED,
        transaction_id=transaction or intent.id,
        amount=minor(intent.amount, intent.currency),
        decline=understood.decline,
        fault=understood.fault,
        raw_code=code,
        network_code=error.network_decline_code,
        advice_code=error.network_advice_code or error.advice_code,
        method=method_kind(method.type) if method else None,
        card=_card(method),
        challenged=transaction is None,
    )


def latest_intent(invoice: shapes.Invoice) -> shapes.Intent | None:
    """The intent that pays, or paid, the invoice: the paid one, else the default, else the last."""
    payments = invoice.payments.data if invoice.payments else []
    ranked = sorted(payments, key=lambda one: (one.status == "paid", one.is_default, one.created))
    for payment in reversed(ranked):
        if payment.payment and isinstance(payment.payment.payment_intent, shapes.Intent):
            return payment.payment.payment_intent
    return None


def place(news: AttemptNews, invoice: shapes.Invoice) -> AttemptNews:
    """Say which invoice, subscription and period an attempt was for."""
    subscription = invoice.subscription_id
    request = (invoice.metadata or {}).get("relance_request")
    refs = tuple(ref for ref in (subscription, *news.refs) if ref)
    return replace(
        news,
        refs=refs,
        subscription_id=news.subscription_id or invoice.own_subscription,
        invoice_id=invoice.id,
        gateway_subscription_id=subscription,
        covers_from=from_unix(invoice.covers_from) or from_unix(invoice.created),
        first=invoice.billing_reason == "subscription_create",
        one_off=subscription is None,
        next_attempt_at=from_unix(invoice.next_payment_attempt),
        request_id=news.request_id or request,
    )


def attempt_of(invoice: shapes.Invoice, *, now: datetime) -> AttemptNews | None:
    """The latest attempt on an invoice, from its expanded payments; ``None`` when nobody tried yet."""
    intent = latest_intent(invoice)
    if invoice.status == "paid" and (intent is None or intent.status != "succeeded"):
        return _settled_elsewhere(invoice, now)
    if intent is None:
        return None
    charge = intent.latest_charge if isinstance(intent.latest_charge, shapes.Charge) else None
    if charge is not None and charge.status in {"succeeded", "pending"}:
        return place(_good_charge(intent, charge, invoice), invoice)
    if charge is not None and charge.status == "failed":
        return place(replace(failed_charge(charge), refs=(intent.id,)), invoice)
    if intent.status == "requires_action":
        return place(_challenge(intent, now), invoice)
    return None


def _good_charge(intent: shapes.Intent, charge: shapes.Charge, invoice: shapes.Invoice) -> AttemptNews:
    succeeded = charge.status == "succeeded"
    paid_at = invoice.status_transitions.paid_at if invoice.status_transitions and succeeded else None
    details = charge.payment_method_details
    return AttemptNews(
        gateway=Gateway.STRIPE,
        occurred_at=datetime.fromtimestamp(paid_at or charge.created, UTC),
        refs=(intent.id,),
        outcome=Outcome.SUCCEEDED if succeeded else Outcome.PENDING,
        transaction_id=charge.id,
        amount=minor(charge.amount, charge.currency),
        method=method_kind(details.type) if details else None,
        card=_card(details),
    )


def _settled_elsewhere(invoice: shapes.Invoice, now: datetime) -> AttemptNews | None:
    """Paid, but by no charge: out of band, or from the customer's balance."""
    if invoice.amount_paid == 0:
        return None
    paid_at = invoice.status_transitions.paid_at if invoice.status_transitions else None
    news = AttemptNews(
        gateway=Gateway.STRIPE,
        occurred_at=from_unix(paid_at) or now,
        outcome=Outcome.SUCCEEDED,
        transaction_id=invoice.id,
        amount=minor(invoice.amount_paid, invoice.currency),
        method=MethodKind.OTHER,
    )
    return place(news, invoice)


def _challenge(intent: shapes.Intent, now: datetime) -> AttemptNews:
    """The bank wants to see the payer, and made no charge of it."""
    return AttemptNews(
        gateway=Gateway.STRIPE,
        occurred_at=from_unix(intent.created) or now,
        refs=(intent.id,),
        outcome=Outcome.FAILED,
        transaction_id=intent.id,
        amount=minor(intent.amount, intent.currency),
        decline=DeclineClass.AUTHENTICATION_REQUIRED,
        raw_code=_ACTION,
        challenged=True,
    )


def invoice_news(invoice: shapes.Invoice, *, now: datetime, owned: bool = False) -> InvoiceNews:
    """That the invoice exists, and what pays it."""
    intent = latest_intent(invoice)
    return InvoiceNews(
        gateway=Gateway.STRIPE,
        occurred_at=from_unix(invoice.created) or now,
        refs=(invoice.subscription_id,) if invoice.subscription_id else (),
        subscription_id=invoice.own_subscription,
        invoice_id=invoice.id,
        covers_from=from_unix(invoice.covers_from),
        intent=intent.id if intent else None,
        owned=owned,
    )


def told_by(invoice: shapes.Invoice, *, now: datetime) -> tuple[News, ...]:
    """Everything an invoice with expanded payments tells."""
    attempt = attempt_of(invoice, now=now)
    found: tuple[News, ...] = (invoice_news(invoice, now=now),) if invoice.subscription_id else ()
    return (*found, attempt) if attempt else found


def method_news(
    method: shapes.PaymentMethod,
    *,
    at: datetime,
    update_id: str,
    refs: tuple[str, ...] = (),
    subscription_id: str | None = None,
    session_id: str | None = None,
    settled: bool = False,
) -> MethodNews:
    """A stored method as the school's white list sees it (R-F12); never its number."""
    card = method.card
    checks = (card.checks if card else None) or {}
    usage = (card.three_d_secure_usage if card else None) or {}
    offered = OfferedMethod(
        type=method.type,
        funding=_FUNDING.get(card.funding, "unknown") if card else "unknown",
        cvc_provided=checks.get("cvc_check") is not None if card else True,
        three_ds_supported=usage.get("supported", True) is not False,
    )
    return MethodNews(
        gateway=Gateway.STRIPE,
        occurred_at=at,
        refs=refs,
        subscription_id=subscription_id,
        update_id=update_id,
        method_id=method.id,
        method=method_kind(method.type),
        label=(card.last4 or "") if card else "PayPal" if method.type == "paypal" else method.type,
        card=card.fingerprint if card else None,
        card_country=card.country if card else None,
        offered=offered,
        settled=settled,
        session_id=session_id,
        gateway_customer_id=shapes.id_of(method.customer),
    )
