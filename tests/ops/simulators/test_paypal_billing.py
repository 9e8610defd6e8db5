"""PayPal's own three attempts and its endings, dated as the story dates them, in exact yen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paypalhttp
import pytest

from tests.ops.simulators.paypal_requests import Get, Post, result

if TYPE_CHECKING:
    from tests.ops.simulators.conftest import Gateways

FAILED = "BILLING.SUBSCRIPTION.PAYMENT.FAILED"


def _get(sim: Gateways, path: str) -> Any:
    return result(sim.paypal().execute(Get(path)))


def test_the_seeds_example_fails_on_the_15th_20th_and_25th_and_is_cancelled(sim: Gateways) -> None:
    aiko = sim.aiko()
    sim.script(learner="aiko", outcomes=["PAYMENT_DENIED"] * 3)

    sim.advance("2026-06-01T00:00:00Z")

    attempts = sim.control("GET", "/charges?all=true")["charges"]
    assert [row["at"] for row in attempts] == [
        "2026-05-15T11:10:00Z",
        "2026-05-20T11:10:00Z",
        "2026-05-25T11:10:00Z",
    ]
    assert sim.door.types() == [FAILED, FAILED, FAILED, "BILLING.SUBSCRIPTION.CANCELLED"]
    first = sim.door.letters[0].event["resource"]
    assert first["status"] == "ACTIVE"
    failure = first["billing_info"]["last_failed_payment"]
    assert failure == {
        "amount": {"currency_code": "JPY", "value": "12800"},
        "time": "2026-05-15T11:10:00Z",
        "reason_code": "PAYMENT_DENIED",
        "next_payment_retry_time": "2026-05-20T11:10:00Z",
    }
    assert first["billing_info"]["failed_payments_count"] == 0
    third = sim.door.letters[2].event["resource"]["billing_info"]
    assert "next_payment_retry_time" not in third["last_failed_payment"]
    assert third["failed_payments_count"] == 1
    assert third["outstanding_balance"] == {"currency_code": "JPY", "value": "12800"}
    assert _get(sim, f"/v1/billing/subscriptions/{aiko['subscription']}")["status"] == "CANCELLED"


def test_a_second_attempt_that_succeeds_ends_everything_and_keeps_the_billing_day(sim: Gateways) -> None:
    aiko = sim.aiko(retry_intervals_days=[3, 5])
    sim.script(learner="aiko", outcomes=["insufficient_funds", "ok"])

    sim.advance("2026-06-16T00:00:00Z")

    assert sim.door.types() == [FAILED, "PAYMENT.SALE.COMPLETED", "PAYMENT.SALE.COMPLETED"]
    assert sim.door.letters[0].event["resource"]["billing_info"]["last_failed_payment"]["reason_code"] == (
        "PAYER_CANNOT_PAY"
    )
    assert [row["at"] for row in sim.charges()] == ["2026-05-18T11:10:00Z", "2026-06-15T11:10:00Z"]
    sale = sim.door.letters[1].event["resource"]
    assert sale["billing_agreement_id"] == aiko["subscription"]
    assert sale["custom"] == "aiko"
    assert (sale["amount"]["total"], sale["amount"]["currency"]) == ("12800", "JPY")
    found = _get(sim, f"/v1/billing/subscriptions/{aiko['subscription']}")
    assert found["billing_info"]["failed_payments_count"] == 0
    assert found["billing_info"]["next_billing_time"] == "2026-07-15T10:00:00Z"
    assert _get(sim, f"/v1/payments/sale/{sale['id']}")["state"] == "completed"


@pytest.mark.parametrize(
    ("ending", "status", "last"),
    [
        ("suspended", "SUSPENDED", "BILLING.SUBSCRIPTION.SUSPENDED"),
        ("none", "ACTIVE", FAILED),
    ],
)
def test_paypal_may_also_suspend_or_leave_the_ending_to_the_school(
    sim: Gateways, ending: str, status: str, last: str
) -> None:
    aiko = sim.aiko(ending=ending)
    sim.script(learner="aiko", outcomes=["PAYMENT_DENIED"] * 3)

    sim.advance("2026-05-26T00:00:00Z")

    assert sim.door.types()[-1] == last
    assert _get(sim, f"/v1/billing/subscriptions/{aiko['subscription']}")["status"] == status


def test_the_cancellation_may_come_an_hour_after_the_last_failure(sim: Gateways) -> None:
    sim.aiko(ending_after="PT1H")
    sim.script(learner="aiko", outcomes=["PAYMENT_DENIED"] * 3)

    sim.advance("2026-05-25T11:30:00Z")
    assert "BILLING.SUBSCRIPTION.CANCELLED" not in sim.door.types()
    sim.advance("2026-05-25T12:10:00Z")

    assert sim.door.types()[-1] == "BILLING.SUBSCRIPTION.CANCELLED"


def test_with_no_ending_the_next_month_bills_the_balance_too(sim: Gateways) -> None:
    aiko = sim.aiko(ending="none")
    sim.script(learner="aiko", outcomes=["PAYMENT_DENIED"] * 3)

    sim.advance("2026-06-15T12:00:00Z")

    assert [row["amount"] for row in sim.charges(aiko["subscription"])] == [25600]
    info = _get(sim, f"/v1/billing/subscriptions/{aiko['subscription']}")["billing_info"]
    assert info["outstanding_balance"]["value"] == "0"


def test_the_transactions_list_shows_refused_attempts_and_payments(sim: Gateways) -> None:
    aiko = sim.aiko()
    sim.script(learner="aiko", outcomes=["PAYMENT_DENIED", "ok"])
    sim.advance("2026-05-21T00:00:00Z")
    path = f"/v1/billing/subscriptions/{aiko['subscription']}/transactions"

    listed = _get(sim, f"{path}?start_time=2026-05-01T00:00:00Z&end_time=2026-06-01T00:00:00Z")

    assert [row["status"] for row in listed["transactions"]] == ["DECLINED", "COMPLETED"]
    assert listed["transactions"][1]["amount_with_breakdown"]["gross_amount"]["value"] == "12800"
    with pytest.raises(paypalhttp.HttpError) as refused:
        sim.paypal().execute(Get(path))
    assert refused.value.status_code == 400


def test_refunds_reversals_and_disputes_are_told_as_paypal_tells_them(sim: Gateways) -> None:
    aiko = sim.aiko()
    sim.advance("2026-08-01T00:00:00Z")
    sales = [row["ref"] for row in sim.charges()]
    sim.door.letters.clear()

    sim.paypal().execute(Post(f"/v1/payments/sale/{sales[0]}/refund", {}))
    reversed_sale = sim.act("reverse", sale=sales[1])
    sim.act("chargeback", subscription=aiko["subscription"])
    sim.run()

    assert sim.door.types() == [
        "PAYMENT.SALE.REFUNDED",
        "PAYMENT.SALE.REVERSED",
        "CUSTOMER.DISPUTE.CREATED",
    ]
    refunded, reverted = (letter.event["resource"] for letter in sim.door.letters[:2])
    assert (refunded["sale_id"], refunded["amount"]["total"]) == (sales[0], "-12800")
    assert not {"sale_id", "billing_agreement_id"} & set(reverted)
    assert reverted["id"] == sales[1] == reversed_sale["id"]
    assert _get(sim, f"/v1/payments/sale/{sales[1]}")["state"] == "reversed"


def test_a_wrong_amount_and_a_payment_in_the_air(sim: Gateways) -> None:
    sim.aiko()
    sim.script(learner="aiko", outcomes=[{"amount": 11500}, {"pending": True, "then": "PAYMENT_DENIED"}])

    sim.advance("2026-06-15T13:00:00Z")

    assert [row["amount"] for row in sim.charges()] == [11500]
    assert sim.door.types() == [
        "PAYMENT.SALE.COMPLETED",
        "PAYMENT.SALE.PENDING",
        "PAYMENT.SALE.DENIED",
        FAILED,
    ]


def test_oddities_of_real_deliveries_can_be_asked_for(sim: Gateways) -> None:
    sim.aiko(quirks=["retry_date", "month_19", "shared_event_id"])
    sim.script(learner="aiko", outcomes=["PAYMENT_DENIED"] * 3)

    sim.advance("2026-06-01T00:00:00Z")

    events = [letter.event for letter in sim.door.letters]
    assert len({event["id"] for event in events}) == 1
    assert events[0]["create_time"].startswith("2026-19-15")
    assert "next_payment_retry_date" in events[0]["resource"]["billing_info"]["last_failed_payment"]
    assert events[3]["event_type"] == "BILLING.SUBSCRIPTION.CANCELLED"
