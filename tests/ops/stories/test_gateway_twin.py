"""The twin of a gateway in memory keeps what every gateway promises, and plays what a story wrote down."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from ops.stories.engine import AtGateway, BankAnswer
from ops.stories.memory.gateway import MemoryGateway
from ops.stories.memory.webhooks import SIGNED, Webhook
from services.payments.news import (
    AttemptNews,
    CancelOrder,
    ChargeOrder,
    NotConfirmed,
    Outcome,
    ReadOrder,
    SubscriptionNews,
)
from shared.declines import DeclineClass
from shared.errors import Refused, Transient
from shared.events.words import Gateway, MethodKind
from shared.money import Money

NOW = datetime(2026, 6, 2, 7, tzinfo=UTC)
EUR = Money(7500, "EUR")
ABOUT = {"subscription_id": "ada", "gateway": Gateway.STRIPE, "gateway_subscription_id": "sub-ada"}


@pytest.fixture
def sent() -> list[tuple[datetime, Webhook]]:
    return []


@pytest.fixture
def twin(sent: list[tuple[datetime, Webhook]]) -> MemoryGateway:
    gateway = MemoryGateway(Gateway.STRIPE, lambda at, _, webhook: sent.append((at, webhook)))
    gateway.add(
        AtGateway(
            subscription_id="ada",
            learner_id="ada",
            gateway=Gateway.STRIPE,
            price=EUR,
            billing_day=1,
            started_on=date(2026, 1, 1),
            method=MethodKind.CARD,
        )
    )
    return gateway


def order(request: str = "case/attempt/1") -> ChargeOrder:
    return ChargeOrder(**ABOUT, request_id=request, amount=EUR, period="2026-06-01", asked_at=NOW)  # type: ignore[arg-type]


def outcome(heard: tuple[object, ...]) -> AttemptNews:
    (told,) = heard
    assert isinstance(told, AttemptNews)
    return told


async def test_asking_twice_with_one_request_takes_money_once(twin: MemoryGateway) -> None:
    first, second = outcome(await twin.charge(order(), NOW)), outcome(await twin.charge(order(), NOW))

    assert first.outcome is Outcome.SUCCEEDED
    assert first.transaction_id == second.transaction_id
    assert len(twin.tried()) == 1


async def test_an_answer_that_is_lost_after_the_charge_is_found_by_the_same_request(
    twin: MemoryGateway,
) -> None:
    twin.script("ada").queue.append(BankAnswer(lost="after"))

    with pytest.raises(Transient):
        await twin.charge(order(), NOW)
    assert outcome(await twin.charge(order(), NOW)).outcome is Outcome.SUCCEEDED
    assert len(twin.tried()) == 1


async def test_an_answer_that_is_lost_before_the_charge_took_nothing(twin: MemoryGateway) -> None:
    twin.script("ada").queue.extend([BankAnswer(lost="before"), BankAnswer(decline="insufficient_funds")])

    with pytest.raises(Transient):
        await twin.charge(order(), NOW)
    assert twin.tried() == []
    assert outcome(await twin.charge(order(), NOW)).decline is DeclineClass.INSUFFICIENT_FUNDS


async def test_a_slow_answer_comes_when_its_time_is_over(twin: MemoryGateway) -> None:
    twin.script("ada").queue.append(BankAnswer(takes=timedelta(seconds=5)))

    with pytest.raises(Transient) as slow:
        await twin.charge(order(), NOW)
    assert slow.value.retry_after == timedelta(seconds=5)  # type: ignore[attr-defined]
    told = outcome(await twin.charge(order(), NOW + timedelta(seconds=5)))
    assert told.occurred_at == NOW + timedelta(seconds=5)


async def test_an_open_outcome_is_told_by_a_webhook_of_the_same_transaction(
    twin: MemoryGateway, sent: list[tuple[datetime, Webhook]]
) -> None:
    answer = BankAnswer(pending_for=timedelta(hours=49), then=BankAnswer(decline="insufficient_funds"))
    twin.script("ada").queue.append(answer)

    told = outcome(await twin.charge(order(), NOW))
    ((at, webhook),) = sent

    assert told.outcome is Outcome.PENDING
    assert at == NOW + timedelta(hours=49)
    assert webhook.news["transaction_id"] == told.transaction_id
    assert webhook.news["outcome"] == "failed"


async def test_what_was_said_last_is_said_again(twin: MemoryGateway) -> None:
    twin.script("ada").queue.append(BankAnswer(decline="stolen_card"))

    heard = [outcome(await twin.charge(order(f"case/attempt/{number}"), NOW)) for number in (1, 2)]

    assert [one.decline for one in heard] == [DeclineClass.HARD_NEVER_RETRY] * 2


async def test_a_subscription_is_cancelled_once_and_stays_so(twin: MemoryGateway) -> None:
    for _ in range(2):
        (told,) = await twin.cancel(CancelOrder(**ABOUT, request_id="case"), NOW)  # type: ignore[arg-type]
        assert isinstance(told, SubscriptionNews)
        assert told.status == "cancelled"


async def test_the_books_of_nobody_are_not_confirmed(twin: MemoryGateway) -> None:
    nobody = {**ABOUT, "subscription_id": "nobody", "gateway_subscription_id": "sub-nobody"}

    with pytest.raises(NotConfirmed):
        await twin.read(ReadOrder(**nobody, since=NOW), NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "headers",
    [{}, {"x-twin-signature": "bad"}, {**SIGNED, "x-twin-time": "2026-05-01T00:00:00+00:00"}],
    ids=["not signed", "wrongly signed", "stale"],
)
async def test_a_webhook_that_it_did_not_sign_is_refused(
    twin: MemoryGateway, headers: dict[str, str]
) -> None:
    with pytest.raises(Refused) as refused:
        await twin.verify(headers, b"{}", NOW)

    assert refused.value.status == 400
