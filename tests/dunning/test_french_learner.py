from __future__ import annotations

from datetime import date
from typing import Any

from shared.declines import DeclineClass
from shared.events import Fact, dunning, payments
from shared.events.words import AttemptKind, CaseState, Gateway, MethodKind, ReviewReason, Template
from shared.money import Money
from tests.dunning.conftest import Town

JUNE = "2026-06-01"


async def failed(paris: Town, decline: DeclineClass = DeclineClass.INSUFFICIENT_FUNDS) -> None:
    await paris.registered(billing_day=1)
    paris.declines(decline)
    await paris.fails("2026-06-01 09:00", JUNE, decline=decline)


def updated(town: Town, name: str, **more: Any) -> payments.PaymentMethodUpdated:
    return payments.PaymentMethodUpdated(
        **town.about(), update_id=name, method=MethodKind.CARD, label="4242", **more
    )


def challenge(town: Town, kind: type[Any], name: str = "c1", period: str = JUNE) -> Fact:
    fact: Fact = kind(**town.about(), period=date.fromisoformat(period), challenge_id=name)
    return fact


async def test_success_on_the_seventh_retry_ends_the_matter_and_keeps_the_billing_day(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-08 12:00")
    paris.accepts()
    await paris.until("2026-06-30 12:00")

    assert paris.state() is CaseState.RECOVERED
    assert paris.asked()[-1] == "2026-06-09 09:00"
    assert len(paris.case().attempts) == 8
    assert paris.facts(dunning.CaseRecovered)[0].next_billing_on == date(2026, 7, 1)
    assert paris.templates() == ["fr.payment_failed", "fr.recovered"]
    assert paris.facts(dunning.AccessSuspensionRequested) == []


async def test_a_new_card_is_charged_at_once_and_told_together_with_the_result(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-04 14:20")
    paris.accepts()
    await paris.say(updated(paris, "u1"))

    request = paris.facts(dunning.AttemptRequested)[-1]
    assert (request.kind, request.on_session, request.request_id) == (
        AttemptKind.LEARNER,
        True,
        "ada~2026-06-01/learner/u1",
    )
    assert paris.state() is CaseState.RECOVERED
    assert paris.mail(Template.FR_METHOD_UPDATED).data["charge_result"] == "succeeded"


async def test_the_operators_own_reading_waits_for_the_next_scheduled_retry(paris: Town) -> None:
    await paris.call(
        "PUT", "/schools/academie/policy", {"overrides": {"attempts.on_method_update": "next_scheduled"}}
    )
    await failed(paris)
    await paris.until("2026-06-04 14:20")
    await paris.say(updated(paris, "u1"))
    assert paris.asked()[-1] == "2026-06-04 09:00"
    paris.accepts()
    await paris.until("2026-06-05 10:00")
    assert paris.asked()[-1] == "2026-06-05 09:00"
    assert paris.state() is CaseState.RECOVERED


async def test_an_update_on_a_sunday_uses_up_none_of_the_ten(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-07 11:00")
    await paris.say(updated(paris, "u1"))
    await paris.until("2026-06-12 23:00")
    automatic = [f for f in paris.facts(dunning.AttemptRequested) if f.kind is AttemptKind.RENEWAL]

    assert "2026-06-07 11:00" in paris.asked()
    assert len(automatic) == 10
    assert paris.case().clock.grace_at == paris.at("2026-06-13 00:00")


async def test_two_updates_within_a_minute_never_charge_twice_at_once(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-04 14:20")
    paris.stays_silent()
    await paris.say(updated(paris, "u1"))
    await paris.until("2026-06-04 14:20:40")
    await paris.say(updated(paris, "u2"))
    assert paris.case().queued == "u2"
    before = len(paris.asked())
    await paris.say(
        paris.succeeded_fact(
            "2026-06-04 14:21", JUNE, kind=AttemptKind.LEARNER, request_id="ada~2026-06-01/learner/u1"
        )
    )
    assert paris.state() is CaseState.RECOVERED
    assert len(paris.asked()) == before


async def test_the_second_update_is_charged_when_the_first_failed(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-04 14:20")
    paris.stays_silent()
    await paris.say(updated(paris, "u1"))
    await paris.say(updated(paris, "u2"))
    await paris.say(
        paris.failed_fact(
            "2026-06-04 14:21", JUNE, kind=AttemptKind.LEARNER, request_id="ada~2026-06-01/learner/u1"
        )
    )
    assert paris.facts(dunning.AttemptRequested)[-1].request_id == "ada~2026-06-01/learner/u2"
    assert paris.case().queued is None


async def test_a_stolen_card_is_never_retried_and_the_clock_goes_on(paris: Town) -> None:
    await failed(paris, DeclineClass.HARD_NEVER_RETRY)
    await paris.until("2026-06-13 00:00")

    assert paris.asked() == []
    assert [f.reason for f in paris.facts(dunning.AttemptSkipped)] == ["hard_decline"] * 10
    assert paris.facts(dunning.CaseSuspended)[0].occurred_at == paris.at("2026-06-13 00:00")
    assert paris.mail(Template.FR_PAYMENT_FAILED).data["decline"] == "hard_never_retry"


async def test_another_card_lifts_the_block_of_a_stolen_one(paris: Town) -> None:
    await failed(paris, DeclineClass.HARD_NEVER_RETRY)
    await paris.until("2026-06-03 20:00")
    paris.declines(DeclineClass.INSUFFICIENT_FUNDS)
    await paris.say(updated(paris, "u1"))
    await paris.until("2026-06-04 10:00")
    assert paris.asked() == ["2026-06-03 20:00", "2026-06-04 09:00"]


async def test_a_technical_error_is_tried_again_the_same_day_and_uses_up_no_turn(paris: Town) -> None:
    await failed(paris)
    paris.declines(DeclineClass.TECHNICAL_ERROR)
    await paris.until("2026-06-02 20:00")
    assert paris.asked() == [f"2026-06-02 {hour}:00" for hour in ("09", "10", "11", "12")]
    paris.declines()
    await paris.until("2026-06-12 23:00")
    assert paris.asked()[-1] == "2026-06-12 09:00"


async def test_the_bank_asks_for_3ds_and_the_learner_answers_from_the_mail(paris: Town) -> None:
    await failed(paris, DeclineClass.AUTHENTICATION_REQUIRED)
    assert paris.templates() == ["fr.authenticate"]
    await paris.until("2026-06-03 18:00")
    assert paris.asked() == ["2026-06-02 09:00", "2026-06-03 09:00"]
    await paris.say(challenge(paris, payments.AuthenticationStarted))
    await paris.until("2026-06-03 18:05")
    paris.accepts()
    await paris.say(challenge(paris, payments.AuthenticationPassed))

    assert paris.asked()[-1] == "2026-06-03 18:05"
    assert paris.state() is CaseState.RECOVERED
    assert "authenticated" in paris.case().marks


async def test_a_learner_who_never_authenticates_gets_one_such_mail(paris: Town) -> None:
    await failed(paris, DeclineClass.AUTHENTICATION_REQUIRED)
    await paris.until("2026-06-13 00:00")
    assert paris.templates() == ["fr.authenticate", "fr.last_day_tomorrow", "fr.suspended"]
    assert len(paris.asked()) == 10
    assert paris.state() is CaseState.SUSPENDED


async def test_a_challenge_that_began_before_the_deadline_counts(paris: Town) -> None:
    await failed(paris, DeclineClass.AUTHENTICATION_REQUIRED)
    await paris.until("2026-06-12 23:58")
    await paris.say(challenge(paris, payments.AuthenticationStarted))
    held = paris.facts(dunning.AccessDeadlineSet)[-1]
    assert held.deadline_at == paris.at("2026-06-13 00:13")
    await paris.until("2026-06-13 00:03")
    assert paris.state() is CaseState.AWAITING_OUTCOME
    paris.accepts()
    await paris.say(challenge(paris, payments.AuthenticationPassed))
    assert paris.state() is CaseState.RECOVERED


async def test_a_challenge_nobody_finished_suspends_when_its_life_is_over(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-12 23:58")
    await paris.say(challenge(paris, payments.AuthenticationStarted))
    await paris.until("2026-06-13 00:12")
    assert paris.state() is CaseState.AWAITING_OUTCOME
    await paris.until("2026-06-13 00:13")
    assert paris.state() is CaseState.SUSPENDED


async def test_a_pending_outcome_holds_the_suspension_until_it_is_known(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-12 08:00")

    def pends(fact: dunning.AttemptRequested) -> Fact:
        return payments.AttemptPending(
            **paris.attempt(paris.clock.now(), JUNE, txn="p10", request_id=fact.request_id)
        )

    paris.bank = pends
    await paris.until("2026-06-13 12:00")
    assert paris.state() is CaseState.AWAITING_OUTCOME
    assert paris.facts(dunning.OutcomeAwaited)[0].until == paris.at("2026-06-15 00:00")
    assert paris.facts(dunning.AccessDeadlineSet)[-1].deadline_at == paris.at("2026-06-15 00:00")
    await paris.until("2026-06-14 10:00")
    await paris.say(
        paris.failed_fact("2026-06-14 10:00", JUNE, txn="p10", request_id="ada~2026-06-01/attempt/10")
    )
    assert paris.state() is CaseState.SUSPENDED
    assert paris.case().exhausted_at == paris.at("2026-06-14 10:00")


async def test_a_pending_outcome_that_never_comes_is_waited_for_48_hours(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-12 08:00")
    paris.bank = lambda fact: payments.AttemptPending(
        **paris.attempt(paris.clock.now(), JUNE, txn="p10", request_id=fact.request_id)
    )
    await paris.until("2026-06-15 00:00")
    assert paris.state() is CaseState.SUSPENDED
    assert paris.case().exhausted_at == paris.at("2026-06-15 00:00")
    await paris.succeeds("2026-06-16 10:00", JUNE, txn="p10", request_id="ada~2026-06-01/attempt/10")
    assert paris.state() is CaseState.RECOVERED
    assert paris.facts(dunning.CaseRecovered)[0].late


async def test_a_cancellation_waits_for_the_attempt_in_flight(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-03 12:00")
    paris.stays_silent()
    await paris.until("2026-06-04 09:00:02")
    await paris.post("/subscriptions/ada/cancel", request="x")
    assert "cancel_requested" in paris.case().marks
    await paris.say(paris.succeeded_fact("2026-06-04 09:00:05", JUNE, request_id="ada~2026-06-01/attempt/3"))
    assert paris.state() is CaseState.RECOVERED
    assert paris.facts(dunning.AccessEndRequested)[0].at == paris.at("2026-07-01 00:00")


async def test_a_cancellation_behind_a_failed_attempt_ends_the_contract_at_that_instant(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-03 12:00")
    paris.stays_silent()
    await paris.until("2026-06-04 09:00:02")
    await paris.post("/subscriptions/ada/cancel", request="x")
    await paris.say(paris.failed_fact("2026-06-04 09:00:05", JUNE, request_id="ada~2026-06-01/attempt/3"))
    assert paris.state() is CaseState.CANCELLED_BY_LEARNER
    assert paris.case().closed_at == paris.at("2026-06-04 09:00:05")
    await paris.until("2026-06-30 00:00")
    assert paris.asked()[-1] == "2026-06-04 09:00"
    assert paris.templates()[-1] == "fr.cancelled"


async def test_without_a_case_a_cancellation_ends_with_the_paid_period(paris: Town) -> None:
    await paris.registered(billing_day=1)
    await paris.succeeds("2026-06-01 09:00", JUNE)
    await paris.until("2026-06-10 12:00")
    await paris.post("/subscriptions/ada/cancel")
    assert paris.facts(dunning.AccessEndRequested)[0].at == paris.at("2026-07-01 00:00")
    assert paris.cases() == []


async def suspended(paris: Town, deadline: str | None = "2026-09-30") -> None:
    await paris.registered(billing_day=1, path_id="data")
    await paris.enrolled("data", deadline)
    paris.declines()
    await paris.fails("2026-06-01 09:00", JUNE)
    await paris.until("2026-06-13 00:00")
    assert paris.state() is CaseState.SUSPENDED


async def test_a_relaunch_waives_june_and_makes_its_day_the_billing_day(paris: Town) -> None:
    await suspended(paris)
    await paris.until("2026-07-20 15:00")
    paris.accepts()
    answer = await paris.post("/subscriptions/ada/relaunch", request="r1")
    assert answer.status_code == 202, answer.text

    relaunched = paris.facts(dunning.CaseRelaunched)[0]
    restored = paris.facts(dunning.AccessRestorationRequested)[-1]
    assert (relaunched.billing_day, relaunched.next_billing_on) == (20, date(2026, 8, 20))
    assert relaunched.amount == Money(7500, "EUR")
    assert (restored.why, restored.reopen_path_id) == ("relaunched", "data")
    assert paris.state() is CaseState.RELAUNCHED
    assert paris.account.billing_day == 20
    assert paris.templates()[-1] == "fr.relaunched"


async def test_the_submission_counts_for_the_paths_deadline_and_the_payment_for_the_billing_day(
    paris: Town,
) -> None:
    await suspended(paris)
    await paris.until("2026-09-30 23:59:30")
    paris.stays_silent()
    assert (await paris.post("/subscriptions/ada/relaunch", request="r1")).status_code == 202
    await paris.until("2026-10-01 00:03")
    await paris.say(
        paris.succeeded_fact(
            "2026-10-01 00:03", JUNE, kind=AttemptKind.RELAUNCH, request_id="ada~2026-06-01/relaunch/r1"
        )
    )
    assert paris.state() is CaseState.RELAUNCHED
    assert paris.facts(dunning.CaseRelaunched)[0].billing_day == 1


async def test_after_the_paths_deadline_a_relaunch_is_refused_before_anything_is_charged(paris: Town) -> None:
    await suspended(paris)
    await paris.until("2026-10-01 00:00")
    refused = await paris.post("/subscriptions/ada/relaunch")
    assert refused.status_code == 409
    assert refused.json()["title"] == "deadline_passed"
    assert [f.kind for f in paris.facts(dunning.AttemptRequested)] == [AttemptKind.RENEWAL] * 10
    assert (await paris.post("/subscriptions/ada/relaunch", path_id="other")).status_code == 202


async def test_a_refused_relaunch_leaves_the_learner_suspended_without_a_new_case(paris: Town) -> None:
    await suspended(paris)
    await paris.until("2026-07-20 15:00")
    assert (await paris.post("/subscriptions/ada/relaunch", request="r1")).status_code == 202
    assert paris.state() is CaseState.SUSPENDED
    assert len(paris.cases()) == 1
    await paris.until("2026-07-25 15:00")
    assert paris.facts(dunning.AttemptRequested)[-1].kind is AttemptKind.RELAUNCH
    paris.accepts()
    assert (await paris.post("/subscriptions/ada/relaunch", request="r2")).status_code == 202
    assert paris.state() is CaseState.RELAUNCHED


async def test_the_paths_deadline_is_announced_two_weeks_before_and_told_when_it_passed(paris: Town) -> None:
    await suspended(paris)
    await paris.until("2026-10-02 00:00")
    assert paris.mails()[-2:] == [
        "fr.re_enrolment_reminder 2026-09-16 09:30",
        "fr.re_enrolment_closed 2026-10-01 00:00",
    ]


async def test_a_deadline_that_is_moved_while_suspended_is_reminded_of_again(paris: Town) -> None:
    await suspended(paris)
    await paris.until("2026-09-01 00:00")
    await paris.enrolled("data", "2026-10-31")
    await paris.until("2026-11-01 00:00")
    assert paris.mails()[-2:] == [
        "fr.re_enrolment_reminder 2026-10-17 09:30",
        "fr.re_enrolment_closed 2026-11-01 00:00",
    ]


async def test_money_for_june_that_comes_while_suspended_restores_access(paris: Town) -> None:
    await suspended(paris)
    await paris.until("2026-06-13 08:00")
    await paris.say(paris.succeeded_fact("2026-06-12 23:59", JUNE))
    assert paris.state() is CaseState.RECOVERED
    assert paris.facts(dunning.AccessRestorationRequested)[-1].why == "recovered"
    obsolete = paris.facts(dunning.MailsObsoleted)[-1]
    assert Template.FR_SUSPENDED in obsolete.templates


async def test_a_failed_sign_up_opens_no_case(paris: Town) -> None:
    await paris.registered(billing_day=1)
    for kind in (AttemptKind.FIRST, AttemptKind.RELAUNCH, AttemptKind.RESUME):
        await paris.fails("2026-06-01 10:00", JUNE, kind=kind)
    assert paris.cases() == []


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


async def test_staff_may_give_more_time_and_never_less(paris: Town) -> None:
    await failed(paris)
    path = f"/cases/{paris.case().case_id}/extend"
    shorter = await paris.post(path, deadline_at="2026-06-10T00:00:00+02:00", by="lea")
    assert shorter.status_code == 409
    assert (await paris.post(path, deadline_at="2026-06-20T00:00:00+02:00", by="lea")).status_code == 202
    await paris.until("2026-06-19 23:00")
    assert paris.state() is CaseState.RETRYING
    assert len(paris.asked()) == 10
    assert paris.templates().count("fr.last_day_tomorrow") == 1
    await paris.until("2026-06-20 00:00")
    assert paris.state() is CaseState.SUSPENDED


async def test_staff_may_have_one_more_attempt_and_only_one_at_a_time(paris: Town) -> None:
    await failed(paris)
    paris.stays_silent()
    path = f"/cases/{paris.case().case_id}/attempt"
    assert (await paris.post(path, by="lea", act="a1")).status_code == 202
    assert paris.facts(dunning.AttemptRequested)[-1].kind is AttemptKind.STAFF
    assert (await paris.post(path, by="lea", act="a2")).status_code == 409


async def test_a_second_success_is_a_question_and_never_silent(paris: Town) -> None:
    await failed(paris)
    await paris.succeeds("2026-06-02 12:00", JUNE, txn="one")
    await paris.succeeds("2026-06-02 13:00", JUNE, txn="two")
    assert paris.state() is CaseState.RECOVERED
    assert [f.reason for f in paris.facts(dunning.CaseFlagged)] == [ReviewReason.DOUBLE_PAYMENT]


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


async def test_the_suspension_waits_for_the_notice_and_runs_as_soon_as_it_left(paris: Town) -> None:
    paris.mails_leave = False
    await failed(paris)
    await paris.until("2026-06-14 12:00")
    assert paris.state() is CaseState.RETRYING
    assert [f.waits_for for f in paris.facts(dunning.ConsequenceHeld)] == [Template.FR_PAYMENT_FAILED]
    assert paris.facts(dunning.AccessDeadlineSet)[-1].deadline_at is None
    assert [flag.reason for flag in paris.case().flags] == [ReviewReason.NOTICE_OVERDUE]
    await paris.say(paris.sent(paris.mail(Template.FR_PAYMENT_FAILED)))
    assert paris.state() is CaseState.SUSPENDED
    assert paris.case().exhausted_at == paris.at("2026-06-14 12:00")
    assert paris.case().flags == ()


async def test_staff_may_let_the_suspension_run_without_the_notice(paris: Town) -> None:
    paris.mails_leave = False
    await failed(paris)
    await paris.until("2026-06-14 12:00")
    await paris.post(f"/cases/{paris.case().case_id}/settle-flag", reason="notice_overdue", by="lea")
    assert paris.state() is CaseState.SUSPENDED


async def test_a_policy_edit_reaches_only_cases_that_open_after_it(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-05 10:00")
    answer = await paris.call(
        "PUT",
        "/schools/academie/policy",
        {"overrides": {"grace.length.n": 7, "attempts.schedule.offsets": [1, 2, 3, 4, 5, 6, 7]}},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == 2
    await paris.fails("2026-07-01 09:00", "2026-07-01")
    assert paris.case("2026-06-01").exhausted_at == paris.at("2026-06-13 00:00")
    assert paris.case("2026-06-01").policy_version == 1
    july = paris.case("2026-07-01")
    assert july.policy_version == 2
    assert july.clock.grace_at == paris.at("2026-07-10 00:00")


async def test_two_months_in_dunning_are_two_cases_and_paying_one_closes_one(paris: Town) -> None:
    await failed(paris)
    await paris.fails("2026-07-01 09:00", "2026-07-01")
    await paris.succeeds("2026-07-01 12:00", "2026-07-01")
    assert paris.case("2026-06-01").state is CaseState.SUSPENDED
    assert paris.case("2026-07-01").state is CaseState.RECOVERED
    assert paris.account.open_cases == ("ada~2026-06-01",)


async def test_a_network_that_forbids_the_card_stops_the_retries_with_its_reason(paris: Town) -> None:
    await paris.registered(billing_day=1)
    paris.declines()
    await paris.fails("2026-06-01 09:00", JUNE, card="fp", network_code="41")
    await paris.until("2026-06-03 12:00")
    skipped = paris.facts(dunning.AttemptSkipped)
    assert [one.reason for one in skipped] == ["network_never", "network_never"]
    await paris.until("2026-06-03 13:00")
    paris.accepts()
    await paris.say(updated(paris, "u1", card="other"))
    assert paris.state() is CaseState.RECOVERED


async def test_advice_to_wait_skips_the_days_it_names(paris: Town) -> None:
    await paris.registered(billing_day=1)
    paris.declines()
    await paris.fails("2026-06-01 09:00", JUNE, card="fp", advice_code="26")
    await paris.until("2026-06-03 12:00")
    assert [one.reason for one in paris.facts(dunning.AttemptSkipped)] == ["network_wait"]
    assert paris.asked() == ["2026-06-03 09:00"]


async def test_a_stuck_attempt_is_looked_up_and_never_doubled(paris: Town) -> None:
    await failed(paris)
    paris.stays_silent()
    await paris.until("2026-06-04 12:00")
    assert paris.asked() == ["2026-06-02 09:00"]
    assert [one.reason for one in paris.facts(dunning.AttemptSkipped)] == ["in_flight", "in_flight"]
    assert paris.facts(dunning.ReconciliationRequested)[0].about == "ada~2026-06-01/attempt/1"
    await paris.say(
        payments.AttemptUnknown(
            **paris.about(),
            period=date(2026, 6, 1),
            request_id="ada~2026-06-01/attempt/1",
            detail="no answer",
        )
    )
    assert [flag.reason for flag in paris.case().flags] == [ReviewReason.OUTCOME_UNKNOWN]
    await paris.post(f"/cases/{paris.case().case_id}/settle-flag", reason="outcome_unknown", by="lea")
    await paris.until("2026-06-05 12:00")
    assert paris.asked()[-1] == "2026-06-05 09:00"


async def test_a_failure_heard_three_days_late_is_dated_by_itself(paris: Town) -> None:
    await paris.registered(billing_day=1)
    paris.declines()
    await paris.until("2026-06-04 12:00")
    await paris.say(paris.failed_fact("2026-06-01 09:00", JUNE))
    await paris.until("2026-06-12 23:00")
    assert paris.asked()[0] == "2026-06-04 12:00"
    assert paris.asked()[1] == "2026-06-05 09:00"
    assert paris.case().clock.grace_at == paris.at("2026-06-13 00:00")


async def test_a_subscription_cancelled_at_the_gateway_is_not_charged_any_more(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-03 12:00")
    await paris.say(paris.cancelled_fact("school"))
    await paris.until("2026-06-12 12:00")
    assert paris.asked() == ["2026-06-02 09:00", "2026-06-03 09:00"]
    assert [flag.reason for flag in paris.case().flags] == [ReviewReason.UNPAID_BALANCE]
    await paris.until("2026-06-13 00:00")
    assert paris.state() is CaseState.SUSPENDED


async def test_a_learner_who_cancels_at_the_gateway_is_let_go(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-03 12:00")
    await paris.say(paris.cancelled_fact("learner"))
    assert paris.state() is CaseState.CANCELLED_BY_LEARNER
    await paris.until("2026-06-30 12:00")
    assert paris.asked() == ["2026-06-02 09:00", "2026-06-03 09:00"]


async def test_a_failure_heard_after_its_own_deadline_leaves_the_learner_the_whole_delay(paris: Town) -> None:
    await paris.registered(billing_day=1)
    paris.declines()
    await paris.until("2026-07-01 12:00")
    await paris.say(paris.failed_fact("2026-06-01 09:00", JUNE))
    assert paris.case().opened_at == paris.at("2026-06-01 09:00")
    await paris.until("2026-07-13 23:00")
    assert paris.state() is CaseState.RETRYING
    assert len(paris.asked()) == 10
    await paris.until("2026-07-15 00:00")
    assert paris.state() is CaseState.SUSPENDED


async def test_odd_money_stays_a_question_after_the_month_is_paid(paris: Town) -> None:
    await failed(paris)
    await paris.succeeds("2026-06-02 12:00", JUNE, txn="odd", amount=Money(7499, "EUR"))
    await paris.succeeds("2026-06-02 13:00", JUNE, txn="whole")
    assert paris.state() is CaseState.RECOVERED
    assert [(flag.reason, flag.about) for flag in paris.case().flags] == [
        (ReviewReason.AMOUNT_MISMATCH, "odd")
    ]
