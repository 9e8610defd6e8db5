"""A chosen fact reaches its receiver signed, once in effect, whatever the receiver does meanwhile."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from ops.contracts.examples import example_fact
from services.hooks.domain import DISABLED_AFTER, PAUSES
from shared.events import dunning, id_of
from shared.events.hooks import DeliveryGivenUp, EndpointDisabled
from tests.hooks.conftest import ECOLE, START, URL, Town, is_signed, recovered


async def deliveries(http: httpx.AsyncClient, books: dict[str, Any], state: str = "") -> list[dict[str, Any]]:
    query = {"state": state} if state else {}
    answer = await http.get(f"/schools/{ECOLE}/endpoints/{books['endpoint_id']}/deliveries", params=query)
    found: list[dict[str, Any]] = answer.json()
    return found


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The published example of the scheme."""
    hook = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    assert hook.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}') == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


async def test_a_chosen_fact_arrives_signed_with_what_happened(town: Town, books: dict[str, Any]) -> None:
    fact = recovered()
    await town.hears(fact)

    [posted] = town.channel.posted
    assert posted.url == URL
    assert posted.headers["webhook-id"] == id_of(fact)
    assert is_signed(posted, books["secret"], START)
    body = json.loads(posted.body)
    assert (body["type"], body["id"], body["timestamp"]) == (
        "dunning.CaseRecovered",
        id_of(fact),
        "2026-06-01T09:00:00Z",
    )
    assert body["data"]["amount"] == {"amount_minor": 7500, "currency": "EUR"}


async def test_what_nobody_chose_and_what_another_school_said_goes_nowhere(
    town: Town, books: dict[str, Any]
) -> None:
    del books
    await town.hears(recovered(school="tokyo"), example_fact(dunning.CaseSuspended))
    assert town.channel.posted == []


async def test_the_same_fact_heard_twice_is_delivered_once(
    town: Town, books: dict[str, Any], http: httpx.AsyncClient
) -> None:
    await town.hears(recovered(), recovered())
    assert len(town.channel.posted) == 1
    [line] = await deliveries(http, books)
    assert (line["state"], line["tries"], line["last_status"]) == ("delivered", 1, 200)


async def test_a_receiver_that_was_away_gets_it_later_under_the_same_id(
    town: Town, books: dict[str, Any], http: httpx.AsyncClient
) -> None:
    town.channel.answers[URL] = None
    await town.hears(recovered())
    [line] = await deliveries(http, books)
    assert (line["state"], line["tries"], line["last_error"]) == (
        "waiting",
        1,
        "the connection failed: ConnectError",
    )
    assert timedelta() < _at(line["next_at"]) - START <= PAUSES[0] * 1.1

    town.channel.answers[URL] = 503
    await town.lives_until(START + timedelta(minutes=2))
    town.channel.answers[URL] = 204
    await town.lives_until(START + timedelta(minutes=10))
    [line] = await deliveries(http, books)
    assert (line["state"], line["tries"], line["last_status"]) == ("delivered", 3, 204)
    assert len({one.headers["webhook-id"] for one in town.channel.posted}) == 1
    assert len({one.headers["webhook-timestamp"] for one in town.channel.posted}) == 3


async def test_after_three_days_a_delivery_is_given_up_visibly_and_sent_again_by_hand(
    town: Town, books: dict[str, Any], http: httpx.AsyncClient
) -> None:
    town.channel.answers[URL] = 500
    await town.hears(recovered())
    await town.lives_until(START + timedelta(days=3))
    assert [line["state"] for line in await deliveries(http, books)] == ["waiting"]
    await town.lives_until(START + timedelta(days=4))

    [line] = await deliveries(http, books, "given_up")
    assert (line["tries"], line["last_error"]) == (len(PAUSES) + 1, "it answered 500")
    [told] = town.said(DeliveryGivenUp)
    assert (told.fact_type, told.tries, told.because) == ("dunning.CaseRecovered", 10, "it answered 500")

    town.channel.answers[URL] = 200
    sent = await http.post(f"/schools/{ECOLE}/endpoints/{books['endpoint_id']}/resend")
    assert (sent.status_code, sent.json()) == (202, {"sent": 1})
    await town.line.settle()
    [line] = await deliveries(http, books)
    assert (line["state"], line["tries"]) == ("delivered", 1)
    assert len({one.headers["webhook-id"] for one in town.channel.posted}) == 1


async def test_a_delivery_sent_by_hand_while_it_waits_is_tried_in_one_line_of_tries(
    town: Town, books: dict[str, Any], http: httpx.AsyncClient
) -> None:
    town.channel.answers[URL] = 500
    await town.hears(recovered())
    [line] = await deliveries(http, books)
    address = f"/schools/{ECOLE}/endpoints/{books['endpoint_id']}/deliveries/{line['fact_id']}/resend"
    assert (await http.post(address)).status_code == 202
    await town.lives_until(START + timedelta(minutes=1))
    # One at once, one by hand, one five seconds behind it: the hour planned before has nothing to do any more.
    assert len(town.channel.posted) == 3


async def test_a_receiver_that_took_nothing_for_days_is_disabled_with_a_notice_and_can_be_enabled(
    town: Town, books: dict[str, Any], http: httpx.AsyncClient
) -> None:
    town.channel.answers[URL] = 404
    for day in range(6):
        await town.lives_until(START + timedelta(days=day))
        await town.hears(recovered(day))
    await town.lives_until(START + timedelta(days=7))
    [told] = town.said(EndpointDisabled)
    assert told.failing_since == START
    assert told.occurred_at - START >= DISABLED_AFTER
    [shown] = (await http.get(f"/schools/{ECOLE}/endpoints")).json()
    assert shown["state"] == "disabled"
    assert {line["state"] for line in await deliveries(http, books)} == {"given_up"}

    tried = len(town.channel.posted)
    await town.hears(recovered(7))
    assert len(town.channel.posted) == tried
    refused = await http.post(f"/schools/{ECOLE}/endpoints/{books['endpoint_id']}/resend")
    assert (refused.status_code, refused.json()["title"]) == (409, "disabled")

    town.channel.answers[URL] = 200
    assert (await http.post(f"/schools/{ECOLE}/endpoints/{books['endpoint_id']}/enabling")).json()[
        "state"
    ] == "open"
    assert (await http.post(f"/schools/{ECOLE}/endpoints/{books['endpoint_id']}/resend")).json() == {
        "sent": 6
    }
    await town.line.settle()
    assert {line["state"] for line in await deliveries(http, books)} == {"delivered"}


async def test_a_receiver_that_says_gone_is_asked_no_more(
    town: Town, books: dict[str, Any], http: httpx.AsyncClient
) -> None:
    town.channel.answers[URL] = 410
    await town.hears(recovered())
    await town.lives_until(START + timedelta(days=1))
    assert [line["state"] for line in await deliveries(http, books)] == ["given_up"]
    assert len(town.channel.posted) == 1


async def test_during_a_rotation_old_and_new_secret_are_valid_and_then_only_the_new(
    town: Town, books: dict[str, Any], http: httpx.AsyncClient
) -> None:
    address = f"/schools/{ECOLE}/endpoints/{books['endpoint_id']}/secret"
    rotated = (await http.post(address, json={"overlap_hours": 24})).json()
    assert rotated["secret"] != books["secret"]
    await town.hears(recovered(1))
    later = START + timedelta(hours=24)
    await town.lives_until(later)
    await town.hears(recovered(2))

    first, second = town.channel.posted
    assert [is_signed(first, one["secret"], START) for one in (books, rotated)] == [True, True]
    assert [is_signed(second, one["secret"], later) for one in (books, rotated)] == [False, True]


async def test_a_removed_endpoint_gets_nothing_and_is_not_shown(
    town: Town, books: dict[str, Any], http: httpx.AsyncClient
) -> None:
    assert (await http.delete(f"/schools/{ECOLE}/endpoints/{books['endpoint_id']}")).status_code == 204
    await town.hears(recovered())
    assert town.channel.posted == []
    assert (await http.get(f"/schools/{ECOLE}/endpoints")).json() == []
    gone = await http.get(f"/schools/{ECOLE}/endpoints/{books['endpoint_id']}/deliveries")
    assert gone.status_code == 404


async def test_a_dead_receiver_holds_no_other_up(
    town: Town, books: dict[str, Any], http: httpx.AsyncClient
) -> None:
    del books
    other = "https://other.example/hook"
    body = {"url": other, "types": ["dunning.CaseRecovered"]}
    assert (await http.post(f"/schools/{ECOLE}/endpoints", json=body)).is_success
    town.channel.answers[URL] = None
    await town.hears(*(recovered(number) for number in range(30)))
    assert len([one for one in town.channel.posted if one.url == other]) == 30


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"url": "http://books.example/", "types": ["dunning.CaseRecovered"]}, "not https"),
        ({"url": "https://10.0.0.8/hook", "types": ["dunning.CaseRecovered"]}, "private network"),
        ({"url": "https://[fd00::1]/hook", "types": ["dunning.CaseRecovered"]}, "private network"),
        ({"url": "https://me:secret@books.example/", "types": ["dunning.CaseRecovered"]}, "a user"),
        ({"url": "https://books.example:99999/", "types": ["dunning.CaseRecovered"]}, "no address"),
        (
            {"url": "https://books.example/", "types": ["dunning.Recovered"]},
            "no fact is called dunning.Recovered",
        ),
        ({"url": "https://books.example/", "types": ["dunning.DeadlineFellDue"]}, "no fact is called"),
    ],
)
async def test_an_address_or_a_fact_that_cannot_be_is_refused(
    http: httpx.AsyncClient, body: dict[str, Any], told: str
) -> None:
    answer = await http.post(f"/schools/{ECOLE}/endpoints", json=body)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
