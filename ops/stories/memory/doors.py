"""The services' real HTTP doors over memory: the same FastAPI applications, called without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic import SecretStr

from ops.stories.memory.inbox import MemoryInbox
from ops.stories.memory.line import StoryLine
from services.access import api as access_api
from services.access.app import AccessSettings
from services.credits import api as credits_api
from services.dunning import api as dunning_api
from services.notifications import api as notifications_api
from services.payments import api as payments_api
from services.payments.gateways.gateway import Gateway
from services.payments.ingress import Door
from shared.clock import Clock
from shared.events import words
from shared.settings import Settings

_SECRET: Final = "story"  # noqa: S105 - opens nothing but a story in memory
KEY: Final = {"x-relance-key": _SECRET}
PUBLIC: Final = "http://payments.story.example"


class _CountingDoor(Door):
    """Counts what it refused, as the metrics do in production."""

    refused = 0

    def refuse(self, name: str, error: Any) -> Any:
        self.refused += 1
        return super().refuse(name, error)


@dataclass(slots=True, kw_only=True)
class Doors:
    """One HTTP client per service."""

    clients: Mapping[str, httpx.AsyncClient]
    door: _CountingDoor

    def refused_webhooks(self) -> int:
        """Webhooks that were not let in."""
        return self.door.refused

    async def close(self) -> None:
        """Let go of the clients."""
        for client in self.clients.values():
            await client.aclose()


def build_doors(
    line: StoryLine, clock: Clock, gateways: Mapping[words.Gateway, Gateway], inbox: MemoryInbox
) -> Doors:
    """The doors of one story's services."""
    settings = Settings(api_keys=SecretStr(_SECRET), mode="test")
    door = _CountingDoor(gateways, inbox=lambda: inbox, clock=clock)  # type: ignore[arg-type,return-value]
    payments = payments_api.build_api(
        settings,
        gateways=gateways,
        door=door,
        public_url=PUBLIC,
        transactions=line.transactions("payments"),
    )
    payments.state.inbox = inbox
    apps = {
        "payments": payments,
        "dunning": dunning_api.build_api(settings, transactions=line.transactions("dunning")),
        "access": access_api.build_api(
            AccessSettings(api_keys=SecretStr(_SECRET)),
            master=b"story",
            transactions=line.transactions("access"),
        ),
        "credits": credits_api.build_api(settings, transactions=line.transactions("credits")),
        "notifications": notifications_api.build_api(
            settings, transactions=line.transactions("notifications")
        ),
    }
    clients = {
        name: httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url=PUBLIC,
        )
        for name, app in apps.items()
    }
    return Doors(clients=clients, door=door)


def encoded(body: Any) -> bytes:
    """A body as it is sent."""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
