"""Stripe's letters to the school: signed as Stripe signs, and as late, doubled or lost as a story wants them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import stripe

from tests.ops.simulators.conftest import SECRET

if TYPE_CHECKING:
    from tests.ops.simulators.conftest import Gateways, Letter


def _verifies(letter: Letter, secret: str = SECRET) -> bool:
    header = letter.headers.get("stripe-signature")
    try:
        return bool(
            stripe.WebhookSignature.verify_header(letter.body.decode(), header or "", secret, tolerance=None)
        )
    except stripe.SignatureVerificationError:
        return False


def _signed_at(letter: Letter) -> int:
    return int(letter.headers["stripe-signature"].split(",")[0].removeprefix("t="))


def test_every_event_is_signed_and_parsed_by_the_sdk(sim: Gateways) -> None:
    sim.ada(quiet=False)
    sim.script(learner="ada", outcomes=["insufficient_funds"])
    sim.advance("2026-06-01T07:00:00Z")

    assert len(sim.door.letters) > 8
    for letter in sim.door.letters:
        assert _verifies(letter)
        event = stripe.Webhook.construct_event(
            letter.body, letter.headers["stripe-signature"], SECRET, tolerance=0
        )
        assert event.api_version == stripe.api_version
    assert sim.control("GET", "/webhooks/outstanding")["count"] == 0


def test_signatures_are_dated_with_the_schools_clock_and_events_with_the_gateways(sim: Gateways) -> None:
    sim.ada()
    sim.clock.move_to(datetime(2026, 6, 1, 12, tzinfo=UTC))

    sim.run()

    letter = sim.door.last("invoice.paid")
    assert _signed_at(letter) == int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp())
    assert letter.event["created"] == int(datetime(2026, 6, 1, 7, tzinfo=UTC).timestamp())


def test_events_caused_by_a_call_carry_its_request_and_leave_by_themselves(sim: Gateways) -> None:
    sim.stripe().v1.customers.create({"email": "é@example.com"}, {"idempotency_key": "k-1"})
    sim.run()

    event = sim.door.last("customer.created").event
    assert event["request"]["idempotency_key"] == "k-1"
    assert event["request"]["id"].startswith("req_")
    assert "é@example.com".encode() in sim.door.last("customer.created").body


def test_both_secrets_sign_while_they_roll(sim: Gateways) -> None:
    sim.control("POST", "/webhooks/rotate", {"gateway": "stripe", "secret": "whsec_new"})
    sim.stripe().v1.customers.create({})
    sim.run()
    letter = sim.door.letters[-1]
    assert _verifies(letter, SECRET)
    assert _verifies(letter, "whsec_new")

    sim.control("POST", "/webhooks/rotate", {"gateway": "stripe", "secret": "whsec_new", "keep_old": False})
    sim.stripe().v1.customers.create({})
    sim.run()
    assert not _verifies(sim.door.letters[-1], SECRET)


@pytest.mark.parametrize("mode", ["bad", "none", "mutated", "v0_only"])
def test_a_bad_signature_is_really_bad(sim: Gateways, mode: str) -> None:
    sim.control("POST", "/webhooks/rules", {"gateway": "stripe", "signature": mode, "times": 1})
    client = sim.stripe()

    client.v1.customers.create({})
    client.v1.customers.create({})
    sim.run()

    assert [_verifies(letter) for letter in sim.door.letters] == [False, True]


@pytest.mark.parametrize(("mode", "days"), [("stale", -1), ("future", 1)])
def test_a_signature_can_be_rightly_made_and_wrongly_dated(sim: Gateways, mode: str, days: int) -> None:
    sim.control("POST", "/webhooks/rules", {"signature": mode})
    sim.stripe().v1.customers.create({})
    sim.run()

    letter = sim.door.letters[-1]
    assert _verifies(letter)
    assert _signed_at(letter) - int(sim.clock.now().timestamp()) == days * 86_400


def test_what_is_not_accepted_is_sent_again_later_and_signed_anew(sim: Gateways) -> None:
    sim.door.statuses += [500, 302]
    sim.stripe().v1.customers.create({})
    sim.run()
    assert sim.control("GET", "/webhooks/outstanding")["waiting"] == 1
    due = sim.control("GET", "/next")["next"]
    assert (due["kind"], due["at"]) == ("webhook.deliver", "2026-05-01T12:05:00Z")

    sim.advance("2026-05-01T12:05:00Z")
    sim.advance("2026-05-01T12:35:00Z")

    first, second, third = sim.door.letters
    assert first.body == second.body == third.body
    assert _signed_at(third) - _signed_at(first) == 35 * 60
    assert sim.control("GET", "/webhooks/outstanding")["count"] == 0


def test_stripe_gives_up_after_three_days(sim: Gateways) -> None:
    sim.door.statuses += [500] * 30
    sim.stripe().v1.customers.create({})

    sim.advance("2026-05-05T12:00:00Z")

    assert sim.control("GET", "/webhooks/outstanding") == {"count": 0, "waiting": 0, "held": 0, "gave_up": 1}
    assert len(sim.door.letters) <= 16


def test_redelivery_need_not_wait_for_the_back_off(sim: Gateways) -> None:
    sim.door.statuses += [503]
    sim.stripe().v1.customers.create({})
    sim.run()

    answer = sim.control("POST", "/redeliver", {})

    assert answer["redelivered"] == 1
    assert answer["outstanding"]["waiting"] == 0
    sim.control("POST", "/redeliver", {"acknowledged": True, "type": "customer.*"})
    assert len(sim.door.letters) == 3


def test_duplicates_delays_and_losses_can_be_ordered(sim: Gateways) -> None:
    client = sim.stripe()
    sim.control("POST", "/webhooks/rules", {"type": "customer.created", "duplicates": 2, "times": 1})
    client.v1.customers.create({"email": "doubled@example.com"})
    sim.run()
    assert len({letter.event["id"] for letter in sim.door.letters}) == 1
    assert len(sim.door.letters) == 3

    sim.door.letters.clear()
    sim.control("POST", "/webhooks/rules", {"type": "customer.created", "delay": "PT2H", "times": 1})
    client.v1.customers.create({"email": "late@example.com"})
    sim.run()
    assert sim.door.letters == []
    sim.advance("2026-05-01T14:00:00Z")
    assert len(sim.door.letters) == 1

    sim.door.letters.clear()
    sim.control("POST", "/webhooks/rules", {"drop": 1, "times": 1})
    client.v1.customers.create({"email": "lost@example.com"})
    sim.run()
    assert sim.door.letters == []
    sim.control("POST", "/redeliver", {})
    assert len(sim.door.letters) == 1

    sim.door.letters.clear()
    sim.control("POST", "/webhooks/rules", {"ignore_answers": 1, "times": 1})
    client.v1.customers.create({"email": "unheard@example.com"})
    sim.run()
    sim.control("POST", "/redeliver", {})
    assert len(sim.door.letters) == 2


def test_held_events_come_in_another_order(sim: Gateways) -> None:
    sim.ada()
    sim.control("POST", "/webhooks/hold", {"gateway": "stripe"})
    sim.advance("2026-06-01T07:00:00Z")
    assert sim.door.letters == []
    held = sim.control("GET", "/webhooks/outstanding")["held"]

    released = sim.control("POST", "/webhooks/release", {"order": "reversed"})

    assert released["released"] == held == len(sim.door.letters)
    types = sim.door.types()
    assert types.index("invoice.payment_succeeded") < types.index("invoice.created")
    sim.stripe().v1.customers.create({})
    sim.run()
    assert sim.door.types()[-1] == "customer.created"


def test_every_three_events_can_be_turned_round(sim: Gateways) -> None:
    sim.control("POST", "/webhooks/rules", {"type": "customer.*", "reorder": 3})
    for number in range(4):
        sim.stripe().v1.customers.create({"name": f"learner {number}"})
    sim.run()

    names = [letter.event["data"]["object"]["name"] for letter in sim.door.letters]
    assert names == ["learner 2", "learner 1", "learner 0"]


def test_an_endpoint_made_through_the_api_gets_what_it_asked_for(sim: Gateways) -> None:
    client = sim.stripe()
    endpoint = client.v1.webhook_endpoints.create(
        {"url": f"{sim.door.url}/second", "enabled_events": ["customer.created"]}
    )
    client.v1.customers.create({})
    client.v1.products.create({"name": "Premium"})
    sim.run()

    second = [letter for letter in sim.door.letters if letter.path == "/second"]
    assert [letter.type for letter in second] == ["customer.created"]
    assert _verifies(second[0], str(endpoint.secret))


def test_an_old_endpoint_version_gets_the_old_shape(sim: Gateways) -> None:
    sim.listen(stripe_more={"api_version": "2020-03-02"})
    ada = sim.ada()

    sim.advance("2026-06-01T07:00:00Z")

    event = json.loads(sim.door.last("invoice.paid").body)
    invoice = event["data"]["object"]
    assert event["api_version"] == "2020-03-02"
    assert (invoice["subscription"], invoice["paid"]) == (ada["subscription"], True)
    assert invoice["charge"].startswith("ch_")
    assert invoice["payment_intent"].startswith("pi_")
    assert "parent" not in invoice
    assert _verifies(sim.door.last("invoice.paid"))
