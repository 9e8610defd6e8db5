"""Subscriptions as the school's code creates, reads, changes and ends them."""

from __future__ import annotations

from datetime import timedelta

from ops.simulators.clock import from_unix, unix
from ops.simulators.store import Json
from ops.simulators.stripe import billing_shapes, invoicing, status
from ops.simulators.stripe.call import Call, matches, page
from ops.simulators.stripe.customers import price_from
from ops.simulators.stripe.errors import StripeError, bad, required, unexpected
from ops.simulators.stripe.events import before, emit, emit_change
from ops.simulators.stripe.forms import integer, merged_metadata
from ops.simulators.stripe.methods import usable
from ops.simulators.stripe.objects import every, listing, load, now, save, set_aside
from ops.simulators.stripe.payments import Verdict, card_error
from ops.simulators.stripe.renewals import EXPIRE, plan_renewal
from ops.simulators.world import World

_BEHAVIOURS = {"allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"}


def new_subscription(
    world: World, customer: str, *, items: list[tuple[Json, int]], anchor: int, start: int
) -> Json:
    """A subscription and its items, kept but neither told nor planned."""
    key = world.ids.stripe("sub")
    currency = items[0][0]["currency"]
    subscription = billing_shapes.subscription(
        key, now(world), customer=customer, currency=currency, anchor=anchor
    )
    for price, quantity in items:
        item = billing_shapes.subscription_item(
            world.ids.stripe("si"),
            now(world),
            subscription=key,
            price=price,
            quantity=quantity,
            start=start,
            end=anchor,
        )
        subscription["items"]["data"].append(item)
    subscription["items"]["total_count"] = len(items)
    return save(world, subscription)


def create(world: World, call: Call) -> Json:
    """POST /v1/subscriptions: the first period is charged at once, unless the anchor lies ahead."""
    customer = load(world, "customer", call.need("customer"), param="customer")
    items = _items(world, call)
    moment = now(world)
    anchor = call.number("billing_cycle_anchor") or call.number("trial_end") or moment
    subscription = new_subscription(world, customer["id"], items=items, anchor=anchor, start=moment)
    ahead = anchor > moment
    if call.number("trial_end"):
        subscription.update({"trial_start": moment, "trial_end": anchor, "status": "trialing"})
    plan_renewal(world, subscription, cycle=0 if ahead else 1)
    _write(world, call, subscription)
    if customer["currency"] is None:
        customer["currency"] = subscription["currency"]
        save(world, customer)
    if ahead:
        emit(world, "customer.subscription.created", subscription)
        return subscription
    return _first_payment(world, call, subscription)


def _items(world: World, call: Call) -> list[tuple[Json, int]]:
    if not call.many("items"):
        raise required("items")
    found = []
    for item in call.many("items"):
        if "price_data" in item:
            price = price_from(world, item["price_data"])
        else:
            price = load(world, "price", item.get("price", ""), param="items[0][price]")
        if price["recurring"] is None:
            raise bad("The price specified is set to `type=one_time`.", param="items[0][price]")
        found.append((price, integer(item.get("quantity") or 1, "quantity")))
    return found


def _first_payment(world: World, call: Call, subscription: Json) -> Json:
    behaviour = call.text("payment_behavior") or "allow_incomplete"
    if behaviour not in _BEHAVIOURS:
        raise bad(f"Invalid payment_behavior: {behaviour}", param="payment_behavior")
    subscription["status"] = "incomplete"
    invoice = invoicing.draft_for_period(world, subscription, reason="subscription_create")
    subscription["latest_invoice"] = invoice["id"]
    save(world, subscription)
    emit(world, "customer.subscription.created", subscription)
    emit(world, "invoice.created", invoice)
    invoicing.finalise(world, invoice)
    world.agenda.plan(EXPIRE, subscription["id"], world.clock.now() + timedelta(hours=23))
    if invoice["status"] != "open" or behaviour == "default_incomplete":
        invoicing.refresh_subscription(world, invoice)
        return subscription
    method = invoicing.method_for(world, invoice)
    verdict, intent = invoicing.collect(
        world, invoice, method, off_session=call.flag("off_session"), by="api", automatic=False
    )
    if behaviour == "error_if_incomplete" and verdict is not Verdict.SUCCEEDED:
        invoicing.close_unpaid(world, invoice, "void")
        status.end(world, subscription, reason="payment_failed")
        code = "subscription_payment_intent_requires_action" if verdict is Verdict.ACTION else None
        raise card_error(intent, code=code)
    return subscription


def _write(world: World, call: Call, subscription: Json) -> None:
    if key := call.text("default_payment_method"):
        method = usable(world, key, param="default_payment_method")
        if method["customer"] != subscription["customer"]:
            message = "The customer does not have a payment method with the ID " + key
            raise StripeError(400, message, code="resource_missing", param="default_payment_method")
        subscription["default_payment_method"] = method["id"]
    elif call.has("default_payment_method"):
        subscription["default_payment_method"] = None
    if call.has("metadata"):
        subscription["metadata"] = merged_metadata(subscription["metadata"], call.params["metadata"])
    if call.has("cancel_at_period_end"):
        subscription["cancel_at_period_end"] = call.flag("cancel_at_period_end")
        end = subscription["items"]["data"][0]["current_period_end"]
        subscription["cancel_at"] = end if subscription["cancel_at_period_end"] else None
    if call.has("pause_collection"):
        pause = call.nested("pause_collection")
        resumes = pause.get("resumes_at")
        subscription["pause_collection"] = (
            {"behavior": pause["behavior"], "resumes_at": integer(resumes, "resumes_at") if resumes else None}
            if pause
            else None
        )
    for name in ("collection_method", "description"):
        if call.has(name):
            subscription[name] = call.text(name)
    subscription["days_until_due"] = call.number("days_until_due") or subscription["days_until_due"]
    subscription["payment_settings"].update(call.nested("payment_settings"))
    subscription["cancellation_details"].update(call.nested("cancellation_details"))
    save(world, subscription)


def retrieve(world: World, call: Call, key: str) -> Json:
    """GET /v1/subscriptions/{id}."""
    del call
    return load(world, "subscription", key)


def update(world: World, call: Call, key: str) -> Json:
    """POST /v1/subscriptions/{id}; ``billing_cycle_anchor=now`` begins a new period and charges it."""
    subscription = _alive(world, key)
    old = before(subscription)
    _write(world, call, subscription)
    for change in call.many("items"):
        _change_item(world, subscription, change)
    restart = call.text("billing_cycle_anchor") == "now"
    if restart:
        subscription["billing_cycle_anchor"] = now(world)
        for item in subscription["items"]["data"]:
            item["current_period_start"] = now(world)
        plan_renewal(world, subscription, cycle=1)
    _move_anchor(world, call, subscription)
    emit_change(world, "customer.subscription.updated", old, subscription)
    return _charge_new_period(world, call, subscription) if restart else subscription


def _move_anchor(world: World, call: Call, subscription: Json) -> None:
    """``trial_end``: nothing is due before it, and it is the anchor from then on."""
    end = call.number("trial_end")
    if end is None or end <= now(world):
        return
    subscription.update({"trial_start": now(world), "trial_end": end, "status": "trialing"})
    subscription["billing_cycle_anchor"] = end
    for item in subscription["items"]["data"]:
        item["current_period_start"] = now(world)
    plan_renewal(world, subscription, cycle=0)


def _change_item(world: World, subscription: Json, change: Json) -> None:
    items = subscription["items"]["data"]
    item = next((item for item in items if item["id"] == change.get("id")), items[0])
    if "price" in change:
        price = load(world, "price", change["price"], param="items[0][price]")
        fresh = billing_shapes.subscription_item(
            item["id"],
            item["created"],
            subscription=subscription["id"],
            price=price,
            quantity=item["quantity"],
            start=item["current_period_start"],
            end=item["current_period_end"],
        )
        item.update(fresh)
    if "quantity" in change:
        item["quantity"] = integer(change["quantity"], "items[0][quantity]")
    save(world, subscription)


def _charge_new_period(world: World, call: Call, subscription: Json) -> Json:
    invoice = invoicing.draft_for_period(world, subscription, reason="subscription_update")
    subscription["latest_invoice"] = invoice["id"]
    save(world, subscription)
    emit(world, "invoice.created", invoice)
    invoicing.finalise(world, invoice)
    if invoice["status"] == "open":
        method = invoicing.method_for(world, invoice)
        off_session = call.flag("off_session")
        verdict, intent = invoicing.collect(
            world, invoice, method, off_session=off_session, by="api", automatic=False
        )
        if verdict is not Verdict.SUCCEEDED and call.text("payment_behavior") == "error_if_incomplete":
            raise card_error(intent)
    return subscription


def cancel(world: World, call: Call, key: str) -> Json:
    """DELETE /v1/subscriptions/{id}: at once."""
    subscription = _alive(world, key)
    details = call.nested("cancellation_details")
    status.end(world, subscription, reason="cancellation_requested", comment=details.get("comment"))
    subscription["cancellation_details"]["feedback"] = details.get("feedback")
    return save(world, subscription)


def pause(world: World, call: Call, key: str) -> Json:
    """POST /v1/subscriptions/{id}/pause: no periods until resumed."""
    del call
    subscription = _alive(world, key)
    old = before(subscription)
    subscription["status"] = "paused"
    subscription["status_details"] = {
        "paused": {"subscription": {"type": "pause_requested"}, "type": "subscription"}
    }
    world.agenda.cancel(status.RENEW, key)
    save(world, subscription)
    emit(world, "customer.subscription.paused", subscription)
    emit_change(world, "customer.subscription.updated", old, subscription)
    return subscription


def resume(world: World, call: Call, key: str) -> Json:
    """POST /v1/subscriptions/{id}/resume: a new period begins now and is charged."""
    subscription = _alive(world, key)
    if subscription["status"] != "paused":
        raise unexpected("subscription_not_paused", "Only paused subscriptions can be resumed.")
    old = before(subscription)
    subscription.update({"status": "active", "status_details": None})
    subscription["billing_cycle_anchor"] = unix(world.clock.now())
    for item in subscription["items"]["data"]:
        item["current_period_start"] = now(world)
    plan_renewal(world, subscription, cycle=1)
    set_aside(world, key, resumed_at=from_unix(now(world)).isoformat())
    emit(world, "customer.subscription.resumed", subscription)
    emit_change(world, "customer.subscription.updated", old, subscription)
    return _charge_new_period(world, call, subscription)


def _alive(world: World, key: str) -> Json:
    subscription = load(world, "subscription", key)
    if subscription["status"] in status.ENDED:
        raise StripeError(404, f"No such subscription: '{key}'", code="resource_missing", param="id")
    return subscription


def index(world: World, call: Call) -> Json:
    """GET /v1/subscriptions; cancelled ones only with ``status=canceled`` or ``all``."""
    wanted = call.text("status")
    found = every(world, "subscription")
    if wanted not in {None, "all"}:
        found = [obj for obj in found if obj["status"] == wanted]
    elif wanted is None:
        found = [obj for obj in found if obj["status"] != "canceled"]
    return page(call, found, "customer", "collection_method")


def search(world: World, call: Call) -> Json:
    """GET /v1/subscriptions/search."""
    found = [obj for obj in every(world, "subscription") if matches(call.need("query"), obj)]
    return {**listing(call.path, found), "object": "search_result", "next_page": None}
