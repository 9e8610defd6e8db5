"""The doors that ours is compared with: the barest one with the same durable work, and the one everybody writes.

python -m ops.bench.doors bare|usual PORT DSN
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import asyncpg
import httptools
import msgspec
import uvicorn
import uvloop
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ValidationError

from ops.bench.bodies import SECRET
from services.payments.inbox import compress

_SECRET: Final = SECRET.encode()
_ANSWER: Final = (
    b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{"received":true}'
)

PREPARE: Final = """
create schema if not exists bare; create schema if not exists usual;
drop table if exists bare.webhooks; drop table if exists usual.webhooks;
create table bare.webhooks (like payments.webhooks including all);
create table usual.webhooks (id text primary key, type text not null, received_at timestamptz not null,
                             body bytea not null);
"""
_INSERT: Final = """
insert into bare.webhooks (dedupe_key, gateway, kind, transmission, received_at, body)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[])
on conflict do nothing
"""


class _Head(msgspec.Struct):
    id: str
    type: str


_heads: Final = msgspec.json.Decoder(_Head)


def _is_signed(header: bytes, body: bytes) -> bool:
    at, _, sign = header.partition(b",v1=")
    expected = hmac.digest(_SECRET, at[2:] + b"." + body, hashlib.sha256).hex().encode()
    return hmac.compare_digest(expected, sign)


class _Bare(asyncio.Protocol):
    """HTTP straight off the socket; whatever queued while the last INSERT ran is the next."""

    pool: Any
    queue: list[tuple[_Bare, tuple[Any, ...]]]
    writing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._parser = httptools.HttpRequestParser(self)
        self._signature = b""
        self._body: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name == b"Stripe-Signature":
            self._signature = value

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body, self._body = b"".join(self._body), []
        if not _is_signed(self._signature, body):
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            return
        head = _heads.decode(body)
        row = (head.id, "stripe", head.type, None, datetime.now(UTC), compress(body))
        _Bare.queue.append((self, row))
        if not _Bare.writing:
            _Bare.writing = True
            asyncio.get_running_loop().create_task(_Bare.write())

    @staticmethod
    async def write() -> None:
        while _Bare.queue:
            batch, _Bare.queue = _Bare.queue, []
            await _Bare.pool.execute(
                _INSERT, *(list(column) for column in zip(*(row for _, row in batch), strict=True))
            )
            for one, _ in batch:
                one._transport.write(_ANSWER)  # noqa: SLF001 - its own kind
        _Bare.writing = False


async def bare(port: int, dsn: str) -> None:
    """Serve the bare door for ever."""
    _Bare.pool, _Bare.queue = await asyncpg.create_pool(dsn, min_size=1, max_size=2), []
    server = await asyncio.get_running_loop().create_server(_Bare, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


class _Span(BaseModel):
    start: int
    end: int


class _Line(BaseModel):
    id: str
    amount: int
    period: _Span


class _Lines(BaseModel):
    data: list[_Line]


class _SubscriptionDetails(BaseModel):
    subscription: str
    metadata: dict[str, str] | None = None


class _Parent(BaseModel):
    type: str
    subscription_details: _SubscriptionDetails | None = None


class _Transitions(BaseModel):
    finalized_at: int | None = None
    paid_at: int | None = None


class _Invoice(BaseModel):
    """The fields that a dunning service reads."""

    id: str
    status: str | None = None
    currency: str
    created: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    attempt_count: int
    attempted: bool
    auto_advance: bool | None = None
    billing_reason: str | None = None
    customer: str
    customer_email: str | None = None
    hosted_invoice_url: str | None = None
    next_payment_attempt: int | None = None
    period_start: int
    period_end: int
    metadata: dict[str, str] | None = None
    parent: _Parent | None = None
    lines: _Lines
    status_transitions: _Transitions | None = None


class _Data(BaseModel):
    object: _Invoice


class _Event(BaseModel):
    id: str
    type: str
    created: int
    livemode: bool
    data: _Data


class _Received(BaseModel):
    received: bool


async def _pool(request: Request) -> Any:
    return request.app.state.pool


def usual(dsn: str) -> FastAPI:
    """FastAPI as its documentation writes it: a model, dependencies, one INSERT for each webhook on a pool of eight.

    Kinder than most: the SDK's slow parsing is left out.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(dsn, min_size=8, max_size=8)
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/webhooks/stripe")
    async def webhook(
        request: Request, stripe_signature: Annotated[str, Header()], pool: Annotated[Any, Depends(_pool)]
    ) -> _Received:
        body = await request.body()
        if not _is_signed(stripe_signature.encode(), body):
            raise HTTPException(400)
        try:
            event = _Event.model_validate_json(body)
        except ValidationError as error:
            raise HTTPException(422) from error
        await pool.execute(
            "insert into usual.webhooks (id, type, received_at, body) values ($1, $2, $3, $4) on conflict do nothing",
            event.id,
            event.type,
            datetime.now(UTC),
            body,
        )
        return _Received(received=True)

    return app


if __name__ == "__main__":
    _kind, _port, _dsn = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if _kind == "bare":
        uvloop.run(bare(_port, _dsn))
    else:
        uvicorn.run(
            usual(_dsn),
            host="127.0.0.1",
            port=_port,
            loop="uvloop",
            http="httptools",
            access_log=False,
            log_level="error",
        )
