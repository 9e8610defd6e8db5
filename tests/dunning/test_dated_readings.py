"""Switches of the readings register and odd dates, as the whole of dunning lives them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.declines import DeclineClass
from shared.events import dunning, payments
from shared.events.words import AccessLevel, AttemptKind, CaseState, Template
from shared.money import Money
from tests.dunning.conftest import Town


async def adopt(town: Town, **overrides: Any) -> None:
    answer = await town.call("PUT", f"/schools/{town.school}/policy", {"overrides": overrides})
    assert answer.status_code == 200, answer.text


async def test_jours_ouvres_leave_saturdays_out_of_the_count(paris: Town) -> None:
    await adopt(paris, **{"R-F1": "R-F1b"})
    await paris.registered(billing_day=1)
    paris.declines()
    await paris.fails("2026-06-01 09:00", "2026-06-01")
    await paris.until("2026-06-16 00:00")
    assert [asked[:10] for asked in paris.asked()][-2:] == ["2026-06-12", "2026-06-15"]
    assert paris.facts(dunning.CaseSuspended)[0].occurred_at == paris.at("2026-06-15T22:00:00+00:00")


async def test_alsace_moselle_has_good_friday_off_only_where_a_school_says_so(paris: Town) -> None:
    await paris.registered(billing_day=1)
    await paris.fails("2026-04-01 09:00", "2026-04-01")
    assert paris.case().clock.grace_at == paris.at("2026-04-15 00:00")
    await adopt(paris, **{"R-F1": "fr-57"})
    paris.sub = "strasbourg"
    await paris.registered(billing_day=1)
    await paris.say(paris.failed_fact("2026-04-01 09:00", "2026-04-01"))
    assert paris.case("2026-04-01").clock.grace_at == paris.at("2026-04-16 00:00")


@pytest.mark.parametrize(
    ("failure", "tried"),
    [
        ("2026-03-28", "2026-03-29T01:30:00+00:00"),
        ("2026-10-24", "2026-10-25T00:30:00+00:00"),
    ],
)
async def test_a_time_that_the_clock_change_skips_or_repeats_is_tried_once(
    paris: Town, failure: str, tried: str
) -> None:
    await adopt(
        paris,
        **{
            "attempts.schedule": {
                "kind": "calendar_days",
                "calendar": "every-day",
                "offsets": [1],
                "local_time": "02:30",
            },
            "grace.length": {"unit": "calendar_days", "n": 3},
        },
    )
    await paris.registered(billing_day=int(failure[-2:]))
    paris.declines()
    await paris.fails(f"{failure} 09:00", failure)
    await paris.until(f"{failure[:8]}{int(failure[-2:]) + 2} 12:00")
    assert [f.occurred_at for f in paris.facts(dunning.AttemptRequested)] == [paris.at(tried)]


async def test_half_past_midnight_in_paris_is_today_although_utc_says_yesterday(paris: Town) -> None:
    await paris.registered(billing_day=2)
    await paris.fails("2026-06-02 00:30", "2026-06-02")
    assert paris.facts(dunning.AttemptScheduled)[0].at == paris.at("2026-06-03 09:00")
    assert paris.case().clock.grace_at == paris.at("2026-06-14 00:00")


async def test_the_deadline_may_end_with_the_last_failed_retry(paris: Town) -> None:
    await adopt(paris, **{"R-F5": "after_last_attempt"})
    await paris.registered(billing_day=1)
    paris.declines()
    await paris.fails("2026-06-01 09:00", "2026-06-01")
    await paris.until("2026-06-12 10:00")
    assert paris.state() is CaseState.SUSPENDED
    assert paris.case().exhausted_at == paris.at("2026-06-12 09:00")


async def test_reading_only_from_the_first_day_is_a_switch(paris: Town) -> None:
    await adopt(paris, **{"R-F6": "read_only"})
    await paris.registered(billing_day=1)
    await paris.fails("2026-06-01 09:00", "2026-06-01")
    assert [f.level for f in paris.facts(dunning.AccessSuspensionRequested)] == [AccessLevel.READ_ONLY]


async def test_a_late_recovery_may_move_the_billing_day(paris: Town) -> None:
    await adopt(paris, **{"R-F8": "re_anchor"})
    await paris.registered(billing_day=1)
    await paris.fails("2026-06-01 09:00", "2026-06-01")
    await paris.succeeds("2026-06-09 09:00", "2026-06-01")
    assert paris.facts(dunning.CaseRecovered)[0].next_billing_on == date(2026, 7, 9)
    assert paris.facts(dunning.SubscriptionResumptionRequested)[0].billing_day == 9
    assert paris.account.billing_day == 9


async def test_a_relaunch_may_ask_for_the_open_invoice_and_keep_the_day(paris: Town) -> None:
    await adopt(paris, **{"R-F9": "pay_open_invoice"})
    await paris.registered(billing_day=1, price=Money(9000, "EUR"), old=Money(7500, "EUR"))
    paris.declines()
    await paris.fails("2026-06-01 09:00", "2026-06-01")
    await paris.until("2026-07-20 15:00")
    paris.accepts()
    await paris.post("/subscriptions/ada/relaunch")
    relaunched = paris.facts(dunning.CaseRelaunched)[0]
    assert relaunched.amount == Money(7500, "EUR")
    assert (relaunched.billing_day, relaunched.next_billing_on) == (1, date(2026, 8, 1))


async def test_a_card_that_networks_forbid_may_be_tried_anyway(paris: Town) -> None:
    await adopt(paris, **{"R-F11": "retry_anyway"})
    await paris.registered(billing_day=1)
    paris.declines()
    await paris.fails("2026-06-01 09:00", "2026-06-01", card="fp", network_code="41")
    await paris.until("2026-06-02 10:00")
    assert paris.asked() == ["2026-06-02 09:00"]


async def test_retries_may_pause_until_the_learner_authenticates(paris: Town) -> None:
    await adopt(paris, **{"R-F13": "pause_retries"})
    await paris.registered(billing_day=1)
    await paris.fails("2026-06-01 09:00", "2026-06-01", decline=DeclineClass.AUTHENTICATION_REQUIRED)
    await paris.until("2026-06-03 10:00")
    assert {f.reason for f in paris.facts(dunning.AttemptSkipped)} == {"authentication_needed"}
    assert paris.asked() == []


async def test_a_policy_may_open_a_case_for_a_failed_sign_up(paris: Town) -> None:
    await adopt(paris, **{"R-F14": "first_payment_too"})
    await paris.registered(billing_day=1)
    await paris.fails("2026-06-01 10:00", "2026-06-01", kind=AttemptKind.FIRST)
    assert paris.state() is CaseState.RETRYING


async def test_one_yen_of_tolerance_is_a_switch(tokyo: Town) -> None:
    await adopt(tokyo, **{"R-X3": "tolerance"})
    await tokyo.registered(billing_day=15)
    await tokyo.fails("2026-04-15 20:00", "2026-04-15")
    await tokyo.succeeds("2026-04-20 20:00", "2026-04-15", amount=Money(12799, "JPY"))
    assert tokyo.state() is CaseState.RECOVERED


async def test_my_page_may_warn_instead_of_refusing(tokyo: Town) -> None:
    await adopt(tokyo, **{"R-J10": "warn_only"})
    await tokyo.registered(billing_day=15)
    await tokyo.fails("2026-04-15 20:00", "2026-04-15")
    shown = (await tokyo.call("GET", "/subscriptions/hana/self-payment")).json()
    assert (shown["allowed"], shown["reason"]) == (True, "wait_for_announcement")


async def test_staff_may_be_the_ones_who_cancel(tokyo: Town) -> None:
    await adopt(tokyo, **{"R-J12": "staff"})
    await tokyo.registered(billing_day=15)
    for day in ("15", "20", "25"):
        await tokyo.fails(f"2026-04-{day} 20:00", "2026-04-15")
    assert tokyo.facts(dunning.GatewayCancellationRequested) == []
    assert tokyo.state() is CaseState.AWAITING_GUIDANCE


@pytest.mark.parametrize(
    ("billing_day", "days", "covered", "resume"),
    [
        (
            31,
            ("2026-08-31", "2026-09-03", "2026-09-07"),
            ((date(2026, 8, 31), date(2026, 9, 29)), (date(2026, 9, 30), date(2026, 10, 30))),
            date(2026, 10, 31),
        ),
        (
            29,
            ("2026-12-29", "2027-01-01", "2027-01-06"),
            ((date(2026, 12, 29), date(2027, 1, 28)), (date(2027, 1, 29), date(2027, 2, 27))),
            date(2027, 2, 28),
        ),
    ],
)
async def test_what_the_lump_sum_covers_at_the_ends_of_months(
    tokyo: Town, billing_day: int, days: tuple[str, ...], covered: Any, resume: date
) -> None:
    await tokyo.registered(billing_day=billing_day)
    for day in days:
        await tokyo.fails(f"{day} 20:00", days[0])
    assert tokyo.case().guidance is not None
    await tokyo.until(f"{days[2][:8]}{int(days[2][8:]) + 1:02d} 11:00")
    answer = await tokyo.post(
        f"/cases/{tokyo.case().case_id}/guidance", method="bank_transfer", reference="R"
    )
    assert answer.status_code == 202, answer.text
    await tokyo.say(
        payments.TemporaryPaymentReceived(
            **tokyo.about(),
            period=date.fromisoformat(days[0]),
            receipt_id="r",
            amount=Money(25600, "JPY"),
            reference="R",
            recorded_by="m",
        )
    )
    settled = tokyo.facts(dunning.CoverageSettled)[0]
    assert settled.periods == covered
    assert settled.proposed_resume_on == resume


async def test_half_of_the_sum_may_open_the_first_month(tokyo: Town) -> None:
    await adopt(tokyo, **{"R-J15": "open_month_1"})
    await tokyo.registered(billing_day=15)
    for day in ("15", "20", "25"):
        await tokyo.fails(f"2026-04-{day} 20:00", "2026-04-15")
    await tokyo.until("2026-04-27 11:00")
    await tokyo.post(f"/cases/{tokyo.case().case_id}/guidance", method="bank_transfer", reference="R")
    for name in ("r1", "r2"):
        await tokyo.say(
            payments.TemporaryPaymentReceived(
                **tokyo.about(),
                period=date(2026, 4, 15),
                receipt_id=name,
                amount=Money(12800, "JPY"),
                reference="R",
                recorded_by="m",
            )
        )
        assert [g.covers_from for g in tokyo.facts(dunning.CreditGrantRequested)] == [date(2026, 4, 15)]
    assert tokyo.state() is CaseState.COVERED


async def test_a_live_policy_reaches_open_cases_in_what_is_still_to_be_decided(tokyo: Town) -> None:
    await adopt(tokyo, **{"R-X5": "live_policy"})
    await tokyo.registered(billing_day=15)
    await tokyo.fails("2026-04-15 20:00", "2026-04-15")
    await adopt(tokyo, **{"R-J1": "fixed_5"})
    await tokyo.fails("2026-04-20 20:00", "2026-04-15")
    forecast = tokyo.facts(dunning.AttemptForecast)[-1]
    assert (forecast.first_day, forecast.last_day) == (date(2026, 4, 25), date(2026, 4, 25))


async def test_a_school_that_registers_another_mail_calendar_is_heeded(paris: Town) -> None:
    answer = await paris.call(
        "PUT",
        "/schools/academie",
        {"name": "School", "policy_id": "fr-elearning", "delivery_calendar": "fr-ouvre"},
    )
    assert answer.json()["delivery_calendar"] == "fr-ouvre"
    await paris.registered(billing_day=1)
    await paris.fails("2026-06-01 09:00", "2026-06-01")
    assert paris.mail(Template.FR_PAYMENT_FAILED).ordinal == 1
    assert [c["name"] for c in (await paris.call("GET", "/schools/academie/closures")).json()] == []
