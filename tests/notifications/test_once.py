"""One mail per case, template and ordinal; to whoever can be reached; and staff have the last word."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.notifications.domain import REPLACES, STALE_AFTER_CLOSING
from shared.events import credits, notifications
from shared.events.dunning import PolicyAdopted
from shared.events.payments import AttemptFailed, PaymentMethodUpdated, SubscriptionRegistered
from shared.events.words import AttemptKind, CaseState, Gateway, MethodKind, Template
from shared.money import Money
from tests.notifications.conftest import HANA, HIBARI, STAFF, Said, Town, hibari, jst, utc

T = Template


async def test_the_same_request_heard_twice_is_one_mail(town: Town) -> None:
    said = Said()
    fact = said.asks(T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10"))
    await town.hears(fact, fact, at=jst("2026-04-15 20:10"))
    await town.hears(said.asks(T.JP_PAYMENT_FAILED, jst("2026-04-15 20:11")))
    assert town.arrivals() == [("jp.payment_failed", jst("2026-04-15 20:10"))]


async def test_another_ordinal_is_another_mail(town: Town) -> None:
    said = Said()
    await town.asks(said, T.JP_RESUME_DATE, jst("2026-04-28 11:00"), data={"resume_on": "2026-06-15"})
    await town.asks(
        said, T.JP_RESUME_DATE, jst("2026-06-16 11:00"), data={"resume_on": "2026-06-22"}, ordinal=2
    )
    assert [template for template, _ in town.arrivals()] == ["jp.resume_date", "jp.resume_date"]
    assert len({letter.message_id for letter in town.mailbox.received}) == 2


async def test_another_announced_day_replaces_the_reminder_of_the_first(town: Town) -> None:
    said = Said()
    await town.asks(
        said,
        T.JP_RESUME_DAY,
        jst("2026-06-01 11:00"),
        data={"resume_on": "2026-06-15"},
        not_before=jst("2026-06-15 09:00"),
        rolls_back=True,
    )
    await town.asks(
        said, T.JP_RESUME_DATE, jst("2026-06-02 11:00"), data={"resume_on": "2026-06-22"}, ordinal=2
    )
    await town.lives_until(jst("2026-06-20 00:00"))
    assert town.arrivals() == [("jp.resume_date", jst("2026-06-02 11:00"))]


async def test_an_answer_to_a_stored_method_survives_the_recovery_of_the_same_second(town: Town) -> None:
    said = Said("2026-06-01", learner="ada", school="lumiere")
    at = utc("2026-06-04T12:20:00Z")
    await town.hears(
        said.asks(T.FR_METHOD_UPDATED, at, data={"method_label": "4242", "charge_result": "succeeded"}),
        said.recovered(at),
        said.closed(at, CaseState.RECOVERED),
        said.asks(T.FR_RECOVERED, at),
        at=at,
    )
    assert [template for template, _ in town.arrivals("ada@example.org")] == [
        "fr.method_updated",
        "fr.recovered",
    ]


async def test_a_suspended_mail_is_dropped_when_the_recovery_comes_first(town: Town) -> None:
    """T23: news of a success before the deadline arrives while the mail is still held."""
    said = Said("2026-06-01", learner="ada", school="lumiere")
    await town.asks(said, T.FR_SUSPENDED, utc("2026-06-12T22:00:00Z"), not_before=utc("2026-06-12T22:05:00Z"))
    at = utc("2026-06-12T22:01:00Z")
    await town.hears(said.recovered(at), said.asks(T.FR_RECOVERED, at), at=at)
    await town.lives_until(utc("2026-06-14T00:00:00Z"))
    assert [template for template, _ in town.arrivals("ada@example.org")] == ["fr.recovered"]


async def test_a_request_that_was_parked_and_is_heard_after_the_recovery_does_not_leave(town: Town) -> None:
    """An operator mends and retries it days later: nothing stale leaves even then."""
    said = Said()
    at = jst("2026-04-20 19:40")
    await town.hears(said.recovered(at), said.asks(T.JP_RECOVERED, at), at=at)
    await town.hears(said.asks(T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10")), at=jst("2026-04-21 12:00"))
    assert town.arrivals() == [("jp.recovered", at)]
    assert town.dropped == [("jp.payment_failed", "obsolete", "recovered")]


async def test_a_request_that_is_heard_after_a_newer_mail_left_gives_way_to_it(town: Town) -> None:
    said = Said()
    await town.asks(said, T.JP_SECOND_FAILED, jst("2026-04-20 20:10"))
    await town.hears(said.asks(T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10")))
    assert town.arrivals() == [("jp.second_failed", jst("2026-04-20 20:10"))]
    assert town.dropped == [("jp.payment_failed", "consolidated", "jp.second_failed")]


async def test_a_case_that_opens_again_after_all_is_written_about_again(town: Town) -> None:
    """What was stale then says nothing about a request made later."""
    said = Said()
    await town.hears(
        said.obsoletes(jst("2026-04-16 10:00"), "staff", T.JP_PAYMENT_FAILED), at=jst("2026-04-16 10:00")
    )
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-04-17 10:00"))
    assert town.arrivals() == [("jp.payment_failed", jst("2026-04-17 10:00"))]


def test_no_mail_makes_itself_needless_but_a_corrected_amount_and_a_new_date() -> None:
    assert {template for template, older in REPLACES.items() if template in older} == {
        T.JP_PARTIAL,
        T.JP_RESUME_DATE,
    }


def test_what_tells_of_the_end_outlives_the_end() -> None:
    kept = frozenset(T) - STALE_AFTER_CLOSING
    assert {T.FR_RECOVERED, T.FR_RELAUNCHED, T.FR_CANCELLED, T.JP_RECOVERED, T.JP_RESUMED} <= kept
    assert {T.STAFF_REVIEW, T.STAFF_WATCHDOG, T.STAFF_GUIDANCE_QUEUE, T.STAFF_NOTICE_OVERDUE} <= kept


# --- addresses --------------------------------------------------------------------------------------------


async def test_a_mail_without_address_waits_for_the_learner_to_be_registered(town: Town) -> None:
    said = Said(learner="new")
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10"))
    assert (await town.mail(said, T.JP_PAYMENT_FAILED))["status"] == "parked"
    assert [fact.because for fact in town.said(notifications.MailParked)] == ["no_address"]

    await town.lives_until(jst("2026-04-16 09:00"))
    await town.knows("new", HIBARI, "new@example.org", language="ja", zone="Asia/Tokyo", name="新井")
    assert town.arrivals("new@example.org") == [("jp.payment_failed", jst("2026-04-16 09:00"))]


async def test_a_parked_mail_that_became_stale_never_leaves(town: Town) -> None:
    said = Said(learner="new")
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10"))
    await town.hears(said.recovered(jst("2026-04-20 19:40")), at=jst("2026-04-20 19:40"))
    await town.knows("new", HIBARI, "new@example.org", language="ja", zone="Asia/Tokyo", name="新井")
    assert town.arrivals("new@example.org") == []


async def test_a_mail_of_a_school_that_is_not_known_yet_waits_for_it() -> None:
    town = Town()
    await town.knows("hana", HIBARI, HANA, language="ja", zone="Asia/Tokyo", name="佐藤 花子")
    said = Said()
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10"))
    assert (await town.mail(said, T.JP_PAYMENT_FAILED))["because"] == "no_school"
    await town.hears(hibari())
    assert town.arrivals() == [("jp.payment_failed", jst("2026-04-15 20:10"))]


async def test_a_school_may_deliver_by_a_calendar_of_its_own_policy() -> None:
    town = Town()
    await town.knows("hana", HIBARI, HANA, language="ja", zone="Asia/Tokyo", name="佐藤 花子")
    await town.hears(hibari(delivery_calendar="six-days"))
    await town.asks(Said(), T.JP_PAYMENT_FAILED, jst("2026-06-20 20:00"))
    assert (await town.mail(Said(), T.JP_PAYMENT_FAILED))["because"] == "no_school"
    adopted = PolicyAdopted(
        school_id=HIBARI,
        occurred_at=jst("2026-06-20 21:00"),
        policy_id="own",
        version=1,
        text=(
            "calendars:\n"
            "  six-days: {timezone: Asia/Tokyo, working_weekdays: [mon, tue, wed, thu, fri, sat],"
            " public_holidays: {country: JP, subdivision: null}}\n"
            "  broken: {timezone: Mars}\n"
            "  jp-school: {timezone: UTC, working_weekdays: [sun]}\n"
        ),
        adopted_by="mori",
    )
    await town.hears(adopted, at=jst("2026-06-20 21:00"))
    assert town.arrivals() == [("jp.payment_failed", jst("2026-06-20 21:00"))]
    await town.hears(replace(adopted, version=2, text="calendars: ["), replace(adopted, version=3, text="x"))
    assert town.parked_facts == []


async def test_a_payer_gets_a_copy(town: Town) -> None:
    """J35: only the holder of the PayPal account can ask PayPal."""
    await town.knows(
        "child", HIBARI, "child@example.org", language="ja", zone="Asia/Tokyo", name="次郎",
        payer_name="佐藤 一郎", payer_email="father@example.org",
    )  # fmt: skip
    await town.asks(Said(learner="child"), T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10"))
    assert town.mailbox.received[0].to == ("child@example.org", "father@example.org")


async def test_two_schools_may_have_a_learner_of_the_same_id(town: Town) -> None:
    await town.knows("hana", "lumiere", "hana2@example.org", language="fr", zone="Europe/Paris", name="Hana")
    await town.asks(Said(), T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10"))
    assert town.mailbox.received[0].to == (HANA,)


@pytest.mark.parametrize(
    ("wanted", "template", "written"),
    [
        ("ja", T.JP_PAYMENT_FAILED, "ja"),
        ("fr", T.JP_PAYMENT_FAILED, "fr"),
        ("ja", T.FR_PAYMENT_FAILED, "en"),
        ("en", T.FR_PAYMENT_FAILED, "en"),
    ],
)
async def test_a_mail_is_written_in_the_readers_language_else_in_english(
    town: Town, wanted: str, template: Template, written: str
) -> None:
    school = "lumiere" if template is T.FR_PAYMENT_FAILED else HIBARI
    await town.knows("x", school, "x@example.org", language=wanted, zone="Asia/Tokyo", name="X")
    await town.asks(Said(learner="x", school=school), template, jst("2026-04-15 20:10"))
    assert town.mailbox.received[0].language == written
    assert town.said(notifications.MailSent)[0].language == written


# --- teachers, credits, gateways ---------------------------------------------------------------------------


def lesson_cancelled(said: Said, lesson: str, starts: str) -> credits.LessonCancelledByAdmin:
    return credits.LessonCancelledByAdmin(
        school_id=said.school,
        occurred_at=jst("2026-04-25 20:05"),
        subscription_id=said.subscription,
        learner_id=said.learner,
        case_id=said.case_id,
        lesson_id=lesson,
        starts_at=jst(starts),
        teacher_id="suzuki",
        credits=1,
    )


async def test_a_cancelled_lesson_is_told_to_the_teacher_at_once_and_to_the_learner_in_the_guidance(
    town: Town,
) -> None:
    """JP-27, on a Saturday."""
    said = Said()
    teacher = {"school_id": HIBARI, "name": "鈴木", "email": "suzuki@example.org", "language": "ja"}
    assert (await town.http.put("/teachers/suzuki", json=teacher)).is_success
    at = jst("2026-04-25 20:05")
    await town.hears(
        lesson_cancelled(said, "L2", "2026-04-28 21:00"),
        lesson_cancelled(said, "L1", "2026-04-27 08:00"),
        credits.CreditsForfeited(
            school_id=HIBARI,
            occurred_at=at,
            subscription_id=said.subscription,
            learner_id="hana",
            case_id=said.case_id,
            untouched=3,
            reserved=2,
            effective_on=date(2026, 4, 15),
            cancelled_lessons=(("L2", jst("2026-04-28 21:00")),),
        ),
        at=at,
    )
    assert town.arrivals("suzuki@example.org") == [("jp.lesson_cancelled", at), ("jp.lesson_cancelled", at)]
    assert town.arrivals() == []

    await town.asks(said, T.JP_GUIDANCE, jst("2026-04-27 10:30"))
    text = town.mailbox.to(HANA)[0].text
    assert text.index("2026年4月27日(月)8:00(日本時間)") < text.index("2026年4月28日(火)21:00(日本時間)")
    assert "手つかずで残っていたクレジット:3" in text


async def test_a_teacher_who_is_not_known_yet_is_told_when_registered(town: Town) -> None:
    said = Said()
    await town.hears(lesson_cancelled(said, "L2", "2026-04-28 21:00"), at=jst("2026-04-25 20:05"))
    teacher = {"school_id": HIBARI, "name": "鈴木", "email": "suzuki@example.org", "language": "en"}
    await town.http.put("/teachers/suzuki", json=teacher)
    await town.line.settle()
    assert town.arrivals("suzuki@example.org") == [("jp.lesson_cancelled", jst("2026-04-25 20:05"))]


def attempt_failed(said: Said, gateway: Gateway, request: str | None) -> AttemptFailed:
    return AttemptFailed(
        school_id=said.school,
        occurred_at=jst("2026-04-15 20:10"),
        subscription_id=said.subscription,
        learner_id=said.learner,
        period=said.period,
        kind=AttemptKind.RENEWAL,
        gateway=gateway,
        transaction_id="sale-1",
        amount=Money(12800, "JPY"),
        request_id=request,
        received_at=jst("2026-04-15 20:11"),
        method=MethodKind.PAYPAL_SUBSCRIPTION,
        decline="generic_or_unknown",  # type: ignore[arg-type]  # as it comes off the wire
        raw_code="DENIED",
    )


async def test_paypals_own_notice_is_logged_as_external_and_never_ours(town: Town) -> None:
    """J2, JP-13; what we asked for ourselves PayPal does not tell, and Stripe tells nothing."""
    said = Said()
    await town.hears(attempt_failed(said, Gateway.PAYPAL, None), at=jst("2026-04-15 20:11"))
    await town.hears(attempt_failed(Said(learner="ada"), Gateway.PAYPAL, "request-1"))
    await town.hears(attempt_failed(Said(learner="bob"), Gateway.STRIPE, None))

    log = await town.log(said)
    assert [(mail["sender"], mail["status"], mail["requested_at"]) for mail in log] == [
        ("PayPal", "external", "2026-04-15T11:10:00Z")
    ]
    assert len(town.said(notifications.ExternalNoticeLogged)) == 1
    assert town.mailbox.received == []
    assert await town.log(Said(learner="ada")) == await town.log(Said(learner="bob")) == []


async def test_the_support_block_follows_the_cards_country(town: Town) -> None:
    """JP-46, J36."""
    await town.knows("leo", HIBARI, "leo@example.org", language="fr", zone="Europe/Paris", name="Léo")
    said = Said("2026-08-20", learner="leo")
    about: dict[str, Any] = {"school_id": HIBARI, "subscription_id": said.subscription, "learner_id": "leo"}
    await town.hears(
        SubscriptionRegistered(
            **about,
            occurred_at=utc("2026-04-01T00:00:00Z"),
            gateway=Gateway.PAYPAL,
            price=Money(12800, "JPY"),
            current_price=Money(12800, "JPY"),
            billing_day=20,
            started_on=date(2026, 1, 20),
            method=MethodKind.PAYPAL_SUBSCRIPTION,
            card_country="FR",
        )
    )
    window = {"window_first": "2026-08-23", "window_last": "2026-08-25"}
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-08-20 20:00"), data=window)
    text = town.mailbox.received[-1].text
    assert "0120-271-888" not in text
    assert "(France)" in text
    assert "https://www.paypal.com/fr/" in text
    assert "du dimanche 23 août à 12:00 au mardi 25 août 2026 à 19:00 (heure de Paris)" in text

    updated = PaymentMethodUpdated(
        **about,
        occurred_at=jst("2026-08-21 12:00"),
        update_id="u1",
        method=MethodKind.PAYPAL_SUBSCRIPTION,
        label="PayPal",
        card_country="JP",
    )
    await town.hears(updated)
    await town.asks(said, T.JP_SECOND_FAILED, jst("2026-08-24 20:00"), data=window)
    assert "0120-271-888" in town.mailbox.received[-1].text


# --- targets ----------------------------------------------------------------------------------------------


async def test_a_notice_that_did_not_leave_in_time_is_told_to_the_office(town: Town) -> None:
    """R-J3, X-31: and the late mail is marked as late when it leaves after all."""
    said = Said()
    due = jst("2026-04-18 00:00")
    town.mailbox.away = True
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10"), due_at=due)
    await town.lives_until(jst("2026-04-18 12:00"))
    overdue = town.said(notifications.NoticeOverdue)
    assert [(fact.mail_id, fact.due_at) for fact in overdue] == [(said.mail_id(T.JP_PAYMENT_FAILED), due)]
    town.mailbox.away = False
    await town.lives_until(jst("2026-04-21 12:00"))
    assert town.arrivals(STAFF) == [("staff.notice_overdue", jst("2026-04-20 10:00"))]
    assert {fact.template: fact.late for fact in town.said(notifications.MailSent)} == {
        T.JP_PAYMENT_FAILED: True,
        T.STAFF_NOTICE_OVERDUE: False,
    }


async def test_a_notice_that_left_or_became_needless_in_time_alarms_nobody(town: Town) -> None:
    said, other = Said(), Said("2026-06-20")
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10"), due_at=jst("2026-04-18 00:00"))
    await town.asks(other, T.JP_PAYMENT_FAILED, jst("2026-06-20 20:10"), due_at=jst("2026-06-24 00:00"))
    await town.hears(other.recovered(jst("2026-06-21 20:10")), at=jst("2026-06-21 20:10"))
    await town.lives_until(jst("2026-06-30 00:00"))
    assert town.said(notifications.NoticeOverdue) == []


async def test_the_longest_pause_is_a_quarter_of_an_hour(town: Town) -> None:
    said = Said()
    town.mailbox.away = True
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-04-15 20:10"))
    await town.lives_until(jst("2026-04-15 22:00"))
    town.mailbox.away = False
    await town.lives_until(jst("2026-04-15 22:15"))
    sent = town.said(notifications.MailSent)
    assert len(sent) == 1
    assert sent[0].occurred_at - jst("2026-04-15 22:00") <= timedelta(minutes=15)
