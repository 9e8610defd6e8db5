"""Dunning put together: the plaque that workers, stories and tests work from, and its API over PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from services.dunning import api
from services.dunning.handlers import HEARS
from services.dunning.measuring import Measure
from services.dunning.store import TABLES, DunningUnit, prefetch
from shared.api_keyring import PgKeyring
from shared.database import PgStore, open_pool
from shared.service import Service
from shared.settings import Settings
from shared.standing import Readiness
from shared.transactions import Transactions

SETTINGS: Final = Settings

SERVICE: Final = Service(name="dunning", unit=DunningUnit, hears=HEARS, tables=TABLES, prefetch=prefetch)


def hands(settings: Settings) -> None:
    """Dunning does nothing outside: it asks, others do."""
    del settings


def loops(store: PgStore, hands: None, settings: Settings) -> Sequence[Callable[[], Awaitable[int]]]:
    """What the worker does beside hearing: it counts cases for dashboards."""
    del hands, settings
    return [Measure(store.pool).measure_due]


def build_api(settings: Settings | None = None) -> FastAPI:
    """The API over PostgreSQL."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await open_pool(
            settings.database, size=settings.pool, name="relance dunning api", watched=SERVICE.name
        )
        app.state.pool = pool
        app.state.transactions = Transactions(SERVICE, PgStore(pool, SERVICE.name), settings.clock())
        app.state.keyring = PgKeyring(pool, SERVICE.name, settings.clock())
        yield
        await pool.close()

    ready = Readiness(SERVICE, lambda: app.state.pool, Path(__file__).with_name("migrations"))

    app = api.build_api(settings, ready=ready, lifespan=lifespan)
    return app
