"""Ambiguous answers: what was done, what was not, and what the same key says afterwards."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
import stripe

if TYPE_CHECKING:
    from tests.ops.simulators.conftest import Gateways


def _open_invoice(sim: Gateways) -> str:
    ada = sim.ada()
    sim.script(learner="ada", outcomes=["insufficient_funds"])
    sim.advance("2026-06-01T07:00:00Z")
    return str(sim.stripe().v1.invoices.list({"subscription": ada["subscription"]}).data[0].id)


def _fault(sim: Gateways, kind: str, **more: object) -> None:
    sim.control(
        "POST", "/fault", {"gateway": "stripe", "route": "POST /v1/invoices/*/pay", "kind": kind, **more}
    )


@pytest.mark.parametrize(
    ("kind", "done"),
    [
        ("timeout_before", False),
        ("timeout_after", True),
        ("drop_before", False),
        ("drop_after", True),
    ],
)
def test_after_silence_or_a_broken_line_the_same_key_tells_what_happened(
    sim: Gateways, kind: str, done: bool
) -> None:
    invoice = _open_invoice(sim)
    _fault(sim, kind, seconds=5)
    client = sim.stripe(timeout=0.5)

    with pytest.raises(stripe.APIConnectionError):
        client.v1.invoices.pay(invoice, {}, {"idempotency_key": "k"})

    assert len(sim.charges()) == (1 if done else 0)
    paid = client.v1.invoices.pay(invoice, {}, {"idempotency_key": "k"})
    assert paid.status == "paid"
    assert len(sim.charges()) == 1
    assert sim.doubles() == []


@pytest.mark.parametrize(("kind", "done"), [("500_before", False), ("500_after", True)])
def test_a_500_may_come_before_or_after_the_charge(sim: Gateways, kind: str, done: bool) -> None:
    invoice = _open_invoice(sim)
    _fault(sim, kind)
    client = sim.stripe()

    with pytest.raises(stripe.APIError):
        client.v1.invoices.pay(invoice, {}, {"idempotency_key": "k"})

    assert len(sim.charges()) == (1 if done else 0)
    assert client.v1.invoices.pay(invoice, {}, {"idempotency_key": "k"}).status == "paid"
    assert len(sim.charges()) == 1


def test_a_stored_500_is_repeated_for_its_key_and_only_reading_tells(sim: Gateways) -> None:
    invoice = _open_invoice(sim)
    _fault(sim, "500_stored")
    client = sim.stripe()

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.invoices.pay(invoice, {}, {"idempotency_key": "k"})

    assert client.v1.invoices.retrieve(invoice).status == "paid"


def test_the_sdk_retries_a_broken_line_with_its_own_key_and_charges_once(sim: Gateways) -> None:
    invoice = _open_invoice(sim)
    _fault(sim, "drop_after")

    assert sim.stripe(retries=2).v1.invoices.pay(invoice).status == "paid"

    assert len(sim.charges()) == 1
    assert [line["fault"] for line in sim.control("GET", "/journal?kind=fault")["journal"]] == ["drop_after"]


def test_too_many_requests_and_a_held_lock_do_nothing(sim: Gateways) -> None:
    invoice = _open_invoice(sim)
    _fault(sim, "429")
    client = sim.stripe()
    with pytest.raises(stripe.RateLimitError):
        client.v1.invoices.pay(invoice)
    _fault(sim, "409")
    with pytest.raises(stripe.APIError) as locked:
        client.v1.invoices.pay(invoice)

    assert locked.value.http_status == 409
    assert sim.charges() == []


def test_a_key_in_flight_is_refused_until_its_first_request_ends(sim: Gateways) -> None:
    invoice = _open_invoice(sim)
    _fault(sim, "slow", seconds=1.5)
    client = sim.stripe()
    answers: list[str | None] = []

    def pay() -> None:
        answers.append(client.v1.invoices.pay(invoice, {}, {"idempotency_key": "k"}).status)

    first = threading.Thread(target=pay)
    first.start()
    while not sim.control("GET", "/journal?kind=fault")["journal"]:
        time.sleep(0.02)
    with pytest.raises(stripe.APIError) as busy:
        client.v1.invoices.pay(invoice, {}, {"idempotency_key": "k"})
    first.join()

    assert busy.value.http_status == 409
    assert busy.value.error is not None
    assert busy.value.error.code == "idempotency_key_in_use"
    assert answers == ["paid"]
    assert len(sim.charges()) == 1


def test_faults_are_used_up_and_can_be_taken_back(sim: Gateways) -> None:
    sim.control("POST", "/fault", {"gateway": "stripe", "kind": "429", "times": 2})
    client = sim.stripe()
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            client.v1.customers.list()
    client.v1.customers.list()
    sim.control("POST", "/fault", {"gateway": "stripe", "kind": "429"})
    assert len(sim.control("GET", "/fault")["faults"]) == 1

    sim.control("DELETE", "/fault")

    assert client.v1.customers.list().data == []
