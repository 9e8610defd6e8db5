"""PayPal's front door: tokens, request ids, and what is answered."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

from ops.simulators.clock import exact, instant
from ops.simulators.http import Reply, Request, json_reply
from ops.simulators.paypal.call import Call, Handler
from ops.simulators.paypal.errors import PayPalError
from ops.simulators.paypal.routes import KEPT_HOURS, ROUTES
from ops.simulators.paypal.signing import Signer
from ops.simulators.store import Json
from ops.simulators.world import World

_CERTS = "/v1/notifications/certs/"
_VERIFY = "/v1/notifications/verify-webhook-signature"
_EXPIRES_SECONDS = 32400
_REFUSED_SECRETS = frozenset({"wrong"})


class PayPalApi:
    """Answers ``/v1/...`` and ``/v2/...`` as PayPal does."""

    def __init__(self, world: World, signer: Signer) -> None:
        self._world = world
        self._signer = signer
        self._in_flight: set[str] = set()

    async def answer(self, request: Request, *, slow_seconds: float = 0, store_500: bool = False) -> Reply:
        """One call; ``slow_seconds`` pass before anything is done, ``store_500`` remembers an error."""
        debug_id = self._world.ids.paypal("debug")[:13].lower()
        try:
            reply = await self._answer(request, slow_seconds=slow_seconds, store_500=store_500)
        except PayPalError as error:
            reply = json_reply(error.body(debug_id), error.status)
            self._note(request, error.status)
        return reply.with_headers(paypal_debug_id=debug_id)

    async def _answer(self, request: Request, *, slow_seconds: float, store_500: bool) -> Reply:
        if request.path == "/v1/oauth2/token":
            return self._token(request)
        if request.method == "GET" and request.path.startswith(_CERTS):
            pem = self._signer.certificate(self._world, request.path.removeprefix(_CERTS))
            if pem is None:
                raise PayPalError(404, "INVALID_RESOURCE_ID", "There is no such certificate.")
            return Reply(body=pem, headers={"content-type": "application/x-pem-file"})
        if (denied := self._denied(request)) is not None:
            return denied
        if request.path == _VERIFY and request.method == "POST":
            genuine = self._signer.verifies(self._world, _checked(request))
            return json_reply({"verification_status": "SUCCESS" if genuine else "FAILURE"})
        found = ROUTES.find(request.method, request.path)
        if found is None:
            raise PayPalError(404, "INVALID_RESOURCE_ID", f"There is nothing at {request.path}.")
        call = _read(request)
        request_id = request.headers.get("paypal-request-id")
        hours = KEPT_HOURS.get(found[0])
        if request_id is None or hours is None:
            if slow_seconds:
                await asyncio.sleep(slow_seconds)
            return self._do(request, call, found)
        return await self._once(
            f"{found[0]} {request_id}", request, call, found, hours, slow_seconds, store_500
        )

    async def _once(
        self,
        key: str,
        request: Request,
        call: Call,
        found: tuple[str, Handler, dict[str, str]],
        hours: int,
        slow_seconds: float,
        store_500: bool,
    ) -> Reply:
        store, now = self._world.store, self._world.clock.now()
        row = store.get("paypal.request", key)
        if row is not None and now - instant(row["at"]) <= timedelta(hours=hours):
            return Reply(status=row["status"], body=row["body"].encode(), headers=row["headers"])
        if key in self._in_flight:
            text = "A previous request on this resource is currently in progress."
            raise PayPalError(409, "PREVIOUS_REQUEST_IN_PROGRESS", text)
        self._in_flight.add(key)
        try:
            if slow_seconds:
                await asyncio.sleep(slow_seconds)
            reply = self._do(request, call, found)
            if store_500:
                error = PayPalError(500, "INTERNAL_SERVICE_ERROR", "An internal service error has occurred.")
                reply = json_reply(error.body("stored"), 500)
            body = {"status": reply.status, "body": reply.body.decode(), "headers": reply.headers}
            store.put("paypal.request", key, {"at": exact(now), **body})
            return reply
        finally:
            self._in_flight.discard(key)

    def _do(self, request: Request, call: Call, found: tuple[str, Handler, dict[str, str]]) -> Reply:
        _, handler, ids = found
        status, body = handler(self._world, call, **ids)
        self._note(request, status)
        return Reply(status=status) if body is None else json_reply(body, status)

    def _note(self, request: Request, status: int) -> None:
        if request.method != "GET":
            self._world.journal.note(
                "api.call",
                gateway="paypal",
                call=f"{request.method} {request.path}",
                status=status,
                key=request.headers.get("paypal-request-id"),
            )

    def _token(self, request: Request) -> Reply:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        client, _, secret = _decoded(credentials).partition(":")
        if scheme.lower() != "basic" or not client or not secret or secret in _REFUSED_SECRETS:
            error = {"error": "invalid_client", "error_description": "Client Authentication failed"}
            return json_reply(error, 401)
        if request.form().get("grant_type") not in {"client_credentials", "refresh_token"}:
            error = {"error": "unsupported_grant_type", "error_description": "Grant Type is NULL"}
            return json_reply(error, 400)
        token = f"A21AA{self._world.ids.paypal('token')}{self._world.ids.paypal('token')}"
        self._world.store.put("paypal.token", token, {"client": client})
        return json_reply(
            {
                "scope": "https://uri.paypal.com/services/subscriptions https://api.paypal.com/v1/payments/.*",
                "access_token": token,
                "token_type": "Bearer",
                "app_id": "APP-80W284485P519543T",
                "expires_in": _EXPIRES_SECONDS,
                "nonce": f"nonce-{token[-8:]}",
            }
        )

    def _denied(self, request: Request) -> Reply | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._world.store.get("paypal.token", token.strip()):
            return None
        error = {"error": "invalid_token", "error_description": "Token signature verification failed"}
        return json_reply(error, 401)


def revoke_tokens(world: World) -> int:
    """Make every token given out so far invalid; answers how many."""
    tokens = list(world.store.table("paypal.token"))
    for token in tokens:
        world.store.drop("paypal.token", token)
    return len(tokens)


def _decoded(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode()
    except ValueError:
        return ""


def _checked(request: Request) -> bytes:
    """The raw JSON body; 415 and 400 as PayPal answers them."""
    if request.body and not request.headers.get("content-type", "").startswith("application/json"):
        text = "The request payload must be application/json."
        raise PayPalError(415, "UNSUPPORTED_MEDIA_TYPE", text)
    try:
        json.loads(request.body or b"{}")
    except ValueError as error:
        raise PayPalError(400, "MALFORMED_REQUEST_JSON", "The request JSON is not well formed.") from error
    return request.body


def _read(request: Request) -> Call:
    value: Any = json.loads(_checked(request) or b"{}")
    body: Json = value if isinstance(value, dict) else {"operations": value}
    full = "return=representation" in request.headers.get("prefer", "")
    return Call(body=body, args=request.args(), raw=request.body, full_representation=full)
