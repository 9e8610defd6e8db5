"""Stripe through its unmodified SDK against the simulator: from a webhook to a fact, and from a request to money."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.payments.domain.state import Registration
from shared.declines import DeclineClass
from shared.events import dunning, payments
from shared.events.words import AttemptKind, CancelledBy, Gateway, MethodKind
from shared.money import Money
from tests.payments.conftest import ADA, ECOLE, EUR, SECRET, case_of, stripe_signature
from tests.payments.simulators import World, free_port, served
from tests.payments.stack import Stack, stack_on

JUNE = date(2026, 6, 1)
CASE = case_of("ada-fr", JUNE)


class Post:
    """Keeps the letters the simulators post, so that a test hands them on when it likes."""

    def __init__(self) -> None:
        self.letters: list[tuple[bytes, dict[str, str]]] = []
        self.port = free_port()
        self._lock = threading.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        with self._lock:
            self.letters.append((body, headers))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def take(self) -> list[tuple[bytes, dict[str, str]]]:
        with self._lock:
            taken, self.letters = self.letters, []
        return taken


@pytest.fixture(scope="module")
def post_server() -> Iterator[Post]:
    post = Post()
    with served(post, post.port):
        yield post


class Bench:
    """Ada at the simulated Stripe, registered with payments."""

    def __init__(self, world: World, stack: Stack, post: Post, ada: Any) -> None:
        self.world = world
        self.stack = stack
        self.post = post
        self.ada = ada

    async def deliver(self) -> int:
        """What Stripe said so far arrives, and is worked off."""
        self.world.control("POST", "/run")
        letters = self.post.take()
        for body, headers in letters:
            signed = int(headers["stripe-signature"].split(",")[0].removeprefix("t="))
            if abs(self.stack.clock.now().timestamp() - signed) > 300:  # Stripe signs each delivery anew
                headers["stripe-signature"] = stripe_signature(body, self.stack.clock.now())
            answer = await self.stack.http.post("/webhooks/stripe", content=body, headers=headers)
            assert answer.status_code == 200, answer.text
        await self.stack.work()
        return len(letters)

    async def advance(self, to: str) -> int:
        self.world.advance(to)
        return await self.deliver()

    async def ask(self, n: int = 1, *, kind: AttemptKind = AttemptKind.RENEWAL, **more: Any) -> None:
        """Dunning asks for attempt ``n`` on June."""
        fields: dict[str, Any] = {
            "school_id": ECOLE,
            "occurred_at": self.stack.clock.now(),
            "subscription_id": "ada-fr",
            "learner_id": "ada",
            "case_id": CASE,
            "period": JUNE,
            "request_id": f"{CASE}/attempt/{n}",
            "ordinal": n,
            "kind": kind,
            "amount": EUR,
        }
        await self.stack.hear(dunning.AttemptRequested(**{**fields, **more}))
        await self.stack.work()

    async def about(self, fact: type[Any], **more: Any) -> None:
        """Dunning says something about Ada's June."""
        fields = {
            "school_id": ECOLE,
            "occurred_at": self.stack.clock.now(),
            "subscription_id": "ada-fr",
            "learner_id": "ada",
            "case_id": CASE,
            "period": JUNE,
        }
        await self.stack.hear(fact(**fields, **more))
        await self.stack.work()

    def charges(self) -> list[str]:
        return self.world.charges(self.ada["customer"])

    async def grow_impatient(self) -> None:
        """Wait half a second for Stripe's answers instead of five."""
        await self.stack.gateways[Gateway.STRIPE].close()
        self.stack.gateways[Gateway.STRIPE] = self.world.stripe(timeout=0.5)

    def stripe(self, kind: str, key: str) -> Any:
        """An object at Stripe as its API shows it."""
        answer = self.world.http.get(
            f"{self.world.base}/stripe/v1/{kind}/{key}".replace("/?", "?"),
            headers={"Authorization": "Bearer sk_test_x"},
        )
        return answer.json()

    def invoice(self) -> Any:
        return self.stripe(
            "invoices", self.stripe("subscriptions", self.ada["subscription"])["latest_invoice"]
        )


def registration(ada: Any) -> Registration:
    return replace(
        ADA,
        gateway_subscription_id=ada["subscription"],
        gateway_customer_id=ada["customer"],
        gateway_plan=ada["price"],
    )


@pytest.fixture
async def bench(world: World, postgres: str, post_server: Post) -> AsyncIterator[Bench]:
    post_server.take()
    world.control(
        "POST", "/webhooks", {"stripe": {"url": f"http://127.0.0.1:{post_server.port}/", "secret": SECRET}}
    )
    ada = world.ada()
    async with stack_on(postgres, world.clock, {Gateway.STRIPE: world.stripe()}) as stack:
        await stack.register(registration(ada))
        yield Bench(world, stack, post_server, ada)


async def test_a_failed_renewal_is_told_once_with_the_banks_reason(bench: Bench) -> None:
    bench.world.script("ada", "insufficient_funds")

    letters = await bench.advance("2026-06-01T07:00:00Z")

    (failed,) = await bench.stack.facts(payments.AttemptFailed)
    assert letters > 5
    assert (failed.period, failed.kind, failed.amount) == (JUNE, AttemptKind.RENEWAL, EUR)
    assert (failed.decline, failed.raw_code, failed.network_code) == (
        DeclineClass.INSUFFICIENT_FUNDS,
        "insufficient_funds",
        "51",
    )
    assert failed.transaction_id.startswith("ch_")
    assert failed.card
    assert failed.occurred_at.isoformat() == "2026-06-01T07:00:00+00:00"
    assert await bench.stack.words() == ["AttemptFailed"]
    rows = await bench.stack.rows()
    assert {row["reason"] for row in rows if row["state"] not in {"told", "not_ours"}} == set()


async def test_a_paid_renewal_is_told_once(bench: Bench) -> None:
    await bench.advance("2026-06-01T07:00:00Z")

    (paid,) = await bench.stack.facts(payments.AttemptSucceeded)
    assert (paid.period, paid.kind, paid.amount) == (JUNE, AttemptKind.RENEWAL, EUR)
    assert await bench.stack.words() == ["AttemptSucceeded"]


async def test_letters_in_any_order_and_twice_tell_the_same(bench: Bench) -> None:
    bench.world.script("ada", "stolen_card")
    bench.world.advance("2026-06-01T07:00:00Z")
    letters = bench.post.take()

    for body, headers in [*reversed(letters), *letters]:
        await bench.stack.http.post("/webhooks/stripe", content=body, headers=headers)
        await bench.stack.work()

    (failed,) = await bench.stack.facts(payments.AttemptFailed)
    assert failed.decline is DeclineClass.HARD_NEVER_RETRY
    assert await bench.stack.words() == ["AttemptFailed"]


async def test_our_retry_takes_the_money_once_and_its_echo_says_nothing_more(bench: Bench) -> None:
    bench.world.script("ada", "insufficient_funds", "ok")
    await bench.advance("2026-06-01T07:00:00Z")
    bench.world.advance("2026-06-02T07:00:00Z")

    await bench.ask(1)
    await bench.deliver()

    assert await bench.stack.words() == ["AttemptFailed", "AttemptSucceeded"]
    (paid,) = await bench.stack.facts(payments.AttemptSucceeded)
    assert (paid.request_id, paid.period, paid.kind) == (f"{CASE}/attempt/1", JUNE, AttemptKind.RENEWAL)
    assert bench.charges() == ["failed", "succeeded"]


async def test_a_declined_retry_is_an_attempt_of_its_own(bench: Bench) -> None:
    bench.world.script("ada", "insufficient_funds", "card_velocity_exceeded")
    await bench.advance("2026-06-01T07:00:00Z")
    bench.world.advance("2026-06-02T07:00:00Z")

    await bench.ask(1)
    await bench.deliver()

    first, second = await bench.stack.facts(payments.AttemptFailed)
    assert (second.decline, second.request_id) == (DeclineClass.LIMIT_EXCEEDED, f"{CASE}/attempt/1")
    assert first.transaction_id != second.transaction_id
    assert len(bench.charges()) == 2


async def test_the_other_stored_card_is_charged_where_dunning_asks_for_it(bench: Bench) -> None:
    eve = bench.world.ada(learner="eve", reference="eve-fr", also_card={"fingerprint": "the-other"})
    await bench.stack.register(replace(registration(eve), subscription_id="eve-fr", learner_id="eve"))
    bench.world.script("eve", "insufficient_funds", "ok")
    await bench.advance("2026-06-01T07:00:00Z")

    about: dict[str, Any] = {
        "subscription_id": "eve-fr",
        "learner_id": "eve",
        "case_id": case_of("eve-fr", JUNE),
    }
    await bench.ask(2, fallback=True, request_id=f"{case_of('eve-fr', JUNE)}/fallback/1", **about)
    await bench.deliver()

    (failed,) = [one for one in await bench.stack.facts(payments.AttemptFailed) if one.learner_id == "eve"]
    paid = [one for one in await bench.stack.facts(payments.AttemptSucceeded) if one.learner_id == "eve"]
    assert [one.request_id for one in paid] == [f"{case_of('eve-fr', JUNE)}/fallback/1"]
    assert (paid[0].card, failed.card == "the-other") == ("the-other", False)


async def test_without_another_stored_card_nothing_is_charged_and_it_counts_as_a_failure(
    bench: Bench,
) -> None:
    bench.world.script("ada", "insufficient_funds", "ok")
    await bench.advance("2026-06-01T07:00:00Z")

    await bench.ask(2, fallback=True, request_id=f"{CASE}/fallback/1")
    await bench.deliver()

    _, second = await bench.stack.facts(payments.AttemptFailed)
    assert (second.request_id, second.raw_code) == (f"{CASE}/fallback/1", "no_other_method")
    assert bench.charges() == ["failed"]


async def test_money_in_another_currency_is_told_as_it_came(bench: Bench) -> None:
    bench.world.script("ada", "insufficient_funds", {"amount": 7500, "currency": "USD"})
    await bench.advance("2026-06-01T07:00:00Z")
    bench.world.advance("2026-06-02T07:00:00Z")

    await bench.ask(1)
    await bench.deliver()

    (paid,) = await bench.stack.facts(payments.AttemptSucceeded)
    assert paid.amount == Money(7500, "USD")


async def test_a_refusal_that_the_bank_took_its_time_over_is_dated_when_it_came(bench: Bench) -> None:
    bench.world.script("ada", "insufficient_funds", {"decline": "insufficient_funds", "takes": 5})
    await bench.advance("2026-06-01T07:00:00Z")
    bench.world.advance("2026-06-02T07:00:00Z")

    asking = asyncio.create_task(bench.ask(1))
    while not bench.world.control("GET", "/next")["waiting"]:
        await asyncio.sleep(0.01)
    bench.world.clock.move_to(bench.world.clock.now() + timedelta(seconds=5))
    await asking

    _, second = await bench.stack.facts(payments.AttemptFailed)
    assert second.occurred_at.isoformat() == "2026-06-02T07:00:05+00:00"


@pytest.mark.parametrize(
    "fault",
    ["timeout_after", "drop_after", "500_after", "500_stored", "timeout_before", "500_before", "429", "409"],
)
async def test_a_lost_answer_never_charges_twice(bench: Bench, fault: str) -> None:
    bench.world.script("ada", "insufficient_funds", "ok")
    await bench.advance("2026-06-01T07:00:00Z")
    bench.world.advance("2026-06-02T07:00:00Z")
    await bench.grow_impatient()
    bench.world.fault("stripe", "POST /v1/invoices/*/pay", fault, seconds=1)

    await bench.ask(1)
    assert await bench.stack.words() == ["AttemptFailed"]
    bench.world.advance("2026-06-02T07:01:00Z")
    await bench.deliver()

    assert await bench.stack.words() == ["AttemptFailed", "AttemptSucceeded"]
    assert bench.charges() == ["failed", "succeeded"]


async def test_a_request_older_than_its_key_is_only_read_about(bench: Bench) -> None:
    bench.world.script("ada", "insufficient_funds", "ok")
    await bench.advance("2026-06-01T07:00:00Z")
    bench.world.advance("2026-06-02T07:00:00Z")
    bench.world.fault("stripe", "POST /v1/invoices/*/pay", "500_before")
    await bench.ask(1)
    bench.world.advance("2026-06-03T07:00:01Z")

    await bench.stack.work()

    assert await bench.stack.words() == ["AttemptFailed", "AttemptUnknown"]
    assert len(bench.charges()) == 1


async def test_a_payment_in_the_air_is_pending_and_then_paid(bench: Bench) -> None:
    bench.world.script("ada", "insufficient_funds", {"pending": True, "after": "PT2H", "then": "ok"})
    await bench.advance("2026-06-01T07:00:00Z")
    bench.world.advance("2026-06-02T07:00:00Z")

    await bench.ask(1)
    await bench.deliver()
    await bench.advance("2026-06-02T09:00:00Z")

    words = await bench.stack.words()
    pending, paid = (await bench.stack.facts())[1:]
    assert words == ["AttemptFailed", "AttemptPending", "AttemptSucceeded"]
    assert pending.transaction_id == paid.transaction_id


async def test_how_a_payment_in_the_air_ends_is_the_answer_to_the_request_that_sent_it(bench: Bench) -> None:
    bench.world.script(
        "ada", "insufficient_funds", {"pending": True, "after": "PT2H", "then": "insufficient_funds"}
    )
    await bench.advance("2026-06-01T07:00:00Z")
    bench.world.advance("2026-06-02T07:00:00Z")

    await bench.ask(1)
    await bench.deliver()
    await bench.advance("2026-06-02T09:00:00Z")

    pending, failed = (await bench.stack.facts())[1:]
    assert (failed.transaction_id, failed.request_id) == (pending.transaction_id, pending.request_id)
    assert (failed.kind, failed.period) == (pending.kind, pending.period)
    assert failed.occurred_at == pending.occurred_at + timedelta(hours=2)


async def test_we_take_the_invoices_clock_over_when_we_plan_our_own_retries(bench: Bench) -> None:
    bench.ada = bench.world.ada(stripe_retries_days=[1, 2])
    await bench.stack.register(registration(bench.ada))
    bench.world.script("ada", "insufficient_funds")
    await bench.advance("2026-06-01T07:00:00Z")
    assert bench.invoice()["next_payment_attempt"]

    await bench.about(dunning.AttemptScheduled, ordinal=1, at=bench.stack.clock.now())

    invoice = bench.invoice()
    assert (invoice["auto_advance"], invoice["next_payment_attempt"]) == (False, None)
    await bench.advance("2026-06-10T07:00:00Z")
    assert len(bench.charges()) == 1


async def test_a_retry_that_stripe_still_plans_is_taken_off_before_ours(bench: Bench) -> None:
    bench.ada = bench.world.ada(stripe_retries_days=[5])
    await bench.stack.register(registration(bench.ada))
    bench.world.script("ada", "insufficient_funds", "insufficient_funds")
    await bench.advance("2026-06-01T07:00:00Z")

    await bench.ask(1)
    await bench.advance("2026-06-10T07:00:00Z")

    assert len(bench.charges()) == 2
    assert bench.invoice()["next_payment_attempt"] is None


async def test_a_challenge_is_a_failed_attempt_and_passing_it_on_the_banks_page_recovers(
    bench: Bench,
) -> None:
    bench.world.script("ada", {"decline": "authentication_required", "then": "ok"})
    await bench.advance("2026-06-01T07:00:00Z")
    (failed,) = await bench.stack.facts(payments.AttemptFailed)
    assert failed.decline is DeclineClass.AUTHENTICATION_REQUIRED

    answer = await bench.stack.http.post(
        "/subscriptions/ada-fr/visits",
        json={"kind": "authenticate", "return_url": "https://ecole.example/premium"},
    )
    visit = answer.json()
    assert "/hosted/invoices/" in visit["url"]
    bench.world.advance("2026-06-01T08:00:00Z")
    bench.world.act("pass_3ds", learner="ada")
    back = await bench.stack.http.get(f"/returns/{visit['visit_id']}")
    await bench.deliver()

    assert back.headers["location"] == f"https://ecole.example/premium?visit={visit['visit_id']}"
    assert await bench.stack.words() == [
        "AttemptFailed",
        "AuthenticationStarted",
        "AttemptSucceeded",
        "AuthenticationPassed",
    ]
    subscription = (await bench.stack.http.get("/subscriptions/ada-fr")).json()
    assert subscription["authenticated"] is True


async def test_a_failed_challenge_is_told(bench: Bench) -> None:
    bench.world.script("ada", {"decline": "authentication_required", "then": "ok"})
    await bench.advance("2026-06-01T07:00:00Z")
    await bench.stack.http.post(
        "/subscriptions/ada-fr/visits", json={"kind": "authenticate", "return_url": "https://ecole.example/"}
    )

    bench.world.act("fail_3ds", learner="ada")
    await bench.deliver()

    (started,) = await bench.stack.facts(payments.AuthenticationStarted)
    (left,) = await bench.stack.facts(payments.AuthenticationFailed)
    assert left.challenge_id == started.challenge_id


async def test_another_card_becomes_the_subscriptions_default_and_is_told(bench: Bench) -> None:
    visit = (
        await bench.stack.http.post(
            "/subscriptions/ada-fr/visits",
            json={"kind": "method", "return_url": "https://ecole.example/premium"},
        )
    ).json()
    session = visit["url"].rsplit("/", 1)[1]

    bench.world.act("update_card", session=session, card={"number": "5555555555554444"})
    await bench.deliver()

    (updated,) = await bench.stack.facts(payments.PaymentMethodUpdated)
    subscription = bench.stripe("subscriptions", bench.ada["subscription"])
    method = bench.stripe("payment_methods", subscription["default_payment_method"])
    assert (updated.label, method["card"]["last4"]) == ("4444", "4444")
    assert (await bench.stack.http.get(f"/visits/{visit['visit_id']}")).json()["state"] == "done"


async def test_a_debit_card_is_refused_with_its_reason_and_not_kept(bench: Bench) -> None:
    visit = (
        await bench.stack.http.post(
            "/subscriptions/ada-fr/visits",
            json={"kind": "method", "return_url": "https://ecole.example/premium"},
        )
    ).json()
    bench.world.act(
        "update_card", session=visit["url"].rsplit("/", 1)[1], card={"number": "4000056655665556"}
    )

    await bench.deliver()

    shown = (await bench.stack.http.get(f"/visits/{visit['visit_id']}")).json()
    subscription = bench.stripe("subscriptions", bench.ada["subscription"])
    assert (shown["state"], shown["reason"]) == ("refused", "debit_card_not_accepted")
    assert subscription["default_payment_method"] == bench.ada["payment_method"]
    assert await bench.stack.facts(payments.PaymentMethodUpdated) == []


async def test_cancelling_is_confirmed_and_asked_twice_it_stays_so(bench: Bench) -> None:
    await bench.about(dunning.GatewayCancellationRequested)
    await bench.deliver()

    (cancelled,) = await bench.stack.facts(payments.GatewaySubscriptionCancelled)
    assert cancelled.by is CancelledBy.SCHOOL
    assert bench.stripe("subscriptions", bench.ada["subscription"])["status"] == "canceled"


async def test_a_suspended_learner_is_not_invoiced_and_a_relaunch_makes_a_new_month(bench: Bench) -> None:
    bench.world.script("ada", "insufficient_funds")
    await bench.advance("2026-06-01T07:00:00Z")
    await bench.advance("2026-06-12T22:00:00Z")
    await bench.about(dunning.SubscriptionPauseRequested)
    assert bench.invoice()["status"] == "uncollectible"
    await bench.advance("2026-07-20T13:00:00Z")

    await bench.ask(1, kind=AttemptKind.RELAUNCH, request_id=f"{CASE}/relaunch/1", on_session=True)
    await bench.about(
        dunning.SubscriptionResumptionRequested, billing_day=20, next_billing_on=date(2026, 8, 20)
    )
    await bench.deliver()

    (paid,) = await bench.stack.facts(payments.AttemptSucceeded)
    (resumed,) = await bench.stack.facts(payments.GatewaySubscriptionResumed)
    assert (paid.kind, paid.amount, paid.request_id) == (AttemptKind.RELAUNCH, EUR, f"{CASE}/relaunch/1")
    assert resumed.next_billing_on == date(2026, 8, 20)
    assert len(bench.charges()) == 2
    await bench.advance("2026-08-21T07:00:00Z")
    august = (await bench.stack.facts(payments.AttemptSucceeded))[-1]
    assert (august.kind, august.period) == (AttemptKind.RENEWAL, date(2026, 8, 20))
    assert len(bench.charges()) == 3


async def test_a_declined_relaunch_leaves_no_invoice_to_be_paid_by_mistake(bench: Bench) -> None:
    bench.world.script("ada", "insufficient_funds")

    await bench.ask(1, kind=AttemptKind.RELAUNCH, request_id=f"{CASE}/relaunch/1", on_session=True)
    await bench.deliver()

    (failed,) = await bench.stack.facts(payments.AttemptFailed)
    listed = bench.stripe("invoices", "?limit=10")["data"]
    assert failed.kind is AttemptKind.RELAUNCH
    assert [invoice["status"] for invoice in listed] == ["void"]


async def test_money_that_went_back_names_the_period_it_undoes(bench: Bench) -> None:
    await bench.advance("2026-06-01T07:00:00Z")

    bench.world.act("refund", learner="ada")
    bench.world.act("chargeback", learner="ada")
    await bench.deliver()

    (refund,) = await bench.stack.facts(payments.PaymentRefunded)
    (dispute,) = await bench.stack.facts(payments.ChargebackOpened)
    assert (refund.period, refund.amount) == (JUNE, EUR)
    assert dispute.period == JUNE


async def test_a_part_of_the_money_is_told_as_what_came(bench: Bench) -> None:
    bench.world.script("ada", {"amount": 4000})

    await bench.advance("2026-06-01T07:00:00Z")

    (paid,) = await bench.stack.facts(payments.AttemptSucceeded)
    assert paid.amount == Money(4000, "EUR")


async def test_an_event_of_an_unknown_subscription_waits_and_is_told_when_it_is_registered(
    bench: Bench,
) -> None:
    stranger = bench.world.ada(learner="bea")
    bench.world.script("bea", "expired_card")
    await bench.advance("2026-06-01T07:00:00Z")
    waiting = (await bench.stack.http.get("/webhooks", params={"state": "waiting"})).json()
    assert waiting
    assert f"stripe:{stranger['subscription']}" in {ref for row in waiting for ref in row["waits_for"]}

    told = replace(registration(stranger), subscription_id="bea-fr", learner_id="bea")
    await bench.stack.register(told)
    await bench.stack.work()

    failed = [fact for fact in await bench.stack.facts(payments.AttemptFailed) if fact.learner_id == "bea"]
    assert len(failed) == 1
    assert "waiting" not in (await bench.stack.states()).values()


async def test_reconciling_tells_what_the_letters_did_not(bench: Bench) -> None:
    bench.world.control("POST", "/webhooks/rules", {"gateway": "stripe", "hold": True})
    bench.world.script("ada", "insufficient_funds")
    await bench.advance("2026-06-01T07:00:00Z")
    assert await bench.stack.words() == []

    await bench.about(dunning.ReconciliationRequested, about="watchdog/1")

    assert await bench.stack.words() == ["AttemptFailed"]


async def test_a_subscription_is_registered_by_reading_it(bench: Bench) -> None:
    other = bench.world.ada(learner="bea", amount=9900)

    answer = await bench.stack.http.put(
        "/subscriptions/bea-fr/from-gateway",
        json={
            "school_id": ECOLE,
            "learner_id": "bea",
            "gateway": "stripe",
            "gateway_subscription_id": other["subscription"],
        },
    )

    told = answer.json()
    assert (told["price"], told["billing_day"], told["label"]) == (
        {"amount_minor": 9900, "currency": "EUR"},
        1,
        "4242",
    )
    assert told["gateway_customer_id"] == other["customer"]


async def test_a_sign_up_registers_when_it_is_paid(bench: Bench) -> None:
    price = bench.ada["price"]
    body = {
        "school_id": ECOLE,
        "learner_id": "cleo",
        "gateway": "stripe",
        "gateway_plan": price,
        "billing_day": 20,
        "started_on": "2026-05-20",
        "method": "card",
        "price": {"amount_minor": 7500, "currency": "EUR"},
        "return_url": "https://ecole.example/welcome",
    }
    visit = (await bench.stack.http.post("/sign-ups/cleo-fr", json=body)).json()

    bench.world.act("update_card", session=visit["url"].rsplit("/", 1)[1])
    await bench.deliver()

    registered = await bench.stack.facts(payments.SubscriptionRegistered)
    (paid,) = await bench.stack.facts(payments.AttemptSucceeded)
    assert registered[-1].subscription_id == "cleo-fr"
    assert (paid.kind, paid.subscription_id) == (AttemptKind.FIRST, "cleo-fr")


async def test_a_refused_first_payment_leaves_nothing_behind(bench: Bench) -> None:
    body = {
        "school_id": ECOLE,
        "learner_id": "cleo",
        "gateway": "stripe",
        "gateway_plan": bench.ada["price"],
        "billing_day": 20,
        "started_on": "2026-05-20",
        "method": "card",
        "price": {"amount_minor": 7500, "currency": "EUR"},
        "return_url": "https://ecole.example/welcome",
    }
    visit = (await bench.stack.http.post("/sign-ups/cleo-fr", json=body)).json()

    bench.world.act(
        "update_card", session=visit["url"].rsplit("/", 1)[1], card={"number": "4000000000000341"}
    )
    await bench.deliver()

    shown = (await bench.stack.http.get(f"/visits/{visit['visit_id']}")).json()
    assert (shown["state"], shown["reason"]) == ("refused", "payment_declined")
    assert await bench.stack.words() == []
    assert (await bench.stack.http.get("/subscriptions/cleo-fr")).status_code == 404


def _cleo(bench: Bench, method: str) -> dict[str, Any]:
    return {
        "school_id": ECOLE,
        "learner_id": "cleo",
        "gateway": "stripe",
        "gateway_plan": bench.ada["price"],
        "billing_day": 20,
        "started_on": "2026-05-20",
        "method": method,
        "price": {"amount_minor": 7500, "currency": "EUR"},
        "return_url": "https://ecole.example/welcome",
    }


async def test_a_second_tab_of_one_sign_up_opens_the_same_page(bench: Bench) -> None:
    first, second = [
        (await bench.stack.http.post("/sign-ups/cleo-fr", json=_cleo(bench, "card"))).json() for _ in range(2)
    ]
    other = (await bench.stack.http.post("/sign-ups/cleo-fr", json=_cleo(bench, "paypal"))).json()
    assert first["url"] == second["url"]
    assert other["url"] != first["url"]


async def test_paypal_is_stored_at_stripe_and_charged_without_the_learner(bench: Bench) -> None:
    """F27: the school itself tries again, so PayPal is a stored account, not a subscription at PayPal."""
    visit = (await bench.stack.http.post("/sign-ups/cleo-fr", json=_cleo(bench, "paypal"))).json()
    session = visit["url"].rsplit("/", 1)[1]
    bench.world.act("update_card", session=session, paypal_email="cleo@paypal.example")
    await bench.deliver()

    registered = (await bench.stack.facts(payments.SubscriptionRegistered))[-1]
    (paid,) = await bench.stack.facts(payments.AttemptSucceeded)
    assert (registered.subscription_id, registered.method) == ("cleo-fr", MethodKind.PAYPAL)
    assert (paid.kind, paid.method) == (AttemptKind.FIRST, MethodKind.PAYPAL)


async def test_two_pages_that_are_both_finished_make_one_subscription_and_one_payment(bench: Bench) -> None:
    """A card on one tab and PayPal on another, before either of them is worked off."""
    visits = [
        (await bench.stack.http.post("/sign-ups/cleo-fr", json=_cleo(bench, method))).json()
        for method in ("card", "paypal")
    ]
    card, paypal = (visit["url"].rsplit("/", 1)[1] for visit in visits)
    bench.world.act("update_card", session=card)
    bench.world.act("update_card", session=paypal, paypal_email="cleo@paypal.example")
    await bench.deliver()
    await bench.deliver()

    paid = await bench.stack.facts(payments.AttemptSucceeded)
    assert [one.subscription_id for one in paid] == ["cleo-fr"]
    states = [
        (await bench.stack.http.get(f"/visits/{visit['visit_id']}")).json()["state"] for visit in visits
    ]
    assert sorted(states) == ["done", "refused"]
