from __future__ import annotations

from datetime import date

from shared.declines import DeclineClass
from shared.events import dunning, payments
from shared.events.words import AttemptKind, CaseState, ReviewReason, Template
from tests.dunning.conftest import Town
from tests.dunning.french import JUNE, failed, updated


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
    assert paris.facts(dunning.ReconciliationRequested)[-1].about == "ada~2026-06-01/attempt/1"
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
