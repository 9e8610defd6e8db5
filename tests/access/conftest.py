"""A French school and a learner, and the facts that other services say about them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.access import api
from services.access.app import SERVICE, AccessSettings, Hands
from services.access.memory import MemoryPlatform
from shared.clock import HandClock
from shared.events import Fact, dunning, payments
from shared.events.wire import wrap
from shared.events.words import AccessLevel, Gateway, MethodKind
from shared.memory import Line
from shared.money import Money

ECOLE = "ecole"
ADA = "ada"
SUB = "ada-fr"
JUNE = "ada-fr~2026-06-01"
DEADLINE = datetime(2026, 6, 12, 22, tzinfo=UTC)
"""00:00 in Paris of Saturday 13 June 2026: the end of the tenth jour ouvrable after 1 June."""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class Said:
    """Facts of dunning and payments about one subscription of one learner."""

    def __init__(self, subscription: str = SUB, *, learner: str = ADA, school: str = ECOLE) -> None:
        self.subscription = subscription
        self.learner = learner
        self.school = school

    def _about(self, at: str | datetime, period: str) -> dict[str, Any]:
        return {
            "school_id": self.school,
            "occurred_at": at if isinstance(at, datetime) else utc(at),
            "subscription_id": self.subscription,
            "learner_id": self.learner,
            "case_id": f"{self.subscription}~{period}",
            "period": date.fromisoformat(period),
        }

    def deadline(
        self,
        at: str,
        deadline: datetime | None,
        *steps: tuple[datetime, AccessLevel],
        period: str = "2026-06-01",
    ) -> dunning.AccessDeadlineSet:
        return dunning.AccessDeadlineSet(**self._about(at, period), deadline_at=deadline, steps=steps)

    def suspension(
        self, at: str | datetime, level: AccessLevel = AccessLevel.NONE, *, period: str = "2026-06-01"
    ) -> dunning.AccessSuspensionRequested:
        return dunning.AccessSuspensionRequested(**self._about(at, period), level=level)

    def restoration(
        self, at: str, why: str = "recovered", *, path: str | None = None, period: str = "2026-06-01"
    ) -> dunning.AccessRestorationRequested:
        return dunning.AccessRestorationRequested(**self._about(at, period), why=why, reopen_path_id=path)

    def end(self, at: str, ends: str, *, period: str = "2026-06-01") -> dunning.AccessEndRequested:
        return dunning.AccessEndRequested(**self._about(at, period), at=utc(ends))

    def registered(self, at: str, started_on: str = "2026-01-01") -> payments.SubscriptionRegistered:
        return payments.SubscriptionRegistered(
            school_id=self.school,
            occurred_at=utc(at),
            subscription_id=self.subscription,
            learner_id=self.learner,
            gateway=Gateway.STRIPE,
            price=Money(7500, "EUR"),
            current_price=Money(7500, "EUR"),
            billing_day=1,
            started_on=date.fromisoformat(started_on),
            method=MethodKind.CARD,
        )


def school(zone: str = "Europe/Paris") -> dunning.SchoolRegistered:
    return dunning.SchoolRegistered(
        school_id=ECOLE,
        occurred_at=utc("2026-01-01T08:00:00Z"),
        name="École",
        policy_id="fr-elearning",
        zone=zone,
        languages=("fr", "en"),
        currency="EUR",
        support_contact="aide@ecole.example",
        staff_email="bureau@ecole.example",
    )


class Town:
    """Access alone over memory shelves, under a clock moved by hand; facts are handed to it as by the broker."""

    def __init__(self, start: str = "2026-01-02T08:00:00Z") -> None:
        self.clock = HandClock(utc(start))
        self.platform = MemoryPlatform()
        self.line = Line([SERVICE], self.clock, {"access": Hands(platform=self.platform)})

    async def hears(self, *facts: Fact, at: str | None = None) -> None:
        if at is not None:
            await self.line.live_until(utc(at))
        for fact in facts:
            await self.line.deliver(wrap(fact, cause=None, recorded_at=self.clock.now()))
            await self.line.settle()

    async def lives_until(self, at: str) -> None:
        await self.line.live_until(utc(at))

    def said(self, *kinds: type[Fact]) -> list[Any]:
        return [
            told.envelope.fact
            for told in self.line.history
            if not told.envelope.fact.PLAN and (not kinds or isinstance(told.envelope.fact, kinds))
        ]

    @property
    def parked(self) -> list[str]:
        return [parked.reason for parked in self.line.stores["access"].parked.values()]


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
async def town(said: Said) -> AsyncIterator[Town]:
    """A town that knows the school and Ada's subscription."""
    town = Town()
    await town.hears(school(), said.registered("2026-01-01T09:00:00Z"))
    yield town
    assert town.parked == []


@pytest.fixture
async def http(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    """The API of access over the town's own memory."""
    app = api.build_api(
        AccessSettings(api_keys=SecretStr("office")),
        master=b"for tests",
        transactions=town.line.transactions("access"),
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://access",
        headers={"X-Relance-Key": "office"},
    ) as client:
        yield client
