from __future__ import annotations

from datetime import date

from shared.events import dunning
from shared.events.words import AttemptKind, CaseState, ReviewReason, Template
from shared.money import Money
from tests.dunning.conftest import Town
from tests.dunning.french import JUNE, failed, suspended


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
