"""What gateways really sent is accepted at a running door, and nothing is done on a forged word."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ops.stack.engine import StackEngine
    from ops.stack.running import RunningStack
    from ops.stories.engine import Answer

pytestmark = [pytest.mark.embedded, pytest.mark.postgres, pytest.mark.timeout(300)]

PAYPAL = (
    "billing.subscription.activated",
    "billing.subscription.cancelled",
    "billing.subscription.created",
    "billing.subscription.payment.failed",
    "payment.capture.completed",
    "payment.sale.completed",
    "payment.sale.refunded",
)
LATER = datetime.fromisoformat("2026-05-01T12:00:00+00:00")


async def post_paypal(engine: StackEngine, told: dict[str, Any]) -> Answer:
    at = datetime.fromisoformat(told["headers"]["paypal-transmission-time"])
    await engine.open(at + timedelta(seconds=2))
    headers = {name: value for name, value in told["headers"].items() if name != "content-length"}
    return await engine.call(
        "payments", "POST", "/webhooks/paypal", raw=told["body_utf8"].encode(), headers=headers
    )


async def kept(engine: StackEngine) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await engine.call("payments", "GET", "/webhooks")).body
    return rows


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", PAYPAL)
async def test_what_paypal_really_sent_is_accepted_and_read(
    engine: StackEngine, fixtures: Path, name: str
) -> None:
    answer = await post_paypal(engine, load(fixtures / "paypal" / "signed_live_simulator" / f"{name}.json"))

    assert (answer.status, answer.body) == (200, {"received": True})
    (row,) = await kept(engine)
    assert row["kind"] == name.upper()
    # PayPal's books here know nothing of it: a hint that they do not confirm is refused, the others are not ours.
    assert row["state"] in {"not_ours", "refused"}
    assert row["state"] == "not_ours" or "does not confirm" in row["reason"]


async def test_every_recorded_delivery_of_paypal_is_tried(fixtures: Path) -> None:
    there = {path.stem for path in (fixtures / "paypal" / "signed_live_simulator").glob("*.json")}

    assert there == set(PAYPAL)


async def test_another_body_of_the_same_checksum_moves_nothing(engine: StackEngine, fixtures: Path) -> None:
    forged = load(
        fixtures / "paypal" / "constructed_negative" / "payment.sale.completed.crc32-collision.json"
    )

    answer = await post_paypal(engine, forged)

    assert answer.status == 200
    (row,) = await kept(engine)
    assert (row["state"], "does not confirm" in row["reason"]) == ("refused", True)
    assert [told.envelope.type for told in (await engine.seen()).facts] == []


NOT_TOLD = {"not_ours", "waiting", "refused"}
EVENT_OF = {
    "invoice": "invoice.payment_failed",
    "invoice_payment": "invoice_payment.paid",
    "subscription": "customer.subscription.updated",
    "subscription_item": "customer.subscription.item.updated",
    "payment_intent": "payment_intent.payment_failed",
    "charge": "charge.failed",
    "setup_intent": "setup_intent.succeeded",
    "payment_method": "payment_method.automatically_updated",
}


def stripe_events(fixtures: Path) -> dict[str, bytes]:
    """Every recorded object of Stripe, as the event that would bring it where it is not one already."""
    found: dict[str, bytes] = {}
    for path in sorted((fixtures / "stripe").rglob("*.json")):
        recorded = load(path)
        name = f"{path.parent.name}/{path.stem}"
        if recorded.get("object") == "event":
            found[name] = path.read_bytes()
        elif path.parent.name == "openapi":
            for kind, one in recorded.items():
                found[f"{name}/{kind}"] = event(f"{name}/{kind}", one)
        elif "error" in recorded:
            found[name] = event(name, recorded["error"]["payment_intent"])
        elif isinstance(recorded["object"], dict):
            found[name] = event(name, recorded["object"], recorded.get("previous_attributes"))
        else:
            found[name] = event(name, recorded)
    return found


def event(name: str, object: dict[str, Any], previous_attributes: Any = None) -> bytes:
    data = {"object": object, **({"previous_attributes": previous_attributes} if previous_attributes else {})}
    kind = EVENT_OF.get(object["object"], f"{object['object']}.updated")
    told = {"id": f"evt_{name}", "object": "event", "type": kind, "created": 1771896039, "data": data}
    return json.dumps(told).encode()


def signature(stack: RunningStack, body: bytes, at: datetime) -> dict[str, str]:
    secret = stack.plan.secrets["stripe_webhook"].encode()
    stamp = int(at.timestamp())
    signed = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={stamp},v1={signed}", "content-type": "application/json"}


async def test_every_recorded_object_of_stripe_is_accepted_and_told_or_named(
    engine: StackEngine, stack: RunningStack, fixtures: Path
) -> None:
    bodies = stripe_events(fixtures)
    assert len(bodies) >= 20
    await engine.open(LATER)
    for name, body in bodies.items():
        answer = await engine.lines.knock(
            "payments", "POST", "/webhooks/stripe", raw=body, headers=signature(stack, body, LATER)
        )
        assert answer.status == 200, (name, answer.body)
    await engine.live_until(LATER + timedelta(seconds=5))

    rows = await kept(engine)
    # Nobody registered these subscriptions: what is ours waits for them, and what Stripe's books here do not
    # know is not believed.
    assert len(rows) == len(bodies)
    odd = {row["dedupe_key"]: row["reason"] for row in rows if row["state"] not in NOT_TOLD}
    assert odd == {}
    assert all(row["reason"] for row in rows)


BAD = {
    "unsigned": 400,
    "mutated": 400,
    "stale": 400,
    "future": 400,
    "not utf-8": 400,
    "not json": 400,
    "oversized": 413,
}


@pytest.mark.parametrize("how", BAD)
@pytest.mark.parametrize("gateway", ["stripe", "paypal"])
async def test_a_bad_webhook_is_refused_with_a_reason_and_nothing_is_kept(
    engine: StackEngine, stack: RunningStack, fixtures: Path, how: str, gateway: str
) -> None:
    log = stack.folder / "logs" / "payments-api.log"
    before = log.stat().st_size
    body, headers, at = bad(stack, fixtures, how, gateway)
    await engine.open(at)

    answer = await engine.call("payments", "POST", f"/webhooks/{gateway}", raw=body, headers=headers)

    assert answer.status == BAD[how], answer.body
    assert answer.body["detail"].startswith("we could not")
    assert await kept(engine) == []
    with log.open("rb") as said:
        said.seek(before)
        assert b"Traceback" not in said.read()


def bad(
    stack: RunningStack, fixtures: Path, how: str, gateway: str
) -> tuple[bytes, dict[str, str], datetime]:
    """A webhook that is wrong in one way, and the instant at which it comes."""
    body, headers, at = good(stack, fixtures, gateway)
    match how:
        case "unsigned":
            headers = {"content-type": "application/json"}
        case "mutated":
            body = body.replace(b"a", b"b", 1)
        case "stale":
            at += timedelta(days=5)
        case "future":
            at -= timedelta(days=5)
        case "not utf-8":
            body = b"\xff\xfe" + body
            headers = signature(stack, body, at) if gateway == "stripe" else headers
        case "not json":
            body = b"{" + body
            headers = signature(stack, body, at) if gateway == "stripe" else headers
        case _:
            body = body + b" " * (600 * 1024)
            headers = signature(stack, body, at) if gateway == "stripe" else headers
    return body, headers, at


def good(stack: RunningStack, fixtures: Path, gateway: str) -> tuple[bytes, dict[str, str], datetime]:
    if gateway == "stripe":
        body = event("invoice.paid", {"id": "in_1", "object": "invoice"})
        return body, signature(stack, body, LATER), LATER
    told = load(fixtures / "paypal" / "signed_live_simulator" / "payment.sale.completed.json")
    headers = {name: value for name, value in told["headers"].items() if name != "content-length"}
    at = datetime.fromisoformat(headers["paypal-transmission-time"])
    return told["body_utf8"].encode(), headers, at
