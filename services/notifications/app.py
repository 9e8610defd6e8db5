"""Notifications put together: its rooms, its database, its mail server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

from fastapi import FastAPI
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from services.notifications import api, login_links, upkeep
from services.notifications.channels import Smtp
from services.notifications.channels.smtp import Tls
from services.notifications.handlers import HEARS
from services.notifications.sending import ERRANDS, Hands, Sender
from services.notifications.store import TABLES, NotificationsUnit, prefetch
from shared.api_keyring import PgKeyring
from shared.database import PgStore, open_pool
from shared.paypal_support import desks_from
from shared.service import Service
from shared.settings import Settings
from shared.standing import Readiness
from shared.transactions import Transactions

_LOOKUPS: Final = {
    "relance": "/messages?message_id={message_id}",
    "mailpit": "/api/v1/search?query=message-id:{message_id}",
}


class NotificationsSettings(Settings):
    """What notifications alone needs."""

    model_config = SettingsConfigDict(env_prefix="RELANCE_", extra="ignore")

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 25
    smtp_tls: Tls = "none"
    """``starttls`` or ``implicit`` for any server that is not on this machine."""
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_timeout: float = 20.0
    """Seconds that one step of a delivery is waited for."""
    mail_from: str = "no-reply@relance.invalid"
    """The address that mails leave from; its domain is also that of every Message-ID: do not change it lightly."""
    mailbox_url: str = ""
    """A mailbox that can be asked for a Message-ID over HTTP; empty for a provider that cannot tell."""
    mailbox_kind: Literal["relance", "mailpit"] = "relance"
    paypal_support: Path | None = None
    """A file of PayPal's telephone numbers by country, in place of the one that comes with Relance."""


SETTINGS: Final = NotificationsSettings

SERVICE: Final = Service(
    name="notifications",
    unit=NotificationsUnit,
    hears=HEARS,
    tables=TABLES,
    errands=ERRANDS,
    prefetch=prefetch,
)


seal_old = upkeep.seal_old
"""What a migration does beside tables: people kept before names were sealed are sealed now."""


class _OpenedLate:
    """Transactions over a pool that is opened by the loop that first asks, for the life of the process."""

    def __init__(self, settings: NotificationsSettings) -> None:
        self._settings = settings
        self._opened: Transactions | None = None
        self._pool: Any = None
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Any]:
        async with self._one_at_a_time:
            if self._opened is None:
                self._pool = await open_pool(
                    self._settings.database, size=2, name="relance notifications sending"
                )
                store = PgStore(self._pool, SERVICE.name)
                self._opened = Transactions(SERVICE, store, self._settings.clock())
        async with self._opened() as unit:
            yield unit

    async def close(self) -> None:
        """Close the pool, if it was ever opened."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = self._opened = None


def channel_from(settings: NotificationsSettings) -> Smtp:
    """The mail server of the settings."""
    lookup = (
        settings.mailbox_url.rstrip("/") + _LOOKUPS[settings.mailbox_kind] if settings.mailbox_url else ""
    )
    return Smtp(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        timeout=settings.smtp_timeout,
        lookup=lookup,
    )


def hands(settings: NotificationsSettings) -> Hands:
    """The real hands: SMTP, and the service's own database to read the letter from at the last moment."""
    opened = _OpenedLate(settings)
    return Hands(
        channel=channel_from(settings),
        transactions=opened.__call__,
        closes=opened.close,
        sender=Sender(address=settings.mail_from),
        support=desks_from(settings.paypal_support),
    )


def build_api(settings: NotificationsSettings | None = None) -> FastAPI:
    """The API over PostgreSQL."""
    settings = settings or NotificationsSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await open_pool(
            settings.database, size=settings.pool, name="relance notifications api", watched=SERVICE.name
        )
        app.state.pool = pool
        app.state.transactions = Transactions(SERVICE, PgStore(pool, SERVICE.name), settings.clock())
        app.state.keyring = PgKeyring(pool, SERVICE.name, settings.clock())
        yield
        await pool.close()

    ready = Readiness(SERVICE, lambda: app.state.pool, Path(__file__).with_name("migrations"))

    app = api.build_api(settings, ready=ready, lifespan=lifespan, support=desks_from(settings.paypal_support))
    app.state.letters = hands(settings)
    app.include_router(login_links.build_router())
    return app
