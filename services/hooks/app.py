"""Hooks put together: its rooms, its database, its way out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Self

from fastapi import FastAPI
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from services.hooks import api
from services.hooks.channels.https import Https
from services.hooks.errands import ERRANDS, Hands
from services.hooks.handlers import HEARS
from services.hooks.store import DELIVERIES, TABLES, HooksUnit, prefetch
from shared.api_keyring import PgKeyring
from shared.database import PgStore, open_pool
from shared.pages.sweeping import Sweeper
from shared.service import Service
from shared.settings import Settings
from shared.standing import Readiness
from shared.transactions import Transactions


class HooksSettings(Settings):
    """What hooks alone needs."""

    model_config = SettingsConfigDict(env_prefix="RELANCE_", extra="ignore")

    hooks_master: SecretStr = SecretStr("")
    """Every endpoint's secret is derived from this one; 32 characters or more."""
    hooks_timeout: float = Field(default=15.0, gt=0, le=60)
    """Seconds that a receiver is waited for."""

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        if self.mode == "production" and len(self.hooks_master.get_secret_value()) < 32:
            raise ValueError("RELANCE_HOOKS_MASTER must have 32 characters or more: `openssl rand -hex 32`")
        return self

    @property
    def master(self) -> bytes:
        """The secret; a fixed one in test mode when none is set."""
        return (self.hooks_master.get_secret_value() or "only-for-tests-and-demonstrations").encode()


SETTINGS: Final = HooksSettings

SERVICE: Final = Service(
    name="hooks", unit=HooksUnit, hears=HEARS, tables=TABLES, errands=ERRANDS, prefetch=prefetch
)


def hands(settings: HooksSettings) -> Hands:
    """The way out, as long as the process lives."""
    channel = Https(seconds=settings.hooks_timeout, is_test=settings.mode == "test")
    return Hands(channel=channel, master=settings.master)


def loops(store: PgStore, hands: Hands, settings: HooksSettings) -> Sequence[Callable[[], Awaitable[int]]]:
    """What the worker does beside hearing and errands: it sweeps out deliveries that ended long ago."""
    hands.opened = Transactions(SERVICE, store, settings.clock())
    return [Sweeper(store, settings.clock(), [DELIVERIES]).sweep]


def build_api(settings: HooksSettings | None = None) -> FastAPI:
    """The API over PostgreSQL."""
    settings = settings or HooksSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await open_pool(
            settings.database, size=settings.pool, name="relance hooks api", watched=SERVICE.name
        )
        app.state.pool = pool
        app.state.transactions = Transactions(SERVICE, PgStore(pool, SERVICE.name), settings.clock())
        app.state.keyring = PgKeyring(pool, SERVICE.name, settings.clock())
        yield
        await pool.close()

    ready = Readiness(SERVICE, lambda: app.state.pool, Path(__file__).with_name("migrations"))

    app = api.build_api(settings, master=settings.master, ready=ready, lifespan=lifespan)
    return app
