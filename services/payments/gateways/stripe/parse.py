"""What a Stripe event says to the school, if it says anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from services.payments.gateways.stripe import shapes
from services.payments.gateways.stripe.reading import (
    failed_charge,
    failed_intent,
    from_unix,
    method_news,
    minor,
)
from services.payments.news import Heard, InvoiceNews, Look, MoneyBackNews, NotOurs, SubscriptionNews
from shared.errors import Unreadable
from shared.events.words import CancelledBy, Gateway

T = TypeVar("T")


class _Data(msgspec.Struct):
    object: msgspec.Raw
    previous_attributes: dict[str, Any] | None = None


class _Event(msgspec.Struct):
    id: str
    type: str
    created: int
    data: _Data
    object: str = "event"


class _Known(msgspec.Struct, Generic[T]):
    object: T
    previous_attributes: dict[str, Any] | None = None


class _Whole(msgspec.Struct, Generic[T]):
    """An event whose object is known to be of one kind, read in one go."""

    id: str
    type: str
    created: int
    data: _Known[T]
    object: Literal["event"] = "event"


class _Loose(msgspec.Struct):
    id: str = ""
    type: str = ""
    object: str = ""


AnyEvent = _Event | _Whole[Any]

_CUT: Final = 25

_LAST_WORD: Final = re.compile(rb'"type":\s*"([a-z0-9_.]+)"\s*\}\s*\Z')
_TAIL: Final = 120
"""Bytes in which an event's last word stands."""

_events = msgspec.json.Decoder(_Event)
_loose = msgspec.json.Decoder(_Loose)

_AT_ONCE: Final = timedelta(minutes=1)

_UNPAID: Final = {
    "unpaid": "suspended",
    "canceled": "cancelled",
    "incomplete_expired": "cancelled",
    "paused": "paused",
    "active": "active",
    "trialing": "active",
}
_CANCELLED_BY: Final = {
    "payment_failed": CancelledBy.GATEWAY,
    "payment_disputed": CancelledBy.GATEWAY,
    "cancellation_requested": CancelledBy.LEARNER,
}


def parse(body: bytes) -> Heard:
    """News, a hint to look closer, or the reason why it is not ours.

    Raises:
        Unreadable: an event we act upon that does not keep to Stripe's form.
    """
    return _quickly(body) or _carefully(body)


def _quickly(body: bytes) -> Heard | None:
    """Stripe writes an event's type at its end: where that holds, the whole is read in one go."""
    named = _LAST_WORD.search(body, max(len(body) - _TAIL, 0))
    known = _WHOLE.get(named[1].decode("ascii")) if named else None
    if named is None or known is None:
        return None
    decoder, tell = known
    try:
        event = decoder.decode(body)
    except msgspec.MsgspecError:
        return None
    return tell(event, event.data.object) if event.type.encode() == named[1] else None


def _carefully(body: bytes) -> Heard:
    try:
        event = _events.decode(body)
    except msgspec.MsgspecError:
        return _not_an_event(body)
    if event.object.startswith("v2.") or event.type.startswith("v1."):
        return NotOurs(
            reason=f"a thin event ({event.type}): snapshot events are wanted, change the destination"
        )
    reader = _READERS.get(event.type)
    if reader is None:
        return NotOurs(reason=_TOLD_ELSEWHERE.get(event.type, f"nothing depends on {event.type}"))
    kind, tell = reader
    try:
        found = msgspec.json.decode(event.data.object, type=kind)
    except msgspec.MsgspecError as error:
        raise Unreadable(
            f"the {event.type} event {event.id} does not keep to Stripe's form: {error}"
        ) from error
    return tell(event, found)


def _not_an_event(body: bytes) -> NotOurs:
    try:
        loose = _loose.decode(body)
    except msgspec.MsgspecError:
        return NotOurs(reason="no event: it has none of an event's fields")
    if loose.object.startswith("v2.") or loose.type.startswith("v1."):
        return NotOurs(
            reason=f"a thin event ({loose.type}): snapshot events are wanted, change the destination"
        )
    return NotOurs(reason=f"no event: a bare {loose.object or 'object'} without id, type, created and data")


def _at(event: AnyEvent) -> datetime:
    return datetime.fromtimestamp(event.created, UTC)


def _hint(event: AnyEvent, **facts: Any) -> Look:
    return Look(gateway=Gateway.STRIPE, kind=event.type, occurred_at=_at(event), event_id=event.id, **facts)


# --- invoices -------------------------------------------------------------------------------------


def _invoice_hint(event: AnyEvent, invoice: shapes.Invoice) -> Heard:
    """Why it failed, and with which charge it was paid, is not in the invoice: look (gateways.md 1.4)."""
    if not invoice.id:
        return NotOurs(reason="an invoice that does not exist yet")
    if invoice.subscription_id is None and invoice.own_subscription is None:
        return NotOurs(reason="an invoice that belongs to no subscription")
    is_paid = event.type in {"invoice.paid", "invoice.payment_succeeded"}
    if is_paid and invoice.amount_paid == 0:
        return NotOurs(reason="an invoice of nothing was closed")
    return _hint(
        event,
        subscription=invoice.subscription_id,
        own_subscription=invoice.own_subscription,
        invoice=invoice.id,
        intent=shapes.id_of(invoice.payment_intent),
        amount=minor(invoice.amount_paid, invoice.currency) if is_paid else None,
    )


def _invoice_known(event: AnyEvent, invoice: shapes.Invoice) -> Heard:
    if not invoice.id or invoice.subscription_id is None:
        return NotOurs(reason="an invoice that belongs to no subscription")
    return (
        InvoiceNews(
            gateway=Gateway.STRIPE,
            occurred_at=_at(event),
            refs=(invoice.subscription_id,),
            subscription_id=invoice.own_subscription,
            invoice_id=invoice.id,
            covers_from=from_unix(invoice.covers_from),
            intent=shapes.id_of(invoice.payment_intent),
        ),
    )


def _invoice_payment(event: AnyEvent, payment: shapes.InvoicePayment) -> Heard:
    intent = shapes.id_of(payment.payment.payment_intent) if payment.payment else None
    return _hint(
        event,
        invoice=shapes.id_of(payment.invoice),
        intent=intent,
        amount=minor(payment.amount_paid, payment.currency) if payment.amount_paid else None,
    )


# --- charges and intents --------------------------------------------------------------------------


def _charge_failed(event: AnyEvent, charge: shapes.Charge) -> Heard:
    news = failed_charge(charge)
    if _at(event) - news.occurred_at > _AT_ONCE:  # it was in the air: the charge is older than its end
        news = replace(news, occurred_at=_at(event))
    intent = shapes.id_of(charge.payment_intent)
    invoice = shapes.id_of(charge.invoice)
    if intent is None and invoice is None:
        return NotOurs(reason="a charge outside any invoice")
    return _hint(event, intent=intent, invoice=invoice, transaction=charge.id, news=news)


def _intent_failed(event: AnyEvent, intent: shapes.Intent) -> Heard:
    error = intent.last_payment_error
    invoice = _invoice_of(intent)
    if error is None:
        return NotOurs(reason="a failure without an error")
    if shapes.id_of(error.charge) is None:
        if error.code == "payment_intent_authentication_failure":
            return _hint(event, intent=intent.id, invoice=invoice)
        return NotOurs(reason=f"nothing was charged ({error.code})")
    news = failed_intent(intent, error, at=_at(event))
    return _hint(event, intent=intent.id, invoice=invoice, transaction=news.transaction_id, news=news)


def _intent_hint(event: AnyEvent, intent: shapes.Intent) -> Heard:
    return _hint(event, intent=intent.id, invoice=_invoice_of(intent))


def _invoice_of(intent: shapes.Intent) -> str | None:
    """An old shape names the invoice; today its order reference may, unless the networks' limit cut it short."""
    reference = (intent.payment_details.order_reference if intent.payment_details else None) or ""
    whole = reference.startswith("in_") and len(reference) != _CUT
    return shapes.id_of(intent.invoice) or (reference if whole else None)


def _refunds(_event: AnyEvent, charge: shapes.Charge) -> Heard:
    refunds = charge.refunds.data if charge.refunds else []
    if not refunds:
        return NotOurs(reason="told by refund.created")
    return tuple(_money_back(refund, "refund", charge.id) for refund in refunds)


def _refund(_event: AnyEvent, refund: shapes.Refund) -> Heard:
    if refund.status in {"failed", "canceled"}:
        return NotOurs(reason=f"a refund that {refund.status}")
    return (_money_back(refund, "refund", shapes.id_of(refund.charge)),)


def _dispute(_event: AnyEvent, dispute: shapes.Dispute) -> Heard:
    return (_money_back(dispute, "chargeback", shapes.id_of(dispute.charge)),)


def _money_back(record: shapes.Refund | shapes.Dispute, what: Any, charge: str | None) -> MoneyBackNews:
    intent = shapes.id_of(record.payment_intent)
    return MoneyBackNews(
        gateway=Gateway.STRIPE,
        occurred_at=datetime.fromtimestamp(record.created, UTC),
        refs=(intent,) if intent else (),
        what=what,
        reversal_id=record.id,
        transaction_id=charge,
        amount=minor(record.amount, record.currency),
    )


# --- subscriptions and methods --------------------------------------------------------------------


def subscription_news(subscription: shapes.Subscription, at: datetime) -> SubscriptionNews | None:
    """How a subscription stands, where that matters to the school."""
    status = _UNPAID.get(subscription.status)
    if status is None:
        return None
    reason = subscription.cancellation_details.reason if subscription.cancellation_details else None
    ended = from_unix(subscription.ended_at or subscription.canceled_at)
    renews_at = from_unix(subscription.renews_at)
    return SubscriptionNews(
        gateway=Gateway.STRIPE,
        occurred_at=ended if status == "cancelled" and ended else at,
        refs=(subscription.id,),
        subscription_id=(subscription.metadata or {}).get("subscription_id"),
        gateway_subscription_id=subscription.id,
        status=status,  # type: ignore[arg-type]  # the table's values are the words
        by=_CANCELLED_BY.get(reason or "", CancelledBy.UNKNOWN),
        next_billing_at=renews_at if status == "active" else None,
    )


def _subscription(event: AnyEvent, subscription: shapes.Subscription) -> Heard:
    before = event.data.previous_attributes
    if event.type == "customer.subscription.updated" and "status" not in (before or {}):
        return NotOurs(reason="the subscription stands as before")
    news = subscription_news(subscription, _at(event))
    if news is None:
        return NotOurs(reason=f"a subscription is {subscription.status}: its invoices tell more")
    return (news,)


def _method_updated(event: AnyEvent, method: shapes.PaymentMethod) -> Heard:
    customer = shapes.id_of(method.customer)
    if customer is None or method.card is None:
        return NotOurs(reason="a method of nobody")
    return (method_news(method, at=_at(event), update_id=event.id, refs=(customer,), settled=True),)


def _setup_succeeded(event: AnyEvent, setup: shapes.SetupIntent) -> Heard:
    carried = setup.metadata or {}
    method = shapes.id_of(setup.payment_method)
    if "subscription_id" not in carried or method is None:
        return NotOurs(reason="a method was stored for no subscription of ours")
    return _hint(
        event,
        own_subscription=carried["subscription_id"],
        session_id=carried.get("session_id"),
        method=method,
        transaction=setup.id,
    )


_Teller = tuple[type[Any], Callable[[AnyEvent, Any], Heard]]

_READERS: Final[dict[str, _Teller]] = {
    "invoice.paid": (shapes.Invoice, _invoice_hint),
    "invoice.payment_succeeded": (shapes.Invoice, _invoice_hint),
    "invoice.payment_failed": (shapes.Invoice, _invoice_hint),
    "invoice.payment_action_required": (shapes.Invoice, _invoice_hint),
    "invoice.created": (shapes.Invoice, _invoice_known),
    "invoice.finalized": (shapes.Invoice, _invoice_known),
    "invoice_payment.paid": (shapes.InvoicePayment, _invoice_payment),
    "charge.failed": (shapes.Charge, _charge_failed),
    "payment_intent.payment_failed": (shapes.Intent, _intent_failed),
    "payment_intent.processing": (shapes.Intent, _intent_hint),
    "charge.refunded": (shapes.Charge, _refunds),
    "refund.created": (shapes.Refund, _refund),
    "charge.dispute.created": (shapes.Dispute, _dispute),
    "customer.subscription.created": (shapes.Subscription, _subscription),
    "customer.subscription.updated": (shapes.Subscription, _subscription),
    "customer.subscription.deleted": (shapes.Subscription, _subscription),
    "customer.subscription.paused": (shapes.Subscription, _subscription),
    "customer.subscription.resumed": (shapes.Subscription, _subscription),
    "payment_method.automatically_updated": (shapes.PaymentMethod, _method_updated),
    "setup_intent.succeeded": (shapes.SetupIntent, _setup_succeeded),
}

_WHOLE: Final = {
    name: (msgspec.json.Decoder(_Whole[kind]), tell)  # type: ignore[valid-type]  # one decoder for each kind of object
    for name, (kind, tell) in _READERS.items()
}

_TOLD_ELSEWHERE: Final = {
    "charge.succeeded": "told by invoice.paid",
    "charge.pending": "told by payment_intent.processing",
    "payment_intent.succeeded": "told by invoice.paid",
    "payment_intent.requires_action": "told by invoice.payment_action_required",
    "checkout.session.completed": "told by setup_intent.succeeded",
    "invoice.updated": "what changed is told by an event of its own",
    "charge.dispute.closed": "history: a person has the case",
}
