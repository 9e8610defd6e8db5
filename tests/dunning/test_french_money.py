from __future__ import annotations

from datetime import date
from typing import Any

from shared.events import dunning, payments
from shared.events.words import CaseState, Gateway, ReviewReason
from shared.money import Money
from tests.dunning.conftest import Town
from tests.dunning.french import JUNE, failed


async def test_one_cent_missing_is_a_question_and_suspends_nobody(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-05 10:00")
    await paris.say(paris.succeeded_fact("2026-06-05 10:00", JUNE, amount=Money(7499, "EUR"), txn="odd"))
    assert [flag.reason for flag in paris.case().flags] == [ReviewReason.AMOUNT_MISMATCH]
    assert paris.facts(dunning.AccessDeadlineSet)[-1].deadline_at is None
    before = len(paris.asked())
    await paris.until("2026-06-20 00:00")
    assert paris.state() is CaseState.RETRYING
    assert len(paris.asked()) == before
    await paris.post(f"/cases/{paris.case().case_id}/accept-difference", by="lea")
    assert paris.state() is CaseState.RECOVERED


async def test_a_part_is_counted_when_staff_say_so_and_the_rest_is_asked_for(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-05 10:00")
    await paris.say(paris.succeeded_fact("2026-06-05 10:00", JUNE, amount=Money(4000, "EUR"), txn="part"))
    assert [flag.reason for flag in paris.case().flags] == [ReviewReason.PARTIAL_PAYMENT]
    await paris.until("2026-06-06 12:00")
    paris.accepts()
    await paris.post(f"/cases/{paris.case().case_id}/settle-flag", reason="partial_payment", by="lea")
    await paris.until("2026-06-08 10:00")
    assert paris.facts(dunning.AttemptRequested)[-1].amount == Money(3500, "EUR")
    assert paris.state() is CaseState.RECOVERED


async def test_a_deadline_that_passed_during_a_review_passes_when_staff_refuse_the_amount(
    paris: Town,
) -> None:
    await failed(paris)
    await paris.until("2026-06-05 10:00")
    await paris.say(paris.succeeded_fact("2026-06-05 10:00", JUNE, amount=Money(7500, "USD")))
    assert [flag.reason for flag in paris.case().flags] == [ReviewReason.CURRENCY_MISMATCH]
    await paris.until("2026-06-20 10:00")
    await paris.post(f"/cases/{paris.case().case_id}/settle-flag", reason="currency_mismatch", by="lea")
    assert paris.state() is CaseState.SUSPENDED
    assert paris.case().exhausted_at == paris.at("2026-06-20 10:00")


async def test_a_second_success_is_a_question_and_never_silent(paris: Town) -> None:
    await failed(paris)
    await paris.succeeds("2026-06-02 12:00", JUNE, txn="one")
    await paris.succeeds("2026-06-02 13:00", JUNE, txn="two")
    assert paris.state() is CaseState.RECOVERED
    flagged = [f.reason for f in paris.facts(dunning.CaseFlagged) if f.case_id == paris.case().case_id]
    assert flagged == [ReviewReason.DOUBLE_PAYMENT]


async def test_a_refund_reopens_nothing_and_a_chargeback_is_a_case_of_its_own(paris: Town) -> None:
    await failed(paris)
    await paris.succeeds("2026-06-09 12:00", JUNE, txn="one")
    back: dict[str, Any] = {
        "period": date(2026, 6, 1),
        "gateway": Gateway.STRIPE,
        "transaction_id": "one",
        "amount": Money(7500, "EUR"),
    }
    await paris.until("2026-06-15 12:00")
    await paris.say(payments.PaymentRefunded(**paris.about(), **back, reversal_id="re1"))
    assert len(paris.cases()) == 1
    assert paris.state() is CaseState.RECOVERED
    for _ in range(2):
        await paris.say(payments.ChargebackOpened(**paris.about(), **back, reversal_id="du1"))
    review = paris.case()
    assert (review.kind, review.state) == ("reversal", CaseState.UNDER_REVIEW)
    assert review.case_id == "ada~reversal~du1"
    before = len(paris.asked())
    await paris.until("2026-07-15 12:00")
    assert len(paris.asked()) == before
    await paris.post(f"/cases/{review.case_id}/resolve", by="lea", keep_access=True)
    assert paris.state() is CaseState.RESOLVED


async def test_news_that_comes_twice_or_after_the_end_is_history(paris: Town) -> None:
    await failed(paris)
    first = paris.failed_fact("2026-06-01 09:00", JUNE, txn="t1")
    await paris.say(first)
    assert len(paris.case().attempts) == 1
    await paris.until("2026-06-08 12:00")
    paris.accepts()
    await paris.until("2026-06-09 12:00")
    mails = len(paris.mails())
    await paris.say(paris.failed_fact("2026-06-06 09:00", JUNE, txn="late"))
    assert paris.state() is CaseState.RECOVERED
    assert len(paris.mails()) == mails


async def test_success_before_its_failure_only_adds_history(paris: Town) -> None:
    await paris.registered(billing_day=1)
    await paris.succeeds("2026-06-02 12:00", JUNE, txn="ok")
    await paris.say(paris.failed_fact("2026-06-01 09:00", JUNE, txn="late"))
    await paris.until("2026-06-20 12:00")
    case = paris.case()

    assert case.state is CaseState.RECOVERED
    assert case.opened_at == paris.at("2026-06-01 09:00")
    assert paris.facts(dunning.CaseRecovered)[0].late
    assert paris.mails() == []
    assert paris.asked() == []
    assert paris.facts(dunning.AccessDeadlineSet) == []


async def test_two_months_in_dunning_are_two_cases_and_paying_one_closes_one(paris: Town) -> None:
    await failed(paris)
    await paris.fails("2026-07-01 09:00", "2026-07-01")
    await paris.succeeds("2026-07-01 12:00", "2026-07-01")
    assert paris.case("2026-06-01").state is CaseState.SUSPENDED
    assert paris.case("2026-07-01").state is CaseState.RECOVERED
    assert paris.account.open_cases == ("ada~2026-06-01",)


async def test_odd_money_stays_a_question_after_the_month_is_paid(paris: Town) -> None:
    await failed(paris)
    await paris.succeeds("2026-06-02 12:00", JUNE, txn="odd", amount=Money(7499, "EUR"))
    await paris.succeeds("2026-06-02 13:00", JUNE, txn="whole")
    assert paris.state() is CaseState.RECOVERED
    assert [(flag.reason, flag.about) for flag in paris.case().flags] == [
        (ReviewReason.AMOUNT_MISMATCH, "odd")
    ]
