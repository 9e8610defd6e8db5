"""The letter box does not grow for ever: bodies go after three months, keys after thirteen, open letters never."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.payments.gateways.stripe import StripeConfig, StripeGateway
from shared.clock import HandClock
from shared.errors import NotFound
from shared.events.words import Gateway
from tests.payments.conftest import JUNE_1, SECRET, stripe_event
from tests.payments.stack import Stack, stack_on

EVENTS = [stripe_event("customer.created", {"id": f"cus_{n}"}, event_id=f"evt_{n}") for n in range(3)]


@pytest.fixture
async def stack(fresh_postgres: str) -> AsyncIterator[Stack]:
    gateway = StripeGateway(StripeConfig(api_key="sk_test_x", webhook_secrets=(SECRET,)))
    async with stack_on(fresh_postgres, HandClock(JUNE_1), {Gateway.STRIPE: gateway}) as stack:
        for event in EVENTS:
            await stack.post_stripe(event)
        await stack.pool.execute("update payments.webhooks set state = 'told'")
        await stack.pool.execute(
            "update payments.webhooks set state = 'waiting' where dedupe_key like '%evt_2'"
        )
        yield stack


async def bodies(stack: Stack) -> list[bool]:
    return [bool(row["body"]) for row in await stack.rows()]


async def test_a_settled_body_goes_after_ninety_days_and_its_key_stays(stack: Stack) -> None:
    assert await stack.inbox.forget(JUNE_1 + timedelta(days=90)) == 0
    assert await stack.inbox.forget(JUNE_1 + timedelta(days=91)) == 2

    assert await bodies(stack) == [False, False, True]
    assert (await stack.post_stripe(EVENTS[0])).json()["duplicate"]


async def test_a_key_goes_after_four_hundred_days_and_what_waits_stays(stack: Stack) -> None:
    await stack.inbox.forget(JUNE_1 + timedelta(days=401))

    assert [row["dedupe_key"] for row in await stack.rows()] == ["stripe:evt_2"]
    assert await bodies(stack) == [True]


async def test_a_forgotten_body_cannot_be_translated_again(stack: Stack) -> None:
    await stack.inbox.forget(JUNE_1 + timedelta(days=91))

    with pytest.raises(NotFound, match="forgotten after 90 days"):
        await stack.inbox.again("stripe:evt_0")


async def test_much_is_forgotten_little_by_little(stack: Stack) -> None:
    late = JUNE_1 + timedelta(days=91)

    assert [await stack.inbox.forget(late, chunk=1) for _ in range(3)] == [1, 1, 0]
