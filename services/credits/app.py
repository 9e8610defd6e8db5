"""Credits put together: its rooms and its database; nothing outside needs to be told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from services.credits import api
from services.credits.handlers import HEARS
from services.credits.store import TABLES, CreditsUnit, prefetch
from shared.api_keyring import PgKeyring
from shared.database import PgStore, open_pool
from shared.service import Service
from shared.settings import Settings
from shared.standing import Readiness
from shared.transactions import Transactions

SETTINGS: Final = Settings

SERVICE: Final = Service(name="credits", unit=CreditsUnit, hears=HEARS, tables=TABLES, prefetch=prefetch)


def hands(settings: Settings) -> None:
    """Credits does nothing outside."""


def build_api(settings: Settings | None = None) -> FastAPI:
    """The API over PostgreSQL."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await open_pool(
            settings.database, size=settings.pool, name="relance credits api", watched=SERVICE.name
        )
        app.state.pool = pool
        app.state.transactions = Transactions(SERVICE, PgStore(pool, SERVICE.name), settings.clock())
        app.state.keyring = PgKeyring(pool, SERVICE.name, settings.clock())
        yield
        await pool.close()

    ready = Readiness(SERVICE, lambda: app.state.pool, Path(__file__).with_name("migrations"))

    app = api.build_api(settings, ready=ready, lifespan=lifespan)
    return app
