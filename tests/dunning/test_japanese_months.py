from __future__ import annotations

from datetime import date

from shared.events import dunning, payments
from shared.events.words import AttemptKind, CaseState, ExhaustionCause, ReviewReason, Template
from shared.money import Money
from tests.dunning.conftest import Town


def activated(
    town: Town, at: str, *, next_on: str | None = None, id: str = "I-NEW"
) -> payments.GatewaySubscriptionActivated:
    return payments.GatewaySubscriptionActivated(
        **town.about(town.at(at)),
        gateway_subscription_id=id,
        next_billing_on=date.fromisoformat(next_on) if next_on else None,
    )


def watched(town: Town) -> list[str]:
    """What payments was asked to read about the gateway's attempts, months that were never told apart."""
    asked = town.facts(dunning.ReconciliationRequested)
    return [one.about for one in asked if one.about.startswith("watchdog/")]


async def three_failures(town: Town) -> None:
    await town.registered(billing_day=15)
    await town.fails("2026-04-15 20:10", "2026-04-15")
    await town.fails("2026-04-20 20:10", "2026-04-15")
    await town.fails("2026-04-25 20:05", "2026-04-15")


async def test_three_failures_by_paypal_exhaust_the_case_and_the_school_issued_none(tokyo: Town) -> None:
    await three_failures(tokyo)
    forecasts = tokyo.facts(dunning.AttemptForecast)
    case = tokyo.case()

    assert [(f.first_day.isoformat(), f.last_day.isoformat()) for f in forecasts] == [
        ("2026-04-18", "2026-04-20"),
        ("2026-04-23", "2026-04-25"),
    ]
    assert forecasts[0].earliest == tokyo.at("2026-04-18 19:00")
    assert forecasts[0].latest == tokyo.at("2026-04-21 02:00")
    assert tokyo.asked() == []
    assert case.state is CaseState.AWAITING_GUIDANCE
    assert case.cause is ExhaustionCause.LAST_ATTEMPT_FAILED
    assert case.exhausted_at == tokyo.at("2026-04-25 20:05")
    assert [a.occurred_at for a in case.attempts] == [
        tokyo.at("2026-04-15 20:10"),
        tokyo.at("2026-04-20 20:10"),
        tokyo.at("2026-04-25 20:05"),
    ]


async def test_the_end_runs_in_order_and_guidance_waits_for_monday(tokyo: Town) -> None:
    await three_failures(tokyo)
    order = [
        type(fact).__name__
        for fact in tokyo.facts(
            dunning.CaseExhausted,
            dunning.GatewayCancellationRequested,
            dunning.CreditForfeitRequested,
            dunning.GuidanceQueued,
        )
    ]
    queued = tokyo.facts(dunning.GuidanceQueued)[0]

    assert order == [
        "CaseExhausted",
        "GatewayCancellationRequested",
        "CreditForfeitRequested",
        "GuidanceQueued",
    ]
    assert queued.not_before == tokyo.at("2026-04-27 10:00")
    assert queued.amount == Money(25600, "JPY")
    assert tokyo.facts(dunning.SelfPaymentOpened) == []
    assert (await tokyo.call("GET", "/subscriptions/hana/self-payment")).json()["allowed"] is False


async def test_a_success_on_the_second_attempt_ends_everything(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15)
    await tokyo.fails("2026-04-15 20:10", "2026-04-15")
    await tokyo.succeeds("2026-04-20 19:40", "2026-04-15")
    await tokyo.until("2026-05-10 00:00")

    assert tokyo.state() is CaseState.RECOVERED
    assert tokyo.facts(dunning.CaseRecovered)[0].next_billing_on == date(2026, 5, 15)
    assert len(tokyo.facts(dunning.CreditReleaseRequested)) == 1
    assert watched(tokyo) == []
    assert tokyo.mails() == ["jp.payment_failed 2026-04-15 20:10", "jp.recovered 2026-04-20 19:40"]


async def guided(town: Town) -> None:
    await three_failures(town)
    await town.until("2026-04-27 10:30")
    answer = await town.post(
        f"/cases/{town.case().case_id}/guidance", method="bank_transfer", reference="R-1", by="mori"
    )
    assert answer.status_code == 202, answer.text


def receipt(
    town: Town, at: str, amount: int, name: str = "r1", currency: str = "JPY"
) -> payments.TemporaryPaymentReceived:
    return payments.TemporaryPaymentReceived(
        **town.about(town.at(at)),
        period=date(2026, 4, 15),
        receipt_id=name,
        amount=Money(amount, currency),
        reference="R-1",
        recorded_by="mori",
    )


async def covered(town: Town) -> None:
    await guided(town)
    await town.until("2026-04-28 12:00")
    await town.say(receipt(town, "2026-04-28 12:00", 25600))


async def test_two_months_paid_together_cover_both_and_june_15_is_proposed(tokyo: Town) -> None:
    await covered(tokyo)
    settled = tokyo.facts(dunning.CoverageSettled)[0]
    grants = tokyo.facts(dunning.CreditGrantRequested)

    assert tokyo.state() is CaseState.COVERED
    assert settled.periods == ((date(2026, 4, 15), date(2026, 5, 14)), (date(2026, 5, 15), date(2026, 6, 14)))
    assert settled.proposed_resume_on == date(2026, 6, 15)
    assert [grant.covers_from for grant in grants] == [date(2026, 4, 15)]
    await tokyo.until("2026-05-15 00:00")
    assert [g.covers_from for g in tokyo.facts(dunning.CreditGrantRequested)] == [
        date(2026, 4, 15),
        date(2026, 5, 15),
    ]


async def test_my_page_opens_on_the_announced_day_only_and_makes_the_new_billing_day(tokyo: Town) -> None:
    await covered(tokyo)
    announced = await tokyo.post(f"/cases/{tokyo.case().case_id}/resume-date", day="2026-08-20", by="mori")
    assert announced.status_code == 202, announced.text
    await tokyo.until("2026-08-19 23:59")
    assert (await tokyo.call("GET", "/subscriptions/hana/self-payment")).json()["reason"] == "wait_for_day"
    await tokyo.until("2026-08-20 11:00")
    assert tokyo.state() is CaseState.RESUME_OPEN
    assert (await tokyo.call("GET", "/subscriptions/hana/self-payment")).json()["allowed"] is True
    await tokyo.say(activated(tokyo, "2026-08-20 11:00", next_on="2026-09-20"))
    await tokyo.say(tokyo.succeeded_fact("2026-08-20 11:00", "2026-08-20", kind=AttemptKind.RESUME))

    resumed = tokyo.facts(dunning.CaseResumed)[0]
    assert tokyo.state() is CaseState.RESUMED
    assert (resumed.billing_day, resumed.next_billing_on) == (20, date(2026, 9, 20))
    assert tokyo.account.billing_day == 20
    assert tokyo.mails()[-1] == "jp.resumed 2026-08-20 11:00"


async def test_the_announced_day_passes_unpaid_and_another_one_may_follow(tokyo: Town) -> None:
    await covered(tokyo)
    case_id = tokyo.case().case_id
    await tokyo.post(f"/cases/{case_id}/resume-date", day="2026-06-15", by="mori")
    await tokyo.until("2026-06-16 00:00")
    assert tokyo.state() is CaseState.RESUME_OVERDUE
    assert tokyo.mails()[-1].startswith("jp.resume_missed 2026-06-16")
    assert (await tokyo.post(f"/cases/{case_id}/resume-date", day="2026-06-20", by="mori")).status_code == 202
    await tokyo.until("2026-06-20 09:00")
    assert tokyo.state() is CaseState.RESUME_OPEN


async def test_a_payment_just_before_midnight_counts_although_it_is_heard_after(tokyo: Town) -> None:
    await covered(tokyo)
    await tokyo.post(f"/cases/{tokyo.case().case_id}/resume-date", day="2026-06-15", by="mori")
    await tokyo.until("2026-06-16 00:05")
    assert tokyo.state() is CaseState.RESUME_OVERDUE
    await tokyo.say(tokyo.succeeded_fact("2026-06-15 23:59", "2026-06-15", kind=AttemptKind.RESUME))
    await tokyo.say(activated(tokyo, "2026-06-15 23:59"))

    assert tokyo.state() is CaseState.RESUMED
    assert tokyo.facts(dunning.CaseResumed)[0].billing_day == 15


async def test_the_gateways_own_next_billing_date_wins_and_the_difference_is_a_question(tokyo: Town) -> None:
    await covered(tokyo)
    await tokyo.post(f"/cases/{tokyo.case().case_id}/resume-date", day="2026-08-20", by="mori")
    await tokyo.until("2026-08-20 08:00")
    await tokyo.say(tokyo.succeeded_fact("2026-08-20 08:00", "2026-08-20", kind=AttemptKind.RESUME))
    await tokyo.say(activated(tokyo, "2026-08-20 08:00", next_on="2026-09-19"))

    assert tokyo.facts(dunning.CaseResumed)[0].next_billing_on == date(2026, 9, 19)
    assert ReviewReason.BILLING_DAY_MISMATCH in [f.reason for f in tokyo.facts(dunning.CaseFlagged)]


async def test_a_registration_nobody_announced_is_one_question_and_credits_nothing(tokyo: Town) -> None:
    await covered(tokyo)
    await tokyo.post(f"/cases/{tokyo.case().case_id}/resume-date", day="2026-06-15", by="mori")
    await tokyo.until("2026-06-10 12:00")
    grants = len(tokyo.facts(dunning.CreditGrantRequested))
    await tokyo.say(tokyo.succeeded_fact("2026-06-10 12:00", "2026-06-10", kind=AttemptKind.RESUME))
    await tokyo.say(activated(tokyo, "2026-06-10 12:00"))
    case = tokyo.case()

    assert case.state is CaseState.COVERED
    assert [flag.reason for flag in case.flags] == [ReviewReason.DUPLICATE_REGISTRATION]
    assert len(tokyo.facts(dunning.CreditGrantRequested)) == grants

    others = await tokyo.post(
        f"/cases/{case.case_id}/adopt", by="mori", gateway_subscription_id="I-SOMEBODY-ELSES"
    )
    assert others.status_code == 409, others.text
    assert "I-SOMEBODY-ELSES is not one that waits on this case" in others.text

    adopted = await tokyo.post(f"/cases/{case.case_id}/adopt", by="mori")
    assert adopted.status_code == 202, adopted.text
    resumed = tokyo.facts(dunning.CaseResumed)[0]
    assert (resumed.gateway_subscription_id, resumed.billing_day) == ("I-NEW", 10)


async def test_half_of_the_lump_sum_opens_no_month(tokyo: Town) -> None:
    await guided(tokyo)
    await tokyo.until("2026-04-28 12:00")
    await tokyo.say(receipt(tokyo, "2026-04-28 12:00", 12800))
    case = tokyo.case()

    assert case.state is CaseState.AWAITING_LUMP_SUM
    assert tokyo.facts(dunning.LumpSumCounted)[-1].outstanding == Money(12800, "JPY")
    assert [flag.reason for flag in case.flags] == [ReviewReason.PARTIAL_PAYMENT]
    assert tokyo.templates()[-1] == "jp.partial"
    assert tokyo.mail(Template.JP_PARTIAL).data["outstanding"] == "12800 JPY"
    assert tokyo.facts(dunning.CreditGrantRequested) == []
    await tokyo.say(receipt(tokyo, "2026-04-28 15:00", 12800, "r2"))
    assert tokyo.state() is CaseState.COVERED
    assert tokyo.case().flags == ()


async def test_the_same_receipt_twice_counts_once(tokyo: Town) -> None:
    await guided(tokyo)
    await tokyo.say(receipt(tokyo, "2026-04-27 12:00", 12800))
    await tokyo.say(receipt(tokyo, "2026-04-27 13:00", 12800))
    assert tokyo.state() is CaseState.AWAITING_LUMP_SUM
    assert len(tokyo.case().guidance.receipts) == 1  # type: ignore[union-attr]


async def test_guidance_waits_until_the_old_subscription_is_confirmed_as_cancelled(tokyo: Town) -> None:
    tokyo.gateway_obeys = False
    await three_failures(tokyo)
    await tokyo.until("2026-04-27 11:00")
    path = f"/cases/{tokyo.case().case_id}/guidance"
    refused = await tokyo.post(path, method="bank_transfer", reference="R-1")
    assert refused.status_code == 409
    assert "not confirmed" in refused.json()["detail"]
    await tokyo.say(tokyo.cancelled_fact("school"))
    assert (await tokyo.post(path, method="bank_transfer", reference="R-1")).status_code == 202
    assert tokyo.state() is CaseState.AWAITING_LUMP_SUM


async def test_an_old_price_survives_a_recovery_and_not_the_end(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15, old=Money(11500, "JPY"))
    await tokyo.fails("2026-04-15 20:00", "2026-04-15", amount=Money(11500, "JPY"))
    await tokyo.succeeds("2026-04-20 20:00", "2026-04-15", amount=Money(11500, "JPY"))
    assert tokyo.account.grandfathered
    assert tokyo.facts(dunning.OldPriceDropped) == []

    for day in ("15", "19", "23"):
        await tokyo.fails(f"2026-05-{day} 20:00", "2026-05-15", amount=Money(11500, "JPY"))
    assert tokyo.facts(dunning.OldPriceDropped)[0].current_price == Money(12800, "JPY")
    assert tokyo.facts(dunning.GuidanceQueued)[0].amount == Money(25600, "JPY")


async def test_a_learner_who_cancels_inside_paypal_is_guided_like_a_third_failure(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15)
    await tokyo.fails("2026-04-15 20:00", "2026-04-15")
    await tokyo.until("2026-04-17 09:00")
    await tokyo.say(tokyo.cancelled_fact("learner", "2026-04-17 09:00"))

    assert tokyo.case().cause is ExhaustionCause.LEARNER_CANCELLED
    assert tokyo.facts(dunning.GuidanceQueued)[0].not_before == tokyo.at("2026-04-20 10:00")
    assert tokyo.facts(dunning.GatewayCancellationRequested) == []


async def test_an_attempt_outside_the_forecast_counts_and_answers_the_watchdog(tokyo: Town) -> None:
    await tokyo.registered(billing_day=15)
    await tokyo.fails("2026-04-15 20:00", "2026-04-15")
    await tokyo.until("2026-04-22 03:00")
    flagged = next(f for f in tokyo.facts(dunning.CaseFlagged) if f.case_id == tokyo.case().case_id)
    assert (flagged.reason, flagged.occurred_at) == (ReviewReason.WATCHDOG, tokyo.at("2026-04-22 02:00"))
    assert watched(tokyo) == ["watchdog/2"]
    await tokyo.succeeds("2026-04-22 20:00", "2026-04-15")

    assert tokyo.state() is CaseState.RECOVERED
    assert len(tokyo.facts(dunning.AttemptForecastMissed)) == 1
    assert [f.reason for f in tokyo.facts(dunning.CaseFlagSettled)] == [ReviewReason.WATCHDOG]


async def test_a_failure_at_half_past_one_belongs_to_the_evening_before(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.fails("2026-09-21 01:30", "2026-09-20")
    forecast = tokyo.facts(dunning.AttemptForecast)[0]

    assert (forecast.first_day, forecast.last_day) == (date(2026, 9, 23), date(2026, 9, 25))
    assert tokyo.mail(Template.JP_PAYMENT_FAILED).due_at == tokyo.at("2026-09-26 00:00")


async def test_the_office_is_told_once_a_morning_who_waits_in_order(tokyo: Town) -> None:
    for name, day, at in (
        ("a", "2026-05-05", "19:10"),
        ("b", "2026-05-05", "23:40"),
        ("c", "2026-05-06", "01:15"),
    ):
        tokyo.sub = name
        await tokyo.registered(billing_day=28)
        await tokyo.until("2026-04-28 20:00") if name == "a" else None
        await tokyo.say(tokyo.failed_fact("2026-04-28 20:00", "2026-04-28"))
        await tokyo.say(tokyo.failed_fact("2026-05-01 20:00", "2026-04-28"))
        await tokyo.say(tokyo.failed_fact(f"{day} {at}", "2026-04-28"))
    await tokyo.until("2026-05-07 10:00")
    queue = (await tokyo.call("GET", "/schools/eikaiwa/guidance-queue")).json()
    told = [m for m in tokyo.facts(dunning.MailRequested) if m.template is Template.STAFF_GUIDANCE_QUEUE]

    assert [one["subscription_id"] for one in queue] == ["a", "b", "c"]
    assert len(told) == 1
    assert told[0].data["queue"] == '["a~2026-04-28", "b~2026-04-28", "c~2026-04-28"]'


async def test_a_second_registration_on_the_announced_day_is_a_question(tokyo: Town) -> None:
    await covered(tokyo)
    await tokyo.post(f"/cases/{tokyo.case().case_id}/resume-date", day="2026-06-15", by="mori")
    await tokyo.until("2026-06-15 10:30")
    for name, minute in (("I-A", "30"), ("I-B", "31")):
        await tokyo.say(
            tokyo.succeeded_fact(
                f"2026-06-15 10:{minute}", "2026-06-15", kind=AttemptKind.RESUME, txn=f"p{name}"
            )
        )
        await tokyo.say(activated(tokyo, f"2026-06-15 10:{minute}", id=name))

    assert tokyo.state() is CaseState.RESUMED
    assert len(tokyo.facts(dunning.CaseResumed)) == 1
    assert [flag.reason for flag in tokyo.case().flags] == [ReviewReason.DUPLICATE_REGISTRATION]
    reviews = (await tokyo.call("GET", "/schools/eikaiwa/reviews")).json()
    assert tokyo.case().case_id in [one["case_id"] for one in reviews]
    await tokyo.post(f"/cases/{tokyo.case().case_id}/settle-flag", reason="duplicate_registration", by="mori")
    assert tokyo.case().flags == ()


async def test_too_much_money_waits_for_staff_and_then_covers(tokyo: Town) -> None:
    await guided(tokyo)
    await tokyo.say(receipt(tokyo, "2026-04-27 12:00", 30000))
    assert tokyo.state() is CaseState.AWAITING_LUMP_SUM
    assert [flag.reason for flag in tokyo.case().flags] == [ReviewReason.OVERPAYMENT]
    await tokyo.post(f"/cases/{tokyo.case().case_id}/accept-difference", by="mori", note="credited")
    assert tokyo.state() is CaseState.COVERED


async def test_the_payment_of_an_activation_that_told_its_amount_is_no_second_payment(tokyo: Town) -> None:
    await covered(tokyo)
    await tokyo.post(f"/cases/{tokyo.case().case_id}/resume-date", day="2026-06-15", by="mori")
    await tokyo.until("2026-06-15 10:30")
    await tokyo.say(
        payments.GatewaySubscriptionActivated(
            **tokyo.about(), gateway_subscription_id="I-NEW", amount=Money(12800, "JPY")
        )
    )
    assert tokyo.state() is CaseState.RESUMED
    await tokyo.say(
        tokyo.succeeded_fact("2026-06-15 10:31", "2026-06-15", kind=AttemptKind.RESUME, txn="sale")
    )
    assert tokyo.case().flags == ()
    assert tokyo.account.payment_of(date(2026, 6, 15)) is not None
    await tokyo.say(
        tokyo.succeeded_fact("2026-06-15 10:32", "2026-06-15", kind=AttemptKind.RESUME, txn="again")
    )
    assert [flag.reason for flag in tokyo.case().flags] == [ReviewReason.DUPLICATE_REGISTRATION]
