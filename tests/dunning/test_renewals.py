"""A month that should be debited and of which nobody hears is read at the gateway, and then told to the office."""

from __future__ import annotations

from datetime import date

import pytest

from shared.events import dunning, payments
from shared.events.words import Audience, CaseState, ReviewReason, Template
from tests.dunning.conftest import Town


def read(town: Town) -> list[str]:
    """When payments was asked to read the gateway, and about what."""
    asked = town.facts(dunning.ReconciliationRequested)
    return [f"{one.about} {town.local(one.occurred_at)}" for one in asked]


def alarms(town: Town) -> list[str]:
    """When the office was told of silence, and about which month."""
    asked = [one for one in town.facts(dunning.MailRequested) if one.template is Template.STAFF_WATCHDOG]
    assert all(one.audience is Audience.OFFICE for one in asked)
    return [f"{one.period} {town.local(one.occurred_at)}" for one in asked]


def reviews(town: Town) -> list[int]:
    """The numbers of the mails by which the office was told of a question."""
    asked = town.facts(dunning.MailRequested)
    return [one.ordinal for one in asked if one.template is Template.STAFF_REVIEW]


async def test_a_silent_month_is_read_a_day_after_its_window_and_told_an_hour_later(tokyo: Town) -> None:
    """JP-32: not before 26:00 of its day and twenty-four hours."""
    await tokyo.registered(billing_day=20)
    await tokyo.until("2026-03-22 01:59")
    assert read(tokyo) == []
    await tokyo.until("2026-03-31 12:00")

    assert read(tokyo) == ["renewal/2026-03-20 2026-03-22 02:00"]
    assert alarms(tokyo) == ["2026-03-20 2026-03-22 03:00"]
    assert tokyo.cases() == []
    assert tokyo.facts(dunning.CaseOpened) == []


async def test_nobody_is_told_twice_of_a_subscription_that_stays_silent(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.until("2026-09-01 12:00")

    assert alarms(tokyo) == ["2026-03-20 2026-03-22 03:00"]


async def test_a_month_that_is_heard_of_awaits_the_next_one(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.succeeds("2026-03-20 20:00", "2026-03-20")
    await tokyo.succeeds("2026-04-20 20:00", "2026-04-20")
    await tokyo.until("2026-06-30 12:00")

    assert read(tokyo) == ["renewal/2026-05-20 2026-05-22 02:00"]
    assert alarms(tokyo) == ["2026-05-20 2026-05-22 03:00"]


async def test_what_reading_finds_is_no_alarm(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.until("2026-03-22 02:00")
    await tokyo.say(tokyo.failed_fact("2026-03-20 20:00", "2026-03-20"))
    await tokyo.until("2026-03-23 12:00")

    assert alarms(tokyo) == []
    assert tokyo.state() is CaseState.RETRYING


async def test_news_after_the_alarm_takes_the_alarm_back(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.until("2026-03-23 12:00")
    await tokyo.say(tokyo.succeeded_fact("2026-03-20 20:00", "2026-03-20"))

    (over,) = tokyo.facts(dunning.MailsObsoleted)
    assert (over.period, over.templates) == (date(2026, 3, 20), (Template.STAFF_WATCHDOG,))
    assert tokyo.account.silent == ()


async def test_an_outcome_that_is_still_open_is_no_silence(paris: Town) -> None:
    """A bank transfer may take days; its outcome comes by itself (T13)."""
    await paris.registered(billing_day=10)
    await paris.until("2026-03-10 09:00")
    await paris.say(payments.AttemptPending(**paris.attempt("2026-03-10 09:00", "2026-03-10")))
    await paris.until("2026-04-09 12:00")
    assert read(paris) == []
    await paris.succeeds("2026-04-09 13:00", "2026-03-10")

    assert paris.account.pending == ()


async def test_a_french_month_is_awaited_until_a_day_after_its_own(paris: Town) -> None:
    """The gateway makes the first debit there too; only what follows is ours."""
    await paris.registered(billing_day=10)
    await paris.until("2026-03-31 12:00")

    assert alarms(paris) == ["2026-03-10 2026-03-12 01:00"]


async def test_the_day_of_the_registration_itself_is_not_awaited(paris: Town) -> None:
    """Whoever signs up today paid at the sign-up; the first renewal is a month away."""
    await paris.registered(billing_day=1, started_on=date(2026, 3, 1))
    await paris.until("2026-03-31 12:00")
    assert read(paris) == []
    await paris.until("2026-04-30 12:00")

    assert alarms(paris) == ["2026-04-01 2026-04-03 01:00"]


async def test_a_subscription_that_begins_later_is_awaited_from_its_first_day(paris: Town) -> None:
    await paris.registered(billing_day=15, started_on=date(2026, 4, 15))
    await paris.until("2026-04-30 12:00")

    assert alarms(paris) == ["2026-04-15 2026-04-17 01:00"]


async def test_registering_again_awaits_no_month_twice(paris: Town) -> None:
    await paris.registered(billing_day=10)
    await paris.registered(billing_day=10)
    await paris.until("2026-03-31 12:00")

    assert len(read(paris)) == len(alarms(paris)) == 1


async def test_a_subscription_that_moved_to_another_day_is_not_missed_on_the_old_one(paris: Town) -> None:
    await paris.registered(billing_day=10)
    await paris.registered(billing_day=25)
    await paris.until("2026-03-31 12:00")

    assert alarms(paris) == ["2026-03-25 2026-03-27 01:00"]


async def test_the_thirty_first_is_awaited_on_the_last_day_of_a_short_month(paris: Town) -> None:
    await paris.registered(billing_day=31)
    await paris.succeeds("2026-03-31 09:00", "2026-03-31")
    await paris.until("2026-05-10 12:00")

    assert alarms(paris) == ["2026-04-30 2026-05-02 01:00"]


async def test_nobody_asks_after_a_subscription_that_ended(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.until("2026-03-10 12:00")
    await tokyo.say(tokyo.cancelled_fact("learner"))
    await tokyo.until("2026-04-30 12:00")

    assert read(tokyo) == []


async def test_nobody_asks_while_the_gateway_is_told_not_to_collect(paris: Town) -> None:
    """A suspended learner's months are not debited until the relaunch (T17)."""
    await paris.registered(billing_day=10)
    paris.declines()
    await paris.fails("2026-03-10 09:00", "2026-03-10")
    await paris.until("2026-04-30 12:00")

    assert paris.state() is CaseState.SUSPENDED
    assert read(paris) == []


async def test_the_month_after_a_relaunch_is_awaited_on_its_new_day(paris: Town) -> None:
    await paris.registered(billing_day=10)
    paris.declines()
    await paris.fails("2026-03-10 09:00", "2026-03-10")
    await paris.until("2026-04-02 12:00")
    paris.accepts()
    answer = await paris.post(f"/subscriptions/{paris.sub}/relaunch", request="r1")
    assert answer.status_code < 300, answer.text
    await paris.until("2026-05-31 12:00")

    assert paris.state() is CaseState.RELAUNCHED
    assert alarms(paris) == ["2026-05-02 2026-05-04 01:00"]


@pytest.mark.parametrize("paid", [True, False])
async def test_a_month_that_fails_is_heard_of_and_the_next_one_is_awaited(tokyo: Town, paid: bool) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.fails("2026-03-20 20:00", "2026-03-20")
    if paid:
        await tokyo.succeeds("2026-03-24 20:00", "2026-03-20")
    await tokyo.until("2026-04-30 12:00")

    assert "2026-04-20 2026-04-22 03:00" in alarms(tokyo)


async def test_silence_is_a_question_that_waits_for_the_office_and_news_answers_it(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.until("2026-03-23 12:00")
    (asked,) = (await tokyo.call("GET", "/schools/eikaiwa/reviews")).json()
    assert asked["case_id"] == "hana~2026-03-20"
    assert tokyo.cases() == []
    await tokyo.say(tokyo.succeeded_fact("2026-03-20 20:00", "2026-03-20"))

    (settled,) = tokyo.facts(dunning.CaseFlagSettled)
    assert (settled.reason, settled.case_id) == (ReviewReason.WATCHDOG, "hana~2026-03-20")
    assert (await tokyo.call("GET", "/schools/eikaiwa/reviews")).json() == []


async def test_a_question_about_a_month_without_a_case_is_settled_by_the_office_once(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.succeeds("2026-03-20 20:00", "2026-03-20", txn="one")
    await tokyo.succeeds("2026-03-20 21:00", "2026-03-20", txn="two")
    await tokyo.succeeds("2026-03-20 22:00", "2026-03-20", txn="three")
    path = "/cases/hana~2026-03-20"
    detail = (await tokyo.call("GET", f"{path}?lang=en")).json()
    assert [one["about"] for one in detail["questions"]] == ["two", "three"]
    assert detail["allowed"] == ["settle-flag"]
    assert tokyo.cases() == []
    assert reviews(tokyo) == [1, 2]

    question = {"reason": "double_payment", "about": "two", "by": "mori", "note": "given back"}
    rehearsed = await tokyo.post(f"{path}/rehearsals/settle-flag", **question)
    assert [one["type"] for one in rehearsed.json()["said"]] == ["dunning.CaseFlagSettled"]
    assert (await tokyo.post(f"{path}/settle-flag", **question)).status_code == 202
    again = await tokyo.post(f"{path}/settle-flag", **question)
    assert again.status_code == 409, again.text
    assert [one.about for one in tokyo.facts(dunning.CaseFlagSettled)] == ["two"]
    assert (await tokyo.post(f"{path}/close", by="mori")).status_code == 404

    await tokyo.post(f"{path}/settle-flag", **{**question, "about": "three"})
    assert (await tokyo.call("GET", path)).status_code == 404
    assert (await tokyo.call("GET", "/schools/eikaiwa/reviews")).json() == []
    await tokyo.succeeds("2026-03-21 09:00", "2026-03-20", txn="four")
    assert reviews(tokyo) == [1, 2, 3], "a mail of its own, whatever was settled before"


async def test_what_payments_asks_while_no_month_is_unpaid_is_a_question_too(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.succeeds("2026-03-20 20:00", "2026-03-20")
    raised = payments.PaymentReviewRaised(
        **tokyo.about(),
        reason=ReviewReason.UNPAID_BALANCE,
        about="I-1",
        detail="12,800 JPY stand open at PayPal",
    )
    await tokyo.say(raised)

    (asked,) = (await tokyo.call("GET", "/schools/eikaiwa/reviews")).json()
    assert asked["case_id"] == "hana~2026-03-20"
    assert [one.reason for one in tokyo.facts(dunning.CaseFlagged)] == [ReviewReason.UNPAID_BALANCE]


async def test_a_question_that_the_office_settled_is_not_settled_again_by_news(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.until("2026-03-23 12:00")
    question = {"reason": "watchdog", "by": "mori", "note": "PayPal was asked"}
    await tokyo.post("/cases/hana~2026-03-20/settle-flag", **question)
    await tokyo.say(tokyo.succeeded_fact("2026-03-20 20:00", "2026-03-20"))

    assert [one.settled_by for one in tokyo.facts(dunning.CaseFlagSettled)] == ["mori"]


async def test_an_outcome_that_is_open_after_all_answers_the_question(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.until("2026-03-23 12:00")
    await tokyo.say(payments.AttemptPending(**tokyo.attempt("2026-03-20 20:00", "2026-03-20")))

    assert [one.settled_by for one in tokyo.facts(dunning.CaseFlagSettled)] == ["system"]
    assert len(tokyo.facts(dunning.MailsObsoleted)) == 1
    assert (await tokyo.call("GET", "/schools/eikaiwa/reviews")).json() == []


async def test_a_case_that_opens_takes_over_what_was_asked_about_its_month(tokyo: Town) -> None:
    await tokyo.registered(billing_day=20)
    await tokyo.until("2026-03-20 19:00")
    raised = payments.PaymentReviewRaised(
        **tokyo.about(), reason=ReviewReason.UNPAID_BALANCE, about="I-1", detail="12,800 JPY stand open"
    )
    await tokyo.say(raised)
    await tokyo.fails("2026-03-20 20:00", "2026-03-20")

    assert [flag.about for flag in tokyo.case().flags] == ["I-1"]
    (asked,) = (await tokyo.call("GET", "/schools/eikaiwa/reviews")).json()
    assert (asked["case_id"], asked["state"]) == ("hana~2026-03-20", "retrying")
    await tokyo.post("/cases/hana~2026-03-20/settle-flag", reason="unpaid_balance", by="mori", note="seen")
    assert tokyo.case().flags == ()
    assert (await tokyo.call("GET", "/schools/eikaiwa/reviews")).json() == []
