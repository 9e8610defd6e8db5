"""What payments relies on holds for every gateway alike: the twin without a network, Stripe's client and PayPal's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.payments.gateways.gateway import Gateway
from services.payments.memory import MemoryGateway
from services.payments.news import (
    AttemptNews,
    CancelOrder,
    ChargeOrder,
    NotConfirmed,
    Outcome,
    PageOrder,
    ReadOrder,
    SubscriptionNews,
)
from shared.errors import Refused
from shared.events import words
from tests.payments.conftest import EUR, JUNE_1, YEN
from tests.payments.simulators import START

if TYPE_CHECKING:
    from tests.payments.simulators import World

KINDS = ["the twin of Stripe", "Stripe", "the twin of PayPal", "PayPal"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A gateway with one living subscription."""

    gateway: Gateway
    subscription: str
    customer: str | None = None
    plan: str = "P-1"

    def about(self, **more: Any) -> dict[str, Any]:
        return {
            "subscription_id": "one",
            "gateway": self.gateway.name,
            "gateway_subscription_id": self.subscription,
            "gateway_customer_id": self.customer,
            **more,
        }


@pytest.fixture(params=KINDS)
async def case(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Case]:
    if request.param.startswith("the twin"):
        name = words.Gateway.STRIPE if "Stripe" in request.param else words.Gateway.PAYPAL
        twin = MemoryGateway(name)
        twin.open("sub_1")
        yield Case(gateway=twin, subscription="sub_1", customer="cus_1")
        return
    if request.param == "Stripe":
        ada = world.ada()
        found: Gateway = world.stripe()
        yield Case(gateway=found, subscription=ada["subscription"], customer=ada["customer"])
    else:
        aiko = world.aiko()
        found = world.paypal()
        yield Case(gateway=found, subscription=aiko["subscription"], plan=aiko["plan"])
    await found.close()


async def test_a_subscription_is_cancelled_once_and_stays_so(case: Case) -> None:
    order = CancelOrder(**case.about(request_id="case"))

    first = await case.gateway.cancel(order, START)
    second = await case.gateway.cancel(order, START)

    for heard in (first, second):
        (news,) = heard
        assert isinstance(news, SubscriptionNews)
        assert (news.status, news.subscription_id) == ("cancelled", "one")


async def test_the_books_tell_how_a_subscription_stands(case: Case) -> None:
    await case.gateway.cancel(CancelOrder(**case.about(request_id="case")), START)

    heard = await case.gateway.read(ReadOrder(**case.about(since=START - timedelta(days=1))), START)

    assert [news.status for news in heard if isinstance(news, SubscriptionNews)] == ["cancelled"]


async def test_a_subscription_that_does_not_exist_is_not_confirmed(case: Case) -> None:
    order = ReadOrder(**{**case.about(since=START), "gateway_subscription_id": "sub-nobody"})

    with pytest.raises(NotConfirmed):
        await case.gateway.read(order, START)


async def test_asking_twice_with_one_request_takes_money_once(case: Case, world: World) -> None:
    order = ChargeOrder(
        **case.about(request_id="case/attempt/1", amount=EUR, period="2026-06-01", asked_at=JUNE_1)
    )
    if case.gateway.name is words.Gateway.PAYPAL and not isinstance(case.gateway, MemoryGateway):
        with pytest.raises(Refused, match="PayPal alone decides when"):  # J16
            await case.gateway.charge(order, JUNE_1)
        return
    if case.subscription != "sub_1":
        world.script("ada", "insufficient_funds")
    world.advance("2026-06-01T07:00:00Z")

    (first,) = await case.gateway.charge(order, JUNE_1)
    (second,) = await case.gateway.charge(order, JUNE_1)

    assert isinstance(first, AttemptNews)
    assert isinstance(second, AttemptNews)
    assert first.outcome is second.outcome is Outcome.SUCCEEDED
    assert first.transaction_id == second.transaction_id
    assert first.request_id == "case/attempt/1"


async def test_a_page_that_the_gateway_has_not_is_refused_in_words(case: Case) -> None:
    paypal = case.gateway.name is words.Gateway.PAYPAL
    order = PageOrder(
        kind="method" if paypal else "authenticate",
        subscription_id="one",
        session_id="s" * 32,
        return_url="https://school.example/back",
        cancel_url="https://school.example/left",
        price=YEN if paypal else EUR,
        gateway_subscription_id=case.subscription,
        gateway_customer_id=case.customer,
    )
    if isinstance(case.gateway, MemoryGateway) and not paypal:
        assert (await case.gateway.page(order, START)).url
        return

    with pytest.raises(Refused, match="we could not open"):
        await case.gateway.page(order, START)
