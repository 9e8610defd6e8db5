"""A month at Stripe: what is charged at the due instant, and what the school is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import stripe

if TYPE_CHECKING:
    from tests.ops.simulators.conftest import Gateways


def test_a_renewal_is_charged_at_its_due_instant_and_told(sim: Gateways) -> None:
    ada = sim.ada()

    sim.advance("2026-06-01T07:00:00Z")

    (charge,) = sim.charges(ada["subscription"])
    assert charge["at"] == "2026-06-01T07:00:00Z"
    assert (charge["amount"], charge["currency"], charge["period"]) == (7500, "EUR", "2026-06-01")
    types = sim.door.types()
    for earlier, later in [
        ("invoice.created", "invoice.finalized"),
        ("invoice.finalized", "charge.succeeded"),
        ("charge.succeeded", "payment_intent.succeeded"),
        ("invoice_payment.paid", "invoice.paid"),
        ("invoice.paid", "invoice.payment_succeeded"),
    ]:
        assert types.index(earlier) < types.index(later)
    invoice = sim.door.last("invoice.paid").event["data"]["object"]
    assert invoice["parent"]["subscription_details"]["subscription"] == ada["subscription"]
    assert invoice["parent"]["subscription_details"]["metadata"] == {"reference": "ada"}
    assert not {"subscription", "payment_intent", "charge", "paid"} & set(invoice)
    assert invoice["status"] == "paid"


def test_a_refused_renewal_opens_an_invoice_and_leaves_retries_to_the_school(sim: Gateways) -> None:
    ada = sim.ada()
    sim.script(learner="ada", outcomes=["insufficient_funds"])

    sim.advance("2026-06-01T07:00:00Z")

    types = sim.door.types()
    order = [
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.payment_failed",
        "invoice.updated",
    ]
    places = [types.index(kind) for kind in order]
    assert places == sorted(places)
    invoice = sim.door.last("invoice.payment_failed").event["data"]["object"]
    assert (invoice["status"], invoice["attempt_count"], invoice["next_payment_attempt"]) == ("open", 1, None)
    charge = sim.door.last("charge.failed").event["data"]["object"]
    assert charge["outcome"]["network_decline_code"] == "51"
    assert charge["outcome"]["advice_code"] == "try_again_later"
    updated = sim.door.last("customer.subscription.updated").event["data"]
    assert updated["object"]["status"] == "past_due"
    assert updated["previous_attributes"] == {"status": "active"}
    assert sim.charges(ada["subscription"]) == []


def test_paying_the_latest_invoice_makes_the_subscription_active_again(sim: Gateways) -> None:
    ada = sim.ada()
    sim.script(learner="ada", outcomes=["insufficient_funds"])
    sim.advance("2026-06-01T07:00:00Z")
    client = sim.stripe()
    subscription = client.v1.subscriptions.retrieve(ada["subscription"])
    assert subscription.status == "past_due"

    paid = client.v1.invoices.pay(str(subscription.latest_invoice), {"off_session": True})

    assert paid.status == "paid"
    assert paid.attempt_count == 1
    assert client.v1.subscriptions.retrieve(ada["subscription"]).status == "active"
    assert len(sim.charges(ada["subscription"])) == 1


def test_the_31st_becomes_the_last_day_of_february_and_the_31st_again(sim: Gateways) -> None:
    ada = sim.ada(anchor="2026-12-31T07:00:00Z")

    sim.advance("2027-04-01T00:00:00Z")

    days = [charge["at"][:10] for charge in sim.charges(ada["subscription"])]
    assert days == ["2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31"]


def test_a_bank_that_wants_3d_secure_makes_the_invoice_ask_for_an_action(sim: Gateways) -> None:
    ada = sim.ada()
    sim.script(learner="ada", outcomes=["authentication_required"])

    sim.advance("2026-06-01T07:00:00Z")

    invoice = sim.door.last("invoice.payment_action_required").event["data"]["object"]
    assert (invoice["attempt_count"], invoice["attempted"]) == (0, True)
    assert sim.door.last("payment_intent.requires_action").event["data"]["object"]["next_action"]
    sim.act("pass_3ds", subscription=ada["subscription"])
    sim.run()
    assert sim.door.last("invoice.paid").event["data"]["object"]["id"] == invoice["id"]
    assert len(sim.charges(ada["subscription"])) == 1


def test_a_failed_3d_secure_leaves_the_invoice_open(sim: Gateways) -> None:
    ada = sim.ada()
    sim.script(learner="ada", outcomes=["authentication_required"])
    sim.advance("2026-06-01T07:00:00Z")

    sim.act("fail_3ds", subscription=ada["subscription"])
    sim.run()

    failed = sim.door.last("payment_intent.payment_failed").event["data"]["object"]
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    invoice = sim.door.last("invoice.payment_failed").event["data"]["object"]
    assert (invoice["status"], invoice["attempt_count"]) == ("open", 1)
    assert sim.charges() == []


def test_a_card_past_its_month_is_refused_as_expired(sim: Gateways) -> None:
    sim.ada(card={"exp_month": 5, "exp_year": 2026})

    sim.advance("2026-06-01T07:00:00Z")
    assert sim.charges(), "a card of May still works on the first of June somewhere on earth"
    sim.advance("2026-07-01T07:00:00Z")

    error = sim.door.last("payment_intent.payment_failed").event["data"]["object"]["last_payment_error"]
    assert (error["code"], error["advice_code"]) == ("expired_card", "confirm_card_data")


def test_an_account_that_leaves_retries_to_stripe_says_when_it_tries_next(sim: Gateways) -> None:
    ada = sim.ada(stripe_retries_days=[3, 5], stripe_ending="unpaid")
    sim.script(learner="ada", outcomes=["insufficient_funds", "insufficient_funds", "insufficient_funds"])
    client = sim.stripe()

    sim.advance("2026-06-01T07:00:00Z")
    invoice = client.v1.invoices.list({"subscription": ada["subscription"]}).data[0]
    assert invoice.next_payment_attempt == invoice.created + 3 * 86_400
    sim.advance("2026-06-10T00:00:00Z")

    assert client.v1.invoices.retrieve(invoice.id).attempt_count == 3
    assert client.v1.subscriptions.retrieve(ada["subscription"]).status == "unpaid"


def test_auto_advance_off_takes_the_retries_out_of_stripes_hands(sim: Gateways) -> None:
    ada = sim.ada(stripe_retries_days=[3, 5])
    sim.script(learner="ada", outcomes=["insufficient_funds"])
    client = sim.stripe()
    sim.advance("2026-06-01T07:00:00Z")
    invoice = client.v1.invoices.list({"subscription": ada["subscription"]}).data[0]

    updated = client.v1.invoices.update(invoice.id, {"auto_advance": False})
    sim.advance("2026-06-20T00:00:00Z")

    assert updated.next_payment_attempt is None
    assert sim.charges() == []
    assert sim.door.last("invoice.updated").event["data"]["previous_attributes"]["auto_advance"] is True


def test_after_a_stolen_card_stripe_counts_on_without_charging(sim: Gateways) -> None:
    sim.ada(stripe_retries_days=[3, 5])
    sim.script(learner="ada", outcomes=["stolen_card"])

    sim.advance("2026-06-20T00:00:00Z")

    rows = sim.control("GET", "/charges?all=true")["charges"]
    assert [row["outcome"] for row in rows] == ["declined"]
    assert sim.door.last("invoice.updated").event["data"]["object"]["attempt_count"] == 3


def test_a_paused_collection_keeps_drafts_and_charges_nothing(sim: Gateways) -> None:
    ada = sim.ada()
    client = sim.stripe()
    client.v1.subscriptions.update(ada["subscription"], {"pause_collection": {"behavior": "keep_as_draft"}})

    sim.advance("2026-06-02T00:00:00Z")

    assert client.v1.invoices.list({"subscription": ada["subscription"]}).data[0].status == "draft"
    client.v1.subscriptions.update(ada["subscription"], {"pause_collection": ""})
    sim.advance("2026-07-02T00:00:00Z")
    assert [charge["period"] for charge in sim.charges()] == ["2026-07-01"]


def test_a_cancelled_subscription_is_never_charged_again(sim: Gateways) -> None:
    ada = sim.ada()
    client = sim.stripe()

    gone = client.v1.subscriptions.cancel(
        ada["subscription"], {"cancellation_details": {"comment": "moving"}}
    )
    sim.advance("2026-08-01T00:00:00Z")

    assert gone.status == "canceled"
    assert sim.charges() == []
    deleted = sim.door.last("customer.subscription.deleted").event["data"]["object"]
    assert deleted["cancellation_details"]["reason"] == "cancellation_requested"


def test_a_payment_in_the_air_comes_down_later(sim: Gateways) -> None:
    ada = sim.ada()
    sim.script(learner="ada", outcomes=[{"pending": True, "after": "PT6H", "then": "insufficient_funds"}])

    sim.advance("2026-06-01T07:00:00Z")
    assert "payment_intent.processing" in sim.door.types()
    assert sim.stripe().v1.subscriptions.retrieve(ada["subscription"]).status == "active"
    sim.advance("2026-06-01T13:00:00Z")

    failed = sim.door.last("invoice.payment_failed").event
    assert failed["created"] == 1780318800
    assert failed["data"]["object"]["attempt_count"] == 1
    assert sim.charges(ada["subscription"]) == []


def test_a_wrong_amount_pays_an_invoice_in_part_or_too_much(sim: Gateways) -> None:
    ada = sim.ada()
    sim.script(learner="ada", outcomes=[{"amount": 5000}, {"amount": 8000}])
    client = sim.stripe()

    sim.advance("2026-06-01T07:00:00Z")
    part = client.v1.invoices.list({"subscription": ada["subscription"]}).data[0]
    assert (part.status, part.amount_paid, part.amount_remaining) == ("open", 5000, 2500)
    sim.advance("2026-07-01T07:00:00Z")

    over = client.v1.invoices.list({"subscription": ada["subscription"]}).data[0]
    assert (over.status, over.amount_overpaid) == ("paid", 500)
    assert "invoice.overpaid" in sim.door.types()


def test_the_school_reads_missed_events_from_the_list(sim: Gateways) -> None:
    sim.ada()
    sim.advance("2026-06-01T07:00:00Z")
    client = sim.stripe()

    found = client.v1.events.list({"type": "invoice.paid", "limit": 5})

    assert [event.type for event in found.data] == ["invoice.paid"]
    raw = sim.door.last("invoice.paid")
    assert found.data[0].id == raw.event["id"]
    assert isinstance(found.data[0], stripe.Event)
