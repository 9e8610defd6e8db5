"""Events in the shape before basil (2025-03-31), for listeners that must bear an old endpoint version."""

from __future__ import annotations

from ops.simulators.store import Json
from ops.simulators.stripe.objects import aside, find
from ops.simulators.world import World

_BASIL = "2025-03-31"


def is_legacy(version: str | None) -> bool:
    """Whether an endpoint's API version is older than basil."""
    return version is not None and version[:10] < _BASIL


def in_legacy_shape(world: World, event: Json, version: str) -> Json:
    """The event with the fields an old endpoint gets, and without those it does not know."""
    event["api_version"] = version
    obj = event["data"]["object"]
    change = {
        "invoice": _invoice,
        "subscription": _subscription,
        "charge": _charge,
        "payment_intent": _intent,
    }
    if obj["object"] in change:
        change[obj["object"]](world, obj)
    return event


def _invoice(world: World, invoice: Json) -> None:
    details = (invoice.pop("parent") or {}).get("subscription_details") or {}
    payment = find(world, "invoice_payment", aside(world, invoice["id"]).get("payment", ""))
    intent = find(world, "payment_intent", payment["payment"]["payment_intent"]) if payment else None
    invoice["subscription"] = details.get("subscription")
    invoice["subscription_details"] = {"metadata": details.get("metadata")}
    invoice["payment_intent"] = intent["id"] if intent else None
    invoice["charge"] = intent["latest_charge"] if intent else None
    invoice["paid"] = invoice["status"] == "paid"
    invoice["paid_out_of_band"] = invoice["paid"] and intent is None
    for line in invoice["lines"]["data"]:
        parent = (line.pop("parent") or {}).get("subscription_item_details") or {}
        pricing = (line.pop("pricing") or {}).get("price_details") or {}
        line["subscription"] = parent.get("subscription")
        line["subscription_item"] = parent.get("subscription_item")
        line["price"] = find(world, "price", pricing["price"]) if pricing else None


def _subscription(_world: World, subscription: Json) -> None:
    items = subscription["items"]["data"]
    for name in ("current_period_start", "current_period_end"):
        subscription[name] = items[0][name] if items else None
        for item in items:
            del item[name]


def _charge(world: World, charge: Json) -> None:
    charge["invoice"] = _invoice_of(world, charge["payment_intent"])


def _intent(world: World, intent: Json) -> None:
    intent["invoice"] = _invoice_of(world, intent["id"])


def _invoice_of(world: World, intent: str | None) -> str | None:
    return aside(world, intent or "").get("invoice")
