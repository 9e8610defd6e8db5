"""Payment methods: how a card is saved, attached to a customer, renewed by its bank and taken away."""

from __future__ import annotations

from ops.simulators.scripts import Outcome
from ops.simulators.store import Json
from ops.simulators.stripe import shapes
from ops.simulators.stripe.call import Call, page
from ops.simulators.stripe.cards import card_of, number_of_token
from ops.simulators.stripe.declines import decline_facts
from ops.simulators.stripe.errors import StripeError, bad, missing, unexpected
from ops.simulators.stripe.events import before, emit, emit_change
from ops.simulators.stripe.forms import integer, merged_metadata
from ops.simulators.stripe.objects import aside, every, find, load, now, save, set_aside
from ops.simulators.world import World

FAR = 2039
"""The year cards end when nobody says otherwise: beyond any story."""


def new_card(
    world: World,
    number: str,
    *,
    exp_month: int = 12,
    exp_year: int = FAR,
    details: Json | None = None,
    set_up: bool = False,
) -> Json:
    """A saved card, not attached. ``set_up``: its owner passed 3-D Secure already.

    ``details`` are fields of the card that differ from what its number says.
    """
    card = card_of(number)
    method = shapes.payment_method(world.ids.stripe("pm"), now(world))
    method["card"] = {**shapes.card_details(card, exp_month, exp_year), **(details or {})}
    set_aside(world, method["id"], number=card.number, set_up=set_up)
    return save(world, method)


def new_paypal(world: World, email: str | None) -> Json:
    """A PayPal account saved at Stripe."""
    method = shapes.payment_method(world.ids.stripe("pm"), now(world), kind="paypal")
    method["paypal"] = {"country": "FR", "payer_email": email, "payer_id": world.ids.paypal("payer")[:13]}
    return save(world, method)


def usable(world: World, key: str, *, param: str = "payment_method") -> Json:
    """The method with this id; a test token such as pm_card_visa makes a new one."""
    number = number_of_token(key)
    if number is not None:
        return new_card(world, number)
    method = find(world, "payment_method", key)
    if method is None:
        raise missing("PaymentMethod", key, param)
    return method


def create(world: World, call: Call) -> Json:
    """POST /v1/payment_methods."""
    kind = call.need("type")
    if kind == "paypal":
        method = new_paypal(world, call.nested("billing_details").get("email"))
    elif kind == "card":
        card = call.nested("card")
        number = number_of_token(card.get("token", "")) or card.get("number")
        if not number:
            raise bad("Missing required param: card[number].", param="card[number]", code="parameter_missing")
        month, year = card.get("exp_month", 12), card.get("exp_year", FAR)
        method = new_card(
            world,
            number,
            exp_month=integer(month, "card[exp_month]"),
            exp_year=integer(year, "card[exp_year]"),
        )
    else:
        raise bad(f"The payment method type {kind!r} is not simulated.", param="type")
    method["billing_details"].update(call.nested("billing_details"))
    method["metadata"] = merged_metadata({}, call.nested("metadata"))
    return save(world, method)


def retrieve(world: World, call: Call, key: str) -> Json:
    """GET /v1/payment_methods/{id}."""
    del call
    return load(world, "payment_method", key)


def of_customer(world: World, call: Call, customer: str) -> Json:
    """GET /v1/customers/{id}/payment_methods."""
    return page(call, every(world, "payment_method", customer=customer), "type")


def index(world: World, call: Call) -> Json:
    """GET /v1/payment_methods."""
    return page(call, every(world, "payment_method"), "customer", "type")


def update(world: World, call: Call, key: str) -> Json:
    """POST /v1/payment_methods/{id}."""
    method = load(world, "payment_method", key)
    old = before(method)
    method["billing_details"].update(call.nested("billing_details"))
    for name, value in call.nested("card").items():
        method["card"][name] = integer(value, f"card[{name}]")
    if call.has("metadata"):
        method["metadata"] = merged_metadata(method["metadata"], call.params["metadata"])
    save(world, method)
    emit_change(world, "payment_method.updated", old, method)
    return method


def attach(world: World, call: Call, key: str) -> Json:
    """POST /v1/payment_methods/{id}/attach; some test cards are declined here."""
    customer = load(world, "customer", call.need("customer"), param="customer")
    method = usable(world, key, param="payment_method")
    card = card_of(aside(world, method["id"]).get("number", ""))
    if card.at_attach and card.decline:
        facts = decline_facts(Outcome(decline=card.decline))
        raise StripeError(402, facts.pop("message"), kind="card_error", **facts)
    return attach_to(world, method, customer["id"])


def attach_to(world: World, method: Json, customer: str) -> Json:
    """Give a method to a customer (payment_method.attached)."""
    if method["customer"] == customer:
        return method
    if method["customer"] is not None:
        message = "The payment method you provided has already been attached to a customer."
        raise unexpected("payment_method_unexpected_state", message)
    if aside(world, method["id"]).get("detached"):
        message = "This PaymentMethod was previously detached from a Customer and may not be used again."
        raise StripeError(400, message)
    method["customer"] = customer
    save(world, method)
    emit(world, "payment_method.attached", method)
    return method


def detach(world: World, call: Call, key: str) -> Json:
    """POST /v1/payment_methods/{id}/detach: for good."""
    del call
    method = load(world, "payment_method", key)
    owner = method["customer"]
    if owner is None:
        raise StripeError(400, "The payment method you provided is not attached to a customer.")
    method["customer"] = None
    set_aside(world, key, detached=True)
    save(world, method)
    customer = load(world, "customer", owner)
    if customer["invoice_settings"]["default_payment_method"] == key:
        customer["invoice_settings"]["default_payment_method"] = None
        save(world, customer)
    for subscription in every(world, "subscription", default_payment_method=key):
        subscription["default_payment_method"] = None
        save(world, subscription)
    emit(world, "payment_method.detached", method, previous={"customer": owner})
    return method


def renewed_by_bank(world: World, method: Json, *, exp_month: int, exp_year: int, last4: str | None) -> None:
    """The network's card updater sent new data (payment_method.automatically_updated)."""
    old = before(method)
    method["card"].update({"exp_month": exp_month, "exp_year": exp_year})
    if last4:
        method["card"]["last4"] = last4
    save(world, method)
    emit_change(world, "payment_method.automatically_updated", old, method)
