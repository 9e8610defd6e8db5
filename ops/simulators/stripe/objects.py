"""Where Stripe's objects are kept, how they are found again, and what is known of them off the wire."""

from __future__ import annotations

from typing import Any

from ops.simulators.clock import unix
from ops.simulators.store import Json
from ops.simulators.stripe.errors import missing
from ops.simulators.world import World

_WORDS = {
    "payment_method": "PaymentMethod",
    "payment_intent": "payment_intent",
    "setup_intent": "setupintent",
    "checkout.session": "checkout session",
}
KIND_OF_PREFIX = {
    "cus": "customer",
    "pm": "payment_method",
    "seti": "setup_intent",
    "pi": "payment_intent",
    "ch": "charge",
    "in": "invoice",
    "inpay": "invoice_payment",
    "ii": "invoiceitem",
    "sub": "subscription",
    "prod": "product",
    "price": "price",
    "re": "refund",
    "du": "dispute",
    "cs": "checkout.session",
    "bps": "billing_portal.session",
    "we": "webhook_endpoint",
}

_NAMED_BY_STORIES = ("charge", "subscription", "refund", "dispute", "setup_intent")


def now(world: World) -> int:
    """The instant for ``created`` and its like."""
    return unix(world.clock.now())


def save(world: World, obj: Json) -> Json:
    """Keep an object as it is on the wire."""
    return world.store.put(f"stripe.{obj['object']}", obj["id"], obj)


def find(world: World, kind: str, key: str) -> Json | None:
    """An object, or None."""
    return world.store.get(f"stripe.{kind}", key)


def load(world: World, kind: str, key: str, *, param: str = "id") -> Json:
    """An object; 404 resource_missing otherwise."""
    obj = find(world, kind, key)
    if obj is None:
        raise missing(_WORDS.get(kind, kind), key, param)
    return obj


def by_id(world: World, key: str) -> Json | None:
    """An object of any kind, by the prefix of its id; ids that a story gives may have none."""
    kind = KIND_OF_PREFIX.get(key.split("_", 1)[0])
    kinds = (kind,) if kind else _NAMED_BY_STORIES
    return next((obj for one in kinds if (obj := find(world, one, key)) is not None), None)


def every(world: World, kind: str, **wanted: Any) -> list[Json]:
    """All objects of a kind whose top-level fields equal the wanted ones, oldest first."""
    return [
        obj
        for obj in world.store.table(f"stripe.{kind}").values()
        if all(obj.get(name) == value for name, value in wanted.items())
    ]


def aside(world: World, key: str) -> Json:
    """What Stripe knows about an object and never shows (a card's number, a subscription's schedule)."""
    return world.store.get("stripe.aside", key) or {}


def set_aside(world: World, key: str, **facts: Any) -> Json:
    """Remember more facts off the wire."""
    return world.store.put("stripe.aside", key, {**aside(world, key), **facts})


def listing(url: str, data: list[Json], *, has_more: bool = False) -> Json:
    """Stripe's list envelope."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
