"""Paying at Stripe with the unmodified SDK: refusals in the bank's words, keys, intents and one-off invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stripe

if TYPE_CHECKING:
    from tests.ops.simulators.conftest import Gateways, Json


def _failed_renewal(sim: Gateways, **more: object) -> Json:
    ada = sim.ada(**more)
    sim.script(learner="ada", outcomes=["insufficient_funds"])
    sim.advance("2026-06-01T07:00:00Z")
    invoice = sim.stripe().v1.invoices.list({"subscription": ada["subscription"]}).data[0]
    return {**ada, "invoice": invoice.id}


@pytest.mark.parametrize(
    ("decline", "code", "advice", "network"),
    [
        ("insufficient_funds", "card_declined", "try_again_later", "51"),
        ("limit_exceeded", "card_declined", "try_again_later", "61"),
        ("expired_card", "expired_card", "confirm_card_data", "54"),
        ("stolen_card", "card_declined", "do_not_try_again", "43"),
        ("generic_decline", "card_declined", "try_again_later", "01"),
        ("processing_error", "processing_error", "try_again_later", "96"),
    ],
)
def test_a_refused_retry_is_a_402_in_the_banks_words(
    sim: Gateways, decline: str, code: str, advice: str, network: str
) -> None:
    ada = _failed_renewal(sim)
    sim.script(learner="ada", outcomes=[decline])

    with pytest.raises(stripe.CardError) as refused:
        sim.stripe().v1.invoices.pay(ada["invoice"], {"off_session": True})

    error = refused.value.error
    assert refused.value.http_status == 402
    assert str(refused.value.request_id).startswith("req_")
    assert error is not None
    assert (error.code, error.advice_code, error.network_decline_code) == (code, advice, network)
    assert error.decline_code == ("card_velocity_exceeded" if decline == "limit_exceeded" else decline)
    assert error.payment_intent is not None
    assert error.payment_intent.last_payment_error is not None
    assert str(error.charge).startswith("ch_")


def test_codes_written_in_the_script_win_over_the_usual_ones(sim: Gateways) -> None:
    ada = _failed_renewal(sim)
    said = {
        "decline": "do_not_honor",
        "advice_code": "do_not_try_again",
        "network_decline_code": "57",
        "network_advice_code": "03",
    }
    sim.script(learner="ada", outcomes=[said])

    with pytest.raises(stripe.CardError) as refused:
        sim.stripe().v1.invoices.pay(ada["invoice"])

    error = refused.value.error
    assert error is not None
    facts = (error.decline_code, error.advice_code, error.network_decline_code, error.network_advice_code)
    assert facts == ("do_not_honor", "do_not_try_again", "57", "03")


def test_the_same_key_is_one_attempt_whether_it_was_paid_or_refused(sim: Gateways) -> None:
    ada = _failed_renewal(sim)
    sim.script(learner="ada", outcomes=["insufficient_funds", "ok"])
    client = sim.stripe()

    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(ada["invoice"], {}, {"idempotency_key": "case-1-attempt-2"})
    with pytest.raises(stripe.CardError) as refused:
        client.v1.invoices.pay(ada["invoice"], {}, {"idempotency_key": "case-1-attempt-2"})
    assert refused.value.headers is not None
    assert refused.value.headers["Idempotent-Replayed"] == "true"
    client.v1.invoices.pay(ada["invoice"], {}, {"idempotency_key": "case-1-attempt-3"})
    paid = client.v1.invoices.pay(ada["invoice"], {}, {"idempotency_key": "case-1-attempt-3"})

    assert paid.status == "paid"
    assert len(sim.charges()) == 1
    attempts = sim.control("GET", "/charges?all=true")["charges"]
    assert [row["outcome"] for row in attempts] == ["declined", "declined", "succeeded"]


def test_a_key_used_for_another_request_is_refused(sim: Gateways) -> None:
    client = sim.stripe()
    client.v1.customers.create({"email": "a@example.com"}, {"idempotency_key": "one"})

    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"email": "b@example.com"}, {"idempotency_key": "one"})


def test_a_key_is_forgotten_after_a_day(sim: Gateways) -> None:
    client = sim.stripe()
    first = client.v1.customers.create({"email": "a@example.com"}, {"idempotency_key": "one"})
    sim.advance("2026-05-02T13:00:00Z")

    second = client.v1.customers.create({"email": "b@example.com"}, {"idempotency_key": "one"})

    assert second.id != first.id


def test_a_paid_invoice_cannot_be_paid_again(sim: Gateways) -> None:
    ada = _failed_renewal(sim)
    client = sim.stripe()
    client.v1.invoices.pay(ada["invoice"])

    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        client.v1.invoices.pay(ada["invoice"])

    assert sim.doubles() == []


def test_a_new_card_pays_the_open_invoice(sim: Gateways) -> None:
    ada = _failed_renewal(sim, card={"number": "4000000000000341"})
    client = sim.stripe()
    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(ada["invoice"])
    card = client.v1.payment_methods.create(
        {
            "type": "card",
            "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"},
        }
    )
    client.v1.payment_methods.attach(card.id, {"customer": ada["customer"]})
    client.v1.subscriptions.update(ada["subscription"], {"default_payment_method": card.id})

    paid = client.v1.invoices.pay(
        ada["invoice"], {"expand": ["payments.data.payment.payment_intent.latest_charge"]}
    )

    assert paid.status == "paid"
    assert paid.payments is not None
    intent = paid.payments.data[0].payment.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.payment_method == card.id
    assert intent.payment_details is not None
    assert intent.payment_details.order_reference == str(paid.id)[:25]


def test_3d_secure_during_a_retry_says_that_the_payer_must_act(sim: Gateways) -> None:
    ada = _failed_renewal(sim)
    sim.script(learner="ada", outcomes=["authentication_required"])
    client = sim.stripe()

    with pytest.raises(stripe.CardError) as refused:
        client.v1.invoices.pay(ada["invoice"], {"off_session": True})

    assert refused.value.code == "invoice_payment_intent_requires_action"
    payments = client.v1.invoice_payments.list({"invoice": ada["invoice"]}).data
    intent = client.v1.payment_intents.retrieve(str(payments[0].payment.payment_intent))
    assert intent.status == "requires_action"
    found = client.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": intent.id}}
    )
    assert found.data[0].invoice == ada["invoice"]


def test_refunds_and_chargebacks_are_told_and_leave_the_ledger_balanced(sim: Gateways) -> None:
    ada = sim.ada()
    sim.advance("2026-07-01T07:00:00Z")
    client = sim.stripe()
    first = client.v1.invoices.list({"subscription": ada["subscription"]}).data[-1]
    payment = client.v1.invoice_payments.list({"invoice": str(first.id)}).data[0]

    refund = client.v1.refunds.create({"payment_intent": str(payment.payment.payment_intent), "amount": 2500})
    disputed = sim.act("chargeback", subscription=ada["subscription"], reason="fraudulent")
    sim.act("close_dispute", dispute=disputed["id"], won=True)
    sim.run()

    assert refund.amount == 2500
    refunded = sim.door.last("charge.refunded").event["data"]
    assert refunded["previous_attributes"]["amount_refunded"] == 0
    for kind in ("created", "funds_withdrawn", "funds_reinstated", "closed"):
        assert f"charge.dispute.{kind}" in sim.door.types()
    assert [row["returned"] for row in sim.charges()] == [2500, 0]


def test_giving_an_invoice_up_or_voiding_it_is_told(sim: Gateways) -> None:
    ada = _failed_renewal(sim)
    client = sim.stripe()

    lost = client.v1.invoices.mark_uncollectible(ada["invoice"])
    void = client.v1.invoices.void_invoice(ada["invoice"])
    sim.run()

    assert (lost.status, void.status) == ("uncollectible", "void")
    assert {"invoice.marked_uncollectible", "invoice.voided"} <= set(sim.door.types())
    assert client.v1.subscriptions.retrieve(ada["subscription"]).status == "active"


def test_the_banks_card_updater_is_told_with_what_changed(sim: Gateways) -> None:
    ada = sim.ada(card={"exp_month": 6, "exp_year": 2026})

    sim.act("card_updater", payment_method=ada["payment_method"], card={"exp_month": 6, "exp_year": 2031})
    sim.run()

    data = sim.door.last("payment_method.automatically_updated").event["data"]
    assert data["previous_attributes"] == {"card": {"exp_year": 2026}}
