"""Real PayPal bodies, odd as they are, say where to look and nothing more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.payments.gateways.paypal import shapes
from services.payments.gateways.paypal.parse import parse
from services.payments.gateways.paypal.reading import status_news, told_by
from services.payments.news import AttemptNews, Look, NotOurs, Outcome
from shared.errors import Unreadable
from shared.events.words import CancelledBy
from shared.money import Money
from tests.payments.conftest import APRIL_15, utc


def delivered(fixtures: Path, name: str) -> bytes:
    told = json.loads((fixtures / "paypal" / "signed_live_simulator" / f"{name}.json").read_text("utf-8"))
    body: str = told["body_utf8"]
    return body.encode()


def unsigned(fixtures: Path, name: str) -> bytes:
    told = json.loads((fixtures / "paypal" / "unsigned" / f"{name}.json").read_text("utf-8"))
    return json.dumps(told.get("body", told)).encode()


def hint(body: bytes) -> Look:
    heard = parse(body)
    assert isinstance(heard, Look), heard
    return heard


def test_a_real_failure_points_at_its_subscription_and_instant(fixtures: Path) -> None:
    found = hint(delivered(fixtures, "billing.subscription.payment.failed"))

    assert (found.subscription, found.failed_at) == ("I-BW452GLLEP1G", utc("2019-01-01T01:20:49Z"))


@pytest.mark.parametrize("name", ["billing.subscription.activated", "billing.subscription.cancelled"])
def test_a_nineteenth_month_stops_nobody(fixtures: Path, name: str) -> None:
    assert hint(delivered(fixtures, name)).subscription == "I-BW452GLLEP1G"


def test_an_agreement_of_the_old_kind_is_looked_up_like_a_subscription(fixtures: Path) -> None:
    assert hint(unsigned(fixtures, "billing.subscription.suspended")).subscription == "I-PE7JWXKGVN0R"


@pytest.mark.parametrize(
    ("name", "subscription", "sale"),
    [
        ("payment.sale.completed--from-subscription", "I-W0Y05RHBK9VG", "7D51924877811803R"),
        ("payment.sale.completed.subscription-2023-10", "I-CP18AJLYDWR2", "7WT2824826029771W"),
        ("payment.sale.completed.subscription-2023-09", "I-0HNJGFKLTLMP", "5CS38179PL895402Y"),
    ],
)
def test_a_real_sale_points_at_its_agreement(fixtures: Path, name: str, subscription: str, sale: str) -> None:
    found = hint(unsigned(fixtures, name))

    assert (found.subscription, found.transaction) == (subscription, sale)


def test_a_refund_points_at_its_sale(fixtures: Path) -> None:
    found = hint(delivered(fixtures, "payment.sale.refunded"))

    assert (found.transaction, found.reversal) == ("9T0916710M1105906", "6YX43824R4443062K")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("billing.subscription.created", "nothing is agreed yet"),
        ("payment.sale.completed", "a sale of something else than a subscription"),
        ("payment.capture.completed", "nothing depends on PAYMENT.CAPTURE.COMPLETED"),
    ],
)
def test_what_concerns_no_subscription_is_not_ours(fixtures: Path, name: str, why: str) -> None:
    assert parse(delivered(fixtures, name)) == NotOurs(reason=why)


@pytest.mark.parametrize("key", ["I-1/../../oauth2", "I-1?x=1", "I 1", "I-é", "x" * 65])
def test_an_id_that_paypal_never_writes_goes_into_no_address(key: str) -> None:
    body = {"id": "WH-1", "event_type": "BILLING.SUBSCRIPTION.CANCELLED", "resource": {"id": key}}

    assert parse(json.dumps(body).encode()) == NotOurs(reason="an id that PayPal never writes")


def test_a_subscription_event_without_a_subscription_is_set_aside() -> None:
    with pytest.raises(Unreadable, match="names no subscription"):
        parse(b'{"id":"WH-1","event_type":"BILLING.SUBSCRIPTION.CANCELLED","resource":{}}')


def subscription(**more: Any) -> shapes.Subscription:
    return msgspec.convert({"id": "I-1", "status": "ACTIVE", **more}, shapes.Subscription)


def failed(*, retry: dict[str, str] | None = None) -> dict[str, Any]:
    money = {"currency_code": "JPY", "value": "12800"}
    last = {
        "amount": money,
        "time": "2026-04-15T11:10:00Z",
        "reason_code": "PAYER_CANNOT_PAY",
        **(retry or {}),
    }
    return {"billing_info": {"last_failed_payment": last, "failed_payments_count": 0}}


@pytest.mark.parametrize("field", ["next_payment_retry_time", "next_payment_retry_date"])
def test_the_next_try_is_read_under_either_of_its_names(field: str) -> None:
    told = told_by(subscription(**failed(retry={field: "2026-04-20T11:10:00Z"})), [], now=APRIL_15)

    (attempt,) = [one for one in told if isinstance(one, AttemptNews)]
    assert attempt.next_attempt_at == utc("2026-04-20T11:10:00Z")


def test_a_line_of_the_books_and_the_last_failure_are_one_attempt() -> None:
    line = msgspec.convert(
        {
            "id": "T1",
            "status": "DECLINED",
            "time": "2026-04-15T11:10:07Z",
            "amount_with_breakdown": {"gross_amount": {"currency_code": "JPY", "value": "12800.00"}},
        },
        shapes.Transaction,
    )

    told = told_by(subscription(**failed()), [line], now=APRIL_15)

    (attempt,) = [one for one in told if isinstance(one, AttemptNews)]
    assert (attempt.outcome, attempt.raw_code, attempt.amount) == (
        Outcome.FAILED,
        "PAYER_CANNOT_PAY",
        Money(12800, "JPY"),
    )


def test_half_a_yen_is_never_rounded() -> None:
    line = shapes.Amount(value="12800.50", currency_code="JPY")

    with pytest.raises(Unreadable, match="not rounded"):
        assert line.money


@pytest.mark.parametrize(
    ("more", "by"),
    [
        (failed(), CancelledBy.GATEWAY),
        (failed(retry={"next_payment_retry_time": "2026-04-20T11:10:00Z"}), CancelledBy.LEARNER),
        ({}, CancelledBy.LEARNER),
        ({**failed(), "status_change_note": "Cancelled by the buyer"}, CancelledBy.LEARNER),
        ({**failed(), "status_change_note": "Relance: the procedure ended"}, CancelledBy.SCHOOL),
    ],
)
def test_who_cancelled_is_read_from_the_traces(more: dict[str, Any], by: CancelledBy) -> None:
    shape = subscription(**more, status_update_time="2026-04-17T00:00:00Z") if more else subscription()
    shape.status = "CANCELLED"

    news = status_news(shape, APRIL_15)

    assert news is not None
    assert news.by is by
