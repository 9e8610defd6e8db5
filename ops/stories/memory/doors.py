"""The services' real HTTP doors over memory: the same FastAPI applications, called without a network."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
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


class _Now:
    """The clock of whichever story the doors serve."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def now(self) -> datetime:
        return self.clock.now()


class Doors:
    """One HTTP client per service. Building them takes longer than a story, so they are lent from story to story."""

    def __init__(
        self, line: StoryLine, clock: Clock, gateways: Mapping[words.Gateway, Gateway], inbox: MemoryInbox
    ) -> None:
        self._clock = _Now(clock)
        self._gateways: dict[words.Gateway, Gateway] = dict(gateways)
        self._inbox = inbox
        settings = Settings(api_keys=SecretStr(_SECRET), mode="test")
        self.door = _CountingDoor(
            self._gateways,
            inbox=lambda: self._inbox,  # type: ignore[arg-type,return-value]
            clock=self._clock,
        )
        self._apps = {
            "payments": payments_api.build_api(
                settings, gateways=self._gateways, door=self.door, public_url=PUBLIC
            ),
            "dunning": dunning_api.build_api(settings),
            "access": access_api.build_api(AccessSettings(api_keys=SecretStr(_SECRET)), master=b"story"),
            "credits": credits_api.build_api(settings),
            "notifications": notifications_api.build_api(settings),
        }
        self.clients = {
            name: httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC)
            for name, app in self._apps.items()
        }
        self.serve(line, clock, gateways, inbox)

    def serve(
        self, line: StoryLine, clock: Clock, gateways: Mapping[words.Gateway, Gateway], inbox: MemoryInbox
    ) -> None:
        """From now on the doors are those of another story."""
        self._clock.clock = clock
        self._gateways.clear()
        self._gateways.update(gateways)
        self._inbox = inbox
        self.door.refused = 0
        self.door.gateways = {f"/webhooks/{name}": gateway for name, gateway in gateways.items()}
        for name, app in self._apps.items():
            app.state.transactions = line.transactions(name)
        self._apps["payments"].state.inbox = inbox

    def refused_webhooks(self) -> int:
        """Webhooks that were not let in."""
        return self.door.refused

    def close(self) -> None:
        """Give the doors back."""
        _FREE.append(self)


_FREE: Final[list[Doors]] = []


def build_doors(
    line: StoryLine, clock: Clock, gateways: Mapping[words.Gateway, Gateway], inbox: MemoryInbox
) -> Doors:
    """The doors of one story's services; ``close`` gives them back for the next story."""
    if not _FREE:
        return Doors(line, clock, gateways, inbox)
    doors = _FREE.pop()
    doors.serve(line, clock, gateways, inbox)
    return doors
