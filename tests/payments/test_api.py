"""The registry and the office's doors of payments: idempotent, keyed, and clear about what they refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi.openapi.utils import get_openapi

from services.payments.news import Outcome
from shared.events import notifications, payments
from tests.payments.conftest import ADA, GAKKO, Town
from tests.payments.test_telling import ada

BODY: dict[str, Any] = {
    "school_id": "ecole",
    "learner_id": "bea",
    "gateway": "stripe",
    "gateway_subscription_id": "sub_bea",
    "price": {"amount_minor": 7500, "currency": "EUR"},
    "billing_day": 31,
    "started_on": "2026-01-31",
    "method": "card",
}


async def test_a_subscription_is_registered_once_however_often_it_is_put(
    client: httpx.AsyncClient, town: Town
) -> None:
    first = await client.put("/subscriptions/bea-fr", json=BODY)
    second = await client.put("/subscriptions/bea-fr", json=BODY)
    await town.line.settle()

    told = [fact for fact in town.said(payments.SubscriptionRegistered) if fact.learner_id == "bea"]
    assert first.json() == second.json() == (await client.get("/subscriptions/bea-fr")).json()
    assert len(told) == 1
    assert told[0].billing_day == 31


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"billing_day": 32}, "billing_day"),
        ({"price": {"amount_minor": -1, "currency": "EUR"}}, "amount_minor"),
        ({"price": {"amount_minor": 75.5, "currency": "EUR"}}, "amount_minor"),
        ({"price": {"amount_minor": 7500, "currency": "euro"}}, "currency"),
        ({"gateway": "cheque"}, "gateway"),
        ({"started_on": "yesterday"}, "started_on"),
        ({"learner_id": "Ada Lovelace <ada@example.com>"}, "learner_id"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_the_field(
    client: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    answer = await client.put("/subscriptions/bea-fr", json={**BODY, **change})

    assert answer.status_code == 422
    assert field in answer.json()["detail"]


async def test_a_price_in_another_currency_than_the_schools_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.put(
        "/subscriptions/bea-fr", json={**BODY, "price": {"amount_minor": 7500, "currency": "JPY"}}
    )

    assert (answer.status_code, answer.json()["title"]) == (422, "currency_mismatch")


async def test_nobody_gets_in_without_a_key(client: httpx.AsyncClient) -> None:
    answers = [
        await client.get("/subscriptions/ada-fr", headers={"X-Relance-Key": ""}),
        await client.put("/subscriptions/ada-fr", json=BODY, headers={"X-Relance-Key": "wrong"}),
        await client.post("/subscriptions/ada-fr/visits", json={}, headers={"X-Relance-Key": "wrong"}),
    ]

    assert {answer.status_code for answer in answers} == {401}


async def test_a_list_is_taken_line_by_line(client: httpx.AsyncClient, town: Town) -> None:
    lines = [
        "subscription_id;school_id;learner_id;gateway;gateway_subscription_id;price_minor;currency;billing_day;started_on;method",
        "b1;ecole;b1;stripe;sub_b1;7500;EUR;1;2026-01-01;card",
        "b2;ecole;b2;stripe;sub_b2;7500;EUR;42;2026-01-01;card",
        "b3;ecole;b3;stripe;sub_b3;7500;JPY;1;2026-01-01;card",
        "b4;ecole;b4;stripe;sub_b4;7500;EUR;1;2026-01-01;card",
    ]

    async def send() -> Any:
        answer = await client.post("/imports/subscriptions", content="\n".join(lines).encode())
        return answer.json()

    first, second = await send(), await send()

    assert (first["taken"], [wrong["line"] for wrong in first["wrong"]]) == (2, [3, 4])
    assert (second["taken"], second["unchanged"]) == (0, 2)
    assert (await town.subscription("b4")).gateway_subscription_id == "sub_b4"


async def test_a_receipt_counts_once(client: httpx.AsyncClient, town: Town) -> None:
    body = {
        "amount": {"amount_minor": 25600, "currency": "JPY"},
        "reference": "AIKO-04",
        "period": "2026-04-15",
        "recorded_by": "mika",
        "received_at": "2026-05-28T00:00:00Z",
    }
    for _ in range(2):
        assert (
            await client.put("/subscriptions/aiko-jp/temporary-payments/r1", json=body)
        ).status_code == 200
    await town.line.settle()

    (received,) = town.said(payments.TemporaryPaymentReceived)
    assert (received.receipt_id, received.amount.amount_minor) == ("r1", 25600)
    assert received.reference.startswith("sealed:")
    assert "AIKO-04" not in repr(town.line.stores["payments"].journal)


async def test_what_stood_on_the_statement_of_an_erased_learner_is_not_kept(
    client: httpx.AsyncClient, town: Town
) -> None:
    await town.hear(
        notifications.LearnerErased(
            school_id=GAKKO, occurred_at=town.clock.now(), learner_id="aiko", by="office"
        )
    )
    body = {
        "amount": {"amount_minor": 25600, "currency": "JPY"},
        "reference": "サトウ アイコ",
        "period": "2026-04-15",
        "recorded_by": "mika",
    }
    assert (await client.put("/subscriptions/aiko-jp/temporary-payments/r1", json=body)).status_code == 200
    await town.line.settle()
    (received,) = town.said(payments.TemporaryPaymentReceived)
    assert received.reference == "[erased]"


async def test_the_office_reads_what_was_tried(client: httpx.AsyncClient, town: Town) -> None:
    await town.news(ada(Outcome.FAILED), ada(Outcome.SUCCEEDED, transaction_id="ch_2"))

    rows = (await client.get("/subscriptions/ada-fr/transactions")).json()

    assert {(row["transaction_id"], row["outcome"], row["period"]) for row in rows} == {
        ("ch_1", "failed", "2026-06-01"),
        ("ch_2", "succeeded", "2026-06-01"),
    }


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        ({"type": "card", "funding": "credit"}, None),
        ({"type": "card", "funding": "debit", "deferred_debit": True}, None),
        ({"type": "card", "funding": "unknown"}, None),
        ({"type": "paypal"}, None),
        ({"type": "card", "funding": "debit"}, "debit_card_not_accepted"),
        ({"type": "card", "funding": "credit", "cvc_provided": False}, "cvc_missing"),
        ({"type": "card", "funding": "credit", "three_ds_supported": False}, "three_ds_unsupported"),
        ({"type": "bank_transfer"}, "not_accepted"),
        ({"type": "cheque"}, "not_accepted"),
    ],
)
async def test_a_school_says_which_ways_of_paying_it_takes(
    client: httpx.AsyncClient, offered: dict[str, Any], reason: str | None
) -> None:
    verdict = (await client.post("/schools/ecole/methods/check", json=offered)).json()

    assert (verdict["accepted"], verdict["reason"]) == (reason is None, reason)
    assert verdict["accepted_methods"] == ["credit_card", "paypal"]


async def test_a_visit_that_is_opened_twice_is_one_visit(client: httpx.AsyncClient, town: Town) -> None:
    body = {"kind": "method", "return_url": "https://ecole.example/premium?tab=pay"}

    first = (await client.post("/subscriptions/ada-fr/visits", json=body)).json()
    second = (await client.post("/subscriptions/ada-fr/visits", json=body)).json()
    back = await client.get(f"/returns/{first['visit_id']}", params={"left": "1"})
    third = (await client.post("/subscriptions/ada-fr/visits", json=body)).json()

    assert first["visit_id"] == second["visit_id"] != third["visit_id"]
    assert back.status_code == 303
    assert back.headers["location"] == f"https://ecole.example/premium?tab=pay&visit={first['visit_id']}"
    assert (await client.get(f"/visits/{first['visit_id']}")).json()["state"] == "left"


async def test_a_return_that_nobody_began_leads_nowhere(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/returns/{'x' * 32}")).status_code == 404
    assert (await client.get("/returns/short")).status_code == 422


async def test_my_page_payment_is_closed_unless_it_was_announced(client: httpx.AsyncClient) -> None:
    body = {"kind": "resume", "return_url": "https://gakko.example/my"}

    answer = await client.post("/subscriptions/aiko-jp/visits", json=body)

    assert (answer.status_code, answer.json()["title"]) == (409, "self_payment_not_open")


async def test_an_unknown_subscription_is_a_404_in_words(client: httpx.AsyncClient) -> None:
    answer = await client.get("/subscriptions/nobody")

    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("we could not find subscription nobody")


async def test_the_documentation_names_every_door_and_no_two_alike(client: httpx.AsyncClient) -> None:
    app: Any = client._transport.app  # type: ignore[attr-defined]  # httpx keeps it there

    document = get_openapi(title=app.title, version="1", routes=app.routes)

    operations = [op for path in document["paths"].values() for op in path.values()]
    assert len({op["operationId"] for op in operations}) == len(operations)
    assert all(op.get("description") or op.get("summary") for op in operations)


async def test_registering_again_keeps_what_the_gateway_taught_us(town: Town) -> None:
    await town.register(replace(ADA, label="", card=None, gateway_customer_id=None))

    row = await town.subscription("ada-fr")
    assert (row.label, row.card, row.gateway_customer_id) == ("4242", "fp_ada", "cus_ada")
