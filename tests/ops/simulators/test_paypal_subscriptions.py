"""PayPal subscriptions as the school starts, reads, stops and resumes them."""

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


def test_the_school_cancels_in_the_middle_and_nothing_more_is_tried(sim: Gateways) -> None:
    aiko = sim.aiko()
    sim.script(learner="aiko", outcomes=["PAYMENT_DENIED"] * 3)
    sim.advance("2026-05-15T11:10:00Z")
    client = sim.paypal()
    path = f"/v1/billing/subscriptions/{aiko['subscription']}/cancel"

    assert client.execute(Post(path, {"reason": "arrears"})).status_code == 204
    sim.advance("2026-07-01T00:00:00Z")

    assert sim.door.types() == [FAILED, "BILLING.SUBSCRIPTION.CANCELLED"]
    with pytest.raises(paypalhttp.HttpError) as refused:
        client.execute(Post(path, {"reason": "again"}))
    assert refused.value.status_code == 422
    assert "SUBSCRIPTION_STATUS_INVALID" in refused.value.message


def test_last_failed_payment_is_shown_only_when_asked_for(sim: Gateways) -> None:
    aiko = sim.aiko()
    sim.script(learner="aiko", outcomes=["SENDING_LIMIT_EXCEEDED"])
    sim.advance("2026-05-15T12:00:00Z")
    path = f"/v1/billing/subscriptions/{aiko['subscription']}"

    assert "last_failed_payment" not in _get(sim, path)["billing_info"]
    asked = _get(sim, f"{path}?fields=last_failed_payment,plan")
    assert asked["billing_info"]["last_failed_payment"]["reason_code"] == "SENDING_LIMIT_EXCEEDED"
    assert asked["plan"]["id"] == aiko["plan"]


def test_a_suspended_subscription_is_captured_and_activated_again(sim: Gateways) -> None:
    aiko = sim.aiko(ending="suspended")
    sim.script(learner="aiko", outcomes=["PAYMENT_DENIED"] * 3)
    sim.advance("2026-05-26T00:00:00Z")
    client = sim.paypal()
    path = f"/v1/billing/subscriptions/{aiko['subscription']}"

    def capture(value: str, key: str) -> Any:
        money = {"currency_code": "JPY", "value": value}
        body = {"note": "arrears", "capture_type": "OUTSTANDING_BALANCE", "amount": money}
        return client.execute(Post(f"{path}/capture", body, **{"PayPal-Request-Id": key}))

    part = capture("5000", "k-1")
    assert part.status_code == 200
    assert capture("5000", "k-1").result.id == part.result.id
    with pytest.raises(paypalhttp.HttpError) as refused:
        capture("9000", "k-2")
    assert "AMOUNT_GREATER_THAN_OUTSTANDING_BALANCE" in refused.value.message
    sim.script(learner="aiko", outcomes=[{"pending": True, "after": "PT2H"}])
    assert capture("7800", "k-3").status_code == 202
    sim.advance("2026-05-26T02:00:00Z")
    assert client.execute(Post(f"{path}/activate", {"reason": "paid"})).status_code == 204
    sim.advance("2026-06-16T00:00:00Z")

    assert [row["amount"] for row in sim.charges()] == [5000, 7800, 12800]
    assert sim.door.types()[-4:] == [
        "PAYMENT.SALE.PENDING",
        "PAYMENT.SALE.COMPLETED",
        "BILLING.SUBSCRIPTION.ACTIVATED",
        "PAYMENT.SALE.COMPLETED",
    ]


def test_a_new_subscription_is_approved_on_paypals_page_and_charged_at_once(sim: Gateways) -> None:
    aiko = sim.aiko()
    client = sim.paypal()
    client.execute(Post(f"/v1/billing/subscriptions/{aiko['subscription']}/cancel", {"reason": "x"}))
    body = {
        "plan_id": aiko["plan"],
        "custom_id": "aiko-again",
        "application_context": {
            "return_url": "https://school.example/mypage",
            "cancel_url": "https://school.example/no",
        },
    }
    made = result(client.execute(Post("/v1/billing/subscriptions", body, **{"PayPal-Request-Id": "s-1"})))
    again = result(client.execute(Post("/v1/billing/subscriptions", body, **{"PayPal-Request-Id": "s-1"})))
    assert made["id"] == again["id"]
    assert made["status"] == "APPROVAL_PENDING"
    page = next(link["href"] for link in made["links"] if link["rel"] == "approve")
    assert "¥12,800 every month" in sim.http.get(page).text

    away = sim.http.post(page, data={"answer": "cancel"})
    assert away.headers["location"].startswith("https://school.example/no?subscription_id=I-")
    back = sim.http.post(page, data={"answer": "approve"})
    sim.advance("2026-06-01T10:00:00Z")

    assert back.headers["location"].startswith(
        f"https://school.example/mypage?subscription_id={made['id']}&ba_token=BA-"
    )
    assert [row["at"] for row in sim.charges(made["id"])] == ["2026-05-01T12:00:00Z", "2026-06-01T10:00:00Z"]
    assert sim.door.types() == [
        "BILLING.SUBSCRIPTION.CANCELLED",
        "BILLING.SUBSCRIPTION.CREATED",
        "BILLING.SUBSCRIPTION.ACTIVATED",
        "PAYMENT.SALE.COMPLETED",
        "PAYMENT.SALE.COMPLETED",
    ]


def test_a_subscription_may_begin_on_an_announced_day(sim: Gateways) -> None:
    aiko = sim.aiko()
    sim.control("POST", "/settings", {"paypal": {"billing_minute": 70, "ending": "cancelled"}})
    body = {"plan_id": aiko["plan"], "start_time": "2026-06-15T00:00:00Z"}
    made = result(sim.paypal().execute(Post("/v1/billing/subscriptions", body)))

    sim.act("approve", subscription=made["id"])
    sim.advance("2026-06-16T00:00:00Z")

    assert [row["at"] for row in sim.charges(made["id"])] == ["2026-06-15T11:10:00Z"]


def test_a_buyer_cancels_or_suspends_inside_paypal(sim: Gateways) -> None:
    sim.aiko()
    sim.setup(
        gateway="paypal",
        learner="ken",
        amount=9800,
        next_billing="2026-05-20T10:30:00Z",
        quiet=True,
    )

    assert sim.act("buyer_cancel", learner="aiko")["status"] == "CANCELLED"
    assert sim.act("buyer_suspend", learner="ken")["status"] == "SUSPENDED"
    sim.advance("2026-07-01T00:00:00Z")

    assert sim.charges() == []
    suspended = sim.door.letters[1].event["resource"]
    assert suspended["billing_info"]["failed_payments_count"] == 0
