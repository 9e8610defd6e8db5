"""Real recordings of Stripe, old and new in shape, are understood or named as not ours; none stops the reader."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.payments.gateways.stripe import StripeConfig, StripeGateway, shapes
from services.payments.gateways.stripe.parse import parse
from services.payments.gateways.stripe.reading import failed_intent, told_by
from services.payments.news import (
    AttemptNews,
    InvoiceNews,
    Look,
    MethodNews,
    MoneyBackNews,
    NotOurs,
    Outcome,
    SubscriptionNews,
)
from shared.clock import HandClock
from shared.declines import DeclineClass
from shared.errors import Unreadable
from shared.events.words import CancelledBy, Gateway, MethodKind
from shared.money import Money
from tests.payments.conftest import JUNE_1, SECRET, stripe_event
from tests.payments.stack import Stack, stack_on


def recorded(fixtures: Path, name: str) -> Any:
    return json.loads((fixtures / "stripe" / f"{name}.json").read_text("utf-8"))


def as_event(kind: str, data: Any) -> bytes:
    """A recording that has only ``object`` and ``previous_attributes`` in the envelope it came in."""
    return stripe_event(kind, data["object"], previous_attributes=data.get("previous_attributes"))


def the(heard: Any, kind: type[Any]) -> Any:
    (news,) = heard
    assert type(news) is kind
    return news


def test_an_old_paid_invoice_of_nothing_is_not_ours(fixtures: Path) -> None:
    heard = parse(json.dumps(recorded(fixtures, "supabase/invoice_paid")).encode())

    assert heard == NotOurs(reason="an invoice of nothing was closed")


def test_an_old_invoice_is_looked_up_by_the_subscription_it_names_at_its_top(fixtures: Path) -> None:
    event = recorded(fixtures, "supabase/invoice_paid")
    event["data"]["object"] |= {"amount_paid": 2500, "charge": "ch_1"}

    hint = parse(json.dumps(event).encode())

    assert isinstance(hint, Look)
    assert (hint.subscription, hint.invoice, hint.amount) == (
        "sub_JsuPyCPhXWfZar",
        "in_1KJqKBJDPojXS6LNJbvLUgEy",
        Money(2500, "USD"),
    )


def test_an_invoice_payment_points_at_its_invoice_and_intent(fixtures: Path) -> None:
    old = parse(json.dumps(recorded(fixtures, "supabase/invoice_payment_paid")).encode())
    new = parse(as_event("invoice_payment.paid", recorded(fixtures, "pay-rails/invoice.updated")))

    assert isinstance(old, Look)
    assert isinstance(new, Look)
    assert (old.invoice, old.intent) == ("in_103Q0w2eZvKYlo2C5PYwf6Wf", "pi_103Q0w2eZvKYlo2C364X582Z")
    assert (new.invoice, new.amount) == ("in_1T4AIkGWAy8DppqhJAdbjaWb", Money(2000, "USD"))


def test_a_deleted_subscription_is_cancelled_in_both_shapes(fixtures: Path) -> None:
    old = the(
        parse(json.dumps(recorded(fixtures, "supabase/subscription_deleted")).encode()), SubscriptionNews
    )
    new = the(
        parse(
            as_event("customer.subscription.deleted", recorded(fixtures, "pay-rails/subscription.deleted"))
        ),
        SubscriptionNews,
    )

    assert (old.status, old.by, old.gateway_subscription_id) == (
        "cancelled",
        CancelledBy.UNKNOWN,
        "sub_JdIzvfy6o5GZRd",
    )
    assert new.status == "cancelled"


def test_a_change_that_leaves_the_status_is_not_ours(fixtures: Path) -> None:
    old = parse(json.dumps(recorded(fixtures, "supabase/subscription_updated")).encode())
    new = parse(
        as_event("customer.subscription.updated", recorded(fixtures, "pay-rails/subscription.updated"))
    )

    assert isinstance(old, NotOurs)
    assert isinstance(new, NotOurs)


@pytest.mark.parametrize(
    ("reason", "by"),
    [
        ("payment_failed", CancelledBy.GATEWAY),
        ("cancellation_requested", CancelledBy.LEARNER),
        ("canceled_by_retention_policy", CancelledBy.UNKNOWN),
        (None, CancelledBy.UNKNOWN),
    ],
)
def test_who_ended_it_is_read_from_the_reason(reason: str | None, by: CancelledBy) -> None:
    body = {"id": "sub_1", "status": "canceled", "ended_at": 1, "cancellation_details": {"reason": reason}}

    assert the(parse(stripe_event("customer.subscription.deleted", body)), SubscriptionNews).by is by


def test_a_card_that_the_bank_renewed_is_a_settled_method(fixtures: Path) -> None:
    data = recorded(fixtures, "pay-rails/payment_method.updated")

    news = the(parse(as_event("payment_method.automatically_updated", data)), MethodNews)

    assert (news.method, news.label, news.card, news.card_country, news.settled) == (
        MethodKind.CARD,
        "3184",
        "qu2JxQg97yWGBVrd",
        "DE",
        True,
    )
    assert news.offered.funding == "credit"


def test_a_stored_method_of_nobody_we_know_is_not_ours(fixtures: Path) -> None:
    heard = parse(json.dumps(recorded(fixtures, "lago-basil/setup_intent_succeeded")).encode())

    assert isinstance(heard, NotOurs)


def test_a_stored_method_that_names_a_subscription_is_looked_up() -> None:
    setup = {"id": "seti_1", "payment_method": "pm_1", "metadata": {"subscription_id": "ada-fr"}}

    hint = parse(stripe_event("setup_intent.succeeded", setup))

    assert isinstance(hint, Look)
    assert (hint.own_subscription, hint.method) == ("ada-fr", "pm_1")


def _refused(fixtures: Path, name: str) -> AttemptNews:
    body = recorded(fixtures, f"lago-basil/{name}")
    failure = msgspec.convert(body["error"], shapes.Failure)
    assert isinstance(failure.payment_intent, shapes.Intent)
    return failed_intent(failure.payment_intent, failure, at=JUNE_1)


def test_a_real_refusal_is_read_with_its_advice(fixtures: Path) -> None:
    news = _refused(fixtures, "payment_intent_card_declined_response")

    assert (news.outcome, news.transaction_id, news.amount) == (
        Outcome.FAILED,
        "ch_3RWJu0Q8iJWBZFaM2XNS6uiT",
        Money(4620, "EUR"),
    )
    assert (news.decline, news.raw_code, news.advice_code, news.card) == (
        DeclineClass.GENERIC_OR_UNKNOWN,
        "generic_decline",
        "try_again_later",
        "pmIfA8TCefcd72yD",
    )


def test_a_real_demand_for_a_proof_is_its_own_class(fixtures: Path) -> None:
    news = _refused(fixtures, "payment_intent_authentication_required_response")

    assert news.decline is DeclineClass.AUTHENTICATION_REQUIRED


def test_a_failed_charge_tells_why_and_with_which_card() -> None:
    charge = {
        "id": "ch_1",
        "amount": 7500,
        "currency": "eur",
        "created": 1780297200,
        "payment_intent": "pi_1",
        "failure_code": "card_declined",
        "outcome": {
            "reason": "insufficient_funds",
            "network_decline_code": "51",
            "advice_code": "try_again_later",
        },
        "payment_method_details": {"type": "card", "card": {"fingerprint": "fp", "brand": "visa"}},
    }

    hint = parse(stripe_event("charge.failed", charge))

    assert isinstance(hint, Look)
    assert hint.news is not None
    assert (hint.intent, hint.transaction) == ("pi_1", "ch_1")
    assert (hint.news.decline, hint.news.network_code, hint.news.card) == (
        DeclineClass.INSUFFICIENT_FUNDS,
        "51",
        "fp",
    )


@pytest.mark.parametrize(
    ("reference", "invoice"),
    [
        ("in_1Pgc6rB7WZ01zgkWNy0Cn5nw", "in_1Pgc6rB7WZ01zgkWNy0Cn5nw"),
        ("in_1Pgc6rB7WZ01zgkWNy0Cn5", None),  # cut at the networks' 25 letters: it names nothing
        ("order 7", None),
        (None, None),
    ],
)
def test_an_intents_order_reference_is_believed_only_when_it_is_whole(
    reference: str | None, invoice: str | None
) -> None:
    intent = {"id": "pi_1", "payment_details": {"order_reference": reference}}

    hint = parse(stripe_event("payment_intent.processing", intent))

    assert isinstance(hint, Look)
    assert hint.invoice == invoice


def test_an_invoice_tells_its_period_and_who_pays_it() -> None:
    invoice = {
        "id": "in_1",
        "created": 1780297000,
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"subscription": "sub_1", "metadata": {"subscription_id": "ada-fr"}},
        },
        "lines": {"data": [{"period": {"start": 1780297200, "end": 1782889200}}]},
    }

    news = the(parse(stripe_event("invoice.finalized", invoice)), InvoiceNews)

    assert (news.invoice_id, news.refs, news.subscription_id) == ("in_1", ("sub_1",), "ada-fr")
    assert news.covers_from == JUNE_1


def test_a_refund_and_a_dispute_are_money_that_went_back() -> None:
    refund = {"id": "re_1", "amount": 7500, "currency": "eur", "created": 1780297200, "charge": "ch_1"}
    dispute = {"id": "du_1", "amount": 7500, "currency": "eur", "created": 1780297200, "charge": "ch_1"}

    back = the(parse(stripe_event("refund.created", {**refund, "status": "succeeded"})), MoneyBackNews)
    disputed = the(parse(stripe_event("charge.dispute.created", dispute)), MoneyBackNews)

    assert (back.what, back.reversal_id, back.transaction_id) == ("refund", "re_1", "ch_1")
    assert (disputed.what, disputed.amount) == ("chargeback", Money(7500, "EUR"))


def test_an_event_of_ours_that_keeps_to_no_form_is_set_aside_with_the_reason() -> None:
    with pytest.raises(Unreadable, match=r"invoice.paid event evt_1 does not keep to Stripe's form"):
        parse(stripe_event("invoice.paid", {"id": "in_1", "amount_paid": "much"}))


def test_an_invoice_paid_outside_stripe_is_a_success_under_its_own_name() -> None:
    invoice = shapes.Invoice(
        id="in_1",
        status="paid",
        amount_paid=7500,
        currency="eur",
        created=1780297200,
        subscription="sub_1",
        status_transitions=shapes.Transitions(paid_at=1780297200),
    )

    (attempt,) = [one for one in told_by(invoice, now=JUNE_1) if isinstance(one, AttemptNews)]

    assert (attempt.outcome, attempt.transaction_id, attempt.method) == (
        Outcome.SUCCEEDED,
        "in_1",
        MethodKind.OTHER,
    )


# --- every recording through the front door -------------------------------------------------------


@pytest.fixture
async def stack(postgres: str) -> AsyncIterator[Stack]:
    class Silent(StripeGateway):
        """Stripe, whose API knows nothing of recordings."""

        async def look(self, hint: Look, now: Any) -> Any:
            return (InvoiceNews(gateway=Gateway.STRIPE, occurred_at=now, refs=hint.refs, invoice_id="in_x"),)

    gateway = Silent(StripeConfig(api_key="sk_test_x", webhook_secrets=(SECRET,)))
    async with stack_on(postgres, HandClock(JUNE_1), {Gateway.STRIPE: gateway}) as stack:
        yield stack


async def test_every_recording_is_accepted_and_translated_or_named_as_not_ours(
    stack: Stack, fixtures: Path
) -> None:
    files = sorted((fixtures / "stripe").rglob("*.json"))
    assert len(files) >= 13
    for file in files:
        body = file.read_bytes()
        assert (await stack.post_stripe(body)).status_code == 200, file.name

    await stack.translate()

    rows = await stack.rows()
    assert len(rows) == len(files)
    assert {row["state"] for row in rows} <= {"not_ours", "waiting", "told"}
    assert all(row["reason"] for row in rows if row["state"] != "told")
