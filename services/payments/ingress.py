"""The door for gateways: verify, keep, answer; outside the router, because most of what arrives is a webhook.

Everything that is no ``POST /webhooks/<gateway>`` goes on to the application behind.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from services.payments.gateways.gateway import Gateway
from services.payments.inbox import Inbox
from shared.clock import Clock
from shared.errors import Refused, Transient
from shared.events import words
from shared.logs import logger
from shared.metrics import WEBHOOK_SECONDS, WEBHOOKS, WEBHOOKS_REFUSED
from shared.tracing import span

log = logger("payments.ingress")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST: Final = 512 * 1024
"""Bytes; ten times the largest event of either gateway."""

_KEPT: Final = b'{"received":true}'
_TWICE: Final = b'{"received":true,"duplicate":true}'
_JSON: Final = [(b"content-type", b"application/json")]
_PROBLEM: Final = [(b"content-type", b"application/problem+json")]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway is told."""

    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]]


class _Sparing:
    """At most ten lines a second, so that whoever floods the door does not fill the log as well."""

    def __init__(self, most: int = 10) -> None:
        self._most = most
        self._since = 0.0
        self._spoken = 0
        self._unsaid = 0

    def may_speak(self, at: float) -> int | None:
        """How many lines were left out before this one; ``None`` to leave this one out too."""
        if at - self._since >= 1.0:
            self._since, self._spoken = at, 0
        if self._spoken >= self._most:
            self._unsaid += 1
            return None
        self._spoken += 1
        unsaid, self._unsaid = self._unsaid, 0
        return unsaid


class Door:
    """Takes one webhook in: verified, kept, answered."""

    def __init__(
        self,
        gateways: Mapping[words.Gateway, Gateway],
        *,
        inbox: Callable[[], Inbox],
        clock: Clock,
        largest: int = LARGEST,
    ) -> None:
        self.gateways = {f"/webhooks/{name}": gateway for name, gateway in gateways.items()}
        self.largest = largest
        self._inbox = inbox
        self._clock = clock
        self._sparing = _Sparing()

    async def take(self, gateway: Gateway, headers: Mapping[str, str], body: bytes) -> Answer:
        """2xx only when it is kept, or was before."""
        name = str(gateway.name)
        try:
            now = self._clock.now()
            arrived = await gateway.verify(headers, body, now)
            fresh = await self._inbox().keep(arrived, body, now)
        except Refused as error:
            return self.refuse(name, error)
        except Transient as error:
            WEBHOOKS.add(name, "not_kept")
            log.warning("webhook_not_kept", gateway=name, reason=str(error))
            body = _problem(503, "try_again", str(error))
            return Answer(503, body, [*_PROBLEM, (b"retry-after", b"5")])
        WEBHOOKS.add(name, "kept" if fresh else "duplicate")
        return Answer(200, _KEPT if fresh else _TWICE, _JSON)

    def refuse(self, name: str, error: Refused) -> Answer:
        """A 4xx with the reason, counted; a flood of them is counted and not written out line by line."""
        WEBHOOKS.add(name, "refused")
        WEBHOOKS_REFUSED.add(name, error.code)
        unsaid = self._sparing.may_speak(time.monotonic())
        if unsaid is not None:
            log.warning(
                "webhook_refused", gateway=name, status=error.status, reason=str(error), unsaid_before=unsaid
            )
        return Answer(error.status, _problem(error.status, error.code, str(error)), _PROBLEM)


class Ingress:
    """Webhooks first, everything else behind."""

    def __init__(self, app: App, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the application's own life."""
        if scope["type"] == "http" and scope["method"] == "POST":
            gateway = self._door.gateways.get(scope["path"])
            if gateway is not None:
                await self._take(gateway, scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _take(self, gateway: Gateway, scope: Scope, receive: Receive, send: Send) -> None:
        name = str(gateway.name)
        began = time.perf_counter()
        try:
            headers = _headers(scope)
            body = await self._body(headers, receive)
        except Refused as error:
            answer = self._door.refuse(name, error)
        except _GoneError:
            WEBHOOKS.add(name, "gone")
            return
        else:
            with span("webhook", kind="server", root=True, gateway=name) as way:
                answer = await self._door.take(gateway, headers, body)
                way.say(status=answer.status)
        length = (b"content-length", b"%d" % len(answer.body))
        await send(
            {"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, length]}
        )
        await send({"type": "http.response.body", "body": answer.body})
        WEBHOOK_SECONDS.add(name, value=time.perf_counter() - began)

    async def _body(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self._door.largest:
            raise _too_large(self._door.largest)
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _GoneError
            part = message.get("body", b"")
            size += len(part)
            if size > self._door.largest:
                raise _too_large(self._door.largest)
            if not message.get("more_body", False):
                return part if not parts else b"".join([*parts, part])
            parts.append(part)


class _GoneError(Exception):
    """The sender hung up before the body was whole."""


def _headers(scope: Scope) -> dict[str, str]:
    """Header names are lower case in ASGI; a signature header that is there twice is refused."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1")
        if key in found and (key.startswith("paypal-") or key == "stripe-signature"):
            raise Refused(
                f"we could not accept the webhook because its {key} header is there twice",
                status=400,
                code="webhook_refused",
            )
        found[key] = value.decode("latin-1")
    return found


def _too_large(largest: int) -> Refused:
    return Refused(
        f"we could not accept the webhook because its body is larger than {largest} bytes",
        status=413,
        code="webhook_too_large",
    )


def _problem(status: int, code: str, detail: str) -> bytes:
    return json.dumps({"type": "about:blank", "title": code, "status": status, "detail": detail}).encode()
