"""What cannot be told now is told later, by whichever process is there, and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.payments.news import InvoiceNews, Look, NotOurs, Outcome
from services.payments.translator import Translator
from shared.clock import HandClock
from shared.database import OvertakenError
from shared.errors import Transient, Unreadable
from shared.events import payments
from shared.events.words import Gateway
from tests.payments.conftest import ADA, JUNE_1, SCHOOLS, stripe_event
from tests.payments.stack import Stack, stack_on
from tests.payments.test_telling import ada


class Scripted:
    """A gateway whose webhooks mean what the test says."""

    def __init__(self) -> None:
        self.heard: Any = (ada(Outcome.FAILED),)
        self.looks: list[Any] = []
        self.looked = 0

    @property
    def name(self) -> Gateway:
        return Gateway.STRIPE

    async def verify(self, headers: Any, body: bytes, now: Any) -> Any:
        from services.payments.gateways.stripe.verify import read_head  # noqa: PLC0415 - signatures are tested elsewhere

        return read_head(body)

    def parse(self, body: bytes) -> Any:
        if isinstance(self.heard, Exception):
            raise self.heard
        return self.heard

    async def look(self, hint: Look, now: Any) -> Any:
        self.looked += 1
        answer = self.looks.pop(0) if self.looks else ()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        return


@pytest.fixture
def gateway() -> Scripted:
    return Scripted()


@pytest.fixture
async def stack(postgres: str, gateway: Scripted) -> AsyncIterator[Stack]:
    gateways: Any = {Gateway.STRIPE: gateway}
    async with stack_on(postgres, HandClock(JUNE_1), gateways) as stack:
        yield stack


async def post(stack: Stack, n: int = 1) -> None:
    answer = await stack.post_stripe(
        stripe_event("invoice.payment_failed", {"id": "in_1"}, event_id=f"evt_{n}")
    )
    assert answer.status_code == 200


async def row(stack: Stack) -> dict[str, Any]:
    (found,) = await stack.rows()
    return found


async def hurry(stack: Stack) -> None:
    """Its pause is over."""
    await stack.pool.execute("update payments.webhooks set due_at = now()")


async def test_an_unknown_subscription_waits_and_after_a_day_for_a_person(stack: Stack) -> None:
    await post(stack)
    await stack.translate()
    waiting = await row(stack)
    assert (waiting["state"], waiting["flagged_at"], waiting["waits_for"]) == (
        "waiting",
        None,
        ["stripe:sub_ada"],
    )

    assert isinstance(stack.clock, HandClock)
    stack.clock.move_to(JUNE_1 + timedelta(hours=24))
    await hurry(stack)
    await stack.translate()

    flagged = (await stack.http.get("/webhooks", params={"state": "waiting"})).json()
    assert flagged[0]["flagged_at"].startswith("2026-06-02T07:00:00")
    assert "register it" in flagged[0]["reason"]


async def test_a_registration_makes_what_waited_for_it_heard_at_once(stack: Stack) -> None:
    await post(stack)
    for _ in range(6):
        await hurry(stack)
        await stack.translate()
    assert await stack.translate() == 0

    body = {
        "school_id": "ecole",
        "learner_id": "ada",
        "gateway": "stripe",
        "gateway_subscription_id": "sub_ada",
        "price": {"amount_minor": 7500, "currency": "EUR"},
        "billing_day": 1,
        "started_on": "2026-01-01",
        "method": "card",
    }
    await stack.http.put("/subscriptions/ada-fr", json=body)
    await stack.translate()

    assert (await row(stack))["state"] == "told"
    assert await stack.words() == ["AttemptFailed"]


async def test_a_school_that_is_not_known_yet_is_waited_for(stack: Stack) -> None:
    await stack.register(replace(ADA, school_id="tomorrow"))
    await post(stack)

    await stack.translate()

    assert (await row(stack))["reason"] == "its school is not registered yet"


async def test_trouble_at_the_gateway_is_tried_again_with_growing_pauses(
    stack: Stack, gateway: Scripted
) -> None:
    await stack.register(ADA)
    gateway.heard = Look(gateway=Gateway.STRIPE, kind="x", occurred_at=JUNE_1, subscription="sub_ada")
    gateway.looks = [Transient("not now"), OSError("line cut"), (ada(Outcome.SUCCEEDED),)]
    await post(stack)
    pauses = []
    for _ in range(3):
        await hurry(stack)
        await stack.translate()
        pauses.append(
            await stack.pool.fetchval("select extract(epoch from due_at - now()) from payments.webhooks")
        )

    assert 0 < pauses[0] <= 1 < pauses[1] <= 2
    assert (await row(stack))["state"] == "told"
    assert await stack.words() == ["AttemptSucceeded"]


async def test_what_cannot_be_read_is_kept_as_failed_and_may_be_tried_again_after_a_mend(
    stack: Stack, gateway: Scripted
) -> None:
    await stack.register(ADA)
    gateway.heard = Unreadable("it keeps to no form")
    await post(stack)
    await stack.translate()
    failed = await row(stack)
    assert (failed["state"], failed["reason"]) == ("failed", "it keeps to no form")

    gateway.heard = (ada(Outcome.FAILED),)
    await stack.http.post(f"/webhooks/{failed['dedupe_key']}/retry")
    await stack.translate()

    assert (await row(stack))["state"] == "told"


async def test_one_that_cannot_be_told_does_not_stop_its_neighbours(
    stack: Stack, gateway: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stack.register(ADA)
    broken = ada(Outcome.FAILED, transaction_id="broken", occurred_at="never")
    heard = [(broken,), (ada(Outcome.FAILED),)]
    monkeypatch.setattr(gateway, "parse", lambda body: heard[0] if b"evt_1" in body else heard[1])
    await post(stack, 1)
    await post(stack, 2)

    await stack.translate()

    states = {one["dedupe_key"]: one["state"] for one in await stack.rows()}
    assert states == {"stripe:evt_1": "new", "stripe:evt_2": "told"}
    assert await stack.words() == ["AttemptFailed"]


async def test_what_our_books_know_is_not_looked_up_again(stack: Stack, gateway: Scripted) -> None:
    await stack.register(ADA)
    known = InvoiceNews(gateway=Gateway.STRIPE, occurred_at=JUNE_1, refs=("sub_ada",), invoice_id="in_1")
    gateway.heard = (known, ada(Outcome.FAILED, invoice_id="in_1"))
    await post(stack, 1)
    await stack.translate()
    gateway.heard = Look(
        gateway=Gateway.STRIPE, kind="invoice.payment_failed", occurred_at=JUNE_1, invoice="in_1"
    )
    await post(stack, 2)

    await stack.translate()

    assert gateway.looked == 0
    assert {one["state"] for one in await stack.rows()} == {"told"}


async def test_many_translators_tell_everything_once(
    stack: Stack, gateway: Scripted, monkeypatch: Any
) -> None:
    await stack.register(ADA)

    def parse(body: bytes) -> Any:
        n = int(body.split(b'"evt_')[1].split(b'"')[0])
        return (ada(Outcome.FAILED, transaction_id=f"ch_{n // 2}", at=JUNE_1 + timedelta(seconds=n // 2)),)

    monkeypatch.setattr(gateway, "parse", parse)
    for n in range(120):
        await post(stack, n)
    translators = [Translator(stack.inbox, stack.transactions, stack.gateways) for _ in range(4)]

    async def empty(one: Translator) -> None:
        while True:
            try:
                if not await one.translate_due(limit=7):
                    return
            except Transient:
                await hurry(stack)

    await asyncio.gather(*(empty(one) for one in translators))
    await hurry(stack)
    await empty(translators[0])

    assert {one["state"] for one in await stack.rows()} == {"told"}
    assert len(await stack.facts(payments.AttemptFailed)) == 60


async def test_what_a_dead_process_had_claimed_is_taken_up_after_its_lease(
    stack: Stack, gateway: Scripted
) -> None:
    await stack.register(ADA)
    await post(stack)
    await stack.inbox.claim(limit=10, lease=timedelta(minutes=2))
    assert await stack.translate() == 0

    await hurry(stack)
    await stack.translate()

    assert await stack.words() == ["AttemptFailed"]


async def test_what_is_not_ours_is_counted_and_shown(stack: Stack, gateway: Scripted) -> None:
    gateway.heard = NotOurs(reason="nothing depends on it")
    await post(stack)
    await stack.translate()

    assert (await stack.http.get("/webhooks/counts")).json() == {"not_ours": 1}


async def test_a_letter_whose_telling_was_overtaken_is_told_at_once_and_not_after_its_lease(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stack.hear(*SCHOOLS)
    await stack.register(ADA)
    await post(stack)

    async def overtaken(*_: Any) -> None:
        raise OvertakenError("another process was faster")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(stack.translator, "_tell_together", overtaken)
        with pytest.raises(OvertakenError):
            await stack.translate()

    assert await stack.translate() == 1
    assert (await row(stack))["state"] == "told"


async def test_what_came_beside_a_letter_that_was_overtaken_keeps_no_lease_either(
    stack: Stack, gateway: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stack.hear(*SCHOOLS)
    await stack.register(ADA)
    for n in (1, 2):
        await post(stack, n)
    told, meanings = gateway.heard, iter([NotOurs(reason="nothing depends on it")])
    monkeypatch.setattr(gateway, "parse", lambda _: next(meanings, told))

    async def overtaken(*_: Any) -> None:
        raise OvertakenError("another process was faster")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(stack.translator, "_tell_together", overtaken)
        with pytest.raises(OvertakenError):
            await stack.translate()

    assert sorted(one["state"] for one in await stack.rows()) == ["new", "not_ours"]
    assert await stack.translate() == 1
