"""A French school whose bookkeeping wants to know of recoveries, in memory, under a clock moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from ops.contracts.examples import example_fact
from services.hooks import api
from services.hooks.app import SERVICE, HooksSettings
from services.hooks.errands import Hands
from services.hooks.memory import MemoryChannel, Posted
from shared.clock import HandClock
from shared.events import Fact, dunning
from shared.events.wire import wrap
from shared.memory import Line

ECOLE = "ecole"
URL = "https://books.example/relance"
START = datetime(2026, 6, 1, 9, tzinfo=UTC)
MASTER = b"only for these tests"


def recovered(number: int = 1, school: str = ECOLE) -> dunning.CaseRecovered:
    fact: dunning.CaseRecovered = example_fact(dunning.CaseRecovered)
    return replace(fact, school_id=school, case_id=f"ada-{number}~2026-06-01", occurred_at=START)


class Town:
    """Hooks alone; facts are handed to it as by the broker."""

    def __init__(self) -> None:
        self.clock = HandClock(START)
        self.channel = MemoryChannel()
        self.hands = Hands(channel=self.channel, master=MASTER)
        self.line = Line([SERVICE], self.clock, {"hooks": self.hands})
        self.hands.opened = self.line.transactions("hooks")

    async def hears(self, *facts: Fact) -> None:
        for fact in facts:
            await self.line.deliver(wrap(fact, cause=None, recorded_at=self.clock.now()))
        await self.line.settle()

    async def lives_until(self, at: datetime) -> None:
        await self.line.live_until(at)

    def said(self, *kinds: type[Fact]) -> list[Any]:
        return [one.envelope.fact for one in self.line.history if isinstance(one.envelope.fact, kinds)]


def is_signed(posted: Posted, secret: str, at: datetime) -> bool:
    """Whether a receiver that knows ``secret`` would believe it."""
    expected = Webhook(secret).sign(posted.headers["webhook-id"], at, posted.body.decode())
    return expected in posted.headers["webhook-signature"].split(" ")


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    town = Town()
    yield town
    assert town.line.stores["hooks"].parked == {}


@pytest.fixture
async def http(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    app = api.build_api(
        HooksSettings(api_keys=SecretStr("office"), mode="test"),
        master=MASTER,
        transactions=town.line.transactions("hooks"),
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://hooks", headers={"X-Relance-Key": "office"}
    ) as client:
        yield client


@pytest.fixture
async def books(http: httpx.AsyncClient) -> dict[str, Any]:
    """The school's bookkeeping, registered."""
    body = {"url": URL, "types": ["dunning.CaseRecovered"]}
    answer = await http.post(f"/schools/{ECOLE}/endpoints", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found
