"""The postman: posts a delivery, and comes back later when nobody said 2xx."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import aiohttp

from ops.simulators.clock import instant
from ops.simulators.store import Json
from ops.simulators.world import World

Letter = tuple[dict[str, str], bytes]
Signer = Callable[[World, Json, Json, Json], Letter]
"""From (world, endpoint, event, delivery) to the headers and the body to post."""

_PATIENCE = timedelta(days=3)
_PAUSES: Mapping[str, tuple[int, ...]] = {
    # Seconds before the next try; the last repeats until three days are over (peers-and-networks 3.3, 3.4).
    "stripe": (300, 1800, 7200, 18000, 36000, 43200),
    "paypal": (120, 300, 600, 1800, 3600, 10800),
}
_MOST_TRIES = {"stripe": 16, "paypal": 25}


class Sender:
    """Delivers webhooks over HTTP; any answer but 2xx is a failure, redirects included."""

    def __init__(self, world: World, signers: Mapping[str, Signer], *, timeout_seconds: float = 20) -> None:
        self._world = world
        self._signers = signers
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, delivery_id: str) -> None:
        """Make one try of a delivery and decide what becomes of it."""
        world = self._world
        delivery = world.store.get("delivery", delivery_id)
        if delivery is None or delivery["state"] != "waiting":
            return
        endpoint = world.store.get("endpoint", delivery["endpoint"])
        event = world.store.get(f"{delivery['gateway']}.event", delivery["event"])
        if endpoint is None or event is None or not endpoint["enabled"]:
            delivery.update({"state": "gave_up", "due": None, "last_error": "the endpoint is gone"})
            world.store.put("delivery", delivery_id, delivery)
            return
        delivery["attempts"] += 1
        if delivery["drop"] > 0:
            delivery["drop"] -= 1
            self._failed(delivery, endpoint, status=None, error="lost on the way")
            return
        headers, body = self._signers[delivery["gateway"]](world, endpoint, event, delivery)
        status, error = await self._post(endpoint["url"], headers, body)
        accepted = status is not None and 200 <= status < 300
        if accepted and delivery["ignore_answers"] > 0:
            delivery["ignore_answers"] -= 1
            self._failed(delivery, endpoint, status=status, error="the answer was lost")
        elif accepted:
            delivery.update({"state": "acknowledged", "due": None, "last_status": status, "last_error": None})
            world.store.put("delivery", delivery_id, delivery)
            self._note("webhook.acknowledged", delivery, status)
        else:
            self._failed(delivery, endpoint, status=status, error=error)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int | None, str | None]:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=64)
            self._session = aiohttp.ClientSession(timeout=self._timeout, connector=connector)
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                text = await answer.text(errors="replace")
                refused = not 200 <= answer.status < 300
                return answer.status, text[:300] if refused else None
        except (TimeoutError, aiohttp.ClientError) as error:
            return None, f"{type(error).__name__}: {error}"

    def _failed(self, delivery: Json, endpoint: Json, *, status: int | None, error: str | None) -> None:
        world, gateway = self._world, delivery["gateway"]
        delivery.update({"last_status": status, "last_error": error})
        pauses = endpoint["retry_seconds"] or _PAUSES[gateway]
        pause = timedelta(seconds=pauses[min(delivery["attempts"], len(pauses)) - 1])
        again = world.clock.now() + pause
        late = again - instant(delivery["said_at"]) > _PATIENCE
        if late or delivery["attempts"] >= _MOST_TRIES[gateway]:
            delivery.update({"state": "gave_up", "due": None})
            world.store.put("delivery", delivery["id"], delivery)
            self._note("webhook.gave_up", delivery, status)
        else:
            world.outbox.again(delivery, again)
            self._note("webhook.failed", delivery, status)

    def _note(self, kind: str, delivery: Json, status: int | None) -> None:
        self._world.journal.note(
            kind,
            delivery=delivery["id"],
            event=delivery["event"],
            type=delivery["type"],
            attempt=delivery["attempts"],
            status=status,
            error=delivery["last_error"],
        )
