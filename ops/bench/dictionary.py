"""Webhooks resemble each other: what they share is kept once, in a dictionary that their rows are compressed with.

    python -m ops.bench.dictionary services/payments/webhooks.zdict

It is trained on what the simulators send in a few invented months, never on recorded traffic, so that nobody's
data can be in it. A new dictionary gets a new id and a new file beside the old one: rows name theirs.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import zstandard

from ops.simulators.app import Simulator
from ops.simulators.world import Settings
from shared.clock import FileClock

SIZE: Final = 32 * 1024
_START: Final = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
_HOSTS: Final = ("https://api.paypal.com", "https://api.sandbox.paypal.com")
_ADDRESS: Final = {
    "name": {"full_name": "P Example"},
    "address": {
        "address_line_1": "1 Main Street",
        "address_line_2": "Building 1",
        "admin_area_2": "San Jose",
        "admin_area_1": "CA",
        "postal_code": "95131",
        "country_code": "US",
    },
}


async def simulated_events(learners: int = 14) -> list[tuple[str, str]]:
    """(gateway, body) of everything that simulated learners' months make both gateways say."""
    with tempfile.TemporaryDirectory() as folder:
        clock = FileClock(Path(folder) / "clock", start=_START)
        settings = Settings(
            data=Path(folder) / "data", base_url="http://127.0.0.1:1", clock=clock, clock_owner=True
        )
        app = Simulator(settings)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sim/_sim", timeout=300) as http:
            for number in range(learners):
                await _learner(http, number)
            await http.post("/advance", json={"to": "2026-07-20T00:00:00Z"})
            for number in range(0, learners, 2):
                for action in ("refund", "chargeback", "buyer_suspend", "buyer_cancel"):
                    for name in (f"s{number}", f"p{number}"):
                        with suppress(httpx.HTTPError):
                            await http.post("/act", json={"action": action, "learner": name})
            await http.post("/advance", json={"to": "2026-08-25T00:00:00Z"})
        store: Any = app.world.outbox._store  # noqa: SLF001 - a tool of the same house
        return [
            (gateway, row["raw"])
            for gateway in ("stripe", "paypal")
            for row in store.table(f"{gateway}.event").values()
        ]


async def _learner(http: httpx.AsyncClient, number: int) -> None:
    stripe = {"gateway": "stripe", "learner": f"s{number}", "amount": 2000 + 377 * number}
    paypal = {"gateway": "paypal", "learner": f"p{number}", "amount": 1000 + 1300 * number}
    await http.post("/setup", json={**stripe, "anchor": "2026-01-01T07:00:00Z"})
    await http.post("/setup", json={**paypal, "next_billing": "2026-06-15T11:10:00Z"})
    if number % 2:
        failures = ["insufficient_funds"] * (number % 4 + 1)
        for name in (f"s{number}", f"p{number}"):
            await http.post("/script", json={"learner": name, "outcomes": failures})


def as_sent(gateway: str, body: str, dice: random.Random) -> bytes:
    """A body with a real gateway's addresses; PayPal's fields come in no fixed order and in many currencies."""
    if gateway == "stripe":
        return body.encode()
    event = json.loads(re.sub(r"http://127.0.0.1:\d+/paypal", dice.choice(_HOSTS), body))
    if "subscriber" in event["resource"]:
        event["resource"]["subscriber"]["shipping_address"] = _ADDRESS
    text = json.dumps(_shuffled(event, dice), separators=(",", ":"))
    return text.replace("JPY", dice.choice(("USD", "EUR", "JPY"))).encode()


def _shuffled(value: Any, dice: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        if dice.random() < 0.5:
            dice.shuffle(keys)
        return {key: _shuffled(value[key], dice) for key in keys}
    return [_shuffled(one, dice) for one in value] if isinstance(value, list) else value


def train(bodies: Sequence[bytes], *, number: int = 1) -> bytes:
    """A dictionary for bodies like these; ``number`` is the id that compressed rows carry."""
    return bytes(zstandard.train_dictionary(SIZE, list(bodies), dict_id=number).as_bytes())


def sample(events: list[tuple[str, str]]) -> list[bytes]:
    """Ten of each kind, so that renewals do not crowd out the rest; each of PayPal's in six orders."""
    dice = random.Random(7)  # noqa: S311 - for shuffling, and the same each time
    seen: Counter[str] = Counter()
    bodies = []
    for gateway, body in events:
        event = json.loads(body)
        kind = event.get("type") or event["event_type"]
        seen[kind] += 1
        if seen[kind] <= 10:
            bodies += [as_sent(gateway, body, dice) for _ in range(6 if gateway == "paypal" else 1)]
    return bodies


def main(target: str) -> None:
    """Train and write."""
    bodies = sample(asyncio.run(simulated_events()))
    dictionary = train(bodies)
    Path(target).write_bytes(dictionary)
    print(f"{len(dictionary)} bytes from {len(bodies)} events")


if __name__ == "__main__":
    main(sys.argv[1])
