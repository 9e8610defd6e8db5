"""What dunning asks of payments is done once, in turn, and its answer is told."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from services.payments.memory import BankAnswer
from shared.events import dunning, payments
from shared.events.words import AttemptKind, CancelledBy
from shared.money import Money
from tests.payments.conftest import ECOLE, EUR, Town, case_of

JUNE = date(2026, 6, 1)
CASE = case_of("ada-fr", JUNE)


async def later(town: Town, **by: float) -> None:
    await town.line.live_until(town.clock.now() + timedelta(**by))


def about(town: Town, fact: type[Any], **more: Any) -> Any:
    return fact(
        school_id=ECOLE,
        occurred_at=town.clock.now(),
        subscription_id="ada-fr",
        learner_id="ada",
        case_id=CASE,
        period=JUNE,
        **more,
    )


async def test_a_request_is_answered_with_its_own_id_period_and_kind(town: Town) -> None:
    await town.hear(town.requested(3, kind=AttemptKind.STAFF))

    (paid,) = town.said(payments.AttemptSucceeded)
    assert (paid.request_id, paid.period, paid.kind, paid.amount) == (
        f"{CASE}/attempt/3",
        JUNE,
        AttemptKind.STAFF,
        EUR,
    )


async def test_a_decline_is_told_with_its_class(town: Town) -> None:
    town.stripe.answer("ada-fr", BankAnswer(decline="stolen_card", network_code="43"))

    await town.hear(town.requested(1))

    (failed,) = town.said(payments.AttemptFailed)
    assert (failed.decline, failed.raw_code, failed.network_code) == ("hard_never_retry", "stolen_card", "43")


async def test_the_same_request_heard_twice_charges_once(town: Town) -> None:
    await town.hear(town.requested(1), town.requested(1))

    assert len(town.stripe.charges) == 1


@pytest.mark.parametrize("lost", ["before", "after"])
async def test_a_lost_answer_is_asked_for_again_and_charges_once(town: Town, lost: str) -> None:
    town.stripe.answer("ada-fr", BankAnswer(lost=lost))

    await town.hear(town.requested(1))
    assert town.words() == []
    await later(town, minutes=10)

    assert town.words() == ["AttemptSucceeded"]
    assert len(town.stripe.charges) == 1


async def test_two_attempts_are_never_in_the_air_for_one_period(town: Town) -> None:
    town.stripe.answer(
        "ada-fr", BankAnswer(decline="insufficient_funds", takes=timedelta(seconds=20)), BankAnswer()
    )

    await town.hear(town.requested(1), town.requested(2, kind=AttemptKind.LEARNER))
    assert [what for what, _ in town.stripe.asked] == ["charge"]
    await later(town, minutes=1)

    assert [request for _, request in town.stripe.asked] == [
        f"{CASE}/attempt/1",
        f"{CASE}/attempt/1",
        f"{CASE}/attempt/2",
    ]
    assert town.words() == ["AttemptFailed", "AttemptSucceeded"]


async def test_other_periods_do_not_wait_for_each_other(town: Town) -> None:
    town.stripe.answer("ada-fr", BankAnswer(takes=timedelta(hours=1)))
    may = date(2026, 5, 1)

    await town.hear(
        town.requested(1),
        town.requested(
            1, period=may, case_id=case_of("ada-fr", may), request_id=f"{case_of('ada-fr', may)}/attempt/1"
        ),
    )

    assert len({request for _, request in town.stripe.asked}) == 2


async def test_a_payment_in_the_air_comes_down_by_itself(town: Town) -> None:
    town.stripe.answer(
        "ada-fr", BankAnswer(pending_for=timedelta(hours=2), then=BankAnswer(decline="do_not_honor"))
    )

    await town.hear(town.requested(1))
    town.clock.move_to(town.clock.now() + timedelta(hours=2))
    await town.news(*town.stripe.fallen_due(town.clock.now()))

    assert town.words() == ["AttemptPending", "AttemptFailed"]


async def test_another_sum_is_told_as_it_came(town: Town) -> None:
    town.stripe.answer("ada-fr", BankAnswer(amount=Money(7499, "EUR")))

    await town.hear(town.requested(1))

    (paid,) = town.said(payments.AttemptSucceeded)
    assert paid.amount == Money(7499, "EUR")


async def test_a_request_for_nobody_is_ended_quietly(town: Town) -> None:
    await town.hear(town.requested(1, subscription_id="nobody"))

    assert town.words() == []
    assert town.stripe.asked == []


async def test_cancelling_is_asked_once_and_told_as_ours(town: Town) -> None:
    await town.hear(about(town, dunning.GatewayCancellationRequested))
    await town.hear(about(town, dunning.GatewayCancellationRequested))

    (cancelled,) = town.said(payments.GatewaySubscriptionCancelled)
    assert cancelled.by is CancelledBy.SCHOOL
    assert [what for what, _ in town.stripe.asked] == ["cancel"]


async def test_pausing_and_resuming_are_confirmed(town: Town) -> None:
    await town.hear(about(town, dunning.SubscriptionPauseRequested))
    await town.hear(
        about(
            town, dunning.SubscriptionResumptionRequested, billing_day=20, next_billing_on=date(2026, 7, 20)
        )
    )

    assert town.words() == ["GatewaySubscriptionPaused", "GatewaySubscriptionResumed"]
    assert (await town.subscription("ada-fr")).billing_day == 20


async def test_a_retry_of_ours_takes_the_gateways_clock_once_per_case(town: Town) -> None:
    for ordinal in (1, 2, 3):
        await town.hear(about(town, dunning.AttemptScheduled, ordinal=ordinal, at=town.clock.now()))

    assert town.stripe.asked == [("own_clock", f"own/{CASE}")]


async def test_a_gateway_that_knows_nothing_is_given_to_a_person(town: Town) -> None:
    town.stripe._books.clear()

    await town.hear(about(town, dunning.ReconciliationRequested, about="watchdog/1"))

    (review,) = town.said(payments.PaymentReviewRaised)
    assert review.about == f"reconcile/{CASE}/watchdog/1"
