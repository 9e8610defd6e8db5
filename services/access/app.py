"""Access put together: its rooms, its database, its way to the learning platforms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx
import msgspec
from fastapi import FastAPI
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from services.access import api
from services.access.domain import TellPlatform
from services.access.handlers import HEARS
from services.access.platforms import Platform
from services.access.platforms.webhook import WebhookPlatform
from services.access.store import TABLES, TELL_PLATFORM, AccessUnit, prefetch
from shared.api_keyring import PgKeyring
from shared.database import PgStore, open_pool
from shared.events.access import PlatformRefused, PlatformTold
from shared.service import Doing, Service
from shared.settings import Settings
from shared.shelf import Errand
from shared.standing import Readiness
from shared.transactions import Transactions


class AccessSettings(Settings):
    """What access alone needs."""

    model_config = SettingsConfigDict(env_prefix="RELANCE_", extra="ignore")

    platform_master: SecretStr = SecretStr("")
    """Each school's signing secret for its learning platform is derived from this one; empty: no platforms."""
    platform_timeout: float = 10.0
    """Seconds that a learning platform is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What access works with outside."""

    platform: Platform


def hands(settings: AccessSettings) -> Hands:
    """The real hands: an HTTP client that lives as long as the process."""
    client = httpx.AsyncClient(timeout=settings.platform_timeout, follow_redirects=False)
    return Hands(platform=WebhookPlatform(client, _master(settings)))


async def tell_platform(errand: Errand, hands: Hands, now: datetime) -> TellPlatform:
    """Hand one notice to the school's platform."""
    body = _body(errand)
    await hands.platform.tell(body.url, body.notice, now)
    return body


async def platform_was_told(errand: Errand, result: TellPlatform, unit: AccessUnit) -> None:  # noqa: ARG001 - Finish's shape
    """Note that the platform confirmed the level."""
    notice = result.notice
    unit.say(
        PlatformTold(
            school_id=notice.school_id,
            occurred_at=unit.now,
            learner_id=notice.learner_id,
            level=notice.overall.level,
        )
    )


async def platform_refused(errand: Errand, error: Exception, unit: AccessUnit) -> None:
    """Note that a person must look at the platform's address or rules."""
    notice = _body(errand).notice
    unit.say(
        PlatformRefused(
            school_id=notice.school_id,
            occurred_at=unit.now,
            learner_id=notice.learner_id,
            level=notice.overall.level,
            reason=str(error),
        )
    )


ERRANDS: Final = {TELL_PLATFORM: Doing(run=tell_platform, finish=platform_was_told, give_up=platform_refused)}

SETTINGS: Final = AccessSettings

SERVICE: Final = Service(
    name="access", unit=AccessUnit, hears=HEARS, tables=TABLES, errands=ERRANDS, prefetch=prefetch
)


def build_api(settings: AccessSettings | None = None) -> FastAPI:
    """The API over PostgreSQL."""
    settings = settings or AccessSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await open_pool(
            settings.database, size=settings.pool, name="relance access api", watched=SERVICE.name
        )
        app.state.pool = pool
        app.state.transactions = Transactions(SERVICE, PgStore(pool, SERVICE.name), settings.clock())
        app.state.keyring = PgKeyring(pool, SERVICE.name, settings.clock())
        yield
        await pool.close()

    ready = Readiness(SERVICE, lambda: app.state.pool, Path(__file__).with_name("migrations"))

    app = api.build_api(settings, master=_master(settings), ready=ready, lifespan=lifespan)
    return app


def _master(settings: AccessSettings) -> bytes:
    return settings.platform_master.get_secret_value().encode()


def _body(errand: Errand) -> TellPlatform:
    return msgspec.json.decode(errand.body, type=TellPlatform)
