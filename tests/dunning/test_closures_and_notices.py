from __future__ import annotations

from datetime import date

import pytest

from shared.events import dunning, payments
from shared.events.words import AccessLevel, CaseState, Gateway, ReviewReason, Template
from shared.money import Money
from tests.dunning.conftest import Town


@pytest.mark.parametrize(
    ("failure", "due"),
    [
        ("2026-04-15 20:10", "2026-04-18 00:00"),
        ("2026-06-20 20:00", "2026-06-24 00:00"),
        ("2026-09-18 20:00", "2026-09-26 00:00"),
    ],
)
async def test_the_school_owes_its_notice_by_the_end_of_the_second_business_day(
    tokyo: Town, failure: str, due: str
) -> None:
    day = failure[:10]
    await tokyo.registered(billing_day=int(day[-2:]))
    await tokyo.fails(failure, day)
    assert tokyo.mail(Template.JP_PAYMENT_FAILED).due_at == tokyo.at(due)


@pytest.mark.parametrize(
    ("days", "guidance"),
    [
        (["2026-04-29", "2026-05-02", "2026-05-05"], "2026-05-07"),
        (["2026-04-28", "2026-05-01", "2026-05-06"], "2026-05-07"),
        (["2026-12-29", "2027-01-01", "2027-01-06"], "2027-01-07"),
    ],
)
async def test_an_end_inside_a_closure_runs_at_once_and_only_the_guidance_waits(
    tokyo: Town, days: list[str], guidance: str
) -> None:
    await tokyo.registered(billing_day=int(days[0][-2:]))
    for day in days:
        await tokyo.fails(f"{day} 20:00", days[0])
    forfeited = tokyo.told(dunning.CreditForfeitRequested)[0]

    assert tokyo.state() is CaseState.AWAITING_GUIDANCE
    assert tokyo.local(forfeited.at) == f"{days[2]} 20:00"
    assert tokyo.facts(dunning.GuidanceQueued)[0].not_before == tokyo.at(f"{guidance} 10:00")
    assert Template.JP_PAYMENT_FAILED in tokyo.facts(dunning.MailsObsoleted)[-1].templates


async def test_a_recovery_in_golden_week_drops_the_failure_mail_and_releases_at_once(tokyo: Town) -> None:
    await tokyo.registered(billing_day=30)
    await tokyo.fails("2026-04-30 20:00", "2026-04-30")
    await tokyo.until("2026-05-01 09:00")
    reported = await tokyo.post("/subscriptions/hana/report", text="直しました", report_id="rep1")
    assert reported.status_code == 202
    await tokyo.succeeds("2026-05-05 19:20", "2026-04-30")
    detail = (await tokyo.call("GET", f"/cases/{tokyo.case().case_id}?lang=ja")).json()

    assert tokyo.facts(dunning.CaseRecovered)[0].next_billing_on == date(2026, 5, 30)
    assert tokyo.local(tokyo.told(dunning.CreditReleaseRequested)[0].at) == "2026-05-05 19:20"
    assert Template.JP_PAYMENT_FAILED in tokyo.facts(dunning.MailsObsoleted)[-1].templates
    assert detail["reports"][0]["text"] == "直しました"
    assert all("直しました" not in str(fact) for fact in tokyo.facts())
    assert tokyo.case().notes[-1].code != "flagged"


async def test_the_other_reading_lapses_credits_at_the_first_failure_and_gives_them_back(tokyo: Town) -> None:
    await tokyo.call("PUT", "/schools/eikaiwa/policy", {"overrides": {"R-J6": "R-J6b"}})
    await tokyo.registered(billing_day=15)
    await tokyo.fails("2026-04-15 20:10", "2026-04-15")
    assert len(tokyo.facts(dunning.CreditForfeitRequested)) == 1
    assert tokyo.facts(dunning.CreditHoldRequested) == []
    await tokyo.succeeds("2026-04-20 19:40", "2026-04-15")
    assert [f.why for f in tokyo.facts(dunning.CreditRestorationRequested)] == ["recovered"]


async def test_lessons_during_the_hold_may_be_cancelled_by_policy(tokyo: Town) -> None:
    await tokyo.call("PUT", "/schools/eikaiwa/policy", {"overrides": {"R-J6": "cancel_lessons"}})
    await tokyo.registered(billing_day=15)
    await tokyo.fails("2026-04-15 20:10", "2026-04-15")
    assert tokyo.facts(dunning.CreditHoldRequested)[0].lessons == "cancel"


async def three(tokyo: Town) -> None:
    await tokyo.registered(billing_day=29)
    for day in ("2026-04-29", "2026-05-02", "2026-05-05"):
        await tokyo.fails(f"{day} 20:00", "2026-04-29")


async def test_where_all_waits_no_lesson_is_lost_on_a_notice_that_has_not_left(tokyo: Town) -> None:
    await tokyo.call("PUT", "/schools/eikaiwa/policy", {"overrides": {"R-J16": "all_waits"}})
    tokyo.mails_leave = False
    await three(tokyo)
    assert tokyo.state() is CaseState.EXHAUSTING
    assert tokyo.facts(dunning.CreditForfeitRequested) == []
    assert len(tokyo.facts(dunning.GatewayCancellationRequested)) == 1
    held = tokyo.facts(dunning.ConsequenceHeld)[0]
    assert (held.step, held.waits_for) == ("cancel_booked_lessons_by_admin", Template.JP_SECOND_FAILED)
    await tokyo.until("2026-05-07 10:00")
    await tokyo.say(tokyo.sent(tokyo.mail(Template.JP_SECOND_FAILED)))
    assert tokyo.state() is CaseState.AWAITING_GUIDANCE
    assert tokyo.local(tokyo.told(dunning.CreditForfeitRequested)[0].at) == "2026-05-07 10:00"
    assert tokyo.case().exhausted_at == tokyo.at("2026-05-05 20:00")


async def test_days_that_a_notice_was_held_may_be_given_back(tokyo: Town) -> None:
    await tokyo.call("PUT", "/schools/eikaiwa/policy", {"overrides": {"R-J16": "move_by_the_hold"}})
    tokyo.mails_leave = False
    await three(tokyo)
    await tokyo.until("2026-05-07 10:00")
    await tokyo.say(tokyo.sent(tokyo.mail(Template.JP_SECOND_FAILED)))
    assert tokyo.state() is CaseState.EXHAUSTING
    await tokyo.until("2026-05-10 19:59")
    assert tokyo.facts(dunning.CreditForfeitRequested) == []
    await tokyo.until("2026-05-10 20:00")
    assert len(tokyo.facts(dunning.CreditForfeitRequested)) == 1
    assert tokyo.state() is CaseState.AWAITING_GUIDANCE


async def test_money_during_the_wait_still_recovers_the_month(tokyo: Town) -> None:
    await tokyo.call("PUT", "/schools/eikaiwa/policy", {"overrides": {"R-J16": "all_waits"}})
    tokyo.mails_leave = False
    await tokyo.registered(billing_day=29)
    await tokyo.fails("2026-04-29 20:00", "2026-04-29")
    await tokyo.fails("2026-05-02 20:00", "2026-04-29")
    await tokyo.say(tokyo.cancelled_fact("gateway", "2026-05-02 20:30"))
    assert tokyo.state() is CaseState.EXHAUSTING
    await tokyo.say(tokyo.succeeded_fact("2026-05-02 20:10", "2026-04-29"))
    assert tokyo.state() is CaseState.RECOVERED
    assert tokyo.facts(dunning.CreditForfeitRequested) == []
    assert len(tokyo.facts(dunning.CreditReleaseRequested)) == 1


async def test_before_a_closure_whoever_is_billed_or_awaits_an_attempt_in_it_is_told(tokyo: Town) -> None:
    for name, day in (("billed", 30), ("waiting", 27), ("neither", 12)):
        tokyo.sub, tokyo.learner = name, f"{name}-l"
        await tokyo.registered(billing_day=day)
    await tokyo.until("2026-04-27 20:00")
    tokyo.sub = "waiting"
    await tokyo.say(tokyo.failed_fact("2026-04-27 20:00", "2026-04-27"))
    await tokyo.until("2026-04-28 12:00")
    heads_up = [m for m in tokyo.facts(dunning.MailRequested) if m.template is Template.JP_PRE_HOLIDAY]

    assert sorted(mail.subscription_id for mail in heads_up) == ["billed", "waiting"]
    assert {tokyo.local(mail.occurred_at) for mail in heads_up} == {"2026-04-28 10:00"}
    data = heads_up[0].data
    assert (data["closure_first"], data["closure_last"], data["reopens_on"]) == (
        "2026-04-29",
        "2026-05-06",
        "2026-05-07",
    )


async def test_a_closure_that_staff_announce_moves_the_guidance(tokyo: Town) -> None:
    announced = await tokyo.call(
        "PUT",
        "/schools/eikaiwa/closures/move",
        {"name": "moving house", "first": "2026-04-27", "last": "2026-04-27"},
    )
    assert announced.status_code == 200, announced.text
    await tokyo.registered(billing_day=15)
    for day in ("15", "20", "25"):
        await tokyo.fails(f"2026-04-{day} 20:00", "2026-04-15")
    assert tokyo.facts(dunning.GuidanceQueued)[0].not_before == tokyo.at("2026-04-28 10:00")


async def test_a_built_in_closure_can_be_withdrawn_by_its_name(tokyo: Town) -> None:
    answer = await tokyo.call("DELETE", "/schools/eikaiwa/closures/GW")
    assert answer.status_code == 200, answer.text
    names = [one["name"] for one in (await tokyo.call("GET", "/schools/eikaiwa/closures")).json()]
    assert names == ["summer", "year-end"]
    await tokyo.registered(billing_day=29)
    await tokyo.fails("2026-04-30 20:00", "2026-04-29")
    assert tokyo.mail(Template.JP_PAYMENT_FAILED).due_at == tokyo.at("2026-05-08 00:00")
    assert (await tokyo.call("DELETE", "/schools/eikaiwa/closures/never")).status_code == 404


async def test_access_falls_to_booked_lessons_and_comes_back(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15)
    await tokyo.fails("2026-04-15 20:10", "2026-04-15")
    assert [f.level for f in tokyo.facts(dunning.AccessSuspensionRequested)] == [
        AccessLevel.BOOKED_LESSONS_ONLY
    ]
    await tokyo.succeeds("2026-04-20 19:40", "2026-04-15")
    assert tokyo.facts(dunning.AccessRestorationRequested)[0].why == "recovered"


async def test_a_reversed_payment_holds_the_credits_again_and_returns_to_no_count(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15)
    await tokyo.fails("2026-04-15 20:10", "2026-04-15")
    await tokyo.succeeds("2026-04-20 19:40", "2026-04-15", txn="paid")
    await tokyo.until("2026-04-23 12:00")
    await tokyo.say(
        payments.SaleReversed(
            **tokyo.about(),
            period=date(2026, 4, 15),
            gateway=Gateway.PAYPAL,
            reversal_id="rv",
            transaction_id="paid",
            amount=Money(12800, "JPY"),
        )
    )
    review = tokyo.case()
    assert (review.kind, review.state) == ("reversal", CaseState.UNDER_REVIEW)
    assert [f.hold for f in tokyo.facts(dunning.CreditHoldRequested)] == ["failure", "reversal"]
    assert tokyo.facts(dunning.CreditForfeitRequested) == []
    assert tokyo.case("2026-04-15").state is CaseState.RECOVERED
    await tokyo.post(f"/cases/{review.case_id}/resolve", by="mori", release_credits=True)
    assert tokyo.facts(dunning.CreditReleaseRequested)[-1].hold == "reversal"
    assert tokyo.state() is CaseState.RESOLVED


async def test_money_after_the_end_is_a_question_and_opens_nothing(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15)
    for day in ("15", "20", "25"):
        await tokyo.fails(f"2026-04-{day} 20:00", "2026-04-15")
    await tokyo.until("2026-04-26 12:00")
    await tokyo.say(tokyo.succeeded_fact("2026-04-26 12:00", "2026-04-15", txn="late"))
    assert tokyo.state() is CaseState.AWAITING_GUIDANCE
    assert [flag.reason for flag in tokyo.case().flags] == [ReviewReason.LATE_SUCCESS]
    restored = await tokyo.post(f"/cases/{tokyo.case().case_id}/restore-credits", by="mori", act="x")
    assert restored.status_code == 202
    assert tokyo.facts(dunning.CreditRestorationRequested)[0].why == "staff/x"


async def test_the_old_subscription_bringing_the_next_month_is_a_question_too(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15)
    for day in ("15", "20", "25"):
        await tokyo.fails(f"2026-04-{day} 20:00", "2026-04-15")
    await tokyo.succeeds("2026-05-15 20:00", "2026-05-15", txn="may")
    assert [flag.reason for flag in tokyo.case().flags] == [ReviewReason.LATE_SUCCESS]
    assert tokyo.account.payment_of(date(2026, 5, 15)) is None


async def test_a_report_asks_for_nothing_and_is_shown(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15)
    await tokyo.fails("2026-04-15 20:00", "2026-04-15")
    await tokyo.post("/subscriptions/hana/report", report_id="a")
    assert "learner_reported" in tokyo.case().marks
    assert tokyo.case().notes[-1].params["attempt"] == "2"
    assert tokyo.templates()[-1] == "jp.report_ack"


async def test_staff_cannot_run_an_attempt_where_paypal_alone_does(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15)
    await tokyo.fails("2026-04-15 20:00", "2026-04-15")
    refused = await tokyo.post(f"/cases/{tokyo.case().case_id}/attempt", by="mori")
    assert refused.status_code == 409
    assert "J16" in refused.json()["detail"]


async def test_a_case_closed_by_hand_drops_its_mails_and_gives_everything_back(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.fails("2026-06-20 20:00", "2026-06-20")
    await tokyo.until("2026-06-21 12:00")
    await tokyo.post(f"/cases/{tokyo.case().case_id}/close", by="mori", note="left the school")
    assert tokyo.state() is CaseState.CLOSED_BY_STAFF
    assert Template.JP_PAYMENT_FAILED in tokyo.facts(dunning.MailsObsoleted)[-1].templates
    assert len(tokyo.facts(dunning.CreditReleaseRequested)) == 1
    assert (await tokyo.call("GET", "/subscriptions/hana/self-payment")).json()["allowed"] is True
    await tokyo.until("2026-08-20 12:00")
    assert [f for f in tokyo.facts(dunning.CaseFlagged) if f.case_id == tokyo.case().case_id] == []


async def test_the_reminder_of_the_day_is_asked_for_with_its_own_hour_and_rolls_back(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15)
    for day in ("15", "20", "25"):
        await tokyo.fails(f"2026-04-{day} 20:00", "2026-04-15")
    await tokyo.until("2026-04-27 11:00")
    case_id = tokyo.case().case_id
    await tokyo.post(f"/cases/{case_id}/guidance", method="bank_transfer", reference="R")
    await tokyo.say(
        payments.TemporaryPaymentReceived(
            **tokyo.about(),
            period=date(2026, 4, 15),
            receipt_id="r",
            amount=Money(25600, "JPY"),
            reference="R",
            recorded_by="m",
        )
    )
    preview = (await tokyo.call("GET", f"/cases/{case_id}/resume-date?day=2026-08-15")).json()
    assert preview["warnings"] == ["closed_day", "gap"]
    await tokyo.post(f"/cases/{case_id}/resume-date", day="2026-08-15")
    reminder = tokyo.mail(Template.JP_RESUME_DAY)
    assert (reminder.rolls_back, reminder.not_before) == (True, tokyo.at("2026-08-15 09:00"))
    earlier = await tokyo.post(f"/cases/{case_id}/resume-date", day="2026-08-10")
    assert earlier.status_code == 409
    await tokyo.post(f"/cases/{case_id}/resume-date", day="2026-08-20")
    assert Template.JP_RESUME_DAY in tokyo.facts(dunning.MailsObsoleted)[-1].templates
    assert [
        f.ordinal for f in tokyo.facts(dunning.MailRequested) if f.template is Template.JP_RESUME_DATE
    ] == [1, 2]
    await tokyo.until("2026-08-15 12:00")
    assert tokyo.state() is CaseState.COVERED
    await tokyo.until("2026-08-20 12:00")
    assert tokyo.state() is CaseState.RESUME_OPEN


async def test_a_closure_announced_after_the_end_moves_the_guidance_too(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15)
    for day in ("15", "20", "25"):
        await tokyo.fails(f"2026-04-{day} 20:00", "2026-04-15")
    assert tokyo.case().guidance is not None
    await tokyo.call(
        "PUT", "/schools/eikaiwa/closures/move", {"name": "move", "first": "2026-04-27", "last": "2026-04-27"}
    )
    await tokyo.until("2026-04-28 09:00")
    assert tokyo.facts(dunning.MailRequested)[-1].template is not Template.STAFF_GUIDANCE_QUEUE
    await tokyo.until("2026-04-28 10:00")
    assert tokyo.facts(dunning.MailRequested)[-1].template is Template.STAFF_GUIDANCE_QUEUE


async def test_each_morning_has_its_own_list_of_who_waits(tokyo: Town) -> None:
    for name, days in (("a", ("15", "18", "21")), ("b", ("15", "18", "22"))):
        tokyo.sub = name
        await tokyo.registered(billing_day=15)
        for day in days:
            await tokyo.say(tokyo.failed_fact(f"2026-04-{day} 20:00", "2026-04-15"))
    await tokyo.until("2026-04-24 12:00")
    told = [m for m in tokyo.facts(dunning.MailRequested) if m.template is Template.STAFF_GUIDANCE_QUEUE]
    assert [(tokyo.local(m.occurred_at), m.data["queue"]) for m in told] == [
        ("2026-04-22 10:00", '["a~2026-04-15"]'),
        ("2026-04-23 10:00", '["a~2026-04-15", "b~2026-04-15"]'),
    ]
