"""The simulators' one HTTP door: Stripe, PayPal and the story driver's controls, with faults in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal

from ops.simulators.control.api import ControlApi
from ops.simulators.engine import Engine
from ops.simulators.faults import Fault
from ops.simulators.http import Reply, Request, json_reply
from ops.simulators.paypal import billing
from ops.simulators.paypal import hosted as paypal_pages
from ops.simulators.paypal.api import PayPalApi
from ops.simulators.paypal.pki import Authority
from ops.simulators.paypal.signing import Signer
from ops.simulators.scripts import LineBroke, StillAsking
from ops.simulators.stripe import hosted as stripe_pages
from ops.simulators.stripe import renewals, test_clocks
from ops.simulators.stripe.api import StripeApi
from ops.simulators.stripe.signing import sign as sign_stripe
from ops.simulators.webhooks.sender import Sender
from ops.simulators.world import Settings, World, open_world

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LOCKED = (
    409,
    "invalid_request_error",
    "RESOURCE_CONFLICT",
    "This object cannot be accessed right now because another request is accessing it.",
)
_BEFORE = {"timeout_before", "drop_before", "500_before", "429", "409"}


class Simulator:
    """An ASGI application; ``settings`` say where it keeps its state and which clock it follows."""

    def __init__(self, settings: Settings, *, tick: float | None = None) -> None:
        self.world: World = open_world(settings)
        authority = Authority(settings.data / "paypal-pki", settings.seed)
        signer = Signer(authority)
        sender = Sender(self.world, {"stripe": sign_stripe, "paypal": signer.sign})
        doers = {**renewals.DOERS, **test_clocks.DOERS, **billing.DOERS}
        self.engine = Engine(self.world, doers, sender, tick=tick)
        self._stripe = StripeApi(self.world)
        self._paypal = PayPalApi(self.world, signer)
        self._control = ControlApi(self.world, self.engine, authority)
        self._in_the_air: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI: lifespan and http."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.engine.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.engine.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        room, request = await _read(scope, receive)
        fault = self.world.faults.take(room, request.method, request.path)
        if fault is not None:
            self.world.journal.note("fault", fault=fault.kind, call=f"{request.method} {request.path}")
        answer: Reply | None = None
        if fault is None or fault.kind not in _BEFORE:
            answer = await self._answer_in_time(room, request, fault)
        self.world.keep()
        self.engine.wake()
        if fault is not None:
            answer = await _spoil(fault, answer, receive, send)
        elif answer is None:
            _break_line(send)
        if answer is not None:
            await _write(answer, send)

    async def _answer_in_time(self, room: str, request: Request, fault: Fault | None) -> Reply | None:
        """The answer once the bank gives it; None when a story says that it is lost."""
        key = request.headers.get("idempotency-key") or request.headers.get("paypal-request-id")
        if key is not None and key in self._in_the_air:
            return _error(Fault(gateway=_gateway(room), kind="409"), *_LOCKED)
        scripts, waited_for = self.world.scripts, None
        while True:
            scripts.answer_is_lost, scripts.waited_for = False, waited_for
            try:
                answer = await self._answer(room, request, fault)
            except StillAsking as asking:
                waited_for = asking.answer
                await self._wait(key, asking)
                continue
            except LineBroke:
                return None
            return None if scripts.answer_is_lost else answer

    async def _wait(self, key: str | None, asking: StillAsking) -> None:
        """The bank takes its time; meanwhile the same key is in flight."""
        if key is not None:
            self._in_the_air.add(key)
        try:
            await self.world.wait(asking.wait)
        finally:
            self._in_the_air.discard(key or "")

    async def _answer(self, room: str, request: Request, fault: Fault | None) -> Reply:
        slow = fault.seconds if fault is not None and fault.kind == "slow" else 0
        stored = fault is not None and fault.kind == "500_stored"
        if room == "stripe":
            if request.path.startswith("/hosted/"):
                return stripe_pages.answer(self.world, request)
            return await self._stripe.answer(request, slow_seconds=slow, store_500=stored)
        if room == "paypal":
            if request.path in {paypal_pages.SUBSCRIPTIONS, paypal_pages.ORDERS}:
                return paypal_pages.answer(self.world, request)
            return await self._paypal.answer(request, slow_seconds=slow, store_500=stored)
        if room == "_sim":
            return await self._control.answer(request)
        text = "Nothing here: see /stripe, /paypal and /_sim."
        return json_reply({"error": text}, 404)


def _gateway(room: str) -> Literal["stripe", "paypal"]:
    return "paypal" if room == "paypal" else "stripe"


async def _read(scope: Scope, receive: Receive) -> tuple[str, Request]:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    room, _, rest = scope["path"].lstrip("/").partition("/")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    request = Request(
        method=scope["method"],
        path=f"/{rest}",
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
    )
    return room, request


async def _write(answer: Reply, send: Send) -> None:
    headers = {**answer.headers, "content-length": str(len(answer.body))}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})


async def _spoil(fault: Fault, answer: Reply | None, receive: Receive, send: Send) -> Reply | None:
    """What the caller gets instead of ``answer``; None when the line breaks."""
    if fault.kind in {"timeout_before", "timeout_after"}:
        await _until_gone(receive, fault.seconds)
        _break_line(send)
        return None
    if fault.kind in {"drop_before", "drop_after"}:
        _break_line(send)
        return None
    if fault.kind in {"500_before", "500_after"}:
        return _error(fault, 500, "api_error", "INTERNAL_SERVER_ERROR", "An unknown error occurred")
    if fault.kind == "429":
        return _error(fault, 429, "invalid_request_error", "RATE_LIMIT_REACHED", "Too many requests")
    if fault.kind == "409":
        return _error(fault, *_LOCKED)
    return answer


def _error(fault: Fault, status: int, kind: str, name: str, text: str) -> Reply:
    if fault.gateway == "paypal":
        return json_reply({"name": name, "message": text, "debug_id": "fault0000000", "details": []}, status)
    code = {429: "rate_limit", 409: "lock_timeout"}.get(status)
    error = {"message": text, "type": kind, **({"code": code} if code else {})}
    return json_reply({"error": error}, status).with_headers(request_id="req_fault")


async def _until_gone(receive: Receive, seconds: float) -> None:
    """Say nothing until the caller hangs up, at most ``seconds``."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(gone(), seconds)
    except TimeoutError:
        return


def _break_line(send: Send) -> None:
    """Close the connection without an answer: uvicorn's ``send`` is a method of the request's cycle."""
    cycle = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is None:
        raise RuntimeError("the line can only be broken under uvicorn, without wrapping middleware")
    transport.abort()
