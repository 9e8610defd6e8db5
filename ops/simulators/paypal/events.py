"""Telling the school what happened, as PayPal's webhooks."""

from __future__ import annotations

import json

from ops.simulators.paypal.objects import find, link, stamp
from ops.simulators.store import Json
from ops.simulators.world import World

_SUMMARIES = {
    "BILLING.SUBSCRIPTION.CREATED": "A billing subscription was created.",
    "BILLING.SUBSCRIPTION.ACTIVATED": "Subscription activated",
    "BILLING.SUBSCRIPTION.RE-ACTIVATED": "A billing agreement was re-activated.",
    "BILLING.SUBSCRIPTION.EXPIRED": "A billing subscription expired.",
    "BILLING.SUBSCRIPTION.UPDATED": "Subscription updated",
    "BILLING.SUBSCRIPTION.CANCELLED": "Subscription cancelled",
    "BILLING.SUBSCRIPTION.SUSPENDED": "A billing subscription was suspended",
    "BILLING.SUBSCRIPTION.PAYMENT.FAILED": "Subscription payment failed",
    "CHECKOUT.ORDER.APPROVED": "An order has been approved by buyer",
    "CHECKOUT.ORDER.COMPLETED": "Checkout Order Completed",
    "CUSTOMER.DISPUTE.CREATED": "A new dispute opened",
}


def emit(
    world: World,
    kind: str,
    resource: Json,
    *,
    resource_type: str,
    version: str | None = None,
    summary: str | None = None,
    quirks: tuple[str, ...] = (),
) -> None:
    """Say one event about ``resource``.

    ``quirks`` reproduce what real deliveries did: ``month_19`` writes an impossible create_time,
    ``shared_event_id`` gives every event of a subscription the same id (gateways.md 2.4).
    """
    event_id = world.outbox.given_id(kind) or world.ids.paypal_event()
    if "shared_event_id" in quirks:
        shared = find(world, "shared_event_id", resource["id"])
        event_id = shared["event"] if shared else event_id
        world.store.put("paypal.shared_event_id", resource["id"], {"event": event_id})
    created = stamp(world).replace("Z", ".000Z")
    if "month_19" in quirks:
        created = f"{created[:4]}-19-{created[8:]}"
    path = f"/v1/notifications/webhooks-events/{event_id}"
    event: Json = {
        "id": event_id,
        "event_version": "1.0",
        "create_time": created,
        "resource_type": resource_type,
    }
    if version is not None:
        event["resource_version"] = version
    event |= {
        "event_type": kind,
        "summary": summary or _SUMMARIES.get(kind, kind),
        "resource": resource,
        "links": [link(world, path, "self"), link(world, f"{path}/resend", "resend", "POST")],
    }
    raw = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    world.outbox.say("paypal", event=event_id, kind=kind, raw=raw, about=str(resource["id"]))
