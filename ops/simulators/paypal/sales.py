"""Money PayPal took for a subscription: v1 sales, their refunds and reversals, and the transactions list."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from ops.simulators.clock import exact, instant
from ops.simulators.money import DecimalsRefused, exponent, minor, text
from ops.simulators.paypal.errors import malformed, refused
from ops.simulators.paypal.events import emit
from ops.simulators.paypal.objects import amount, every, fee, keep, link, load, stamp
from ops.simulators.paypal.subscriptions import engine_of
from ops.simulators.store import Json
from ops.simulators.world import World

_TRANSACTION_STATUS = {
    "completed": "COMPLETED",
    "pending": "PENDING",
    "denied": "DECLINED",
    "partially_refunded": "PARTIALLY_REFUNDED",
    "refunded": "REFUNDED",
    "reversed": "REFUNDED",
}


def _new_sale(
    world: World, subscription: Json, value: int, state: str, written: str | None, currency: str | None
) -> Json:
    currency = currency or engine_of(world, subscription["id"])["currency"]
    total = written or text(value, currency)
    sale: Json = {
        "id": world.ids.paypal("sale"),
        "billing_agreement_id": subscription["id"],
        "amount": {"total": total, "currency": currency, "details": {"subtotal": total}},
        "payment_mode": "INSTANT_TRANSFER",
        "state": state,
        "protection_eligibility": "ELIGIBLE",
        "protection_eligibility_type": "ITEM_NOT_RECEIVED_ELIGIBLE,UNAUTHORIZED_PAYMENT_ELIGIBLE",
        "transaction_fee": {"currency": currency, "value": text(fee(value, currency), currency)},
        "invoice_number": "",
        "create_time": stamp(world),
        "update_time": stamp(world),
    }
    if "custom_id" in subscription:
        sale["custom"] = subscription["custom_id"]
    path = f"/v1/payments/sale/{sale['id']}"
    sale["links"] = [link(world, path, "self"), link(world, f"{path}/refund", "refund", "POST")]
    return keep(world, "sale", sale)


def value_of(sale: Json) -> int:
    """Minor units of a sale; what a story wrote oddly is cut to whole ones."""
    total, currency = sale["amount"]["total"], sale["amount"]["currency"]
    try:
        return minor(total, currency)
    except DecimalsRefused:
        return int(Decimal(total).scaleb(exponent(currency)))


def completed(
    world: World,
    subscription: Json,
    value: int,
    *,
    period: str,
    by: str,
    written: str | None = None,
    currency: str | None = None,
) -> Json:
    """A payment succeeded (PAYMENT.SALE.COMPLETED).

    ``written`` is the amount as this delivery and the books write it, ``currency`` another than the plan's.
    """
    sale = _new_sale(world, subscription, value, "completed", written, currency)
    _book(world, sale, subscription, period=period, by=by)
    return sale


def _book(world: World, sale: Json, subscription: Json, *, period: str, by: str) -> None:
    _enter(world, subscription, value_of(sale), period=period, outcome="succeeded", ref=sale["id"], by=by)
    tell_completed(world, sale)


def tell_completed(world: World, sale: Json) -> None:
    """Say that a sale was completed; nothing moves by it."""
    money = f"{sale['amount']['currency']} {sale['amount']['total']}"
    emit(
        world, "PAYMENT.SALE.COMPLETED", sale, resource_type="sale", summary=f"Payment completed for {money}"
    )


def pending(
    world: World,
    subscription: Json,
    value: int,
    *,
    by: str = "engine",
    written: str | None = None,
    currency: str | None = None,
) -> Json:
    """A payment that clears later (PAYMENT.SALE.PENDING)."""
    sale = _new_sale(world, subscription, value, "pending", written, currency)
    sale["reason_code"] = "ECHECK"
    keep(world, "sale", sale)
    _enter(world, subscription, value_of(sale), period=None, outcome="pending", ref=sale["id"], by=by)
    emit(world, "PAYMENT.SALE.PENDING", sale, resource_type="sale", summary="Payment pending")
    return sale


def clear(world: World, key: str, subscription: Json, *, period: str, by: str = "engine") -> Json:
    """A pending payment became money (PAYMENT.SALE.COMPLETED)."""
    sale = load(world, "sale", key)
    sale.update({"state": "completed", "update_time": stamp(world)})
    keep(world, "sale", sale)
    _book(world, sale, subscription, period=period, by=by)
    return sale


def deny(world: World, key: str, *, by: str = "engine") -> None:
    """A pending payment came to nothing (PAYMENT.SALE.DENIED)."""
    sale = load(world, "sale", key)
    subscription = load(world, "subscription", sale["billing_agreement_id"])
    _enter(world, subscription, value_of(sale), period=None, outcome="declined", ref=key, by=by)
    sale.update({"state": "denied", "update_time": stamp(world)})
    keep(world, "sale", sale)
    emit(world, "PAYMENT.SALE.DENIED", sale, resource_type="sale", summary="Payment denied")


def declined(
    world: World, subscription: Json, value: int, *, period: str, reason: str, by: str = "engine"
) -> Json:
    """An attempt was refused: nothing but a line in the transactions list."""
    key = world.ids.paypal("declined")
    currency = engine_of(world, subscription["id"])["currency"]
    record = {
        "id": key,
        "billing_agreement_id": subscription["id"],
        "value": value,
        "currency": currency,
        "time": stamp(world),
        "reason_code": reason,
    }
    keep(world, "declined", record)
    _enter(world, subscription, value, period=period, outcome="declined", ref=key, by=by)
    return record


def lags(world: World, key: str, until: datetime) -> None:
    """The list of transactions is behind: a line shows from ``until`` on only."""
    keep(world, "late_line", {"id": key, "from": exact(until)})


def _enter(world: World, subscription: Json, value: int, **facts: Any) -> None:
    currency = engine_of(world, subscription["id"])["currency"]
    world.ledger.attempt(
        gateway="paypal",
        subscription=subscription["id"],
        amount=value,
        currency=currency,
        reference=subscription.get("custom_id"),
        **facts,
    )


def transactions(world: World, subscription: Json, start: str, end: str) -> Json:
    """GET .../transactions: payments and refused attempts between two instants (start inclusive)."""
    try:
        since, until = instant(start), instant(end)
    except ValueError as error:
        raise malformed("start_time", str(error)) from error
    hidden = {row["id"] for row in every(world, "late_line") if instant(row["from"]) > world.clock.now()}
    name = subscription["subscriber"].get("name", {})
    email = subscription["subscriber"].get("email_address", "")
    found = []
    for sale in every(world, "sale", billing_agreement_id=subscription["id"]):
        value, currency = value_of(sale), sale["amount"]["currency"]
        kept = fee(value, currency)
        status, written = _TRANSACTION_STATUS[sale["state"]], sale["amount"]["total"]
        found.append((sale["create_time"], sale["id"], status, written, value, kept, currency))
    found += [
        (
            row["time"],
            row["id"],
            "DECLINED",
            text(row["value"], row["currency"]),
            row["value"],
            0,
            row["currency"],
        )
        for row in every(world, "declined", billing_agreement_id=subscription["id"])
    ]
    shown = [
        {
            "id": key,
            "status": status,
            "payer_email": email,
            "payer_name": name,
            "amount_with_breakdown": {
                "gross_amount": {"currency_code": currency, "value": written},
                "fee_amount": amount(kept, currency),
                "net_amount": amount(value - kept, currency),
            },
            "time": time,
        }
        for time, key, status, written, value, kept, currency in sorted(found)
        if since <= instant(time) <= until and key not in hidden
    ]
    path = f"/v1/billing/subscriptions/{subscription['id']}/transactions?start_time={start}&end_time={end}"
    return {
        "transactions": shown,
        "total_items": len(shown),
        "total_pages": 1,
        "links": [link(world, path, "self")],
    }


def refund(world: World, key: str, value: int | None = None) -> Json:
    """Give back a sale, in part or in full (PAYMENT.SALE.REFUNDED)."""
    sale = load(world, "sale", key)
    currency = sale["amount"]["currency"]
    left = value_of(sale) - sum(row["value"] for row in every(world, "sale_refund", sale_id=key))
    if sale["state"] not in {"completed", "partially_refunded"} or left == 0:
        raise refused("TRANSACTION_REFUSED", "The request was refused: the sale was already given back.")
    returned = left if value is None else value
    if not 0 < returned <= left:
        raise refused("REFUND_EXCEEDED_TRANSACTION_AMOUNT", "The refund is larger than what is left.")
    sale["state"] = "refunded" if returned == left else "partially_refunded"
    sale["update_time"] = stamp(world)
    keep(world, "sale", sale)
    record: Json = {
        "id": world.ids.paypal("refund"),
        "sale_id": key,
        "value": returned,
        "currency": currency,
        "create_time": stamp(world),
    }
    keep(world, "sale_refund", record)
    world.ledger.returned(key, returned)
    shape = refund_shape(world, record)
    told = {**shape, "amount": {**shape["amount"], "total": f"-{shape['amount']['total']}"}}
    money = f"{text(returned, currency)} {currency}"
    emit(
        world,
        "PAYMENT.SALE.REFUNDED",
        told,
        resource_type="sale",
        summary=f"A {money} sale payment was refunded",
    )
    return shape


def refund_shape(world: World, record: Json) -> Json:
    """A v1 refund resource."""
    path = f"/v1/payments/refund/{record['id']}"
    return {
        "id": record["id"],
        "create_time": record["create_time"],
        "update_time": record["create_time"],
        "state": "completed",
        "amount": {"total": text(record["value"], record["currency"]), "currency": record["currency"]},
        "sale_id": record["sale_id"],
        "links": [
            link(world, path, "self"),
            link(world, f"/v1/payments/sale/{record['sale_id']}", "sale"),
        ],
    }


def reverse(world: World, key: str) -> Json:
    """PayPal or the bank takes the money back (PAYMENT.SALE.REVERSED).

    As in real deliveries the event names neither the agreement nor a ``sale_id``: its id is the sale's.
    """
    sale = load(world, "sale", key)
    if sale["state"] not in {"completed", "partially_refunded"}:
        raise refused("TRANSACTION_REFUSED", f"The sale is {sale['state']}.")
    sale.update({"state": "reversed", "update_time": stamp(world)})
    keep(world, "sale", sale)
    world.ledger.returned(key, value_of(sale))
    total, currency = sale["amount"]["total"], sale["amount"]["currency"]
    resource = {
        "id": key,
        "create_time": sale["create_time"],
        "update_time": stamp(world),
        "state": "completed",
        "amount": {"total": f"-{total}", "currency": currency, "details": {"subtotal": f"-{total}"}},
        "links": sale["links"],
    }
    summary = f"A {total} {currency} sale payment was reversed"
    emit(world, "PAYMENT.SALE.REVERSED", resource, resource_type="sale", summary=summary)
    return sale


def dispute(world: World, key: str) -> Json:
    """The buyer opens a dispute (CUSTOMER.DISPUTE.CREATED)."""
    sale = load(world, "sale", key)
    value, currency = value_of(sale), sale["amount"]["currency"]
    number = world.ids.take("paypal.dispute") or f"PP-D-{world.store.count('paypal.dispute')}"
    record: Json = {
        "id": number,
        "dispute_id": number,
        "create_time": stamp(world),
        "update_time": stamp(world),
        "disputed_transactions": [
            {
                "seller_transaction_id": key,
                "custom": sale.get("custom", ""),
                "gross_amount": amount(value, currency),
                "transaction_status": "COMPLETED",
            }
        ],
        "reason": "UNAUTHORISED",
        "status": "OPEN",
        "dispute_amount": amount(value, currency),
        "dispute_life_cycle_stage": "CHARGEBACK",
    }
    keep(world, "dispute", record)
    emit(world, "CUSTOMER.DISPUTE.CREATED", record, resource_type="dispute")
    return record
