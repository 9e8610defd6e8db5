"""PayPal through its unmodified SDK against the simulator: a webhook is a hint, the books are the truth."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.payments.domain.state import Registration
from services.payments.inbox import compress
from shared.declines import DeclineClass
from shared.events import dunning, payments
from shared.events.words import AttemptKind, CancelledBy, Gateway
from shared.money import Money
from tests.payments.conftest import AIKO, GAKKO, YEN, case_of, utc
from tests.payments.simulators import WEBHOOK_ID, World, served
from tests.payments.stack import Stack, stack_on
from tests.payments.test_with_stripe import Post

JUNE = date(2026, 6, 15)
CASE = case_of("aiko-jp", JUNE)


@pytest.fixture(scope="module")
def post_server() -> Iterator[Post]:
    post = Post()
    with served(post, post.port):
        yield post


class Bench:
    """Aiko at the simulated PayPal, registered with payments."""

    def __init__(self, world: World, stack: Stack, post: Post, aiko: Any) -> None:
        self.world = world
        self.stack = stack
        self.post = post
        self.aiko = aiko

    async def deliver(self) -> list[int]:
        """What PayPal said so far arrives, and is worked off; the answers' statuses."""
        self.world.control("POST", "/run")
        statuses = []
        for body, headers in self.post.take():
            answer = await self.stack.http.post("/webhooks/paypal", content=body, headers=headers)
            statuses.append(answer.status_code)
        await self.stack.work()
        return statuses

    async def advance(self, to: str) -> list[int]:
        self.world.advance(to)
        return await self.deliver()

    async def about(self, fact: type[Any], **more: Any) -> None:
        """Dunning says something about Aiko's June."""
        fields = {
            "school_id": GAKKO,
            "occurred_at": self.stack.clock.now(),
            "subscription_id": "aiko-jp",
            "learner_id": "aiko",
            "case_id": CASE,
            "period": JUNE,
        }
        await self.stack.hear(fact(**{**fields, **more}))
        await self.stack.work()

    async def translate_late(self) -> None:
        """The letter box once more, as if its pauses were over."""
        await self.stack.pool.execute("update payments.webhooks set due_at = now()")
        await self.stack.work()


def registration(aiko: Any) -> Registration:
    return replace(AIKO, gateway_subscription_id=aiko["subscription"], gateway_plan=aiko["plan"])


@pytest.fixture
async def bench(world: World, postgres: str, post_server: Post) -> AsyncIterator[Bench]:
    post_server.take()
    url = f"http://127.0.0.1:{post_server.port}/"
    world.control("POST", "/webhooks", {"paypal": {"url": url, "webhook_id": WEBHOOK_ID}})
    aiko = world.aiko()
    async with stack_on(postgres, world.clock, {Gateway.PAYPAL: world.paypal()}) as stack:
        await stack.register(registration(aiko))
        yield Bench(world, stack, post_server, aiko)


async def test_three_failures_and_the_end_are_told_as_the_books_have_them(bench: Bench) -> None:
    bench.world.script("aiko", "PAYER_CANNOT_PAY", "PAYMENT_DENIED", "PAYMENT_DENIED")

    statuses = await bench.advance("2026-06-15T11:10:00Z")
    statuses += await bench.advance("2026-06-20T11:10:00Z")
    statuses += await bench.advance("2026-06-25T11:10:00Z")

    first, second, third = await bench.stack.facts(payments.AttemptFailed)
    (cancelled,) = await bench.stack.facts(payments.GatewaySubscriptionCancelled)
    assert set(statuses) == {200}
    assert [one.period for one in (first, second, third)] == [JUNE, JUNE, JUNE]
    assert (first.decline, first.raw_code) == (DeclineClass.INSUFFICIENT_FUNDS, "PAYER_CANNOT_PAY")
    assert first.next_attempt_at == utc("2026-06-20T11:10:00Z")
    assert third.next_attempt_at is None
    assert first.amount == YEN
    assert cancelled.by is CancelledBy.GATEWAY
    assert await bench.stack.words() == ["AttemptFailed"] * 3 + ["GatewaySubscriptionCancelled"]


async def test_a_success_names_the_next_billing_day_of_the_gateway(bench: Bench) -> None:
    bench.world.script("aiko", "PAYER_CANNOT_PAY", "ok")

    await bench.advance("2026-06-15T11:10:00Z")
    await bench.advance("2026-06-20T11:10:00Z")

    (paid,) = await bench.stack.facts(payments.AttemptSucceeded)
    assert (paid.period, paid.kind, paid.next_billing_on) == (JUNE, AttemptKind.RENEWAL, date(2026, 7, 15))
    assert await bench.stack.words() == ["AttemptFailed", "AttemptSucceeded"]


async def test_after_an_outage_every_failure_is_found_in_the_books(bench: Bench) -> None:
    bench.world.script("aiko", "PAYER_CANNOT_PAY", "PAYMENT_DENIED", "PAYMENT_DENIED")
    for day in ("15", "20", "25"):
        bench.world.advance(f"2026-06-{day}T11:10:00Z")
    letters = bench.post.take()
    bench.post.letters = list(reversed(letters))

    await bench.deliver()

    failed = await bench.stack.facts(payments.AttemptFailed)
    assert [one.occurred_at.day for one in failed] == [15, 20, 25]


async def test_late_at_night_in_tokyo_is_still_the_day_before(bench: Bench) -> None:
    other = bench.world.aiko(learner="ben", next_billing="2026-06-20T16:30:00Z")
    told = replace(registration(other), subscription_id="ben-jp", learner_id="ben", billing_day=20)
    await bench.stack.register(told)
    bench.world.script("ben", "PAYMENT_DENIED")

    await bench.advance("2026-06-20T16:30:00Z")

    failed = [one for one in await bench.stack.facts(payments.AttemptFailed) if one.learner_id == "ben"]
    assert [one.period for one in failed] == [date(2026, 6, 20)]


async def test_a_suspension_by_hand_counts_no_failed_payments(bench: Bench) -> None:
    bench.world.act("buyer_suspend", learner="aiko")

    await bench.deliver()

    (suspended,) = await bench.stack.facts(payments.GatewaySubscriptionSuspended)
    assert suspended.failed_payments == 0


async def test_a_buyer_who_cancels_between_attempts_is_the_learner(bench: Bench) -> None:
    bench.world.script("aiko", "PAYER_CANNOT_PAY")
    await bench.advance("2026-06-15T11:10:00Z")

    bench.world.act("buyer_cancel", learner="aiko")
    await bench.deliver()

    (cancelled,) = await bench.stack.facts(payments.GatewaySubscriptionCancelled)
    assert cancelled.by is CancelledBy.LEARNER


async def test_we_cancel_once_and_paypals_own_word_of_it_is_the_same_fact(bench: Bench) -> None:
    await bench.about(dunning.GatewayCancellationRequested)
    await bench.about(dunning.GatewayCancellationRequested)
    await bench.deliver()

    (cancelled,) = await bench.stack.facts(payments.GatewaySubscriptionCancelled)
    assert cancelled.by is CancelledBy.SCHOOL


async def test_cancelling_what_paypal_cancelled_already_is_done(bench: Bench) -> None:
    bench.world.act("buyer_cancel", learner="aiko")

    await bench.about(dunning.GatewayCancellationRequested)

    (cancelled,) = await bench.stack.facts(payments.GatewaySubscriptionCancelled)
    errands = await bench.stack.pool.fetch("select outcome from payments.errands where kind = 'cancel'")
    assert [row["outcome"] for row in errands] == ["done"]
    assert cancelled.gateway_subscription_id == bench.aiko["subscription"]


async def test_a_body_written_under_a_genuine_signature_is_not_acted_upon(bench: Bench) -> None:
    await bench.advance("2026-06-15T11:10:00Z")
    said = await bench.stack.words()
    forged = {
        "id": "WH-FORGED",
        "event_type": "PAYMENT.SALE.COMPLETED",
        "resource": {
            "id": "99999999XX999999X",
            "billing_agreement_id": bench.aiko["subscription"],
            "amount": {"total": "99999", "currency": "JPY"},
        },
    }
    await bench.stack.pool.execute(
        "insert into payments.webhooks (dedupe_key, gateway, kind, received_at, body) values ($1, $2, $3, now(), $4)",
        "paypal:WH-FORGED:PAYMENT.SALE.COMPLETED",
        "paypal",
        "PAYMENT.SALE.COMPLETED",
        compress(json.dumps(forged).encode()),
    )

    for _ in range(8):
        await bench.translate_late()

    (row,) = (await bench.stack.http.get("/webhooks", params={"state": "refused"})).json()
    assert "does not confirm" in row["reason"]
    assert await bench.stack.words() == said


async def test_a_forged_failure_is_refused_unless_paypal_knows_the_event(bench: Bench) -> None:
    bench.world.script("aiko", "PAYER_CANNOT_PAY")
    await bench.advance("2026-06-15T11:10:00Z")
    resource = {
        "id": bench.aiko["subscription"],
        "status": "ACTIVE",
        "billing_info": {"last_failed_payment": {"time": "2026-06-14T11:10:00Z", "amount": {}}},
    }
    forged = {"id": "WH-FORGED", "event_type": "BILLING.SUBSCRIPTION.PAYMENT.FAILED", "resource": resource}
    await bench.stack.pool.execute(
        "insert into payments.webhooks (dedupe_key, gateway, kind, received_at, body) values ($1, $2, $3, now(), $4)",
        "paypal:WH-FORGED",
        "paypal",
        forged["event_type"],
        compress(json.dumps(forged).encode()),
    )

    for _ in range(8):
        await bench.translate_late()

    assert await bench.stack.words() == ["AttemptFailed"]


@pytest.mark.parametrize(
    "mode",
    [
        "bad",
        "none",
        "mutated",
        "future",
        "wrong_webhook_id",
        "expired_cert",
        "wrong_name",
        "self_signed",
        "unknown_root",
        "foreign_host",
    ],
)
async def test_forged_deliveries_are_refused_at_the_door(bench: Bench, mode: str) -> None:
    bench.world.control("POST", "/webhooks/rules", {"gateway": "paypal", "signature": mode})

    statuses = await bench.advance("2026-06-15T11:10:00Z")

    assert set(statuses) == {400}
    assert await bench.stack.rows() == []
    bench.world.control("DELETE", "/webhooks/rules")


async def test_a_new_certificate_is_believed_when_it_chains(bench: Bench) -> None:
    await bench.advance("2026-06-15T11:10:00Z")
    bench.world.control("POST", "/webhooks/rotate", {"gateway": "paypal"})

    statuses = await bench.advance("2026-07-15T11:10:00Z")

    assert set(statuses) == {200}
    assert len(await bench.stack.facts(payments.AttemptSucceeded)) == 2


async def test_money_that_went_back_is_told_with_its_period(bench: Bench) -> None:
    await bench.advance("2026-06-15T11:10:00Z")
    bench.world.act("reverse", learner="aiko")
    await bench.deliver()

    (reversed_,) = await bench.stack.facts(payments.SaleReversed)
    assert (reversed_.period, reversed_.amount) == (JUNE, YEN)


async def test_a_refund_and_a_dispute_are_told(bench: Bench) -> None:
    await bench.advance("2026-06-15T11:10:00Z")
    bench.world.act("chargeback", learner="aiko")
    bench.world.act("refund", learner="aiko", amount=800)
    await bench.deliver()

    (refunded,) = await bench.stack.facts(payments.PaymentRefunded)
    (disputed,) = await bench.stack.facts(payments.ChargebackOpened)
    assert (refunded.period, refunded.amount) == (JUNE, Money(800, "JPY"))
    assert (disputed.period, disputed.amount) == (JUNE, YEN)


async def test_resuming_from_my_page_makes_a_new_subscription_on_the_announced_day_only(bench: Bench) -> None:
    async def open_page() -> Any:
        return await bench.stack.http.post(
            "/subscriptions/aiko-jp/visits",
            json={"kind": "resume", "return_url": "https://gakko.example/my", "language": "ja"},
        )

    bench.world.act("buyer_cancel", learner="aiko")
    await bench.deliver()
    await bench.about(dunning.SelfPaymentLocked, why="cancelled")
    locked = await open_page()
    opens, closes = utc("2026-08-19T15:00:00Z"), utc("2026-08-20T15:00:00Z")
    await bench.about(dunning.SelfPaymentOpened, why="announced", opens_at=opens, closes_at=closes)
    early = await open_page()
    bench.world.advance("2026-08-20T02:00:00Z")
    visit = (await open_page()).json()
    again = (await open_page()).json()

    assert (locked.status_code, locked.json()["title"]) == (409, "self_payment_locked")
    assert (early.status_code, early.json()["title"]) == (409, "self_payment_not_open")
    assert again["visit_id"] == visit["visit_id"]

    new = subscriptions_made(bench)[-1]
    bench.world.act("approve", id=new)
    await bench.stack.http.get(f"/returns/{visit['visit_id']}")
    await bench.deliver()

    (activated,) = await bench.stack.facts(payments.GatewaySubscriptionActivated)
    (paid,) = await bench.stack.facts(payments.AttemptSucceeded)
    assert activated.gateway_subscription_id == new != bench.aiko["subscription"]
    assert (paid.kind, paid.period, paid.amount) == (AttemptKind.RESUME, date(2026, 8, 20), YEN)
    assert paid.next_billing_on == date(2026, 9, 20)

    await bench.advance("2026-09-20T11:00:00Z")
    september = (await bench.stack.facts(payments.AttemptSucceeded))[-1]
    assert (september.kind, september.period) == (AttemptKind.RENEWAL, date(2026, 9, 20))


async def test_a_registration_nobody_announced_is_told_as_another_subscription(bench: Bench) -> None:
    await bench.advance("2026-06-15T11:10:00Z")  # the payer is known from here on
    bench.world.act("buyer_cancel", learner="aiko")
    await bench.deliver()
    made = bench.world.http.post(
        f"{bench.world.base}/paypal/v1/billing/subscriptions",
        headers={"Authorization": token(bench.world)},
        json={"plan_id": bench.aiko["plan"], "custom_id": "aiko-jp", "subscriber": {}},
    ).json()["id"]

    bench.world.act("approve", id=made)
    await bench.deliver()

    (activated,) = await bench.stack.facts(payments.GatewaySubscriptionActivated)
    subscription = (await bench.stack.http.get("/subscriptions/aiko-jp")).json()
    assert activated.gateway_subscription_id == made
    assert subscription["gateway_subscription_id"] == bench.aiko["subscription"]


async def test_a_token_that_paypal_forgot_is_fetched_again(bench: Bench) -> None:
    await bench.advance("2026-06-15T11:10:00Z")
    bench.world.act("revoke_tokens")

    await bench.advance("2026-07-15T11:10:00Z")

    assert len(await bench.stack.facts(payments.AttemptSucceeded)) == 2


@pytest.mark.parametrize("fault", ["500_before", "timeout_before", "drop_before", "429"])
async def test_books_that_cannot_be_read_now_are_read_later(bench: Bench, fault: str) -> None:
    bench.world.fault("paypal", "GET /v1/billing/subscriptions/*", fault, seconds=6)
    bench.stack.gateways[Gateway.PAYPAL] = bench.world.paypal(timeout=0.5)
    await bench.advance("2026-06-15T11:10:00Z")
    assert await bench.stack.words() == []

    await bench.translate_late()

    assert await bench.stack.words() == ["AttemptSucceeded"]


async def test_the_watchdog_reads_the_books(bench: Bench) -> None:
    bench.world.control("POST", "/webhooks/rules", {"gateway": "paypal", "hold": True})
    bench.world.script("aiko", "PAYER_CANNOT_PAY")
    await bench.advance("2026-06-15T11:10:00Z")
    bench.world.advance("2026-06-21T17:00:00Z")

    await bench.about(dunning.ReconciliationRequested, about="watchdog/2")

    assert await bench.stack.words() == ["AttemptFailed", "AttemptSucceeded"]


async def ken_owes_june(bench: Bench) -> str:
    """Ken's June was refused and nobody tries again; his case."""
    other = bench.world.aiko(learner="ken", ending="none", retry_intervals_days=[])
    told = replace(registration(other), subscription_id="ken-jp", learner_id="ken")
    await bench.stack.register(told)
    bench.world.script("ken", "PAYER_CANNOT_PAY")
    await bench.advance("2026-06-15T11:10:00Z")
    return case_of("ken-jp", JUNE)


async def test_an_unpaid_balance_is_captured_once(bench: Bench) -> None:
    case = await ken_owes_june(bench)

    await bench.about(
        dunning.AttemptRequested,
        subscription_id="ken-jp",
        learner_id="ken",
        case_id=case,
        request_id=f"{case}/attempt/1",
        ordinal=1,
        kind=AttemptKind.STAFF,
        amount=YEN,
    )
    await bench.deliver()

    captured = [one for one in await bench.stack.facts(payments.AttemptSucceeded) if one.learner_id == "ken"]
    assert [(one.request_id, one.kind) for one in captured] == [(f"{case}/attempt/1", AttemptKind.STAFF)]


async def test_paypal_has_no_other_stored_method_and_captures_nothing_in_its_place(bench: Bench) -> None:
    case = await ken_owes_june(bench)

    await bench.about(
        dunning.AttemptRequested,
        subscription_id="ken-jp",
        learner_id="ken",
        case_id=case,
        request_id=f"{case}/fallback/1",
        ordinal=2,
        kind=AttemptKind.RENEWAL,
        amount=YEN,
        fallback=True,
    )
    await bench.deliver()

    told_of = [one for one in await bench.stack.facts(payments.AttemptFailed) if one.learner_id == "ken"]
    assert [(one.request_id, one.raw_code) for one in told_of][1:] == [
        (f"{case}/fallback/1", "no_other_method")
    ]
    paid = await bench.stack.facts(payments.AttemptSucceeded)
    assert [one for one in paid if one.learner_id == "ken"] == []
    assert await bench.stack.facts(payments.AttemptUnknown) == []


async def test_a_charge_that_only_paypal_can_make_is_given_to_a_person(bench: Bench) -> None:
    await bench.about(
        dunning.AttemptRequested,
        request_id=f"{CASE}/attempt/1",
        ordinal=1,
        kind=AttemptKind.STAFF,
        amount=YEN,
    )

    (unknown,) = await bench.stack.facts(payments.AttemptUnknown)
    assert "PayPal alone decides when" in unknown.detail


async def test_a_paypal_subscription_is_registered_by_reading_it(bench: Bench) -> None:
    other = bench.world.aiko(learner="yui", amount=9800, next_billing="2026-06-25T11:10:00Z")

    answer = await bench.stack.http.put(
        "/subscriptions/yui-jp/from-gateway",
        json={
            "school_id": GAKKO,
            "learner_id": "yui",
            "gateway": "paypal",
            "gateway_subscription_id": other["subscription"],
        },
    )

    told = answer.json()
    assert (told["price"], told["billing_day"]) == ({"amount_minor": 9800, "currency": "JPY"}, 25)


def subscriptions_made(bench: Bench) -> list[str]:
    """Subscriptions that were created through PayPal's API, by the events that told of them."""
    bench.world.control("POST", "/run")
    made = []
    for body, _ in bench.post.letters:
        event = json.loads(body)
        if event["event_type"] == "BILLING.SUBSCRIPTION.CREATED":
            made.append(str(event["resource"]["id"]))
    return made


def token(world: World) -> str:
    answer = world.http.post(
        f"{world.base}/paypal/v1/oauth2/token",
        auth=("client", "secret"),
        data={"grant_type": "client_credentials"},
    )
    return f"Bearer {answer.json()['access_token']}"
