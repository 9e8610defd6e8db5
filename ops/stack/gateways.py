"""How a stack and its gateway simulators come to know each other: where webhooks go, and whose signature to trust."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from ops.stack.plan import Plan


def introduce(plan: Plan) -> None:
    """Tell the simulators where the stack listens, and keep the certificates that vouch for them."""
    anchors = plan.folder / "paypal-anchors"
    anchors.mkdir(exist_ok=True)
    for name in ("root", "intermediate"):
        (anchors / f"{name}.pem").write_bytes(_get(plan, f"/_sim/paypal/{name}.pem"))
    control(plan, "/_sim/webhooks", introduction(plan))


def introduction(plan: Plan) -> dict[str, Any]:
    """Where each gateway's webhooks go, and what they are signed with or for."""
    door = plan.url("payments")
    return {
        "stripe": {"url": f"{door}/webhooks/stripe", "secret": plan.secrets["stripe_webhook"]},
        "paypal": {"url": f"{door}/webhooks/paypal", "webhook_id": plan.secrets["paypal_webhook"]},
    }


def control(plan: Plan, path: str, body: Any) -> Any:
    """One POST to the simulators' control API; what it answered.

    Raises:
        urllib.error.HTTPError: it refused; the body says why.
    """
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        plan.url("simulators") + path,
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        return json.loads(answer.read())


def _get(plan: Plan, path: str) -> bytes:
    with urllib.request.urlopen(plan.url("simulators") + path, timeout=10) as answer:  # noqa: S310 - as above
        body: bytes = answer.read()
        return body
