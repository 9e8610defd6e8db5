"""A Japanese school, a learner with lessons, and what dunning says about her month of 15 April 2026."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.credits import api
from services.credits.app import SERVICE
from shared.clock import HandClock
from shared.events import Fact, dunning, payments
from shared.events.wire import wrap
from shared.events.words import Gateway, MethodKind
from shared.memory import Line
from shared.money import Money
from shared.settings import Settings

SCHOOL = "eikaiwa"
LEARNER = "hana"
SUB = "hana-jp"
APRIL = "hana-jp~2026-04-15"


def jst(text: str) -> datetime:
    """``2026-04-15 20:10`` in Japan, as UTC."""
    return datetime.fromisoformat(f"{text}+09:00").astimezone(UTC)


def about(at: str, period: str = "2026-04-15", subscription: str = SUB) -> dict[str, Any]:
    return {
        "school_id": SCHOOL,
        "occurred_at": jst(at),
        "subscription_id": subscription,
        "learner_id": LEARNER,
        "case_id": f"{subscription}~{period}",
        "period": date.fromisoformat(period),
    }


def hold(
    at: str, period: str = "2026-04-15", kind: str = "failure", lessons: str = "deliver"
) -> dunning.CreditHoldRequested:
    return dunning.CreditHoldRequested(**about(at, period), hold=kind, lessons=lessons)


def opened(at: str, lapses_on: date | None) -> dunning.CaseOpened:
    return dunning.CaseOpened(
        **about(at),
        amount=Money(12800, "JPY"),
        policy_id="jp-school",
        policy_version=1,
        policy_hash="x",
        gateway=Gateway.PAYPAL,
        effective_forfeiture_on=lapses_on,
    )


def release(at: str, period: str = "2026-04-15", kind: str = "failure") -> dunning.CreditReleaseRequested:
    return dunning.CreditReleaseRequested(**about(at, period), hold=kind)


def forfeit(at: str, period: str = "2026-04-15") -> dunning.CreditForfeitRequested:
    return dunning.CreditForfeitRequested(**about(at, period))


def restoration(
    at: str, why: str = "recovered", period: str = "2026-04-15"
) -> dunning.CreditRestorationRequested:
    return dunning.CreditRestorationRequested(**about(at, period), why=why)


def month(at: str, first: str, last: str) -> dunning.CreditGrantRequested:
    return dunning.CreditGrantRequested(
        **about(at), covers_from=date.fromisoformat(first), covers_until=date.fromisoformat(last)
    )


def school(rollover: str | None = "12:00") -> dunning.SchoolRegistered:
    return dunning.SchoolRegistered(
        school_id=SCHOOL,
        occurred_at=jst("2026-01-01 09:00"),
        name="英会話",
        policy_id="jp-school",
        zone="Asia/Tokyo",
        languages=("ja", "en"),
        currency="JPY",
        support_contact="office@eikaiwa.example",
        staff_email="office@eikaiwa.example",
        service_day_rollover=rollover,
    )


def registered(subscription: str = SUB) -> payments.SubscriptionRegistered:
    return payments.SubscriptionRegistered(
        school_id=SCHOOL,
        occurred_at=jst("2026-01-02 09:00"),
        subscription_id=subscription,
        learner_id=LEARNER,
        gateway=Gateway.PAYPAL,
        price=Money(12800, "JPY"),
        current_price=Money(12800, "JPY"),
        billing_day=15,
        started_on=date(2026, 1, 15),
        method=MethodKind.PAYPAL_SUBSCRIPTION,
    )


class Town:
    """Credits alone over memory shelves, under a clock moved by hand."""

    def __init__(self) -> None:
        self.clock = HandClock(jst("2026-04-01 09:00"))
        self.line = Line([SERVICE], self.clock)

    async def hears(self, *facts: Fact, at: str | None = None) -> None:
        if at is not None:
            await self.line.live_until(jst(at))
        for fact in facts:
            await self.line.deliver(wrap(fact, cause=None, recorded_at=self.clock.now()))
            await self.line.settle()

    async def lives_until(self, at: str) -> None:
        await self.line.live_until(jst(at))

    def said(self, *kinds: type[Fact]) -> list[Any]:
        return [
            told.envelope.fact
            for told in self.line.history
            if not told.envelope.fact.PLAN and (not kinds or isinstance(told.envelope.fact, kinds))
        ]

    @property
    def parked(self) -> list[str]:
        return [parked.reason for parked in self.line.stores["credits"].parked.values()]


class Office:
    """The school's own system, speaking HTTP."""

    def __init__(self, http: httpx.AsyncClient, town: Town) -> None:
        self.http = http
        self.town = town

    async def grants(self, grant: str, credits: int, expires_on: str | None = None) -> httpx.Response:
        return await self._done(
            self.http.put(
                f"/subscriptions/{SUB}/grants/{grant}", json={"credits": credits, "expires_on": expires_on}
            )
        )

    async def books(self, lesson: str, starts: str, credits: int = 1) -> httpx.Response:
        return await self._done(
            self.http.put(
                f"/subscriptions/{SUB}/lessons/{lesson}",
                json={"starts_at": jst(starts).isoformat(), "teacher_id": "tom", "credits": credits},
            )
        )

    async def cancels(self, lesson: str) -> httpx.Response:
        return await self._done(self.http.post(f"/subscriptions/{SUB}/lessons/{lesson}/cancellation"))

    async def plans(self, credits: int, notice: int = 0) -> httpx.Response:
        return await self._done(
            self.http.put(
                f"/subscriptions/{SUB}/plan",
                json={"credits_per_month": credits, "cancellation_notice_minutes": notice},
            )
        )

    async def pots(self) -> tuple[int, int, int, int, int]:
        """Untouched, reserved, consumed, forfeited, expired."""
        balance = await self.balance()
        pots = (
            balance["untouched"],
            balance["reserved"],
            balance["consumed"],
            balance["forfeited"],
            balance["expired"],
        )
        assert sum(pots) == balance["granted"]
        return pots

    async def balance(self) -> dict[str, Any]:
        answer = await self.http.get(f"/subscriptions/{SUB}/credits")
        assert answer.status_code == 200, answer.text
        balance: dict[str, Any] = answer.json()
        return balance

    async def _done(self, asked: Any) -> httpx.Response:
        answer: httpx.Response = await asked
        await self.town.line.settle()
        return answer


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """A town that knows the school and Hana's subscription, on 1 April 2026."""
    town = Town()
    await town.hears(school(), registered())
    yield town
    assert town.parked == []


@asynccontextmanager
async def office_of(town: Town) -> AsyncIterator[Office]:
    """The school's system in front of the API of that town's credits."""
    app = api.build_api(
        Settings(api_keys=SecretStr("office")), transactions=town.line.transactions("credits")
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://credits",
        headers={"X-Relance-Key": "office"},
    ) as http:
        yield Office(http, town)


@pytest.fixture
async def office(town: Town) -> AsyncIterator[Office]:
    async with office_of(town) as office:
        yield office


@pytest.fixture
async def hana(office: Office) -> Office:
    """JP-26: three untouched credits and two booked lessons, 17 April 10:00 and 28 April 21:00."""
    assert (await office.grants("spring", 5)).status_code == 200
    assert (await office.books("lesson-17", "2026-04-17 10:00")).status_code == 200
    assert (await office.books("lesson-28", "2026-04-28 21:00")).status_code == 200
    return office
