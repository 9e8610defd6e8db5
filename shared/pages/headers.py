"""What every answer of a page carries: a strict content policy, no framing, no caching of what is somebody's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_FOREVER: Final = b"public, max-age=31536000, immutable"


def policy_of(*, frames: str = "'none'", form_targets: tuple[str, ...] = ()) -> str:
    """Nothing but our own style and script, and forms that lead to us or to ``form_targets``."""
    targets = " ".join(("'self'", *form_targets))
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; "
        f"connect-src 'self'; frame-src {frames}; form-action {targets}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


class Headers:
    """Wraps the application; what an answer says by itself stays. ``/static/`` may be kept for ever."""

    def __init__(self, app: Any, *, policy: str, is_secure: bool) -> None:
        self._app = app
        self._common = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]
        if is_secure:
            self._common.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_static = scope["path"].startswith("/static/")

        async def answer(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                added = [pair for pair in self._common if pair[0] not in present]
                if b"cache-control" not in present:
                    is_good = is_static and message["status"] == 200
                    added.append((b"cache-control", _FOREVER if is_good else b"no-store"))
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, answer)
