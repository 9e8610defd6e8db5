"""Two schools, their learners' subscriptions, and a payments service without a network around them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from services.payments import api
from services.payments.app import SERVICE
from services.payments.domain.state import Registration
from services.payments.handlers import Hearing, hear_news
from services.payments.memory import MemoryGateway
from services.payments.news import News
from services.payments.settings import PaymentsSettings
from shared.clock import HandClock
from shared.events import Fact, dunning, payments
from shared.events.wire import wrap
from shared.events.words import AttemptKind, Gateway, MethodKind
from shared.memory import Line
from shared.money import Money

if TYPE_CHECKING:
    from tests.payments.simulators import World

ECOLE = "ecole"
GAKKO = "gakko"
EUR = Money(7500, "EUR")
YEN = Money(12800, "JPY")
KEY = "test-key"
SECRET = "whsec_test_secret"
JUNE_1 = datetime(2026, 6, 1, 7, 0, tzinfo=UTC)
"""09:00 in Paris on the due day."""
APRIL_15 = datetime(2026, 4, 15, 11, 10, tzinfo=UTC)
"""20:10 in Tokyo on the due day."""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


ADA = Registration(
    subscription_id="ada-fr",
    school_id=ECOLE,
    learner_id="ada",
    gateway=Gateway.STRIPE,
    gateway_subscription_id="sub_ada",
    gateway_customer_id="cus_ada",
    gateway_plan="price_monthly",
    price=EUR,
    current_price=EUR,
    billing_day=1,
    started_on=date(2026, 1, 1),
    method=MethodKind.CARD,
    label="4242",
    card="fp_ada",
)
AIKO = Registration(
    subscription_id="aiko-jp",
    school_id=GAKKO,
    learner_id="aiko",
    gateway=Gateway.PAYPAL,
    gateway_subscription_id="I-AIKO",
    gateway_plan="P-MONTHLY",
    price=Money(11500, "JPY"),
    current_price=YEN,
    grandfathered=True,
    billing_day=15,
    started_on=date(2025, 9, 15),
    method=MethodKind.PAYPAL_SUBSCRIPTION,
    label="PayPal",
)

SCHOOLS = (
    dunning.SchoolRegistered(
        school_id=ECOLE,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        name="École",
        policy_id="fr-elearning",
        zone="Europe/Paris",
        languages=("fr", "en"),
        currency="EUR",
        support_contact="aide",
        staff_email="bureau",
        accepted_methods=("credit_card", "paypal"),
    ),
    dunning.SchoolRegistered(
        school_id=GAKKO,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        name="学校",
        policy_id="jp-school",
        zone="Asia/Tokyo",
        languages=("ja", "en"),
        currency="JPY",
        support_contact="窓口",
        staff_email="office",
        service_day_rollover="12:00",
        accepted_methods=("paypal_subscription",),
    ),
)


def stripe_signature(body: bytes, at: datetime, *, secret: str = SECRET, scheme: str = "v1") -> str:
    """What Stripe writes into ``Stripe-Signature`` at ``at``."""
    t = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={t},{scheme}={digest}"


def stripe_event(
    kind: str, obj: dict[str, Any], *, event_id: str = "evt_1", created: int = 1780297200, **more: Any
) -> bytes:
    """A snapshot event as Stripe writes it; 1780297200 is 1 June 2026, 07:00Z."""
    event = {
        "id": event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": created,
        "data": {"object": obj, **more},
        "livemode": False,
        "type": kind,
    }
    return json.dumps(event, indent=2).encode()


def case_of(subscription_id: str, period: date) -> str:
    return f"{subscription_id}~{period.isoformat()}"


class Town:
    """Payments alone, over memory: facts go in as dunning says them, news as gateways have it."""

    def __init__(self, now: datetime) -> None:
        self.clock = HandClock(now)
        self.stripe = MemoryGateway(Gateway.STRIPE)
        self.paypal = MemoryGateway(Gateway.PAYPAL)
        self.gateways = {Gateway.STRIPE: self.stripe, Gateway.PAYPAL: self.paypal}
        self.line = Line([SERVICE], self.clock, {"payments": self.gateways})

    @property
    def transactions(self) -> Any:
        return self.line.transactions("payments")

    async def hear(self, *facts: Fact) -> None:
        """Facts arrive from the topics, and what they ask for is done."""
        for fact in facts:
            await self.line.deliver(wrap(fact, cause=None, recorded_at=self.clock.now()))
        await self.line.settle()

    async def news(self, *news: News) -> list[Hearing]:
        """A gateway has news."""
        hearings = []
        for one in news:
            async with self.transactions() as unit:
                hearings.append(await hear_news(one, unit))
        await self.line.settle()
        return hearings

    async def register(self, *registrations: Registration) -> None:
        from services.payments.api.registry import register  # noqa: PLC0415 - the API's own way

        for registration in registrations:
            async with self.transactions() as unit:
                await register(unit, registration)
        await self.line.settle()

    def said(self, kind: type[Any]) -> list[Any]:
        """Every fact of ``kind`` that payments said, in order."""
        return [told.envelope.fact for told in self.line.history if type(told.envelope.fact) is kind]

    def words(self) -> list[str]:
        """What payments said, as one word each, registrations apart."""
        facts = [told.envelope.fact for told in self.line.history]
        return [type(f).__name__ for f in facts if not isinstance(f, payments.SubscriptionRegistered)]

    async def subscription(self, subscription_id: str) -> Any:
        async with self.transactions() as unit:
            return await unit.subscription(subscription_id)

    def requested(self, n: int = 1, *, kind: AttemptKind = AttemptKind.RENEWAL, **more: Any) -> Fact:
        """Dunning asks for attempt ``n`` on Ada's June."""
        period = date(2026, 6, 1)
        fields: dict[str, Any] = {
            "school_id": ECOLE,
            "occurred_at": self.clock.now(),
            "subscription_id": "ada-fr",
            "learner_id": "ada",
            "case_id": case_of("ada-fr", period),
            "period": period,
            "request_id": f"{case_of('ada-fr', period)}/attempt/{n}",
            "ordinal": n,
            "kind": kind,
            "amount": EUR,
        }
        return dunning.AttemptRequested(**{**fields, **more})


@pytest.fixture
async def town() -> Town:
    """1 June 2026 at 09:00 in Paris; both schools known, Ada and Aiko registered."""
    town = Town(JUNE_1)
    await town.hear(*SCHOOLS)
    await town.register(ADA, AIKO)
    town.stripe.open("sub_ada")
    town.paypal.open("I-AIKO")
    return town


@pytest.fixture
async def client(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    """The API of the town's payments."""
    settings = PaymentsSettings(mode="test", api_keys=SecretStr(KEY))
    app = api.build_api(
        settings, gateways=town.gateways, public_url="https://pay.example", transactions=town.transactions
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://payments", headers={"X-Relance-Key": KEY}
    ) as found:
        yield found


@pytest.fixture(scope="module")
def world_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The simulated gateways of this module."""
    from tests.payments.simulators import simulated  # noqa: PLC0415 - it imports this module

    with simulated(tmp_path_factory.mktemp("gateways")) as world:
        yield world


@pytest.fixture
def world(world_server: World) -> World:
    """Empty accounts on 20 May 2026, 12:00Z."""
    world_server.reset()
    return world_server
