"""An OpenID Connect provider on loopback, over real HTTP: keys that change, codes that work once, and lies on request."""

from __future__ import annotations

import json
import threading
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from shared.pages.secrets import new_secret

CLIENT, SECRET = "relance-desk", "a client's secret"


class Provider:
    """``claims`` go into every token; ``lie`` changes the claims of the next one."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.issuer = ""
        self.calls_itself = ""
        self.keys: list[RSAKey] = []
        self.rotate()
        self.claims: dict[str, Any] = {"email_verified": True, "sub": "subject-1"}
        self.lie: dict[str, Any] = {}
        self.forge: Callable[[dict[str, Any]], str] | None = None
        self.codes: dict[str, dict[str, str]] = {}

    def rotate(self) -> None:
        """Another key from now on; the old one is published no more."""
        self.keys = [RSAKey.generate_key(2048, {"kid": f"key-{len(self.keys)}-{id(object())}", "use": "sig"})]

    def approve(self, address: str) -> tuple[str, str]:
        """Somebody signed in there: the state and the code with which the browser comes back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = new_secret()
        self.codes[code] = asked
        return asked["state"], code

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.calls_itself or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def published(self) -> dict[str, Any]:
        return dict(KeySet([*self.keys]).as_dict(private=False))

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        shown = b64decode(authorization.removeprefix("Basic ")).decode()
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = (
            urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        )
        is_right = (
            asked is not None
            and unquote(shown) == f"{CLIENT}:{SECRET}"
            and asked["code_challenge"] == challenge
            and asked["redirect_uri"] == form["redirect_uri"]
        )
        if not is_right or asked is None:
            return 400, {"error": "invalid_grant"}
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": self.now(),
            "exp": self.now() + 300,
            "nonce": asked["nonce"],
            **self.claims,
            **self.lie,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        self.lie = {}
        if self.forge is not None:
            return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.forge(claims)}
        signed = jwt.encode({"alg": "RS256", "kid": self.keys[0].kid}, claims, self.keys[0])
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": signed}


@contextmanager
def provider_on_loopback(now: Callable[[], int]) -> Iterator[Provider]:
    """A provider that answers until the block ends."""
    provider = Provider(now)

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {"/.well-known/openid-configuration": provider.discovery, "/keys": provider.published}
            self._answer(200, pages[self.path]())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*provider.token(form, self.headers.get("authorization", "")))

        def _answer(self, status: int, told: dict[str, Any]) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    yield provider
    server.shutdown()
    thread.join()
    server.server_close()
