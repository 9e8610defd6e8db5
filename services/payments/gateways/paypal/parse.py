"""What a PayPal webhook hints at; nothing of it is believed before PayPal's API says the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from services.payments.gateways.paypal import shapes
from services.payments.news import Heard, Look, NotOurs
from shared.clock import EPOCH
from shared.errors import Unreadable
from shared.events.words import Gateway

_ID: Final = re.compile(r"[A-Za-z0-9-]{3,64}")
_events = msgspec.json.Decoder(shapes.Event)
_resources = msgspec.json.Decoder(shapes.Resource)


def parse(body: bytes) -> Heard:
    """A hint, or the reason why it is not ours.

    Raises:
        Unreadable: a kind we act upon whose resource keeps to no form of PayPal's.
    """
    try:
        event = _events.decode(body)
    except msgspec.MsgspecError as error:
        return NotOurs(reason=f"no event: {error}")
    tell = _READERS.get(event.event_type)
    if tell is None:
        return NotOurs(reason=_NOT_OURS.get(event.event_type, f"nothing depends on {event.event_type}"))
    try:
        resource = _resources.decode(event.resource)
    except msgspec.MsgspecError as error:
        raise Unreadable(
            f"the {event.event_type} event {event.id} keeps to no form of PayPal's: {error}"
        ) from error
    return tell(event, resource)


def _hint(event: shapes.Event, **facts: Any) -> Heard:
    ids = [facts.get("subscription"), facts.get("transaction")]
    if any(one is not None and _ID.fullmatch(one) is None for one in ids):
        return NotOurs(reason="an id that PayPal never writes")
    return Look(
        gateway=Gateway.PAYPAL,
        kind=event.event_type,
        occurred_at=shapes.instant(event.create_time) or EPOCH,
        event_id=event.id if _ID.fullmatch(event.id) else "",
        **facts,
    )


def _subscription(event: shapes.Event, resource: shapes.Resource) -> Heard:
    if resource.id is None:
        raise Unreadable(f"the {event.event_type} event {event.id} names no subscription")
    return _hint(
        event,
        subscription=resource.id,
        own_subscription=resource.custom_id,
        failed_at=shapes.instant(_failed_time(resource.billing_info)),
    )


def _failed_time(billing_info: Any) -> str | None:
    failed = billing_info.get("last_failed_payment") if isinstance(billing_info, dict) else None
    time = failed.get("time") if isinstance(failed, dict) else None
    return time if isinstance(time, str) else None


def _sale(event: shapes.Event, resource: shapes.Resource) -> Heard:
    if not resource.billing_agreement_id:
        return NotOurs(reason="a sale of something else than a subscription")
    return _hint(
        event,
        subscription=resource.billing_agreement_id,
        transaction=resource.id,
        own_subscription=resource.custom,
    )


def _money_back(event: shapes.Event, resource: shapes.Resource) -> Heard:
    """A refund has its own id and the sale's beside it; a reversal bears the sale's id itself."""
    return _hint(event, transaction=resource.sale_id or resource.id, reversal=resource.id)


def _dispute(event: shapes.Event, resource: shapes.Resource) -> Heard:
    if resource.dispute_life_cycle_stage == "INQUIRY":
        return NotOurs(reason="a question of the buyer: no money went back")
    sale = resource.disputed_transactions[0].seller_transaction_id if resource.disputed_transactions else None
    return _hint(event, transaction=sale, reversal=resource.dispute_id or resource.id)


_READERS: Final[dict[str, Callable[[shapes.Event, shapes.Resource], Heard]]] = {
    "BILLING.SUBSCRIPTION.ACTIVATED": _subscription,
    "BILLING.SUBSCRIPTION.RE-ACTIVATED": _subscription,
    "BILLING.SUBSCRIPTION.CANCELLED": _subscription,
    "BILLING.SUBSCRIPTION.SUSPENDED": _subscription,
    "BILLING.SUBSCRIPTION.EXPIRED": _subscription,
    "BILLING.SUBSCRIPTION.PAYMENT.FAILED": _subscription,
    "PAYMENT.SALE.COMPLETED": _sale,
    "PAYMENT.SALE.PENDING": _sale,
    "PAYMENT.SALE.DENIED": _sale,
    "PAYMENT.SALE.REFUNDED": _money_back,
    "PAYMENT.SALE.REVERSED": _money_back,
    "CUSTOMER.DISPUTE.CREATED": _dispute,
}

_NOT_OURS: Final = {
    "BILLING.SUBSCRIPTION.CREATED": "nothing is agreed yet",
    "BILLING.SUBSCRIPTION.UPDATED": "what changed is told by an event of its own",
}
