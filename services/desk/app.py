"""The desk put together: its rooms, its database, its owners, and the pages that renew themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI

from services.desk import api
from services.desk.handlers import HEARS
from services.desk.owners import HttpOwners
from services.desk.settings import DeskSettings
from services.desk.store import PASSING, TABLES, DeskUnit, prefetch
from shared.database import PgStore, open_pool
from shared.pages.changes import Changes
from shared.pages.sweeping import Sweeper
from shared.service import Service
from shared.standing import Readiness
from shared.transactions import Transactions

SERVICE: Final = Service(name="desk", unit=DeskUnit, hears=HEARS, tables=TABLES, prefetch=prefetch)
SETTINGS: Final = DeskSettings


def hands(settings: DeskSettings) -> None:
    """The desk's worker does nothing outside."""
    del settings


def loops(store: PgStore, hands: Any, settings: DeskSettings) -> Sequence[Callable[[], Awaitable[int]]]:
    """What the worker does beside hearing: it sweeps out what expired."""
    del hands
    return [Sweeper(store, settings.clock(), PASSING).sweep]


def build_api(settings: DeskSettings | None = None) -> FastAPI:
    """The pages over PostgreSQL, and the owners over HTTP."""
    settings = settings or DeskSettings()
    addresses = {
        "payments": settings.payments_url,
        "dunning": settings.dunning_url,
        "access": settings.access_url,
        "credits": settings.credits_url,
        "notifications": settings.notifications_url,
        "portal": settings.portal_api_url,
        "hooks": settings.hooks_url,
    }
    clients = {
        name: httpx.AsyncClient(base_url=address, timeout=15, follow_redirects=False)
        for name, address in addresses.items()
    }
    if settings.operator_url:  # it lives through months before it answers
        clients["operator"] = httpx.AsyncClient(base_url=settings.operator_url, timeout=330)
    changes = Changes(api.CHANNEL)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await open_pool(
            settings.database, size=settings.pool + 2, name="relance desk api", watched=SERVICE.name
        )
        app.state.pool = pool
        app.state.desk.transactions = Transactions(SERVICE, PgStore(pool, SERVICE.name), settings.clock())
        listening = asyncio.create_task(changes.listen(pool))
        yield
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        for client in clients.values():
            await client.aclose()
        await pool.close()

    ready = Readiness(SERVICE, lambda: app.state.pool, Path(__file__).with_name("migrations"))

    app: FastAPI = api.build_api(
        settings,
        owners=HttpOwners(clients, key=settings.owner_key),
        changes=changes,
        ready=ready,
        lifespan=lifespan,
    )
    return app
