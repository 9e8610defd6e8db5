"""Around every API: how long each route took, a span for each request, and ``/metrics`` for Prometheus."""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from shared.meters import CONTENT_TYPE, exposition
from shared.metrics import HTTP_SECONDS
from shared.settings import Settings
from shared.tracing import span

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_QUIET: Final = ("/health", "/ready", "/static/")
"""What machines and browsers ask all the time: measured, not followed."""

NOT_SHOWN: Final = (
    b"we could not show the metrics because the Authorization header does not show this installation's token: "
    b"set RELANCE_METRICS_TOKEN, and let Prometheus show it as a bearer token\n"
)


def may_scrape(settings: Settings, authorization: str) -> bool:
    """Whether whoever asks may see the metrics: with the token, or in test mode when there is none."""
    token = settings.metrics_token.get_secret_value()
    if not token:
        return settings.mode == "test"
    return hmac.compare_digest(f"Bearer {token}".encode(), authorization.encode())


class Watching:
    """Wraps the application. A request that never ends (a page that renews itself) counts until it is answered."""

    def __init__(self, app: App, *, service: str, settings: Settings) -> None:
        self._app = app
        self._service = service
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the application's own life."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == "/metrics" and scope["method"] == "GET":
            await self._show(scope, send)
        elif scope["path"].startswith(_QUIET):
            await self._measured(scope, receive, send)
        else:
            with span("http", kind="server", root=True, method=scope["method"]) as way:
                status = await self._measured(scope, receive, send)
                way.say(route=_route(scope), status=status)

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> int:
        began = time.perf_counter()
        status = 500
        seconds = 0.0

        async def answering(message: MutableMapping[str, Any]) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.perf_counter() - began
            await send(message)

        try:
            await self._app(scope, receive, answering)
        finally:
            HTTP_SECONDS.add(
                self._service,
                scope["method"],
                _route(scope),
                f"{status // 100}xx",
                value=seconds or time.perf_counter() - began,
            )
        return status

    async def _show(self, scope: Scope, send: Send) -> None:
        shown = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if may_scrape(self._settings, shown.decode("latin-1")):
            status, kind, body = 200, CONTENT_TYPE, exposition()
        else:
            status, kind, body = 401, "text/plain; charset=utf-8", NOT_SHOWN
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _route(scope: Scope) -> str:
    """The route as it was declared; ``none`` for what none of ours is."""
    if scope["path"].startswith("/static/"):
        return "/static"
    return getattr(scope.get("route"), "path", None) or "none"
