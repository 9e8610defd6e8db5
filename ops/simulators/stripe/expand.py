"""``expand[]``: replacing ids by the objects they name, and including what is left out by default."""

from __future__ import annotations

from typing import Any

from ops.simulators.store import Json
from ops.simulators.stripe.errors import bad
from ops.simulators.stripe.objects import aside, by_id, every, find, listing
from ops.simulators.world import World


def rendered(world: World, obj: Json, paths: list[str]) -> Json:
    """A copy of ``obj`` for the wire with every path expanded. Raises StripeError for an unknown path."""
    copy: Json = _copied(obj)
    for path in paths:
        steps = path.split(".")
        if copy.get("object") == "list" and steps[0] != "data":
            raise bad(f"This property cannot be expanded ({path}).", param="expand")
        _expand(world, copy, steps, path)
    return copy


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(child) for name, child in value.items()}
    return [_copied(child) for child in value] if isinstance(value, list) else value


def _expand(world: World, node: Any, steps: list[str], path: str) -> None:
    if isinstance(node, list):
        for child in node:
            _expand(world, child, steps, path)
        return
    if not steps or not isinstance(node, dict):
        return
    name, rest = steps[0], steps[1:]
    if name not in node:
        included = _included(world, node, name)
        if included is None:
            raise bad(f"This property cannot be expanded ({path}).", param="expand")
        node[name] = included
    value = node[name]
    if isinstance(value, str):
        found = by_id(world, value)
        if found is None:
            raise bad(f"This property cannot be expanded ({path}).", param="expand")
        node[name] = _copied(found)
    _expand(world, node[name], rest, path)


def _included(world: World, node: Json, name: str) -> Json | None:
    """What Stripe sends only on request."""
    key = node.get("id", "")
    match node.get("object"), name:
        case "invoice", "payments":
            payments = every(world, "invoice_payment", invoice=key)
            return listing(f"/v1/invoice_payments?invoice={key}", _copied(payments))
        case "invoice", "confirmation_secret":
            payment = _payment(world, key)
            intent = by_id(world, payment["payment"]["payment_intent"]) if payment else None
            return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None
        case "charge", "refunds":
            return listing(f"/v1/charges/{key}/refunds", _copied(every(world, "refund", charge=key)))
        case "customer", "subscriptions":
            live = [s for s in every(world, "subscription", customer=key) if s["status"] != "canceled"]
            return listing(f"/v1/customers/{key}/subscriptions", _copied(live))
        case _:
            return None


def _payment(world: World, invoice: str) -> Json | None:
    return find(world, "invoice_payment", aside(world, invoice).get("payment", ""))
