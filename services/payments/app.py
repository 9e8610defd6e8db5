"""Payments put together: its rooms, its database, its gateways."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from services.payments import api
from services.payments.binding import Binder
from services.payments.errands import ERRANDS, Hands
from services.payments.handlers import HEARS
from services.payments.inbox import WAITS, Inbox
from services.payments.ingress import Door
from services.payments.sealing import Sealer
from services.payments.settings import PaymentsSettings
from services.payments.store import TABLES, PaymentsUnit, prefetch
from services.payments.translator import Translator
from shared.api_keyring import PgKeyring
from shared.database import PgStore, open_pool
from shared.retention import Retention
from shared.service import Service
from shared.standing import Readiness
from shared.transactions import Transactions

SERVICE: Final = Service(
    name="payments",
    unit=PaymentsUnit,
    hears=HEARS,
    tables=TABLES,
    errands=ERRANDS,
    prefetch=prefetch,
    waits=WAITS,
)
SETTINGS: Final = PaymentsSettings


def hands(settings: PaymentsSettings) -> Hands:
    """The gateways, as long as the process lives."""
    return settings.gateways()


def loops(store: PgStore, hands: Hands, settings: PaymentsSettings) -> Sequence[Callable[[], Awaitable[int]]]:
    """What the worker does beside hearing and errands: it empties the letter box, and forgets what lay long in it."""
    clock = settings.clock()
    transactions = Transactions(SERVICE, store, clock)
    inbox = Inbox(store.pool, holder=store.holder, sealer=Sealer(transactions))
    return [
        Translator(inbox, transactions, hands).translate_due,
        Retention(inbox.forget, clock).forget_due,
        Binder(inbox, transactions).bind_due,
    ]


def build_api(settings: PaymentsSettings | None = None) -> FastAPI:
    """The API over PostgreSQL; webhooks are taken in before the router (facts A1c)."""
    settings = settings or PaymentsSettings()
    gateways = settings.gateways()
    clock = settings.clock()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await open_pool(
            settings.database, size=settings.pool, name="relance payments api", watched=SERVICE.name
        )
        app.state.pool = pool
        transactions = Transactions(SERVICE, PgStore(pool, SERVICE.name), clock)
        app.state.transactions = transactions
        app.state.inbox = Inbox(pool, sealer=Sealer(transactions))
        app.state.keyring = PgKeyring(pool, SERVICE.name, clock)
        yield
        for gateway in gateways.values():
            await gateway.close()
        await pool.close()

    ready = Readiness(SERVICE, lambda: app.state.pool, Path(__file__).with_name("migrations"))

    def inbox() -> Inbox:
        found: Inbox = app.state.inbox
        return found

    door = Door(gateways, inbox=inbox, clock=clock, largest=settings.webhook_largest)
    app: FastAPI = api.build_api(
        settings, gateways=gateways, door=door, public_url=settings.public_url, ready=ready, lifespan=lifespan
    )
    return app
