"""Orders with the unmodified SDK: a lump sum in yen, approved by its payer, captured once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paypalhttp
import pytest
from paypalcheckoutsdk.orders import OrdersCaptureRequest, OrdersCreateRequest, OrdersGetRequest
from paypalcheckoutsdk.payments import CapturesGetRequest, CapturesRefundRequest

from tests.ops.simulators.paypal_requests import Get, Post, result

if TYPE_CHECKING:
    from tests.ops.simulators.conftest import Gateways


def _order(client: Any, *, value: str = "25600", key: str | None = None, **more: Any) -> Any:
    request = OrdersCreateRequest()
    if key:
        request.headers["PayPal-Request-Id"] = key
    unit = {"custom_id": "case-7", "amount": {"currency_code": "JPY", "value": value}}
    context = {"return_url": "https://school.example/paid", "cancel_url": "https://school.example/no"}
    request.request_body(
        {"intent": "CAPTURE", "purchase_units": [unit], "application_context": context, **more}
    )
    return client.execute(request)


def test_two_months_in_one_payment_are_approved_and_captured(sim: Gateways) -> None:
    client = sim.paypal()
    made = _order(client)
    assert (made.status_code, made.result.status) == (201, "CREATED")
    page = next(link.href for link in made.result.links if link.rel == "approve")
    with pytest.raises(paypalhttp.HttpError) as early:
        client.execute(OrdersCaptureRequest(made.result.id))
    assert "ORDER_NOT_APPROVED" in early.value.message

    assert "25600 JPY" in sim.http.get(page).text
    back = sim.http.post(page, data={"answer": "approve"})
    taken = result(client.execute(OrdersCaptureRequest(made.result.id)))
    sim.run()

    assert back.headers["location"].startswith(f"https://school.example/paid?token={made.result.id}&PayerID=")
    capture = taken["purchase_units"][0]["payments"]["captures"][0]
    assert capture["amount"] == {"currency_code": "JPY", "value": "25600"}
    assert result(client.execute(CapturesGetRequest(capture["id"])))["status"] == "COMPLETED"
    assert result(client.execute(OrdersGetRequest(made.result.id)))["status"] == "COMPLETED"
    assert sim.door.types() == [
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.CAPTURE.COMPLETED",
        "CHECKOUT.ORDER.COMPLETED",
    ]
    with pytest.raises(paypalhttp.HttpError) as twice:
        client.execute(OrdersCaptureRequest(made.result.id))
    assert "ORDER_ALREADY_CAPTURED" in twice.value.message
    assert [row["amount"] for row in sim.charges()] == [25600]


def test_the_same_request_id_is_one_order_for_six_hours(sim: Gateways) -> None:
    client = sim.paypal()
    first = _order(client, key="lump-1").result.id
    assert _order(client, key="lump-1").result.id == first
    sim.advance("2026-05-01T18:00:01Z")
    assert _order(client, key="lump-1").result.id != first


def test_a_capture_whose_answer_was_lost_is_asked_again_with_the_same_id(sim: Gateways) -> None:
    client = sim.paypal()
    order = _order(client).result.id
    sim.act("approve", order=order)

    def capture() -> Any:
        request = OrdersCaptureRequest(order)
        request.headers["PayPal-Request-Id"] = "capture-1"
        return client.execute(request)

    sim.control("POST", "/fault", {"gateway": "paypal", "route": "POST */capture", "kind": "500_after"})
    with pytest.raises(paypalhttp.HttpError):
        capture()
    assert capture().result.status == "COMPLETED"
    assert len(sim.charges()) == 1


def test_yen_take_no_decimals(sim: Gateways) -> None:
    with pytest.raises(paypalhttp.HttpError) as refused:
        _order(sim.paypal(), value="25600.00")
    assert "DECIMALS_NOT_SUPPORTED" in refused.value.message


def test_a_refused_instrument_leaves_the_order_approved(sim: Gateways) -> None:
    client = sim.paypal()
    order = _order(client).result.id
    sim.act("approve", order=order)
    sim.script(order=order, outcomes=["INSTRUMENT_DECLINED", "ok"])

    with pytest.raises(paypalhttp.HttpError) as refused:
        client.execute(OrdersCaptureRequest(order))
    assert refused.value.status_code == 422
    assert "INSTRUMENT_DECLINED" in refused.value.message

    assert client.execute(OrdersCaptureRequest(order)).result.status == "COMPLETED"


def test_a_vaulted_account_is_debited_without_its_owner(sim: Gateways) -> None:
    client = sim.paypal()
    vault = {"paypal": {"attributes": {"vault": {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"}}}}
    order = _order(client, payment_source=vault).result.id
    sim.act("approve", order=order)
    taken = result(client.execute(OrdersCaptureRequest(order)))
    token = taken["payment_source"]["paypal"]["attributes"]["vault"]["id"]

    again = _order(client, payment_source={"paypal": {"vault_id": token}})
    sim.script(id=token, outcomes=["insufficient_funds"])
    with pytest.raises(paypalhttp.HttpError) as refused:
        _order(client, payment_source={"paypal": {"vault_id": token}})

    assert again.result.status == "COMPLETED"
    assert "INSTRUMENT_DECLINED" in refused.value.message


def test_a_capture_is_refunded(sim: Gateways) -> None:
    client = sim.paypal()
    order = _order(client).result.id
    sim.act("approve", order=order)
    taken = result(client.execute(OrdersCaptureRequest(order)))
    capture = taken["purchase_units"][0]["payments"]["captures"][0]["id"]
    request = CapturesRefundRequest(capture)
    request.request_body({"amount": {"currency_code": "JPY", "value": "12800"}})

    refund = client.execute(request)
    sim.act("refund", capture=capture)
    sim.run()

    assert refund.result.status == "COMPLETED"
    assert sim.charges()[0]["returned"] == 25600
    assert sim.door.types().count("PAYMENT.CAPTURE.REFUNDED") == 2


def _plan(client: Any, *, total_cycles: int = 0) -> Any:
    product = result(client.execute(Post("/v1/catalogs/products", {"name": "Lessons", "type": "SERVICE"})))
    cycle = {
        "frequency": {"interval_unit": "MONTH", "interval_count": 1},
        "tenure_type": "REGULAR",
        "sequence": 1,
        "total_cycles": total_cycles,
        "pricing_scheme": {"fixed_price": {"value": "11500", "currency_code": "JPY"}},
    }
    preferences = {"payment_failure_threshold": 1, "auto_bill_outstanding": True}
    body = {
        "product_id": product["id"],
        "name": "Old price",
        "billing_cycles": [cycle],
        "payment_preferences": preferences,
    }
    return result(client.execute(Post("/v1/billing/plans", body)))


def test_a_plan_is_made_and_subscribed_to(sim: Gateways) -> None:
    client = sim.paypal()
    plan = _plan(client)
    made = result(client.execute(Post("/v1/billing/subscriptions", {"plan_id": plan["id"]})))
    sim.act("approve", subscription=made["id"])
    sim.script(id=made["id"], outcomes=["PAYMENT_DENIED"] * 3)

    sim.advance("2026-06-15T00:00:00Z")

    found = result(client.execute(Get(f"/v1/billing/subscriptions/{made['id']}")))
    assert found["status"] == "SUSPENDED"
    assert [row["amount"] for row in sim.charges()] == [11500]


def test_a_plan_with_an_end_expires(sim: Gateways) -> None:
    client = sim.paypal()
    plan = _plan(client, total_cycles=2)
    made = result(client.execute(Post("/v1/billing/subscriptions", {"plan_id": plan["id"]})))
    sim.act("approve", subscription=made["id"])

    sim.advance("2026-09-01T00:00:00Z")

    assert len(sim.charges(made["id"])) == 2
    assert sim.door.types()[-1] == "BILLING.SUBSCRIPTION.EXPIRED"
    expired = sim.door.letters[-1].event["resource"]
    assert expired["status"] == "EXPIRED"
    assert expired["billing_info"]["cycle_executions"][0]["cycles_remaining"] == 0


def test_wrong_credentials_and_forgotten_tokens_are_401(sim: Gateways) -> None:
    with pytest.raises(paypalhttp.HttpError) as refused:
        _order(sim.paypal(secret="wrong"))
    assert refused.value.status_code == 401
    client = sim.paypal()
    _order(client)
    sim.act("revoke_tokens")

    with pytest.raises(paypalhttp.HttpError) as expired:
        _order(client)

    assert expired.value.status_code == 401
    client._access_token = None
    assert _order(client).status_code == 201


def test_only_json_is_understood(sim: Gateways) -> None:
    request = Post("/v2/checkout/orders", "{not json")
    with pytest.raises(paypalhttp.HttpError) as refused:
        sim.paypal().execute(request)
    assert refused.value.status_code == 400
    assert refused.value.headers["Paypal-Debug-Id"]
