"""The seven other policies: each says with its own words who tries, until when, and what then."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.dunning.policies import presets
from shared.events import Fact, dunning, payments
from shared.events.words import AccessLevel, AttemptKind, CaseState, ExhaustionCause
from shared.money import Money
from tests.dunning.fold import Fold

DAY = date(2026, 6, 1)
AT = datetime(2026, 6, 1, 9, tzinfo=UTC)


def failed(policy: str, **more: Any) -> Fold:
    fold = Fold(policy)
    fold.now = AT
    fold.hear(fold.failed(DAY, "t0", AT, **more))
    return fold


def of(fold: Fold, kind: type[Any]) -> list[Any]:
    return [fact for fact in fold.said if isinstance(fact, kind)]


def declining(fold: Fold, until: datetime) -> None:
    while (hour := fold.next_due()) is not None and hour <= until:
        before = len(fold.said)
        fold.live_until(hour)
        for fact in fold.said[before:]:
            if isinstance(fact, dunning.AttemptRequested):
                more: dict[str, Any] = {"kind": fact.kind, "request_id": fact.request_id}
                fold.hear(fold.failed(DAY, f"x{len(fold.said)}", fold.now, **more))
            elif isinstance(fact, dunning.MailRequested):
                fold.hear(fold.mail_left(fact))
    fold.live_until(until)


@pytest.mark.parametrize("name", sorted(presets()))
def test_a_failure_opens_a_case_under_every_policy(name: str) -> None:
    fold = failed(name)
    case = fold.cases[f"sub~{DAY}"]
    assert case.policy_id == name
    assert case.state is CaseState.RETRYING
    declining(fold, AT + timedelta(days=60))


def test_suspended_at_once_while_the_money_is_still_tried_for_two_weeks() -> None:
    fold = failed("fixed-offsets")
    assert [f.level for f in of(fold, dunning.AccessSuspensionRequested)] == [AccessLevel.NONE]
    declining(fold, AT + timedelta(days=20))
    days = [f.occurred_at.date() for f in of(fold, dunning.AttemptRequested)]
    case = fold.cases[f"sub~{DAY}"]

    assert days == [date(2026, 6, n) for n in (2, 4, 6, 8)]
    assert case.exhausted_at == datetime(2026, 6, 15, 22, tzinfo=UTC)
    assert case.state is CaseState.SUSPENDED
    assert len(of(fold, dunning.GatewayCancellationRequested)) == 1


def test_a_success_on_the_third_retry_brings_access_back_although_it_was_cut() -> None:
    fold = failed("fixed-offsets")
    fold.live_until(AT + timedelta(days=3))
    fold.hear(fold.succeeded(DAY, "ok", AT + timedelta(days=3)))
    assert fold.cases[f"sub~{DAY}"].state is CaseState.RECOVERED
    assert of(fold, dunning.AccessRestorationRequested)[0].why == "recovered"


def test_a_week_of_everything_then_a_week_of_reading() -> None:
    fold = failed("grace-then-readonly")
    deadline = of(fold, dunning.AccessDeadlineSet)[0]
    assert deadline.deadline_at == datetime(2026, 6, 15, 15, tzinfo=UTC)
    assert [level for _, level in deadline.steps] == [AccessLevel.READ_ONLY]
    declining(fold, AT + timedelta(days=20))
    assert fold.cases[f"sub~{DAY}"].state is CaseState.SUSPENDED
    assert [n.code for n in fold.cases[f"sub~{DAY}"].notes].count("access_lowered") == 1


def test_the_gateway_announces_its_next_try_and_we_only_follow() -> None:
    said = AT + timedelta(days=3)
    fold = failed("stripe-smart-retries", next_attempt_at=said)
    forecast = of(fold, dunning.AttemptForecast)[0]
    assert (forecast.earliest, forecast.latest) == (said, said)
    assert of(fold, dunning.AttemptRequested) == []
    fold.live_until(said)
    fold.hear(fold.failed(DAY, "t1", said))
    assert fold.cases[f"sub~{DAY}"].forecast is None
    fold.hear(fold.suspended(said + timedelta(days=10)))
    case = fold.cases[f"sub~{DAY}"]
    assert (case.state, case.cause) == (CaseState.SUSPENDED, ExhaustionCause.GATEWAY_SUSPENDED)


def test_exact_gateway_intervals_and_none_close_to_the_next_payment() -> None:
    fold = failed("paypal-classic")
    forecast = of(fold, dunning.AttemptForecast)[0]
    assert (forecast.first_day, forecast.last_day) == (date(2026, 6, 4), date(2026, 6, 4))

    late = Fold("paypal-classic", billing_day=1)
    late.now = datetime(2026, 6, 20, 9, tzinfo=UTC)
    late.hear(late.failed(DAY, "t0", late.now))
    assert of(late, dunning.AttemptForecast) == []


def test_paypals_balance_is_settled_with_the_next_cycle() -> None:
    fold = failed("paypal-rest-outstanding")
    for n, days in enumerate((5, 10), start=1):
        fold.hear(fold.failed(DAY, f"t{n}", AT + timedelta(days=days)))
    case = fold.cases[f"sub~{DAY}"]
    assert case.state is CaseState.RETRYING
    assert case.forecast is None
    july = date(2026, 7, 1)
    paid = AT + timedelta(days=30)
    fold.hear(fold.succeeded(july, "both", paid, amount=Money(15000, "EUR")))
    assert fold.cases[f"sub~{DAY}"].state is CaseState.RECOVERED
    assert [one.period for one in fold.accounts["sub"].paid] == [DAY, july]
    assert of(fold, dunning.CaseFlagged) == []


def test_paypal_suspends_after_two_failed_cycles_and_a_captured_balance_ends_both() -> None:
    fold = failed("paypal-rest-outstanding")
    july = date(2026, 7, 1)
    fold.hear(fold.failed(july, "j0", AT + timedelta(days=30), amount=Money(7500, "EUR")))
    fold.hear(fold.suspended(AT + timedelta(days=31)))
    assert {case.state for case in fold.cases.values()} == {CaseState.SUSPENDED}
    fold.hear(fold.succeeded(july, "captured", AT + timedelta(days=33), amount=Money(15000, "EUR")))
    assert {case.state for case in fold.cases.values()} == {CaseState.RECOVERED}


def test_a_bank_transfer_ends_a_case_that_nobody_retries() -> None:
    fold = failed("no-retry-manual-invoice")
    declining(fold, AT + timedelta(days=3))
    assert of(fold, dunning.AttemptRequested) == []
    fold.hear(
        payments.TemporaryPaymentReceived(
            **fold.about(), period=DAY, receipt_id="r", amount=fold.price, reference="R", recorded_by="m"
        )
    )
    assert fold.cases[f"sub~{DAY}"].state is CaseState.RECOVERED


def test_a_transfer_that_never_comes_is_for_the_office() -> None:
    fold = failed("no-retry-manual-invoice")
    declining(fold, AT + timedelta(days=20))
    case = fold.cases[f"sub~{DAY}"]
    assert case.state is CaseState.AWAITING_GUIDANCE
    assert case.exhausted_at == datetime(2026, 6, 15, 22, tzinfo=UTC)
    about = {**fold.about(), "case_id": case.case_id, "period": DAY}
    fold.hear(dunning.GuidanceConfirmed(**about, act="g", by="m", method="bank_transfer", reference="R"))
    fold.hear(
        payments.TemporaryPaymentReceived(
            **fold.about(), period=DAY, receipt_id="r", amount=fold.price, reference="R", recorded_by="m"
        )
    )
    assert fold.cases[case.case_id].state is CaseState.RECOVERED


def test_the_other_stored_method_is_tried_before_anybody_is_told() -> None:
    fold = failed("backup-method-first")
    request = of(fold, dunning.AttemptRequested)[0]
    assert (request.fallback, request.kind) == (True, AttemptKind.RENEWAL)
    more: dict[str, Any] = {"request_id": request.request_id}
    fold.hear(fold.succeeded(DAY, "b", AT + timedelta(seconds=5), **more))
    assert fold.cases[f"sub~{DAY}"].state is CaseState.RECOVERED


def test_when_the_other_method_fails_too_the_retries_begin() -> None:
    fold = failed("backup-method-first")
    request = of(fold, dunning.AttemptRequested)[0]
    more: dict[str, Any] = {"request_id": request.request_id}
    fold.hear(fold.failed(DAY, "b", AT + timedelta(seconds=5), **more))
    declining(fold, AT + timedelta(days=20))
    days = [f.occurred_at.date() for f in of(fold, dunning.AttemptRequested)[1:]]
    assert days == [date(2026, 6, 2), date(2026, 6, 5), date(2026, 6, 10)]
    assert fold.cases[f"sub~{DAY}"].state is CaseState.SUSPENDED


def test_a_fact_that_makes_no_sense_is_heard_without_a_sound() -> None:
    fold = Fold("fr-elearning")
    strays: list[Fact] = [
        fold.cancelled("gateway", AT),
        fold.suspended(AT),
        payments.GatewaySubscriptionActivated(**fold.about(AT), gateway_subscription_id="I"),
        payments.AuthenticationPassed(**fold.about(AT), period=DAY, challenge_id="c"),
        payments.AttemptUnknown(**fold.about(AT), period=DAY, request_id="nobody~x/attempt/1", detail="?"),
        dunning.CancellationRequested(**fold.about(AT) | {"subscription_id": "nobody"}, request="x"),
        dunning.HoldFellDue(**fold.about(AT), case_id="nobody~x", period=DAY),
    ]
    for stray in strays:
        fold.hear(stray)
    assert fold.said == []
    assert fold.cases == {}
