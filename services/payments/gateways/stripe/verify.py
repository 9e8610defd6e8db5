"""Is this webhook really Stripe's, and of now? Everything else is refused with its reason (SDK traps: gateways.md 1.3).

The SDK's own ``construct_event`` costs a hundred times this and lets future timestamps and odd bytes pass as
crashes; here every flaw is a Refused 400.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

import msgspec

from services.payments.gateways.refusal import refused
from services.payments.news import Arrived
from shared.events.words import Gateway

TOLERANCE = 300
"""Seconds, into the past and into the future."""


class _Head(msgspec.Struct):
    id: str = ""
    type: str = ""
    object: str = ""


_heads = msgspec.json.Decoder(_Head)


def verify(
    header: str | None, body: bytes, *, secrets: Sequence[bytes], now: datetime, tolerance: int = TOLERANCE
) -> Arrived:
    """Check ``Stripe-Signature`` over the exact bytes and read the event's id and type.

    ``secrets`` are the endpoint's signing secrets; two while one is being replaced. ``now`` is the domain's
    clock: a signature dated before or after it by more than ``tolerance`` seconds is refused.

    Raises:
        Refused: 400.
    """
    if not header:
        raise refused("it carries no Stripe-Signature header: send it from Stripe, or sign it")
    at, signatures = _read(header)
    _check_freshness(at, now, tolerance)
    payload = b"%d." % at + body
    good = False
    for secret in secrets:
        expected = hmac.digest(secret, payload, "sha256").hex().encode()
        for signature in signatures:
            good |= hmac.compare_digest(expected, signature)
    if not good:
        raise refused("no v1 signature fits the body and a secret of this endpoint: check the signing secret")
    return read_head(body)


def read_head(body: bytes) -> Arrived:
    """Id and type of a JSON object; one that is no event has its own bytes for an id."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refused("its body is not UTF-8") from error
    try:
        head = _heads.decode(body)
    except msgspec.ValidationError:
        head = _loose_head(body)
    except msgspec.DecodeError as error:
        raise refused("its body is not JSON") from error
    key = head.id if head.id and head.type else hashlib.sha256(body).hexdigest()
    kind = head.type or head.object or "no event"
    return Arrived(dedupe_key=f"stripe:{key}", gateway=Gateway.STRIPE, kind=kind)


def _loose_head(body: bytes) -> _Head:
    """A JSON value of another form than an event: an object is kept as not ours, anything else is refused."""
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise refused("its body is not JSON") from error
    if not isinstance(found, dict):
        raise refused("its body is JSON but no object")
    return _Head()


def _read(header: str) -> tuple[int, list[bytes]]:
    at: int | None = None
    signatures: list[bytes] = []
    try:
        for part in header.split(","):
            name, _, value = part.strip().partition("=")
            if name == "t":
                if at is not None or not value.isascii() or not value.isdigit() or len(value) > 12:
                    raise refused("its Stripe-Signature header has no single timestamp t=")
                at = int(value)
            elif name == "v1":
                signatures.append(value.encode("ascii"))
    except UnicodeEncodeError as error:
        raise refused("its Stripe-Signature header is not ASCII") from error
    if at is None:
        raise refused("its Stripe-Signature header has no timestamp t=")
    if not signatures:
        raise refused("its Stripe-Signature header has no v1 signature (v0 does not count)")
    return at, signatures


def _check_freshness(at: int, now: datetime, tolerance: int) -> None:
    age = now.timestamp() - at
    if age > tolerance:
        raise refused(
            f"it was signed {age:.0f} s ago, and {tolerance} s are allowed: let Stripe send it again"
        )
    if age < -tolerance:
        raise refused(
            f"it is dated {-age:.0f} s in the future, and {tolerance} s are allowed: check the clocks"
        )
