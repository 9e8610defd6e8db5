"""Saving a card and buying with it: 3-D Secure, relaunches and first payments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe

if TYPE_CHECKING:
    from tests.ops.simulators.conftest import Gateways


def test_an_intent_off_session_that_needs_3d_secure_wants_another_method(sim: Gateways) -> None:
    ada = sim.ada(card={"number": "4000002760003184"})
    client = sim.stripe()

    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_intents.create(
            {
                "amount": 7500,
                "currency": "eur",
                "customer": ada["customer"],
                "payment_method": ada["payment_method"],
                "confirm": True,
                "off_session": True,
            }
        )

    assert refused.value.code == "authentication_required"
    assert refused.value.error is not None
    assert refused.value.error.payment_intent is not None
    assert refused.value.error.payment_intent.status == "requires_payment_method"


def test_an_intent_on_session_waits_for_the_payer(sim: Gateways) -> None:
    ada = sim.ada(card={"number": "4000002760003184"})
    client = sim.stripe()
    intent = client.v1.payment_intents.create(
        {
            "amount": 7500,
            "currency": "eur",
            "customer": ada["customer"],
            "payment_method": ada["payment_method"],
            "confirm": True,
            "return_url": "https://school.example/back?case=1",
        }
    )
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None

    page = sim.http.post(str(intent.next_action.redirect_to_url.url), data={"code": "123456"})

    assert page.status_code == 303
    assert page.headers["location"].startswith("https://school.example/back?case=1&payment_intent=pi_")
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


@pytest.mark.parametrize(
    ("number", "saved"),
    [
        ("4000000000009995", False),
        ("4000000000000341", True),
        ("4242424242424242", True),
        ("4000000000000069", False),
    ],
)
def test_some_test_cards_are_refused_when_saved(sim: Gateways, number: str, saved: bool) -> None:
    client = sim.stripe()
    customer = client.v1.customers.create({"email": "ada@example.com"})
    card = client.v1.payment_methods.create({"type": "card", "card": {"number": number}})

    if saved:
        assert client.v1.payment_methods.attach(card.id, {"customer": customer.id}).customer == customer.id
    else:
        with pytest.raises(stripe.CardError):
            client.v1.payment_methods.attach(card.id, {"customer": customer.id})


def test_a_saved_card_that_was_authenticated_pays_off_session(sim: Gateways) -> None:
    client = sim.stripe()
    customer = client.v1.customers.create({})
    setup = client.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
            "usage": "off_session",
            "metadata": {"case": "c-1"},
            "return_url": "https://school.example/back",
        }
    )
    assert setup.status == "requires_action"
    sim.act("pass_3ds", setup_intent=setup.id)
    sim.run()
    done = sim.door.last("setup_intent.succeeded").event["data"]["object"]
    assert (done["metadata"], done["customer"]) == ({"case": "c-1"}, customer.id)
    assert "payment_method.attached" in sim.door.types()

    intent = client.v1.payment_intents.create(
        {
            "amount": 1200,
            "currency": "eur",
            "customer": customer.id,
            "payment_method": done["payment_method"],
            "confirm": True,
            "off_session": True,
        }
    )

    assert intent.status == "succeeded"


def test_a_relaunch_is_a_one_off_invoice_paid_on_session(sim: Gateways) -> None:
    ada = sim.ada()
    client = sim.stripe()
    invoice = client.v1.invoices.create(
        {"customer": ada["customer"], "currency": "eur", "auto_advance": False, "metadata": {"relaunch": "1"}}
    )
    client.v1.invoice_items.create(
        {"customer": ada["customer"], "amount": 7500, "currency": "eur", "invoice": invoice.id}
    )
    opened = client.v1.invoices.finalize_invoice(invoice.id)
    assert (opened.status, opened.amount_due, opened.parent) == ("open", 7500, None)

    paid = client.v1.invoices.pay(invoice.id, {"off_session": False})

    assert paid.status == "paid"
    assert str(paid.hosted_invoice_url).startswith(sim.base)


def test_a_subscription_bought_now_is_charged_now_and_renewed_in_a_month(sim: Gateways) -> None:
    client = sim.stripe()
    customer = client.v1.customers.create({"payment_method": "pm_card_visa"})
    card = client.v1.customers.payment_methods.list(customer.id).data[0]
    product = client.v1.products.create({"name": "Premium"})
    price = client.v1.prices.create(
        {"product": product.id, "unit_amount": 7500, "currency": "eur", "recurring": {"interval": "month"}}
    )

    bought = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "default_payment_method": card.id,
            "payment_behavior": "error_if_incomplete",
            "metadata": {"reference": "relaunch"},
            "expand": ["latest_invoice"],
        }
    )
    sim.advance("2026-06-01T12:00:00Z")

    assert bought.status == "active"
    assert isinstance(bought.latest_invoice, stripe.Invoice)
    assert bought.latest_invoice.billing_reason == "subscription_create"
    assert [row["period"] for row in sim.charges(bought.id)] == ["2026-05-01", "2026-06-01"]


def test_a_first_payment_that_is_refused_ends_the_subscription_or_leaves_it_incomplete(sim: Gateways) -> None:
    client = sim.stripe()
    customer = client.v1.customers.create({"payment_method": "pm_card_chargeCustomerFail"})
    card = client.v1.customers.payment_methods.list(customer.id).data[0]
    product = client.v1.products.create({"name": "Premium"})
    data = {"currency": "eur", "unit_amount": 7500, "product": product.id, "recurring": {"interval": "month"}}
    base: Any = {"customer": customer.id, "items": [{"price_data": data}], "default_payment_method": card.id}

    strict: Any = {**base, "payment_behavior": "error_if_incomplete"}
    with pytest.raises(stripe.CardError):
        client.v1.subscriptions.create(strict)
    waiting = client.v1.subscriptions.create(base)
    sim.advance("2026-05-03T00:00:00Z")

    assert waiting.status == "incomplete"
    assert client.v1.subscriptions.retrieve(waiting.id).status == "incomplete_expired"
