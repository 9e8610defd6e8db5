"""The simulated Stripe against what is known of the real one: the pinned SDK's types and official samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import stripe
from stripe import params
from stripe.params import billing_portal, checkout

from ops.simulators.stripe import API_VERSION
from ops.simulators.stripe.params import ALLOWED

if TYPE_CHECKING:
    from tests.ops.simulators.conftest import Gateways, Json

_PARAMS: dict[str, Any] = {
    "POST /v1/customers": params.CustomerCreateParams,
    "POST /v1/customers/{key}": params.CustomerUpdateParams,
    "POST /v1/products": params.ProductCreateParams,
    "POST /v1/prices": params.PriceCreateParams,
    "POST /v1/payment_methods": params.PaymentMethodCreateParams,
    "POST /v1/payment_methods/{key}/attach": params.PaymentMethodAttachParams,
    "POST /v1/setup_intents": params.SetupIntentCreateParams,
    "POST /v1/setup_intents/{key}/confirm": params.SetupIntentConfirmParams,
    "POST /v1/subscriptions": params.SubscriptionCreateParams,
    "POST /v1/subscriptions/{key}": params.SubscriptionUpdateParams,
    "DELETE /v1/subscriptions/{key}": params.SubscriptionCancelParams,
    "POST /v1/subscriptions/{key}/pause": params.SubscriptionPauseParams,
    "POST /v1/subscriptions/{key}/resume": params.SubscriptionResumeParams,
    "GET /v1/subscriptions": params.SubscriptionListParams,
    "POST /v1/invoiceitems": params.InvoiceItemCreateParams,
    "POST /v1/invoices": params.InvoiceCreateParams,
    "POST /v1/invoices/{key}": params.InvoiceUpdateParams,
    "POST /v1/invoices/{key}/pay": params.InvoicePayParams,
    "POST /v1/invoices/{key}/finalize": params.InvoiceFinalizeInvoiceParams,
    "GET /v1/invoices": params.InvoiceListParams,
    "GET /v1/invoice_payments": params.InvoicePaymentListParams,
    "POST /v1/payment_intents": params.PaymentIntentCreateParams,
    "POST /v1/payment_intents/{key}/confirm": params.PaymentIntentConfirmParams,
    "POST /v1/refunds": params.RefundCreateParams,
    "POST /v1/checkout/sessions": checkout.SessionCreateParams,
    "POST /v1/billing_portal/sessions": billing_portal.SessionCreateParams,
    "POST /v1/webhook_endpoints": params.WebhookEndpointCreateParams,
    "GET /v1/events": params.EventListParams,
}
_CLASSES: dict[str, Any] = {
    "customer": stripe.Customer,
    "payment_method": stripe.PaymentMethod,
    "payment_intent": stripe.PaymentIntent,
    "setup_intent": stripe.SetupIntent,
    "charge": stripe.Charge,
    "product": stripe.Product,
    "price": stripe.Price,
    "subscription": stripe.Subscription,
    "subscription_item": stripe.SubscriptionItem,
    "invoice": stripe.Invoice,
    "line_item": stripe.InvoiceLineItem,
    "invoice_payment": stripe.InvoicePayment,
    "invoiceitem": stripe.InvoiceItem,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "webhook_endpoint": stripe.WebhookEndpoint,
    "checkout.session": stripe.checkout.Session,
    "billing_portal.session": stripe.billing_portal.Session,
}


def _names(kind: Any) -> set[str]:
    return {name for base in kind.__mro__ for name in vars(base).get("__annotations__", {})}


@pytest.mark.parametrize("route", sorted(ALLOWED))
def test_every_parameter_taken_is_one_the_pinned_sdk_knows(route: str) -> None:
    assert ALLOWED[route] <= _names(_PARAMS[route])


def test_a_misspelt_parameter_is_refused(sim: Gateways) -> None:
    misspelt: Any = {"emial": "ada@example.com"}
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: emial") as refused:
        sim.stripe().v1.customers.create(misspelt)

    assert refused.value.code == "parameter_unknown"


def _everything(sim: Gateways) -> list[Json]:
    """One object of every kind, as it went over the wire in events or answers."""
    ada = sim.ada()
    client = sim.stripe()
    sim.script(learner="ada", outcomes=["insufficient_funds", "ok", "ok"])
    sim.advance("2026-06-01T07:00:00Z")
    subscription = client.v1.subscriptions.retrieve(ada["subscription"])
    client.v1.invoices.pay(str(subscription.latest_invoice))
    sim.act("refund", subscription=ada["subscription"], amount=100)
    sim.act("chargeback", subscription=ada["subscription"])
    made = client.v1.invoices.create({"customer": ada["customer"], "currency": "eur"})
    item = client.v1.invoice_items.create({"customer": ada["customer"], "amount": 100, "invoice": made.id})
    setup = client.v1.setup_intents.create({"customer": ada["customer"]})
    session = client.v1.checkout.sessions.create({"mode": "setup", "success_url": "https://school.example"})
    portal = client.v1.billing_portal.sessions.create({"customer": ada["customer"]})
    endpoint = client.v1.webhook_endpoints.create({"url": sim.door.url, "enabled_events": ["*"]})
    method = client.v1.payment_methods.retrieve(ada["payment_method"])
    others: list[Any] = [
        item,
        setup,
        session,
        portal,
        endpoint,
        method,
        client.v1.prices.retrieve(ada["price"]),
    ]
    others += [client.v1.products.retrieve(ada["product"]), client.v1.customers.retrieve(ada["customer"])]
    others += [subscription]
    sim.run()
    events = [letter.event for letter in sim.door.letters]
    return [*events, *(event["data"]["object"] for event in events), *(thing.to_dict() for thing in others)]


def _nested(obj: Any) -> list[Json]:
    if isinstance(obj, list):
        return [found for child in obj for found in _nested(child)]
    if not isinstance(obj, dict):
        return []
    inner = [found for child in obj.values() for found in _nested(child)]
    kind = obj.get("object")
    return [obj, *inner] if isinstance(kind, str) and kind in _CLASSES else inner


def test_no_object_has_a_field_that_the_pinned_sdk_does_not_know(sim: Gateways) -> None:
    seen: set[str] = set()
    for obj in _nested(_everything(sim)):
        kind = obj["object"]
        seen.add(kind)
        extra = set(obj) - _names(_CLASSES[kind]) - {"deleted"}
        assert not extra, f"{kind}: {extra}"
    assert seen == set(_CLASSES)


def test_objects_have_the_fields_of_the_official_samples(sim: Gateways, fixtures: Path) -> None:
    samples = json.loads((fixtures / "stripe" / "openapi" / "fixtures3.subset.json").read_text())
    # Fields of the samples that today's objects carry only on request, only in previews, or not any more.
    absent = {
        "invoice": {"subscription"},
        "line_item": {"subscription", "quantity_decimal"},
        "subscription": {"managed_payments"},
        "payment_intent": {"managed_payments"},
        "charge": {"refunds"},
    }
    found = {obj["object"]: obj for obj in _nested(_everything(sim))}
    for kind in (
        "invoice",
        "subscription",
        "payment_intent",
        "charge",
        "customer",
        "payment_method",
        "refund",
    ):
        wanted = set(samples[kind]) - absent.get(kind, set())
        missing = wanted - set(found[kind]) - {"managed_payments", "source", "paypal", "card"}
        assert not missing, f"{kind}: {missing}"
    line = samples["invoice"]["lines"]["data"][0]
    assert not set(line) - absent["line_item"] - set(found["line_item"])


def test_the_declared_api_version_is_the_one_the_sdk_pins() -> None:
    assert stripe.api_version == API_VERSION
