"""What every answer carries: a strict content policy, no framing, no caching of what is somebody's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from services.portal.api.common import COOKIE
from services.portal.domain.doors import SESSION_LIFE
from services.portal.settings import PortalSettings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_FOREVER: Final = b"public, max-age=31536000, immutable"


def policy_of(settings: PortalSettings) -> str:
    """Nothing but our own style and script, and forms that lead to us or to a gateway."""
    targets = " ".join(("'self'", *settings.form_targets))
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; "
        f"connect-src 'self'; form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )


def cookie_of(settings: PortalSettings, name: str, value: str, *, seconds: int) -> str:
    """A cookie that scripts do not see and that other sites do not send along with their forms."""
    secure = "; Secure" if settings.is_secure else ""
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


class Headers:
    """Wraps the application."""

    def __init__(self, app: Any, settings: PortalSettings) -> None:
        self._app = app
        self._settings = settings
        self._common = [
            (b"content-security-policy", policy_of(settings).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
            (b"cross-origin-opener-policy", b"same-origin"),
        ]
        if settings.is_secure:
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
                    good = is_static and message["status"] == 200
                    added.append((b"cache-control", _FOREVER if good else b"no-store"))
                secret = scope.get("state", {}).get("cookie")
                if secret:
                    life = int(SESSION_LIFE.total_seconds())
                    added.append(
                        (b"set-cookie", cookie_of(self._settings, COOKIE, secret, seconds=life).encode())
                    )
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, answer)
