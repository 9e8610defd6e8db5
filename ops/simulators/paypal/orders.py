"""Orders v2: a lump sum, or a debit on a vaulted PayPal account; approved by the buyer, then captured."""

from __future__ import annotations

from typing import Any

from ops.simulators.money import text
from ops.simulators.paypal.call import Answer, Call
from ops.simulators.paypal.errors import malformed, refused
from ops.simulators.paypal.events import emit
from ops.simulators.paypal.objects import amount, every, fee, find, keep, link, load, read_amount, stamp
from ops.simulators.scripts import OK
from ops.simulators.store import Json
from ops.simulators.world import World


def create(world: World, call: Call) -> Answer:
    """POST /v2/checkout/orders; with a vault id the money is taken at once, without the buyer."""
    units = call.body.get("purchase_units")
    if call.body.get("intent") not in {"CAPTURE", "AUTHORIZE"}:
        raise malformed("intent")
    if not isinstance(units, list) or not units:
        raise malformed("purchase_units")
    order: Json = {
        "id": world.ids.paypal("order"),
        "intent": call.body["intent"],
        "status": "CREATED",
        "purchase_units": [_unit(unit, index) for index, unit in enumerate(units)],
        "create_time": stamp(world),
        "update_time": stamp(world),
    }
    source = (call.body.get("payment_source") or {}).get("paypal") or {}
    context = source.get("experience_context") or call.body.get("application_context") or {}
    aside: Json = {
        "return_url": context.get("return_url"),
        "cancel_url": context.get("cancel_url"),
        "locale": context.get("locale"),
        "store_in_vault": bool(((source.get("attributes") or {}).get("vault") or {}).get("store_in_vault")),
        "vault": source.get("vault_id"),
    }
    world.store.put("paypal.order_aside", order["id"], aside)
    if aside["vault"] is not None:
        _debit_vault(world, order, aside["vault"])
    keep(world, "order", order)
    return 201, _shown(world, order, full=call.full_representation)


def _unit(unit: Json, index: int) -> Json:
    value, currency = read_amount(unit.get("amount"), f"purchase_units/{index}/amount")
    kept: Json = {name: unit[name] for name in ("custom_id", "invoice_id", "description") if name in unit}
    return {
        "reference_id": unit.get("reference_id", "default"),
        "amount": amount(value, currency),
        "payee": {"email_address": "school@example.com", "merchant_id": "SCHOOLMERCHANT"},
        **kept,
    }


def _debit_vault(world: World, order: Json, vault: str) -> None:
    account = find(world, "vault", vault)
    if account is None:
        raise refused("TOKEN_ID_NOT_FOUND", "Specified token was not found.")
    order["payment_source"] = {"paypal": account["payer"]}
    order["payer"] = account["payer"]
    _take(world, order, [vault])


def _take(world: World, order: Json, keys: list[str]) -> None:
    unit = order["purchase_units"][0]
    value, currency = read_amount(unit["amount"], "amount")
    names = [order["id"], *keys, unit.get("custom_id"), (order.get("payer") or {}).get("payer_id")]
    said = world.scripts.next([name for name in names if name]) or OK
    taken = value if said.amount is None else said.amount
    currency = said.currency or currency
    ref = world.ids.paypal("capture") if not said.decline else order["id"]
    world.ledger.attempt(
        gateway="paypal",
        subscription=None,
        period=unit.get("custom_id") or order["id"],
        amount=taken,
        currency=currency,
        outcome="declined" if said.decline else "succeeded",
        ref=ref,
        by="api",
    )
    if said.decline:
        issue = said.decline if said.decline.isupper() else "INSTRUMENT_DECLINED"
        text_ = "The instrument presented was either declined by the processor or bank."
        raise refused(issue, text_)
    record = _new_capture(world, order, ref, taken, currency, pending=said.pending)
    unit["payments"] = {"captures": [*unit.get("payments", {}).get("captures", []), record]}
    order.update({"status": "COMPLETED", "update_time": stamp(world)})
    keep(world, "order", order)
    kind = "PENDING" if said.pending else "COMPLETED"
    emit(world, f"PAYMENT.CAPTURE.{kind}", record, resource_type="capture", version="2.0")
    if not said.pending:
        emit(world, "CHECKOUT.ORDER.COMPLETED", order, resource_type="checkout-order", version="2.0")


def _new_capture(world: World, order: Json, key: str, value: int, currency: str, *, pending: bool) -> Json:
    unit, kept = order["purchase_units"][0], fee(value, currency)
    path = f"/v2/payments/captures/{key}"
    record: Json = {
        "id": key,
        "status": "PENDING" if pending else "COMPLETED",
        "amount": amount(value, currency),
        "final_capture": True,
        "seller_protection": {
            "status": "ELIGIBLE",
            "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"],
        },
        "seller_receivable_breakdown": {
            "gross_amount": amount(value, currency),
            "paypal_fee": amount(kept, currency),
            "net_amount": amount(value - kept, currency),
        },
        "supplementary_data": {"related_ids": {"order_id": order["id"]}},
        "create_time": stamp(world),
        "update_time": stamp(world),
        "links": [
            link(world, path, "self"),
            link(world, f"{path}/refund", "refund", "POST"),
            link(world, f"/v2/checkout/orders/{order['id']}", "up"),
        ],
    }
    record.update({name: unit[name] for name in ("custom_id", "invoice_id") if name in unit})
    return keep(world, "capture", record)


def _shown(world: World, order: Json, *, full: bool) -> Json:
    path = f"/v2/checkout/orders/{order['id']}"
    links = [link(world, path, "self")]
    if order["status"] == "CREATED":
        links.append(link(world, f"/checkoutnow?token={order['id']}", "approve"))
        links.append(link(world, path, "update", "PATCH"))
    if order["status"] in {"CREATED", "APPROVED"}:
        links.append(link(world, f"{path}/capture", "capture", "POST"))
    if full or order["status"] == "COMPLETED":
        return {**order, "links": links}
    return {"id": order["id"], "status": order["status"], "links": links}


def get(world: World, call: Call, key: str) -> Answer:
    """GET /v2/checkout/orders/{id}."""
    del call
    return 200, _shown(world, load(world, "order", key), full=True)


def approve(world: World, order: Json) -> None:
    """The buyer agrees on PayPal's page (CHECKOUT.ORDER.APPROVED)."""
    if order["status"] != "CREATED":
        raise refused("ORDER_ALREADY_APPROVED", f"The order is {order['status']}.")
    payer: Json = {
        "payer_id": world.ids.paypal("payer")[:13],
        "email_address": "buyer@example.com",
        "name": {"given_name": "Aiko", "surname": "Sato"},
        "address": {"country_code": "JP"},
    }
    order.update({"status": "APPROVED", "payer": payer, "payment_source": {"paypal": dict(payer)}})
    order["update_time"] = stamp(world)
    keep(world, "order", order)
    emit(world, "CHECKOUT.ORDER.APPROVED", order, resource_type="checkout-order", version="2.0")


def capture(world: World, call: Call, key: str) -> Answer:
    """POST /v2/checkout/orders/{id}/capture: once, after approval."""
    order = load(world, "order", key)
    if order["status"] == "COMPLETED":
        raise refused("ORDER_ALREADY_CAPTURED", "Order already captured.")
    if order["status"] != "APPROVED":
        raise refused("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.")
    _take(world, order, [])
    if world.store.table("paypal.order_aside")[key]["store_in_vault"]:
        _vault(world, order)
    return 201, _shown(world, order, full=call.full_representation)


def _vault(world: World, order: Json) -> None:
    token = world.ids.paypal("vault").lower()
    payer: dict[str, Any] = order["payment_source"]["paypal"]
    keep(world, "vault", {"id": token, "payer": dict(payer)})
    order["payment_source"]["paypal"] = {
        **payer,
        "attributes": {"vault": {"id": token, "status": "VAULTED", "customer": {"id": payer["payer_id"]}}},
    }
    keep(world, "order", order)


def get_capture(world: World, call: Call, key: str) -> Answer:
    """GET /v2/payments/captures/{id}."""
    del call
    return 200, load(world, "capture", key)


def refund_capture(world: World, call: Call, key: str) -> Answer:
    """POST /v2/payments/captures/{id}/refund, in full without an amount (PAYMENT.CAPTURE.REFUNDED)."""
    record = load(world, "capture", key)
    value, currency = read_amount(record["amount"], "amount")
    left = value - sum(read_amount(row["amount"], "amount")[0] for row in every(world, "refund", capture=key))
    wanted = call.body.get("amount")
    returned = read_amount(wanted, "amount")[0] if wanted else left
    if left == 0:
        raise refused("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded.")
    if not 0 < returned <= left:
        raise refused("REFUND_AMOUNT_EXCEEDED", "The refund is larger than what is left.")
    record["status"] = "REFUNDED" if returned == left else "PARTIALLY_REFUNDED"
    record["update_time"] = stamp(world)
    keep(world, "capture", record)
    key_ = world.ids.paypal("refund")
    refund: Json = {
        "id": key_,
        "capture": key,
        "amount": amount(returned, currency),
        "status": "COMPLETED",
        "create_time": stamp(world),
        "update_time": stamp(world),
        "links": [
            link(world, f"/v2/payments/refunds/{key_}", "self"),
            link(world, f"/v2/payments/captures/{key}", "up"),
        ],
    }
    keep(world, "refund", refund)
    world.ledger.returned(key, returned)
    shape = _refund_shape(refund)
    summary = f"A {text(returned, currency)} {currency} capture payment was refunded"
    emit(world, "PAYMENT.CAPTURE.REFUNDED", shape, resource_type="refund", version="2.0", summary=summary)
    return 201, shape


def _refund_shape(refund: Json) -> Json:
    return {name: value for name, value in refund.items() if name != "capture"}


def get_refund(world: World, call: Call, key: str) -> Answer:
    """GET /v2/payments/refunds/{id}."""
    del call
    return 200, _refund_shape(load(world, "refund", key))
