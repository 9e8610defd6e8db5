"""Stripe's signature: ``t=...,v1=hex(hmac-sha256(secret, t.body))``, one v1 per secret while they roll."""

from __future__ import annotations

import hashlib
import hmac
import json

from ops.simulators.clock import unix
from ops.simulators.store import Json
from ops.simulators.stripe.legacy import in_legacy_shape, is_legacy
from ops.simulators.webhooks.sender import Letter
from ops.simulators.world import World

_DAY = 86_400


def sign(world: World, endpoint: Json, event: Json, delivery: Json) -> Letter:
    """Headers and body of one try; each try is dated and signed anew with the services' clock."""
    raw: str = event["raw"]
    if is_legacy(endpoint.get("api_version")):
        raw = json.dumps(in_legacy_shape(world, json.loads(raw), endpoint["api_version"]), indent=2)
    body = raw.encode()
    mode = delivery["signature"]
    shift = {"stale": -_DAY, "future": _DAY}.get(mode, 0)
    at = unix(world.clock.reading()) + shift
    secrets = ["whsec_of_somebody_else"] if mode == "bad" else endpoint["secrets"]
    signatures = [f"v1={_signature(secret, at, body)}" for secret in secrets]
    if mode == "v0_only":
        signatures = [f"v0={_signature(secrets[0], at, body)}"]
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "accept": "*/*; q=0.5, application/xml",
        "cache-control": "no-cache",
        "stripe-signature": ",".join([f"t={at}", *signatures]),
    }
    if mode == "none":
        del headers["stripe-signature"]
    if mode == "mutated":
        body = body.replace(b'"livemode": false', b'"livemode": true', 1)
    return headers, body


def _signature(secret: str, at: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
