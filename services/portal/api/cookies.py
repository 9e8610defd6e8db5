"""A learner's cookies: scripts do not see them, and other sites do not send them along with their forms."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from services.portal.api.common import COOKIE
from services.portal.domain.doors import SESSION_LIFE
from services.portal.settings import PortalSettings
from shared.pages.headers import Receive, Scope, Send


def cookie_of(settings: PortalSettings, name: str, value: str, *, seconds: int) -> str:
    """The header that sets it."""
    secure = "; Secure" if settings.is_secure else ""
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


class SessionCookie:
    """Wraps the application: a session that was opened or turned (``request.state.cookie``) is sent along."""

    def __init__(self, app: Any, settings: PortalSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def answer(message: MutableMapping[str, Any]) -> None:
            secret = scope.get("state", {}).get("cookie")
            if message["type"] == "http.response.start" and secret:
                life = int(SESSION_LIFE.total_seconds())
                cookie = cookie_of(self._settings, COOKIE, secret, seconds=life)
                message["headers"] = [*message["headers"], (b"set-cookie", cookie.encode())]
            await send(message)

        await self._app(scope, receive, answer)
