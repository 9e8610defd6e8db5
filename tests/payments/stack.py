"""Payments over a real PostgreSQL with its front door, its translator and its errands, in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from services.payments import api, app
from services.payments.api.registry import register
from services.payments.app import SERVICE
from services.payments.domain.state import Registration
from services.payments.gateways.gateway import Gateway
from services.payments.inbox import Inbox
from services.payments.ingress import Door
from services.payments.sealing import Sealer
from services.payments.settings import PaymentsSettings
from services.payments.translator import Translator
from shared.clock import Clock
from shared.database import PgStore, open_pool
from shared.errands import run_due_errands
from shared.events import Fact, payments, words
from shared.events.wire import from_bytes, to_bytes, wrap
from shared.hearing import hear
from shared.migrate import migrate
from shared.shelf import Message
from shared.transactions import Transactions
from tests.payments.conftest import KEY, SCHOOLS, stripe_signature


class Stack:
    """What a test does with payments: post, translate, hear, run errands, look."""

    def __init__(self, pool: Any, clock: Clock, gateways: Mapping[words.Gateway, Gateway]) -> None:
        self.pool = pool
        self.clock = clock
        self.gateways = dict(gateways)
        self.store = PgStore(pool, SERVICE.name)
        self.transactions = Transactions(SERVICE, self.store, clock)
        self.inbox = Inbox(pool, sealer=Sealer(self.transactions))
        self.translator = Translator(self.inbox, self.transactions, self.gateways)
        settings = PaymentsSettings(mode="test", api_keys=SecretStr(KEY))
        door = Door(self.gateways, inbox=lambda: self.inbox, clock=clock, largest=64 * 1024)
        self.app = api.build_api(
            settings,
            gateways=self.gateways,
            door=door,
            public_url="https://pay.example",
            transactions=self.transactions,
        )
        self.app.state.inbox = self.inbox
        self._offset = 0
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app),
            base_url="http://payments",
            headers={"X-Relance-Key": KEY},
        )

    async def hear(self, *facts: Fact) -> None:
        """Facts arrive as messages."""
        messages = []
        for fact in facts:
            self._offset += 1
            envelope = wrap(fact, cause=None, recorded_at=self.clock.now())
            message = Message(
                topic=envelope.topic, partition=0, offset=self._offset, key=None, value=to_bytes(envelope)
            )
            messages.append(message)
        heard = await hear(SERVICE, self.store, self.clock, messages)
        assert heard.parked == []

    async def register(self, *registrations: Registration) -> None:
        for registration in registrations:
            async with self.transactions() as unit:
                registered = await register(unit, registration)
            await self.inbox.wake([reference.key for reference in registered.references])

    async def post_stripe(self, body: bytes, signature: str | None = None) -> httpx.Response:
        """A webhook as Stripe would post it now."""
        header = stripe_signature(body, self.clock.now()) if signature is None else signature
        return await self.http.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": header})

    async def translate(self) -> int:
        """Empty the letter box once."""
        return await self.translator.translate_due()

    async def work(self) -> None:
        """Translate and run errands until nothing is due."""
        for _ in range(20):
            done = await self.translate()
            done += await run_due_errands(SERVICE, self.store, self.gateways, self.clock)
            if not done:
                return

    async def rows(self) -> list[dict[str, Any]]:
        """Every webhook, in order of arrival."""
        rows = await self.pool.fetch("select * from payments.webhooks order by received_at, dedupe_key")
        return [dict(row) for row in rows]

    async def states(self) -> dict[str, str]:
        """Kind of webhook -> state."""
        return {row["kind"]: row["state"] for row in await self.rows()}

    async def facts(self, kind: type[Any] | None = None) -> list[Any]:
        """What payments said, in order, registrations apart."""
        rows = await self.pool.fetch("select value from payments.journal order by seq")
        found = [from_bytes(row["value"]).fact for row in rows]
        if kind is not None:
            return [fact for fact in found if type(fact) is kind]
        return [fact for fact in found if not isinstance(fact, payments.SubscriptionRegistered)]

    async def words(self) -> list[str]:
        return [type(fact).__name__ for fact in await self.facts()]


@asynccontextmanager
async def stack_on(dsn: str, clock: Clock, gateways: Mapping[words.Gateway, Gateway]) -> AsyncIterator[Stack]:
    """A migrated, empty payments with both schools known."""
    pool = await open_pool(dsn, size=6, name="payments tests")
    await migrate(pool, SERVICE, Path(app.__file__).with_name("migrations"))
    tables = ["webhooks", "journal", "heard", "errands", *(table.name for table in SERVICE.tables)]
    await pool.execute(f"truncate {', '.join(f'payments.{name}' for name in tables)}")
    stack = Stack(pool, clock, gateways)
    try:
        await stack.hear(*SCHOOLS)
        yield stack
    finally:
        await stack.http.aclose()
        for gateway in stack.gateways.values():
            await gateway.close()
        await pool.close()
