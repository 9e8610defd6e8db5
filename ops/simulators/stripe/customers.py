"""Customers, and the catalogue of what they subscribe to."""

from __future__ import annotations

from ops.simulators.store import Json
from ops.simulators.stripe import billing_shapes, shapes, status
from ops.simulators.stripe.call import Call, matches, page
from ops.simulators.stripe.errors import StripeError, bad, required
from ops.simulators.stripe.events import before, emit, emit_change
from ops.simulators.stripe.forms import integer, merged_metadata
from ops.simulators.stripe.methods import attach_to, usable
from ops.simulators.stripe.objects import every, listing, load, now, save
from ops.simulators.world import World

_PLAIN = ("address", "description", "email", "name", "phone", "shipping")


def create(world: World, call: Call) -> Json:
    """POST /v1/customers."""
    customer = save(world, shapes.customer(world.ids.stripe("cus"), now(world)))
    _write(world, call, customer)
    if token := call.text("payment_method"):
        attach_to(world, usable(world, token), customer["id"])
    emit(world, "customer.created", customer)
    return customer


def retrieve(world: World, call: Call, key: str) -> Json:
    """GET /v1/customers/{id}."""
    del call
    return load(world, "customer", key)


def update(world: World, call: Call, key: str) -> Json:
    """POST /v1/customers/{id}."""
    customer = load(world, "customer", key)
    old = before(customer)
    _write(world, call, customer)
    emit_change(world, "customer.updated", old, customer)
    return customer


def _write(world: World, call: Call, customer: Json) -> None:
    for name in _PLAIN:
        if call.has(name):
            customer[name] = call.params[name] or None
    if call.has("preferred_locales"):
        customer["preferred_locales"] = call.many("preferred_locales")
    if call.has("metadata"):
        customer["metadata"] = merged_metadata(customer["metadata"], call.params["metadata"])
    settings = call.nested("invoice_settings")
    if "default_payment_method" in settings:
        key = settings["default_payment_method"] or None
        if key is not None and load(world, "payment_method", key)["customer"] != customer["id"]:
            message = "The customer does not have a payment method with the ID " + key
            raise StripeError(400, message, param="invoice_settings[default_payment_method]")
        customer["invoice_settings"]["default_payment_method"] = key
    save(world, customer)


def delete(world: World, call: Call, key: str) -> Json:
    """DELETE /v1/customers/{id}: its subscriptions end."""
    del call
    customer = load(world, "customer", key)
    for subscription in every(world, "subscription", customer=key):
        if subscription["status"] not in status.ENDED:
            status.end(world, subscription, reason="cancellation_requested")
    world.store.drop("stripe.customer", key)
    emit(world, "customer.deleted", customer)
    return {"id": key, "object": "customer", "deleted": True}


def index(world: World, call: Call) -> Json:
    """GET /v1/customers."""
    return page(call, every(world, "customer"), "email")


def search(world: World, call: Call) -> Json:
    """GET /v1/customers/search."""
    found = [obj for obj in every(world, "customer") if matches(call.need("query"), obj)]
    return {**listing(call.path, found), "object": "search_result", "next_page": None}


def create_product(world: World, call: Call) -> Json:
    """POST /v1/products."""
    product = billing_shapes.product(world.ids.stripe("prod"), now(world), call.need("name"))
    product["metadata"] = merged_metadata({}, call.nested("metadata"))
    save(world, product)
    emit(world, "product.created", product)
    return product


def create_price(world: World, call: Call) -> Json:
    """POST /v1/prices, with ``product`` or ``product_data``."""
    price = price_from(world, call.params)
    price["metadata"] = merged_metadata({}, call.nested("metadata"))
    price["nickname"] = call.text("nickname")
    save(world, price)
    emit(world, "price.created", price)
    return price


def price_from(world: World, data: Json) -> Json:
    """A price from ``price_data`` or from the parameters of a creation."""
    if not data.get("currency"):
        raise required("currency")
    if not data.get("unit_amount"):
        raise required("unit_amount")
    key = data.get("product")
    if key is None:
        name = (data.get("product_data") or {}).get("name")
        if not name:
            raise required("product")
        key = save(world, billing_shapes.product(world.ids.stripe("prod"), now(world), name))["id"]
    else:
        load(world, "product", key, param="product")
    recurring = data.get("recurring") or {}
    interval = recurring.get("interval")
    if interval not in {None, "day", "week", "month", "year"}:
        raise bad("Invalid recurring[interval]: must be one of day, month, week, or year", param="recurring")
    price = billing_shapes.price(
        world.ids.stripe("price"),
        now(world),
        product=key,
        amount=integer(data["unit_amount"], "unit_amount"),
        currency=data["currency"].lower(),
        interval=interval,
        count=integer(recurring.get("interval_count") or 1, "recurring[interval_count]"),
    )
    return save(world, price)


def retrieve_product(world: World, call: Call, key: str) -> Json:
    """GET /v1/products/{id}."""
    del call
    return load(world, "product", key)


def list_products(world: World, call: Call) -> Json:
    """GET /v1/products."""
    return page(call, every(world, "product"))


def retrieve_price(world: World, call: Call, key: str) -> Json:
    """GET /v1/prices/{id}."""
    del call
    return load(world, "price", key)


def list_prices(world: World, call: Call) -> Json:
    """GET /v1/prices."""
    return page(call, every(world, "price"), "product", "currency", "type")
