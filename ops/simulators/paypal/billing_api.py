"""Subscriptions as the school's code creates, reads, stops and resumes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ops.simulators.clock import instant
from ops.simulators.paypal import billing, plans, sales
from ops.simulators.paypal.call import Answer, Call
from ops.simulators.paypal.errors import malformed, refused, status_invalid
from ops.simulators.paypal.objects import amount, find, keep, link, load, read_amount, stamp
from ops.simulators.paypal.subscriptions import (
    CLEAR,
    at_billing_hour,
    engine_of,
    keep_engine,
    new_subscription,
    shown,
    stop,
    tell,
)
from ops.simulators.scripts import OK, outcome_to
from ops.simulators.store import Json
from ops.simulators.world import World


def create(world: World, call: Call) -> Answer:
    """POST /v1/billing/subscriptions: waits for the buyer's approval."""
    plan = load(world, "plan", call.need("plan_id"))
    if plan["status"] != "ACTIVE":
        raise refused("PLAN_STATUS_INVALID", "Invalid plan status for subscription creation.")
    price, currency = _price(call, plan)
    start = (
        _instant(call.body["start_time"], "start_time") if "start_time" in call.body else world.clock.now()
    )
    context = call.body.get("application_context") or {}
    subscription = new_subscription(
        world,
        plan=plan,
        price=price,
        currency=currency,
        subscriber=call.body.get("subscriber") or {},
        custom_id=call.body.get("custom_id"),
        start=start,
        return_url=context.get("return_url"),
        cancel_url=context.get("cancel_url"),
        locale=context.get("locale"),
        **plans.engine_facts(plan),
    )
    tell(world, "CREATED", subscription)
    shape = shown(world, subscription)
    if not call.full_representation:
        shape = {name: shape[name] for name in ("id", "status", "create_time", "links")}
    return 201, shape


def _price(call: Call, plan: Json) -> tuple[int, str]:
    price, currency = plans.price_of(plan)
    for cycle in (call.body.get("plan") or {}).get("billing_cycles", []):
        override = (cycle.get("pricing_scheme") or {}).get("fixed_price")
        if override:
            price, wanted = read_amount(override, "plan/billing_cycles")
            if wanted != currency:
                raise refused(
                    "CURRENCY_MISMATCH", "The currency code is different from the plan's currency code."
                )
    return price, currency


def _instant(value: Any, field: str) -> datetime:
    try:
        return instant(str(value))
    except ValueError as error:
        raise malformed(field, str(error)) from error


def approve(world: World, subscription: Json) -> None:
    """The buyer agrees on PayPal's page: ACTIVE, and the first month is charged when it is due."""
    if subscription["status"] != "APPROVAL_PENDING":
        raise status_invalid("approve", "approval pending")
    subscriber = subscription["subscriber"]
    subscriber.setdefault("email_address", "buyer@example.com")
    subscriber.setdefault("payer_id", world.ids.paypal("payer")[:13])
    keep(world, "subscription", subscription)
    start, now = instant(subscription["start_time"]), world.clock.now()
    if start <= now:
        billing.begin_now(world, subscription)
    else:
        minute = engine_of(world, subscription["id"])["billing_minute"]
        billing.begin(world, subscription, max(start, at_billing_hour(start, minute)))


def by_token(world: World, token: str) -> Json | None:
    """The subscription an approval address is about."""
    for key, engine in world.store.table("paypal.engine").items():
        if engine["token"] == token:
            return find(world, "subscription", key)
    return None


def get(world: World, call: Call, key: str) -> Answer:
    """GET /v1/billing/subscriptions/{id}?fields=last_failed_payment,plan."""
    fields = frozenset(call.args.get("fields", "").split(","))
    return 200, shown(world, load(world, "subscription", key), fields=fields)


def patch(world: World, call: Call, key: str) -> Answer:
    """PATCH /v1/billing/subscriptions/{id}: custom_id and the outstanding balance's price."""
    subscription = load(world, "subscription", key)
    for change in call.body.get("operations", []):
        path = change.get("path", "")
        if path == "/custom_id":
            subscription["custom_id"] = change["value"]
        elif path.endswith("/pricing_scheme/fixed_price"):
            price, _ = read_amount(change["value"], path)
            keep_engine(world, key, price=price)
        else:
            raise refused("UNSUPPORTED_PATCH_OPERATION", f"The path {path} cannot be changed here.")
    subscription["update_time"] = stamp(world)
    keep(world, "subscription", subscription)
    tell(world, "UPDATED", subscription)
    return 204, None


def suspend(world: World, call: Call, key: str) -> Answer:
    """POST .../suspend."""
    subscription = load(world, "subscription", key)
    if subscription["status"] != "ACTIVE":
        raise status_invalid("suspend", "active")
    stop(world, subscription, "SUSPENDED", note=call.need("reason"))
    return 204, None


def activate(world: World, call: Call, key: str) -> Answer:
    """POST .../activate: only after a suspension; a cancelled one never comes back."""
    del call
    subscription = load(world, "subscription", key)
    if subscription["status"] != "SUSPENDED":
        raise status_invalid("activate", "suspended")
    billing.resume(world, subscription)
    return 204, None


def cancel(world: World, call: Call, key: str) -> Answer:
    """POST .../cancel: for good."""
    subscription = load(world, "subscription", key)
    if subscription["status"] not in {"ACTIVE", "SUSPENDED"}:
        raise status_invalid("cancel", "active or suspended")
    stop(world, subscription, "CANCELLED", note=call.need("reason"))
    return 204, None


def capture(world: World, call: Call, key: str) -> Answer:
    """POST .../capture: the outstanding balance, in part or in full.

    200 with the transaction; 202 when it is in the air (the sale follows) or silently declined.
    """
    subscription = load(world, "subscription", key)
    engine = engine_of(world, key)
    if subscription["status"] not in {"ACTIVE", "SUSPENDED", "EXPIRED"}:
        raise status_invalid("capture", "active or suspended or expired")
    value, currency = read_amount(call.body.get("amount"), "amount")
    if engine["outstanding"] == 0:
        raise refused("ZERO_OUTSTANDING_BALANCE", "Current outstanding balance should be greater than zero.")
    if currency != engine["currency"]:
        raise refused("CURRENCY_MISMATCH", "The currency code is different from the subscription's.")
    if value > engine["outstanding"]:
        text = "The capture amount can not be greater than the current outstanding balance."
        raise refused("AMOUNT_GREATER_THAN_OUTSTANDING_BALANCE", text)
    keys = [key, subscription.get("custom_id")]
    said = world.scripts.next([name for name in keys if name]) or OK
    if world.only_told:
        world.scripts.said([name for name in keys if name], said)
    if said.pending:
        sale = sales.pending(world, subscription, value, by="api")
        facts = {"sale": sale["id"], "then": outcome_to(said.next), "balance": True}
        world.agenda.plan(CLEAR, key, world.clock.now() + said.wait, facts)
        return 202, None
    if said.decline:
        reason = billing.reason_code(said.decline)
        sales.declined(world, subscription, value, period=billing.period(engine), reason=reason, by="api")
        return 202, None
    sale = sales.completed(world, subscription, value, period=billing.period(engine), by="api")
    billing.reduce_balance(world, subscription, value)
    return 200, {
        "id": sale["id"],
        "status": "COMPLETED",
        "payer_email": subscription["subscriber"].get("email_address", ""),
        "amount_with_breakdown": {"gross_amount": amount(value, currency)},
        "time": sale["create_time"],
    }


def revise(world: World, call: Call, key: str) -> Answer:
    """POST .../revise: the buyer has to agree to another plan."""
    subscription = load(world, "subscription", key)
    token = engine_of(world, key)["token"]
    return 200, {
        "plan_id": call.body.get("plan_id", subscription["plan_id"]),
        "plan_overridden": False,
        "links": [link(world, f"/webapps/billing/subscriptions/update?ba_token={token}", "approve")],
    }


def transactions(world: World, call: Call, key: str) -> Answer:
    """GET .../transactions?start_time&end_time, both required."""
    subscription = load(world, "subscription", key)
    for name in ("start_time", "end_time"):
        if name not in call.args:
            raise malformed(name)
    return 200, sales.transactions(world, subscription, call.args["start_time"], call.args["end_time"])


def get_sale(world: World, call: Call, key: str) -> Answer:
    """GET /v1/payments/sale/{id}."""
    del call
    return 200, load(world, "sale", key)


def refund_sale(world: World, call: Call, key: str) -> Answer:
    """POST /v1/payments/sale/{id}/refund, in full without an amount."""
    wanted = call.body.get("amount")
    if not wanted:
        return 201, sales.refund(world, key)
    value, _ = read_amount({"value": wanted.get("total"), "currency_code": wanted.get("currency")}, "amount")
    return 201, sales.refund(world, key, value)


def get_refund(world: World, call: Call, key: str) -> Answer:
    """GET /v1/payments/refund/{id}."""
    del call
    return 200, sales.refund_shape(world, load(world, "sale_refund", key))
