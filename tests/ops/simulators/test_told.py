"""A story may say what happens at a gateway: it is in the books, and in signed letters, exactly as told."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import stripe

if TYPE_CHECKING:
    from tests.ops.simulators.conftest import Gateways, Json

NOW = "2026-05-01T12:00:00Z"


def happen(sim: Gateways, **body: Any) -> Json:
    return sim.control("POST", "/happen", {"at": NOW, "arrivals": [NOW], **body})


def failed(sim: Gateways, subscription: str, **more: Any) -> Json:
    body = {"what": "attempt", "outcome": "failed", "reason": "insufficient_funds", "amount": 7500}
    told = {"gateway": "stripe", "subscription": subscription, "currency": "EUR"}
    return happen(sim, **{**told, **body, **more})


def test_a_told_failure_is_in_stripes_books_and_in_its_letters(sim: Gateways) -> None:
    sim.control("POST", "/settings", {"only_told": True})
    ada = sim.ada()
    made = failed(sim, ada["subscription"], transaction="ch_told", event="evt_told")
    sim.run()
    letter = sim.door.last("charge.failed")
    assert (letter.event["id"], letter.event["data"]["object"]["id"]) == ("evt_told", "ch_told")
    invoice = sim.stripe().v1.invoices.retrieve(made["invoice"])
    assert (invoice.status, invoice.attempt_count, invoice.amount_remaining) == ("open", 1, 7500)
    tried = sim.control("GET", "/charges?all=true")["charges"]
    assert [(row["ref"], row["outcome"], row["by"]) for row in tried] == [("ch_told", "declined", "engine")]


def test_nothing_is_billed_by_itself_when_only_stories_tell(sim: Gateways) -> None:
    sim.control("POST", "/settings", {"only_told": True})
    sim.ada()
    sim.aiko()
    assert sim.advance("2027-01-01T00:00:00Z") == []


def test_the_retry_of_a_period_pays_the_same_invoice_and_the_next_period_has_its_own(sim: Gateways) -> None:
    ada = sim.ada()
    first = failed(sim, ada["subscription"], transaction="ch_1")
    sim.clock.move_to(sim.clock.now().replace(day=9))
    again = failed(sim, ada["subscription"], transaction="ch_2", at="2026-05-09T12:00:00Z")
    sim.clock.move_to(sim.clock.now().replace(month=6, day=1))
    later = failed(sim, ada["subscription"], transaction="ch_3", at="2026-06-01T12:00:00Z")
    assert first["invoice"] == again["invoice"] != later["invoice"]


def test_a_pending_payment_ends_as_the_story_says_under_the_same_id(sim: Gateways) -> None:
    ada = sim.ada()
    failed(sim, ada["subscription"], outcome="pending", transaction="ch_air")
    failed(sim, ada["subscription"], outcome="succeeded", transaction="ch_air")
    sim.run()
    assert sim.door.last("invoice.paid").event["data"]["object"]["status"] == "paid"
    assert [(row["ref"], row["outcome"]) for row in sim.charges() if row["outcome"] == "succeeded"] == [
        ("ch_air", "succeeded")
    ]


def test_news_comes_late_twice_or_never_as_told(sim: Gateways) -> None:
    aiko = sim.aiko()
    told = {"gateway": "paypal", "subscription": aiko["subscription"], "currency": "JPY"}
    late = ["2026-05-01T13:00:00Z", "2026-05-02T13:00:00Z"]
    failed(
        sim, **{**told, "reason": "PAYER_CANNOT_PAY", "amount": 12800, "arrivals": late, "event": "WH-1-1"}
    )
    failed(sim, **{**told, "reason": "PAYMENT_DENIED", "amount": 12800, "arrivals": []})
    sim.run()
    assert sim.door.types() == []
    sim.advance("2026-05-03T00:00:00Z")
    assert [letter.event["id"] for letter in sim.door.letters] == ["WH-1-1", "WH-1-1"]


def test_a_told_paypal_payment_is_confirmed_by_its_transactions_as_written(sim: Gateways) -> None:
    aiko = sim.aiko()
    failed(
        sim,
        aiko["subscription"],
        gateway="paypal",
        outcome="succeeded",
        amount=12800,
        amount_text="12800.00",
        currency="JPY",
        transaction="SALE0001",
        next_billing="2026-06-15T10:00:00Z",
    )
    sim.run()
    sale = sim.door.last("PAYMENT.SALE.COMPLETED").event["resource"]
    assert (sale["id"], sale["amount"]["total"]) == ("SALE0001", "12800.00")
    request = _get(
        f"/v1/billing/subscriptions/{aiko['subscription']}/transactions"
        "?start_time=2026-04-01T00:00:00Z&end_time=2026-06-01T00:00:00Z"
    )
    lines = sim.paypal().execute(request).result.transactions
    assert [(line.id, line.amount_with_breakdown.gross_amount.value) for line in lines] == [
        ("SALE0001", "12800.00")
    ]


def test_paypal_that_gives_up_leaves_no_note_and_a_buyer_does(sim: Gateways) -> None:
    aiko = sim.aiko()
    told = {
        "gateway": "paypal",
        "what": "status",
        "subscription": aiko["subscription"],
        "status": "cancelled",
    }
    happen(sim, **told, by="gateway", failed_payments=3, outstanding=12800)
    sim.run()
    gave_up = sim.door.last("BILLING.SUBSCRIPTION.EXPIRED").event["resource"]
    assert "status_change_note" not in gave_up
    assert gave_up["billing_info"]["outstanding_balance"]["value"] == "12800"
    happen(sim, **told, by="learner")
    sim.run()
    cancelled = sim.door.last("BILLING.SUBSCRIPTION.CANCELLED").event["resource"]
    assert cancelled["status_change_note"] == "Cancelled by the buyer"


def test_another_subscription_of_the_same_buyer_is_made_when_told_of(sim: Gateways) -> None:
    aiko = sim.aiko()
    told = {"gateway": "paypal", "subscription": "I-SECOND", "like": aiko["subscription"]}
    happen(sim, **told, what="status", status="active", amount=12800)
    sim.run()
    resource = sim.door.last("BILLING.SUBSCRIPTION.ACTIVATED").event["resource"]
    assert resource["id"] == "I-SECOND"
    assert resource["subscriber"]["payer_id"] == aiko["payer"]


def test_money_goes_back_under_the_storys_id(sim: Gateways) -> None:
    ada, aiko = sim.ada(), sim.aiko()
    failed(sim, ada["subscription"], outcome="succeeded", transaction="ch_paid")
    back = {"amount": 7500, "currency": "EUR"}
    happen(sim, gateway="stripe", what="refund", id="re_1", subscription=ada["subscription"], **back)
    old = {"amount": 12800, "currency": "JPY", "transaction": "SALE0OLD"}
    happen(sim, gateway="paypal", what="reversal", subscription=aiko["subscription"], **old)
    sim.run()
    refund = sim.door.last("refund.created").event["data"]["object"]
    assert (refund["id"], refund["charge"]) == ("re_1", "ch_paid")
    assert sim.door.last("PAYMENT.SALE.REVERSED").event["resource"]["id"] == "SALE0OLD"
    assert "PAYMENT.SALE.COMPLETED" not in sim.door.types()


def test_what_cannot_happen_is_refused_with_the_reason(sim: Gateways) -> None:
    told = {"what": "attempt", "outcome": "failed", "amount": 1, "currency": "EUR", "at": NOW}
    answer = sim.control(
        "POST", "/happen", {**told, "gateway": "stripe", "subscription": "sub_nobody"}, expect=400
    )
    assert "Stripe knows no sub_nobody" in answer["error"]


class _get:  # noqa: N801 - the SDK takes any object with these names
    def __init__(self, path: str) -> None:
        self.path, self.verb, self.body, self.headers = (
            path,
            "GET",
            None,
            {"content-type": "application/json"},
        )


def test_a_bank_that_takes_its_time_keeps_the_caller_waiting_on_the_virtual_clock(sim: Gateways) -> None:
    ada = sim.ada()
    invoice = failed(sim, ada["subscription"])["invoice"]
    sim.script(id=ada["subscription"], outcomes=[{"takes": "PT40S"}])
    with ThreadPoolExecutor(1) as elsewhere:
        once: Any = {"idempotency_key": "once"}
        paying = elsewhere.submit(sim.stripe().v1.invoices.pay, invoice, options=once)
        while not sim.control("GET", "/next")["waiting"]:
            time.sleep(0.01)
        assert sim.control("GET", "/next")["waiting"] == ["2026-05-01T12:00:40Z"]
        with pytest.raises(stripe.StripeError) as busy:
            sim.stripe().v1.invoices.pay(invoice, options=once)
        assert busy.value.http_status == 409
        assert sim.charges() == []
        sim.clock.move_to(sim.clock.now() + timedelta(seconds=40))
        assert paying.result(timeout=5).status == "paid"


def test_a_lost_answer_took_the_money_or_did_not(sim: Gateways) -> None:
    ada = sim.ada()
    invoice = failed(sim, ada["subscription"])["invoice"]
    sim.script(id=ada["subscription"], outcomes=[{"lost": "before"}, {"lost": "after"}])
    pay = sim.stripe().v1.invoices.pay
    for taken in (0, 1):
        with pytest.raises(stripe.APIConnectionError):
            pay(invoice, options={"idempotency_key": "once"})
        assert len(sim.charges()) == taken
    assert pay(invoice, options={"idempotency_key": "once"}).status == "paid"
    assert len(sim.charges()) == 1


def test_a_bank_repeats_itself_until_a_story_says_otherwise(sim: Gateways) -> None:
    sim.control("POST", "/settings", {"only_told": True})
    ada = sim.ada()
    sim.script(id="ada", outcomes=[])
    invoice = failed(sim, ada["subscription"], reason="card_velocity_exceeded")["invoice"]
    with pytest.raises(stripe.CardError) as refusal:
        sim.stripe().v1.invoices.pay(invoice)
    assert refusal.value.error is not None
    assert refusal.value.error.decline_code == "card_velocity_exceeded"
    sim.script(id="ada", last="ok")
    assert sim.stripe().v1.invoices.pay(invoice).status == "paid"
