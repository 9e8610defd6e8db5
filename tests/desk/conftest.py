"""A whole Relance in memory with the desk in it: a Japanese and a French school, and somebody of every role."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pyotp
import pytest
from pydantic import SecretStr

from ops.stories import engine as verbs
from ops.stories.memory import engine as memory
from services.desk import api, entering
from services.desk.app import SERVICE as DESK
from services.desk.domain.people import Role
from services.desk.owners import HttpOwners
from services.desk.settings import DeskSettings
from services.desk.store import MEMBERS
from shared.events.words import Gateway, MethodKind
from shared.money import Money

TOKYO = ZoneInfo("Asia/Tokyo")
PASSWORD = "a long and quiet password"
JAPANESE, FRENCH = "nihongo", "paris"


@dataclass
class Town:
    """The engine, the desk's application, and who may come in."""

    engine: Any
    app: Any
    secrets: dict[str, str]

    def at(self, text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=TOKYO)

    async def until(self, text: str) -> None:
        await self.engine.live_until(self.at(text))

    def browser(self, language: str = "en") -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app),
            base_url="http://desk",
            headers={"accept-language": language},
        )

    async def person(self, role: str, school: str = JAPANESE, email: str = "") -> str:
        email = email or f"{role}@{school}.example"
        async with self.app.state.desk.opened() as unit:
            person, member, _ = entering.invited(
                await unit.person(email), email, school, Role(role), unit.now
            )
            if not person.is_ready:
                secret = f"invitation-of-{email}"
                person = entering.joined(self.app.state.desk.settings.master, person, PASSWORD, secret, 0)
                self.secrets[email] = entering.totp_secret(self.app.state.desk.settings.master, secret)
            await unit.get(MEMBERS, MEMBERS.key(member))
            unit.keep(person, member)
        return email

    async def enter(
        self, role: str, school: str = JAPANESE, *, language: str = "en", email: str = ""
    ) -> httpx.AsyncClient:
        email = await self.person(role, school, email)
        browser = self.browser(language)
        async with self.app.state.desk.opened() as unit:
            unit.keep(replace(await unit.person(email), last_step=0))
            now = unit.now
        code = pyotp.TOTP(self.secrets[email]).at(now)
        answer = await browser.post("/login", data={"email": email, "password": PASSWORD, "code": code})
        assert answer.status_code == 303, answer.text
        return browser

    async def subscription(
        self, name: str, school: str = JAPANESE, *, day: int = 15, learner: str = "", full_name: str = ""
    ) -> None:
        learner = learner or name
        japanese = school == JAPANESE
        price = Money(12800, "JPY") if japanese else Money(7500, "EUR")
        gateway = Gateway.PAYPAL if japanese else Gateway.STRIPE
        method = MethodKind.PAYPAL_SUBSCRIPTION if japanese else MethodKind.CARD
        started = (self.engine.now() - timedelta(days=80)).date().replace(day=day)
        ids = await self.engine.at_gateway(
            verbs.AtGateway(
                subscription_id=name, learner_id=learner, gateway=gateway, price=price, billing_day=day,
                started_on=started, method=method,
            )
        )  # fmt: skip
        money = {"amount_minor": price.amount_minor, "currency": price.currency}
        await self.told("notifications", "PUT", f"/learners/{learner}", {
            "school_id": school, "name": full_name or f"Learner {learner}", "email": f"{learner}@mail.example",
            "language": "ja" if japanese else "fr", "zone": "Asia/Tokyo" if japanese else "Europe/Paris",
        })  # fmt: skip
        await self.told("payments", "PUT", f"/subscriptions/{name}", {
            "school_id": school, "learner_id": learner, "gateway": gateway.value,
            "gateway_subscription_id": ids.subscription, "gateway_customer_id": ids.customer,
            "price": money, "current_price": money, "billing_day": day, "started_on": started.isoformat(),
            "method": method.value,
        })  # fmt: skip

    async def told(self, service: str, method: str, path: str, body: Any = None) -> Any:
        answer = await self.engine.call(service, method, path, body)
        assert answer.ok, answer
        return answer.body

    async def fails(self, name: str, at: str, number: int, *, school: str = JAPANESE) -> None:
        japanese = school == JAPANESE
        when = self.at(at)
        await self.engine.live_until(when)
        await self.engine.happens(
            verbs.AttemptHappened(
                subscription_id=name, gateway=Gateway.PAYPAL if japanese else Gateway.STRIPE, at=when,
                event_id=f"ev-{name}-{number}", outcome="failed", transaction_id=f"tx-{name}-{number}",
                amount=Money(12800, "JPY") if japanese else Money(7500, "EUR"), reason="insufficient_funds",
            ),
            [when],
        )  # fmt: skip
        await self.engine.live_until(when + timedelta(seconds=5))

    async def cancelled(self, name: str, at: str) -> None:
        when = self.at(at)
        await self.engine.live_until(when)
        await self.engine.happens(
            verbs.SubscriptionChanged(
                subscription_id=name, gateway=Gateway.PAYPAL, at=when, event_id=f"ev-{name}-cancelled",
                status="cancelled", by="gateway",
            ),
            [when],
        )  # fmt: skip
        await self.engine.live_until(when + timedelta(seconds=5))

    async def exhausted(self, name: str) -> str:
        """The Japanese example: 15, 20 and 25 April fail, PayPal cancels."""
        for number, at in enumerate(("2026-04-15T20:10", "2026-04-20T20:00", "2026-04-25T20:05"), 1):
            await self.fails(name, at, number)
        await self.cancelled(name, "2026-04-25T20:06")
        return f"{name}~2026-04-15"

    async def settle(self) -> None:
        await self.engine._settle()


def fields(html: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that posts to ``action``."""
    found = re.search(
        rf'<form method="post"[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', html, re.DOTALL
    )
    assert found, f"no form posts to {action} in {html}"
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', found[1])
    return {name: unescape(value) for name, value in pairs}


@pytest.fixture
async def town(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.setattr(memory, "_SERVICES", (*memory._SERVICES, DESK))
    engine = memory.MemoryEngine()
    await engine.open(datetime(2026, 4, 1, 9, tzinfo=TOKYO))
    settings = DeskSettings(api_keys=SecretStr("story"), mode="test")
    app = api.build_api(
        settings,
        owners=HttpOwners(engine._doors.clients, key="story"),
        transactions=engine.line.transactions("desk"),
    )
    town = Town(engine, app, {})
    await town.told(
        "dunning",
        "PUT",
        f"/schools/{JAPANESE}",
        {
            "name": "東京オンライン校",
            "policy_id": "jp-school",
            "support_contact": "help@nihongo.example",
            "staff_email": "office@nihongo.example",
        },
    )
    await town.told(
        "dunning",
        "PUT",
        f"/schools/{FRENCH}",
        {
            "name": "École de Paris",
            "policy_id": "fr-elearning",
            "support_contact": "aide@paris.example",
            "staff_email": "bureau@paris.example",
        },
    )
    yield town
    await engine.close()
