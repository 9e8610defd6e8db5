"""The portal put together: its rooms, its database, its owners, and the pages that renew themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI

from services.portal import api
from services.portal.handlers import HEARS
from services.portal.owners import HttpOwners
from services.portal.settings import PortalSettings
from services.portal.store import PASSING, TABLES, PortalUnit, prefetch
from shared.api_keyring import PgKeyring
from shared.database import PgStore, open_pool
from shared.pages.changes import Changes
from shared.pages.sweeping import Sweeper
from shared.service import Service
from shared.standing import Readiness
from shared.transactions import Transactions

SERVICE: Final = Service(name="portal", unit=PortalUnit, hears=HEARS, tables=TABLES, prefetch=prefetch)
SETTINGS: Final = PortalSettings
_KEPT: Final = timedelta(days=1)
"""A used link is remembered for a day, so that it can say that it was used."""


def loops(store: PgStore, hands: Any, settings: PortalSettings) -> Sequence[Callable[[], Awaitable[int]]]:
    """What the worker does beside hearing: it sweeps out what expired."""
    del hands
    return [Sweeper(store, settings.clock(), PASSING, kept=_KEPT).sweep]


def build_api(settings: PortalSettings | None = None) -> FastAPI:
    """The pages over PostgreSQL, and the owners over HTTP."""
    settings = settings or PortalSettings()
    client = httpx.AsyncClient(timeout=15, follow_redirects=False)
    owners = HttpOwners(
        client,
        key=settings.owner_key,
        payments=settings.payments_url,
        dunning=settings.dunning_url,
        notifications=settings.notifications_url,
    )
    changes = Changes(api.CHANNEL)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await open_pool(
            settings.database, size=settings.pool + 2, name="relance portal api", watched=SERVICE.name
        )
        app.state.pool = pool
        app.state.portal.transactions = Transactions(SERVICE, PgStore(pool, SERVICE.name), settings.clock())
        app.state.keyring = PgKeyring(pool, SERVICE.name, settings.clock())
        listening = asyncio.create_task(changes.listen(pool))
        yield
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        await client.aclose()
        await pool.close()

    ready = Readiness(SERVICE, lambda: app.state.pool, Path(__file__).with_name("migrations"))

    app: FastAPI = api.build_api(settings, owners=owners, changes=changes, ready=ready, lifespan=lifespan)
    return app
