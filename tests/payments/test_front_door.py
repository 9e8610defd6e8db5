"""Gateways knock at the door: what is genuine is kept exactly and once before they hear 2xx; the rest is turned away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.payments.gateways.stripe import StripeConfig, StripeGateway
from shared.clock import HandClock
from shared.events.words import Gateway
from shared.metrics import WEBHOOKS, WEBHOOKS_REFUSED
from tests.payments.conftest import JUNE_1, SECRET, stripe_event, stripe_signature
from tests.payments.stack import Stack, stack_on

EVENT = stripe_event("customer.created", {"id": "cus_1", "object": "customer", "name": "Zoé"})


@pytest.fixture
async def stack(postgres: str) -> AsyncIterator[Stack]:
    gateway = StripeGateway(StripeConfig(api_key="sk_test_x", webhook_secrets=(SECRET,)))
    async with stack_on(postgres, HandClock(JUNE_1), {Gateway.STRIPE: gateway}) as stack:
        yield stack


async def test_a_genuine_webhook_is_kept_exactly_before_it_is_acknowledged(stack: Stack) -> None:
    answer = await stack.post_stripe(EVENT)

    (row,) = await stack.rows()
    assert answer.status_code == 200
    (claimed,) = await stack.inbox.claim(limit=1, lease=timedelta(minutes=1))
    assert claimed.body == EVENT
    assert (row["state"], row["kind"], row["received_at"]) == ("new", "customer.created", JUNE_1)


async def test_the_same_event_is_acknowledged_again_and_kept_once(stack: Stack) -> None:
    answers = [await stack.post_stripe(EVENT) for _ in range(3)]

    assert [answer.json().get("duplicate", False) for answer in answers] == [False, True, True]
    assert len(await stack.rows()) == 1


async def test_a_thousand_replays_within_the_window_have_one_effect(stack: Stack) -> None:
    answers = await asyncio.gather(*(stack.post_stripe(EVENT) for _ in range(1000)))

    assert {answer.status_code for answer in answers} == {200}
    assert sum("duplicate" not in answer.json() for answer in answers) == 1
    assert len(await stack.rows()) == 1


async def test_what_comes_together_is_written_together_and_nothing_is_lost(stack: Stack) -> None:
    events = [stripe_event("customer.created", {"id": f"cus_{n}"}, event_id=f"evt_{n}") for n in range(300)]

    answers = await asyncio.gather(*(stack.post_stripe(event) for event in events))

    assert {answer.status_code for answer in answers} == {200}
    assert len(await stack.rows()) == 300


BAD = {
    "unsigned": (EVENT, "", 400),
    "mutated": (EVENT + b" ", stripe_signature(EVENT, JUNE_1), 400),
    "stale": (EVENT, stripe_signature(EVENT, JUNE_1 - timedelta(seconds=301)), 400),
    "future": (EVENT, stripe_signature(EVENT, JUNE_1 + timedelta(seconds=301)), 400),
    "non-UTF-8": (b'{"id":"\xff"}', stripe_signature(b'{"id":"\xff"}', JUNE_1), 400),
    "non-JSON": (b"hello", stripe_signature(b"hello", JUNE_1), 400),
    "oversized": (b"x" * 70_000, stripe_signature(b"x" * 70_000, JUNE_1), 413),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_refused_in_words_and_nothing_is_kept(
    stack: Stack, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    body, signature, status = BAD[name]

    answer = await stack.post_stripe(body, signature)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("we could not accept the webhook because")
    assert await stack.rows() == []
    told = capsys.readouterr()
    assert "Traceback" not in told.out + told.err


async def test_a_body_that_only_claims_to_be_small_is_cut_off(stack: Stack) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    answer = await stack.http.post(
        "/webhooks/stripe", content=endless(), headers={"Stripe-Signature": stripe_signature(b"", JUNE_1)}
    )

    assert answer.status_code == 413


async def test_a_signature_header_that_is_there_twice_is_refused(stack: Stack) -> None:
    header = stripe_signature(EVENT, JUNE_1)

    answer = await stack.http.post(
        "/webhooks/stripe",
        content=EVENT,
        headers=[("Stripe-Signature", header), ("Stripe-Signature", header)],
    )

    assert answer.status_code == 400
    assert "there twice" in answer.json()["detail"]


async def test_a_gateway_that_is_not_set_up_has_no_door(stack: Stack) -> None:
    answer = await stack.http.post("/webhooks/paypal", content=b"{}")

    assert answer.status_code == 409
    assert "not set up" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (stripe_event("radar.early_fraud_warning.created", {"id": "issfr_1"}), "nothing depends on"),
        (stripe_event("invoice.upcoming", {"object": "invoice"}), "nothing depends on"),
        (
            json.dumps(
                {"id": "evt_t", "object": "v2.core.event", "type": "v1.invoice.payment_failed"}
            ).encode(),
            "thin event",
        ),
        (b'{"object": {"id": "in_1"}, "previous_attributes": null}', "no event"),
    ],
)
async def test_what_is_rightly_signed_and_not_ours_is_kept_and_named_so(
    stack: Stack, body: bytes, why: str
) -> None:
    assert (await stack.post_stripe(body)).status_code == 200

    await stack.translate()

    shown = (await stack.http.get("/webhooks", params={"state": "not_ours"})).json()
    counts = (await stack.http.get("/webhooks/counts")).json()
    assert why in shown[0]["reason"]
    assert counts == {"not_ours": 1}
    assert await stack.words() == []


async def test_a_database_that_is_away_makes_the_gateway_send_again(stack: Stack) -> None:
    class Away:
        async def fetch(self, *_: Any) -> None:
            raise asyncpg.PostgresConnectionError("the database system is shutting down")

    stack.inbox._pool = Away()

    answer = await stack.post_stripe(EVENT)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


async def test_a_flood_of_forgeries_is_counted_and_does_not_fill_the_log(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    before = WEBHOOKS.value("stripe", "refused"), WEBHOOKS_REFUSED.value("stripe", "webhook_refused")

    answers = await asyncio.gather(*(stack.post_stripe(EVENT, "t=1,v1=00") for _ in range(200)))

    told = capsys.readouterr()
    assert {answer.status_code for answer in answers} == {400}
    assert WEBHOOKS.value("stripe", "refused") - before[0] == 200
    assert WEBHOOKS_REFUSED.value("stripe", "webhook_refused") - before[1] == 200
    assert 10 <= (told.out + told.err).count("webhook_refused") < 200


async def test_everything_else_goes_to_the_application_behind(stack: Stack) -> None:
    assert (await stack.http.get("/health")).json() == {"status": "ok"}
    assert (await stack.http.get("/webhooks", headers={"X-Relance-Key": "wrong"})).status_code == 401
