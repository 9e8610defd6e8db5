"""Checkout and portal pages: where a learner types a card, never on the school's own site."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from ops.simulators.store import Json
from ops.simulators.stripe.call import Call, page
from ops.simulators.stripe.errors import StripeError, bad, required
from ops.simulators.stripe.events import emit
from ops.simulators.stripe.forms import integer, merged_metadata
from ops.simulators.stripe.objects import aside, every, find, load, now, save, set_aside
from ops.simulators.world import World

_DAY = 86_400
_CREATES = {
    "setup": "setup_intent_data",
    "payment": "payment_intent_data",
    "subscription": "subscription_data",
}


def create(world: World, call: Call) -> Json:
    """POST /v1/checkout/sessions, mode setup, payment or subscription."""
    mode = call.need("mode")
    if mode not in {"setup", "payment", "subscription"}:
        raise bad(f"Invalid mode: must be one of payment, setup, or subscription, not {mode}", param="mode")
    if mode != "setup" and not call.many("line_items"):
        raise required("line_items")
    if key := call.text("customer"):
        load(world, "customer", key, param="customer")
    key = world.ids.stripe("cs_test")
    amount, currency = _total(world, call)
    session: Json = {
        "id": key,
        "object": "checkout.session",
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": call.text("cancel_url"),
        "client_reference_id": call.text("client_reference_id"),
        "client_secret": None,
        "created": now(world),
        "currency": currency or (call.text("currency") or "").lower() or None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": call.text("customer"),
        "customer_account": None,
        "customer_creation": None,
        "customer_details": None,
        "customer_email": call.text("customer_email"),
        "expires_at": call.number("expires_at") or now(world) + _DAY,
        "invoice": None,
        "livemode": False,
        "locale": call.text("locale"),
        "metadata": merged_metadata({}, call.nested("metadata")),
        "mode": mode,
        "payment_intent": None,
        "payment_method_collection": "always",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": call.many("allowed_payment_method_types") or ["card"],
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
        "return_url": None,
        "setup_intent": None,
        "shipping_options": [],
        "status": "open",
        "subscription": None,
        "success_url": call.text("success_url"),
        "ui_mode": "hosted",
        "url": f"{world.settings.base_url}/stripe/hosted/checkout/{key}",
    }
    set_aside(
        world,
        key,
        lines=call.many("line_items"),
        data=call.nested(_CREATES[mode]),
    )
    return save(world, session)


def _total(world: World, call: Call) -> tuple[int | None, str | None]:
    amount, currency = 0, None
    for line in call.many("line_items"):
        data: Json = line.get("price_data") or load(world, "price", line.get("price", ""), param="price")
        amount += integer(data["unit_amount"], "unit_amount") * integer(line.get("quantity") or 1, "quantity")
        currency = data["currency"].lower()
    return (amount, currency) if currency else (None, None)


def retrieve(world: World, call: Call, key: str) -> Json:
    """GET /v1/checkout/sessions/{id}."""
    del call
    return load(world, "checkout.session", key)


def index(world: World, call: Call) -> Json:
    """GET /v1/checkout/sessions."""
    return page(
        call, every(world, "checkout.session"), "customer", "status", "subscription", "payment_intent"
    )


def expire(world: World, call: Call, key: str) -> Json:
    """POST /v1/checkout/sessions/{id}/expire."""
    del call
    session = load(world, "checkout.session", key)
    if session["status"] != "open":
        raise StripeError(400, f"Only open sessions can be expired; this one is {session['status']}.")
    session.update({"status": "expired", "url": None})
    save(world, session)
    emit(world, "checkout.session.expired", session)
    return session


def is_over(world: World, session: Json) -> bool:
    """Whether the page can no longer be used (completed, expired, or past its time)."""
    return bool(session["status"] != "open" or session["expires_at"] <= now(world))


def create_portal(world: World, call: Call) -> Json:
    """POST /v1/billing_portal/sessions: a page to replace the card."""
    customer = load(world, "customer", call.need("customer"), param="customer")
    key = world.ids.stripe("bps")
    flow: Any = call.nested("flow_data") or None
    return save(
        world,
        {
            "id": key,
            "object": "billing_portal.session",
            "configuration": "bpc_1Default",
            "created": now(world),
            "customer": customer["id"],
            "customer_account": None,
            "flow": flow,
            "livemode": False,
            "locale": call.text("locale"),
            "on_behalf_of": None,
            "return_url": call.text("return_url"),
            "url": f"{world.settings.base_url}/stripe/hosted/portal/{key}",
        },
    )


def way_back(world: World, intent: Json) -> str:
    """Where a payer goes after 3-D Secure: the checkout's address, the intent's, or the invoice's page."""
    known = aside(world, intent["id"])
    base = f"{world.settings.base_url}/stripe/hosted"
    session = find(world, "checkout.session", known.get("session", ""))
    if session is not None:
        return (
            success_address(session)
            if session["status"] == "complete"
            else f"{base}/checkout/{session['id']}"
        )
    if known.get("portal"):
        return load(world, "billing_portal.session", known["portal"])["return_url"] or f"{base}/done"
    if known.get("return_url"):
        word = intent["object"]
        succeeded = intent["status"] in {"succeeded", "processing"}
        query = {
            word: intent["id"],
            f"{word}_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if succeeded else "failed",
        }
        separator = "&" if "?" in known["return_url"] else "?"
        return f"{known['return_url']}{separator}{urlencode(query)}"
    return f"{base}/invoices/{known['invoice']}" if known.get("invoice") else f"{base}/done"


def success_address(session: Json) -> str:
    """The success address with its placeholder filled in."""
    address = session["success_url"] or ""
    return str(address).replace("{CHECKOUT_SESSION_ID}", session["id"])
