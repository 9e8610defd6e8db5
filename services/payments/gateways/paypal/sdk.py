"""PayPal's own SDK, with what it lacks: a timeout, one token for all threads, kept connections, a second token.

The SDK is used unmodified; this subclass overrides ``execute`` (gateways.md 2.3, defects 1 to 3).
"""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass, field
from typing import Any

import requests
from paypalcheckoutsdk.core import AccessTokenRequest, PayPalEnvironment, PayPalHttpClient
from paypalhttp import HttpError


@dataclass(slots=True, kw_only=True)
class Ask:
    """A request of the kind the SDK executes."""

    verb: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Status and exact body of an answer."""

    status: int
    body: bytes


class Client(PayPalHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Thread-safe; raises ``HttpError`` for an answer that is no 2xx and ``requests`` errors for none at all."""

    def __init__(self, environment: Any, *, timeout: tuple[float, float]) -> None:
        super().__init__(environment)
        self._timeout = timeout
        self._token_lock = threading.RLock()
        self._local = threading.local()

    def execute(self, request: Any) -> Any:
        """One call; a token that PayPal no longer takes is replaced once."""
        try:
            return self._execute(request)
        except HttpError as error:
            if error.status_code != 401 or isinstance(request, AccessTokenRequest):
                raise
            with self._token_lock:
                self._access_token = None
            return self._execute(request)

    def _execute(self, request: Any) -> Any:
        asked = copy.deepcopy(request)
        with self._token_lock:  # the SDK's own injector fetches the token: one thread at a time
            for injector in self._injectors:
                injector(asked)
        lowered = self.format_headers(asked.headers)
        lowered.setdefault("user-agent", self.get_user_agent())
        data = None
        if asked.body is not None:
            asked.headers = lowered
            data = self.encoder.serialize_request(asked)
            lowered = asked.headers
        answer = self._session().request(
            asked.verb,
            self.environment.base_url + asked.path,
            headers=lowered,
            data=data,
            timeout=self._timeout,
            allow_redirects=False,
        )
        if isinstance(request, AccessTokenRequest):
            return self.parse_response(answer)
        if 200 <= answer.status_code <= 299:
            return Reply(status=answer.status_code, body=answer.content)
        raise HttpError(answer.text, answer.status_code, answer.headers)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
        return session


def environment(client_id: str, secret: str, *, live: bool, base_url: str | None) -> Any:
    """PayPal live, its sandbox, or a simulator's address."""
    api = PayPalEnvironment.LIVE_API_URL if live else PayPalEnvironment.SANDBOX_API_URL
    web = PayPalEnvironment.LIVE_WEB_URL if live else PayPalEnvironment.SANDBOX_WEB_URL
    return PayPalEnvironment(client_id, secret, base_url or api, web)
