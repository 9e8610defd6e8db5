"""The same key twice is one attempt: what was answered once is answered again."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

from ops.simulators.clock import exact, instant
from ops.simulators.http import Reply
from ops.simulators.store import Json
from ops.simulators.stripe.errors import StripeError
from ops.simulators.world import World

_KEPT = timedelta(hours=24)


def fingerprint(method: str, path: str, params: Json) -> str:
    """What must be the same for a key to be the same request."""
    text = json.dumps([method, path, params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Keys:
    """Stripe's idempotency store: 24 hours, replays, mismatches and requests in flight."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._in_flight: set[str] = set()

    def begin(self, key: str, mark: str) -> Reply | None:
        """The kept answer for ``key``, or None when the work is to be done now.

        Raises StripeError 409 while the first request is in flight, 400 when it was another request.
        """
        if key in self._in_flight:
            message = (
                "There is currently another in-progress request using this Idempotent Key "
                f"(that probably means you submitted twice, and the other request is still going through): {key}."
            )
            raise StripeError(
                409, message, kind="idempotency_error", code="idempotency_key_in_use", kept=False
            )
        row = self._world.store.get("stripe.key", key)
        if row is not None and self._world.clock.now() - instant(row["at"]) > _KEPT:
            self._world.store.drop("stripe.key", key)
            row = None
        if row is None:
            self._in_flight.add(key)
            return None
        if row["mark"] != mark:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used "
                f"with. Try using a key other than '{key}' if you meant to execute a different request."
            )
            raise StripeError(400, message, kind="idempotency_error", kept=False)
        headers = {**row["headers"], "idempotent-replayed": "true", "original-request": row["request"]}
        return Reply(status=row["status"], body=row["body"].encode(), headers=headers)

    def keep(self, key: str, mark: str, reply: Reply, request: str) -> None:
        """Remember the answer for this key."""
        row = {
            "at": exact(self._world.clock.now()),
            "mark": mark,
            "status": reply.status,
            "body": reply.body.decode(),
            "headers": reply.headers,
            "request": request,
        }
        self._world.store.put("stripe.key", key, row)

    def end(self, key: str) -> None:
        """The request is no longer in flight."""
        self._in_flight.discard(key)
