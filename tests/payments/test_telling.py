"""News becomes facts once, under the right period and kind, whatever order and however often it comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.payments.handlers import Hearing
from services.payments.news import (
    AttemptNews,
    ChallengeNews,
    InvoiceNews,
    MethodNews,
    MoneyBackNews,
    News,
    Outcome,
    SubscriptionNews,
)
from shared.declines import DeclineClass
from shared.events import dunning, payments
from shared.events.words import AttemptKind, CancelledBy, Gateway, MethodKind
from shared.methods import OfferedMethod
from shared.money import Money
from tests.payments.conftest import ADA, APRIL_15, ECOLE, EUR, GAKKO, JUNE_1, YEN, Town, case_of, utc

JUNE = date(2026, 6, 1)


def ada(outcome: Outcome, *, at: datetime = JUNE_1, **more: Any) -> AttemptNews:
    fields: dict[str, Any] = {
        "gateway": Gateway.STRIPE,
        "occurred_at": at,
        "refs": ("sub_ada",),
        "outcome": outcome,
        "transaction_id": "ch_1",
        "amount": EUR,
        "gateway_subscription_id": "sub_ada",
        "decline": DeclineClass.INSUFFICIENT_FUNDS if outcome is Outcome.FAILED else None,
        "raw_code": "insufficient_funds" if outcome is Outcome.FAILED else "",
    }
    return AttemptNews(**{**fields, **more})


def aiko(outcome: Outcome, *, at: datetime = APRIL_15, **more: Any) -> AttemptNews:
    fields: dict[str, Any] = {
        "gateway": Gateway.PAYPAL,
        "occurred_at": at,
        "refs": ("I-AIKO",),
        "outcome": outcome,
        "transaction_id": f"I-AIKO@{at.isoformat()}" if outcome is Outcome.FAILED else "SALE1",
        "amount": YEN,
        "gateway_subscription_id": "I-AIKO",
        "approximate": outcome is Outcome.FAILED,
    }
    return AttemptNews(**{**fields, **more})


async def test_the_same_attempt_by_three_messengers_is_told_once(town: Town) -> None:
    for _ in range(3):
        await town.news(ada(Outcome.FAILED))

    assert town.words() == ["AttemptFailed"]


async def test_a_failure_and_a_success_of_one_charge_are_two_facts(town: Town) -> None:
    await town.news(ada(Outcome.PENDING), ada(Outcome.SUCCEEDED), ada(Outcome.PENDING))

    assert town.words() == ["AttemptPending", "AttemptSucceeded"]


async def test_news_in_any_order_tells_the_same_facts() -> None:
    seen: set[tuple[str, ...]] = set()
    told: list[News] = [
        aiko(Outcome.FAILED),
        aiko(Outcome.FAILED, at=utc("2026-04-20T11:10:00Z")),
        aiko(Outcome.SUCCEEDED, at=utc("2026-04-25T11:10:00Z")),
    ]
    for order in permutations(told):
        town = await _fresh_town()
        await town.news(*order)
        seen.add(tuple(sorted(str(told.envelope.id) for told in town.line.history)))

    assert len(seen) == 1


async def _fresh_town() -> Town:
    from tests.payments.conftest import AIKO, SCHOOLS  # noqa: PLC0415 - beside the fixture that does the same

    town = Town(APRIL_15)
    await town.hear(*SCHOOLS)
    await town.register(AIKO)
    return town


async def test_a_failure_read_twice_with_a_few_seconds_of_difference_is_one(town: Town) -> None:
    await town.news(aiko(Outcome.FAILED), aiko(Outcome.FAILED, at=APRIL_15 + timedelta(seconds=40)))

    assert len(town.said(payments.AttemptFailed)) == 1


async def test_an_invoice_keeps_its_period_however_late_it_is_tried(town: Town) -> None:
    known = InvoiceNews(
        gateway=Gateway.STRIPE,
        occurred_at=JUNE_1,
        refs=("sub_ada",),
        invoice_id="in_june",
        covers_from=JUNE_1,
    )

    await town.news(known, ada(Outcome.SUCCEEDED, at=utc("2026-07-20T07:00:00Z"), invoice_id="in_june"))

    (paid,) = town.said(payments.AttemptSucceeded)
    assert paid.period == JUNE


async def test_a_first_payment_is_called_so(town: Town) -> None:
    await town.news(ada(Outcome.FAILED, first=True))

    (failed,) = town.said(payments.AttemptFailed)
    assert failed.kind is AttemptKind.FIRST


async def test_money_for_something_else_is_not_told(town: Town) -> None:
    await town.news(ada(Outcome.SUCCEEDED, one_off=True, gateway_subscription_id=None, refs=("cus_ada",)))

    assert town.words() == []


async def test_what_a_learner_pays_on_the_gateways_page_is_his_own_attempt(town: Town) -> None:
    owned = InvoiceNews(
        gateway=Gateway.STRIPE, occurred_at=JUNE_1, refs=("sub_ada",), invoice_id="in_june", owned=True
    )

    await town.news(owned, ada(Outcome.SUCCEEDED, invoice_id="in_june"))

    (paid,) = town.said(payments.AttemptSucceeded)
    assert paid.kind is AttemptKind.LEARNER


async def test_the_gateways_echo_of_our_own_challenged_request_is_no_attempt_of_its_own(town: Town) -> None:
    await town.hear(town.requested(1))
    said = town.words()

    await town.news(ada(Outcome.FAILED, transaction_id="pi_1", challenged=True))

    assert town.words() == said


async def test_a_challenge_without_a_request_of_ours_is_an_attempt(town: Town) -> None:
    await town.news(ada(Outcome.FAILED, transaction_id="pi_1", challenged=True))

    assert town.words() == ["AttemptFailed"]


async def test_an_unknown_subscription_and_an_unknown_school_are_said_to_be_so(town: Town) -> None:
    await town.register(
        replace(ADA, subscription_id="eve-xx", school_id="elsewhere", gateway_subscription_id="sub_eve")
    )

    heard = await town.news(ada(Outcome.FAILED, refs=("sub_nobody",)), ada(Outcome.FAILED, refs=("sub_eve",)))

    assert heard == [Hearing.UNKNOWN_SUBSCRIPTION, Hearing.UNKNOWN_SCHOOL]
    assert town.words() == []


async def test_a_customer_of_two_subscriptions_tells_nothing(town: Town) -> None:
    await town.register(
        replace(ADA, subscription_id="ada-2", gateway_subscription_id="sub_ada2"),
    )

    heard = await town.news(ada(Outcome.FAILED, refs=("cus_ada",)))

    assert heard == [Hearing.UNKNOWN_SUBSCRIPTION]


def standing(status: Any, *, key: str = "I-AIKO", **more: Any) -> SubscriptionNews:
    return SubscriptionNews(
        gateway=Gateway.PAYPAL,
        occurred_at=APRIL_15,
        refs=(key,),
        gateway_subscription_id=key,
        status=status,
        **more,
    )


async def test_a_subscription_that_was_active_all_along_is_no_news(town: Town) -> None:
    await town.news(standing("active"), standing("active"))

    assert town.words() == []


async def test_another_subscription_of_the_same_payer_is_told_and_not_adopted(town: Town) -> None:
    await town.news(standing("active"), replace(standing("active"), refs=("I-AIKO", "PAYER")))

    await town.news(
        replace(standing("active", key="I-NEW", amount=YEN), refs=("I-NEW", "PAYER")),
        aiko(Outcome.SUCCEEDED, refs=("I-NEW", "PAYER"), gateway_subscription_id="I-NEW"),
    )

    (paid,) = town.said(payments.AttemptSucceeded)
    assert town.words() == ["GatewaySubscriptionActivated", "AttemptSucceeded"]
    assert paid.kind is AttemptKind.RESUME
    assert (await town.subscription("aiko-jp")).gateway_subscription_id == "I-AIKO"


async def test_staff_may_adopt_the_other_subscription(town: Town) -> None:
    await town.hear(
        dunning.DuplicateAdopted(
            school_id=GAKKO,
            occurred_at=town.clock.now(),
            subscription_id="aiko-jp",
            learner_id="aiko",
            case_id=case_of("aiko-jp", date(2026, 4, 15)),
            period=date(2026, 4, 15),
            act="a1",
            by="mika",
            gateway_subscription_id="I-NEW",
            day=date(2026, 6, 10),
        )
    )

    await town.news(
        aiko(
            Outcome.SUCCEEDED,
            at=utc("2026-07-10T11:00:00Z"),
            refs=("I-NEW",),
            gateway_subscription_id="I-NEW",
        )
    )

    (paid,) = town.said(payments.AttemptSucceeded)
    assert (paid.period, paid.kind) == (date(2026, 7, 10), AttemptKind.RENEWAL)


async def test_who_asked_for_the_cancellation_cancelled_it(town: Town) -> None:
    await town.news(standing("cancelled", by=CancelledBy.GATEWAY))
    (cancelled,) = town.said(payments.GatewaySubscriptionCancelled)

    assert cancelled.by is CancelledBy.GATEWAY


async def test_a_suspension_seen_twice_is_told_once(town: Town) -> None:
    for outstanding in (YEN, Money(25600, "JPY")):
        await town.news(standing("suspended", failed_payments=2, outstanding=outstanding))

    (suspended,) = town.said(payments.GatewaySubscriptionSuspended)
    assert suspended.failed_payments == 2


def method(**more: Any) -> MethodNews:
    fields: dict[str, Any] = {
        "gateway": Gateway.STRIPE,
        "occurred_at": JUNE_1,
        "refs": ("cus_ada",),
        "update_id": "seti_1",
        "method_id": "pm_2",
        "method": MethodKind.CARD,
        "label": "4444",
        "card": "fp_new",
        "card_country": "FR",
        "offered": OfferedMethod(type="card", funding="credit"),
    }
    return MethodNews(**{**fields, **more})


async def test_a_stored_method_is_told_once_it_is_the_default(town: Town) -> None:
    await town.news(method(), method())

    (updated,) = town.said(payments.PaymentMethodUpdated)
    assert (updated.label, updated.card) == ("4444", "fp_new")
    assert town.stripe.asked.count(("adopt", "adopt/seti_1")) == 1
    assert (await town.subscription("ada-fr")).label == "4444"


@pytest.mark.parametrize(
    "offered",
    [
        OfferedMethod(type="card", funding="debit"),
        OfferedMethod(type="card", funding="prepaid"),
        OfferedMethod(type="card", funding="credit", cvc_provided=False),
        OfferedMethod(type="card", funding="credit", three_ds_supported=False),
        OfferedMethod(type="sepa_debit"),
    ],
)
async def test_a_method_off_the_white_list_is_taken_away_again(town: Town, offered: OfferedMethod) -> None:
    await town.news(method(offered=offered))

    assert town.words() == []
    assert town.stripe.asked == [("detach", "detach/seti_1")]


async def test_a_card_the_bank_renewed_is_told_as_updated(town: Town) -> None:
    await town.news(method(settled=True, update_id="evt_9"))

    assert town.words() == ["PaymentMethodUpdated"]


async def test_a_challenge_is_told_as_it_goes(town: Town) -> None:
    def challenge(state: Any) -> ChallengeNews:
        return ChallengeNews(
            gateway=Gateway.STRIPE, occurred_at=JUNE_1, refs=("sub_ada",), challenge_id="c1", state=state
        )

    await town.news(challenge("started"), challenge("failed"), challenge("started"), challenge("passed"))

    assert town.words() == ["AuthenticationStarted", "AuthenticationFailed", "AuthenticationPassed"]
    assert (await town.subscription("ada-fr")).authenticated


async def test_money_back_is_found_by_the_payment_it_undoes(town: Town) -> None:
    await town.news(ada(Outcome.SUCCEEDED))

    await town.news(
        MoneyBackNews(
            gateway=Gateway.STRIPE,
            occurred_at=JUNE_1 + timedelta(days=9),
            what="chargeback",
            reversal_id="du_1",
            transaction_id="ch_1",
            amount=EUR,
        )
    )

    (dispute,) = town.said(payments.ChargebackOpened)
    assert (dispute.period, dispute.subscription_id) == (JUNE, "ada-fr")


async def test_registering_the_same_twice_says_it_once(town: Town) -> None:
    await town.register(ADA)
    await town.register(ADA)
    await town.register(replace(ADA, price=Money(9900, "EUR")))

    told = [fact for fact in town.said(payments.SubscriptionRegistered) if fact.school_id == ECOLE]
    assert [fact.price for fact in told] == [EUR, Money(9900, "EUR")]


async def test_a_billing_day_that_the_school_changes_holds_from_the_current_period_on(town: Town) -> None:
    await town.register(replace(ADA, billing_day=15))

    await town.news(
        ada(Outcome.SUCCEEDED, at=utc("2026-05-03T07:00:00Z")),
        ada(Outcome.SUCCEEDED, at=utc("2026-07-16T07:00:00Z"), transaction_id="ch_2"),
    )

    assert [fact.period for fact in town.said(payments.AttemptSucceeded)] == [
        date(2026, 5, 1),
        date(2026, 7, 15),
    ]
