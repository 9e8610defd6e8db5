"""PayPal's webhook side as an API: listeners, past events, resending and verification by post-back."""

from __future__ import annotations

import json

from ops.simulators.clock import instant
from ops.simulators.paypal.call import Answer, Call
from ops.simulators.paypal.errors import malformed, not_found
from ops.simulators.paypal.objects import link
from ops.simulators.store import Json
from ops.simulators.world import World


def create_webhook(world: World, call: Call) -> Answer:
    """POST /v1/notifications/webhooks."""
    types = [row["name"] for row in call.body.get("event_types") or []]
    if not types:
        raise malformed("event_types")
    key = world.ids.paypal("webhook")
    world.outbox.listen("paypal", key, call.need("url"), webhook_id=key, events=types)
    return 201, _webhook(world, key)


def _webhook(world: World, key: str) -> Json:
    endpoint = world.store.table("endpoint")[key]
    return {
        "id": endpoint["webhook_id"],
        "url": endpoint["url"],
        "event_types": [{"name": name} for name in endpoint["events"]],
        "links": [link(world, f"/v1/notifications/webhooks/{endpoint['webhook_id']}", "self")],
    }


def list_webhooks(world: World, call: Call) -> Answer:
    """GET /v1/notifications/webhooks."""
    del call
    return 200, {"webhooks": [_webhook(world, row["id"]) for row in world.outbox.endpoints("paypal")]}


def list_events(world: World, call: Call) -> Answer:
    """GET /v1/notifications/webhooks-events?start_time&end_time&event_type&page_size, newest first."""
    rows = list(world.store.table("paypal.event").values())
    if kind := call.args.get("event_type"):
        rows = [row for row in rows if row["type"] == kind]
    if start := call.args.get("start_time"):
        rows = [row for row in rows if instant(row["at"]) >= instant(start)]
    if end := call.args.get("end_time"):
        rows = [row for row in rows if instant(row["at"]) <= instant(end)]
    size = int(call.args.get("page_size", "10"))
    found = [json.loads(row["raw"]) for row in reversed(rows)][:size]
    return 200, {
        "events": found,
        "count": len(found),
        "links": [link(world, "/v1/notifications/webhooks-events", "self")],
    }


def get_event(world: World, call: Call, key: str) -> Answer:
    """GET /v1/notifications/webhooks-events/{id}."""
    del call
    row = world.store.get("paypal.event", key)
    if row is None:
        raise not_found(key)
    return 200, json.loads(row["raw"])


def resend_event(world: World, call: Call, key: str) -> Answer:
    """POST /v1/notifications/webhooks-events/{id}/resend: a new transmission of the same body."""
    wanted = set(call.body.get("webhook_ids") or [])
    found = world.outbox.deliveries(gateway="paypal", event=key)
    if not found:
        raise not_found(key)
    for delivery in found[:1] if not wanted else found:
        endpoint = world.store.get("endpoint", delivery["endpoint"]) or {}
        if not wanted or endpoint.get("webhook_id") in wanted:
            world.outbox.resend(delivery)
    return 202, json.loads(world.store.table("paypal.event")[key]["raw"])
