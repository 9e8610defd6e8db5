"""Stripe's front door: who calls, with which key, and what is answered."""

from __future__ import annotations

import asyncio
import base64

from ops.simulators.http import Reply, Request, json_reply
from ops.simulators.store import Json
from ops.simulators.stripe import API_VERSION
from ops.simulators.stripe.call import Call, Handler
from ops.simulators.stripe.errors import StripeError, bad
from ops.simulators.stripe.expand import rendered
from ops.simulators.stripe.forms import decode
from ops.simulators.stripe.idempotency import Keys, fingerprint
from ops.simulators.stripe.params import ALLOWED
from ops.simulators.stripe.routes import ROUTES
from ops.simulators.world import World

_KEY_PREFIXES = ("sk_test_", "rk_test_")


class StripeApi:
    """Answers ``/v1/...`` as Stripe does."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys = Keys(world)

    async def answer(self, request: Request, *, slow_seconds: float = 0, store_500: bool = False) -> Reply:
        """One call. ``slow_seconds`` pass before anything is done, with the idempotency key in flight;
        ``store_500`` does the work and remembers an error for the key.
        """
        request_id = self._world.ids.stripe("req")
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        try:
            self._authenticate(request)
            call = _read(request)
            found = ROUTES.find(request.method, request.path)
            if found is None:
                raise _unrecognised(request)
            if key is None:
                reply = self._do(request, call, found, request_id, key)
            else:
                reply = await self._once(key, request, call, found, request_id, slow_seconds, store_500)
        except StripeError as error:
            reply = _error_reply(error, request_id)
        more = {
            "request-id": request_id,
            "stripe-version": request.headers.get("stripe-version", API_VERSION),
        }
        if key is not None:
            more["idempotency-key"] = key
        headers = (
            {**more, "original-request": request_id, **reply.headers} if key else {**more, **reply.headers}
        )
        return Reply(status=reply.status, body=reply.body, headers=headers)

    async def _once(
        self,
        key: str,
        request: Request,
        call: Call,
        found: tuple[str, Handler, dict[str, str]],
        request_id: str,
        slow_seconds: float,
        store_500: bool,
    ) -> Reply:
        mark = fingerprint(request.method, request.path, call.params)
        kept = self._keys.begin(key, mark)
        if kept is not None:
            self._note(request, kept.status, request_id, key, replayed=True)
            return kept
        try:
            if slow_seconds:
                await asyncio.sleep(slow_seconds)
            try:
                reply = self._do(request, call, found, request_id, key)
            except StripeError as error:
                reply = _error_reply(error, request_id)
                if not error.kept:
                    return reply
            if store_500:
                reply = _error_reply(
                    StripeError(500, "An unknown error occurred", kind="api_error"), request_id
                )
            self._keys.keep(key, mark, reply, request_id)
            return reply
        finally:
            self._keys.end(key)

    def _do(
        self,
        request: Request,
        call: Call,
        found: tuple[str, Handler, dict[str, str]],
        request_id: str,
        key: str | None,
    ) -> Reply:
        route, handler, ids = found
        status = 200
        try:
            _refuse_unknown(route, call)
            with self._world.caused_by(request_id, key):
                obj: Json = handler(self._world, call, **ids)
            return json_reply(rendered(self._world, obj, _expansions(call)), indent=2)
        except StripeError as error:
            status = error.status
            raise
        finally:
            self._note(request, status, request_id, key)

    def _note(
        self, request: Request, status: int, request_id: str, key: str | None, *, replayed: bool = False
    ) -> None:
        if request.method != "GET":
            self._world.journal.note(
                "api.call",
                gateway="stripe",
                call=f"{request.method} {request.path}",
                status=status,
                request=request_id,
                key=key,
                replayed=replayed,
            )

    @staticmethod
    def _authenticate(request: Request) -> None:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        secret = credentials.strip()
        if scheme.lower() == "basic":
            secret = base64.b64decode(secret).decode(errors="replace").split(":", 1)[0]
        if not secret:
            message = "You did not provide an API key. You need to provide your API key in the Authorization header."
            raise StripeError(401, message, kept=False)
        if not secret.startswith(_KEY_PREFIXES):
            raise StripeError(401, f"Invalid API Key provided: {secret[:8]}********", kept=False)


def _read(request: Request) -> Call:
    encoded = request.query if request.method in {"GET", "DELETE"} else request.body.decode(errors="replace")
    return Call(path=request.path, params=decode(encoded))


def _expansions(call: Call) -> list[str]:
    return [str(path) for path in call.many("expand")]


def _refuse_unknown(route: str, call: Call) -> None:
    allowed = ALLOWED.get(route)
    for name in call.params:
        if allowed is not None and name not in allowed and name != "expand":
            raise bad(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")


def _unrecognised(request: Request) -> StripeError:
    message = (
        f"Unrecognized request URL ({request.method}: {request.path}). "
        "Please see https://stripe.com/docs or we can help at https://support.stripe.com/."
    )
    return StripeError(404, message, kept=False)


def _error_reply(error: StripeError, request_id: str) -> Reply:
    body = error.body()
    body["error"]["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
    again = "true" if error.status == 409 else "false"
    return json_reply(body, error.status, indent=2).with_headers(stripe_should_retry=again)
