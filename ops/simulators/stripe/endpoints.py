"""Where Stripe sends events, and the list of them to fill gaps from."""

from __future__ import annotations

import json

from ops.simulators.clock import instant, unix
from ops.simulators.store import Json
from ops.simulators.stripe import API_VERSION
from ops.simulators.stripe.call import Call, page
from ops.simulators.stripe.errors import missing, required
from ops.simulators.stripe.forms import merged_metadata
from ops.simulators.stripe.objects import every, load, now, save
from ops.simulators.world import World


def create(world: World, call: Call) -> Json:
    """POST /v1/webhook_endpoints: the secret is shown this once."""
    if not call.many("enabled_events"):
        raise required("enabled_events")
    endpoint: Json = {
        "id": world.ids.stripe("we"),
        "object": "webhook_endpoint",
        "api_version": call.text("api_version"),
        "application": None,
        "created": now(world),
        "description": call.text("description"),
        "enabled_events": call.many("enabled_events"),
        "livemode": False,
        "metadata": merged_metadata({}, call.nested("metadata")),
        "status": "enabled",
        "url": call.need("url"),
    }
    save(world, endpoint)
    secret = world.ids.stripe("whsec")
    _listen(world, endpoint)
    world.outbox.listen("stripe", endpoint["id"], endpoint["url"], secrets=[secret])
    return {**endpoint, "secret": secret}


def _listen(world: World, endpoint: Json) -> None:
    world.outbox.listen(
        "stripe",
        endpoint["id"],
        endpoint["url"],
        events=endpoint["enabled_events"],
        enabled=endpoint["status"] == "enabled",
        api_version=endpoint["api_version"] or API_VERSION,
    )


def retrieve(world: World, call: Call, key: str) -> Json:
    """GET /v1/webhook_endpoints/{id}."""
    del call
    return load(world, "webhook_endpoint", key)


def index(world: World, call: Call) -> Json:
    """GET /v1/webhook_endpoints."""
    return page(call, every(world, "webhook_endpoint"))


def update(world: World, call: Call, key: str) -> Json:
    """POST /v1/webhook_endpoints/{id}."""
    endpoint = load(world, "webhook_endpoint", key)
    if call.many("enabled_events"):
        endpoint["enabled_events"] = call.many("enabled_events")
    if url := call.text("url"):
        endpoint["url"] = url
    if call.has("disabled"):
        endpoint["status"] = "disabled" if call.flag("disabled") else "enabled"
    if call.has("description"):
        endpoint["description"] = call.text("description")
    save(world, endpoint)
    _listen(world, endpoint)
    return endpoint


def delete(world: World, call: Call, key: str) -> Json:
    """DELETE /v1/webhook_endpoints/{id}."""
    del call
    load(world, "webhook_endpoint", key)
    world.store.drop("stripe.webhook_endpoint", key)
    world.store.drop("endpoint", key)
    return {"id": key, "object": "webhook_endpoint", "deleted": True}


def list_events(world: World, call: Call) -> Json:
    """GET /v1/events, by ``type``, ``types[]`` and ``created``."""
    wanted = set(call.many("types")) | ({call.need("type")} if call.text("type") else set())
    stubs = [
        {"id": row["id"], "created": unix(instant(row["at"])), "raw": row["raw"]}
        for row in world.store.table("stripe.event").values()
        if not wanted or any(_covers(pattern, row["type"]) for pattern in wanted)
    ]
    found = page(call, stubs)
    found["data"] = [json.loads(stub["raw"]) for stub in found["data"]]
    return found


def _covers(pattern: str, kind: str) -> bool:
    return pattern == kind or (pattern.endswith("*") and kind.startswith(pattern[:-1]))


def retrieve_event(world: World, call: Call, key: str) -> Json:
    """GET /v1/events/{id}."""
    del call
    row = world.store.get("stripe.event", key)
    if row is None:
        raise missing("event", key)
    event: Json = json.loads(row["raw"])
    return event
