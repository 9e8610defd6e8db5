"""Telling the school what happened, as Stripe's snapshot events."""

from __future__ import annotations

import copy
import json
from typing import Any

from ops.simulators.store import Json
from ops.simulators.stripe import API_VERSION
from ops.simulators.stripe.objects import now
from ops.simulators.world import World


def emit(world: World, kind: str, obj: Json, *, previous: Json | None = None) -> None:
    """Say one event about ``obj`` as it is now."""
    data: Json = {"object": obj}
    if previous is not None:
        data["previous_attributes"] = previous
    event: Json = {
        "id": world.outbox.given_id(kind) or world.ids.stripe("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": now(world),
        "data": data,
        "livemode": False,
        "pending_webhooks": len(world.outbox.endpoints("stripe")),
        "request": {
            "id": world.cause.request_id,
            "idempotency_key": world.cause.idempotency_key,
        },
        "type": kind,
    }
    raw = json.dumps(event, indent=2, ensure_ascii=False)
    world.outbox.say("stripe", event=event["id"], kind=kind, raw=raw, about=obj["id"])


def before(obj: Json) -> Json:
    """A copy of an object, to tell later what changed."""
    return copy.deepcopy(obj)


def emit_change(world: World, kind: str, old: Json, new: Json) -> None:
    """Say an ``updated`` event with ``previous_attributes``; nothing when nothing changed."""
    previous = _difference(old, new)
    if previous:
        emit(world, kind, new, previous=previous)


def _difference(old: Json, new: Json) -> Json:
    changed: Json = {}
    for name in new:
        was: Any = old.get(name)
        if was == new[name]:
            continue
        if isinstance(was, dict) and isinstance(new[name], dict):
            nested = _difference(was, new[name])
            # A key that is new has the previous value null, as at Stripe.
            changed[name] = nested or was
        else:
            changed[name] = was
    return changed
