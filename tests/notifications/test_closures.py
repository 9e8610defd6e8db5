"""Office holidays are part of the clock: what is told when the office is closed, and what is never told late."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from shared.events import notifications
from shared.events.dunning import ClosureWithdrawn
from shared.events.words import CaseState, Template
from tests.notifications.conftest import HANA, HIBARI, STAFF, Said, Town, closure, jst, utc

T = Template


@pytest.mark.parametrize(
    ("scenario", "asked", "leaves"),
    [
        ("JP-13", "2026-04-15 20:10", "2026-04-15 20:10"),
        ("JP-14", "2026-06-20 20:00", "2026-06-22 10:00"),
        ("JP-15", "2026-09-18 20:00", "2026-09-18 20:00"),
        ("JP-20", "2026-04-28 20:00", "2026-04-28 20:00"),
        ("JP-32", "2026-09-21 01:30", "2026-09-24 10:00"),
        ("a night before Golden Week ends", "2026-05-06 23:59", "2026-05-07 10:00"),
        ("the first minute after Golden Week", "2026-05-07 00:01", "2026-05-07 00:01"),
        ("year-end", "2026-12-29 09:00", "2027-01-04 10:00"),
    ],
)
async def test_a_school_mail_leaves_at_once_on_a_business_day_and_else_when_the_office_opens(
    town: Town, scenario: str, asked: str, leaves: str
) -> None:
    said = Said()
    await town.asks(said, T.JP_PAYMENT_FAILED, jst(asked))
    await town.lives_until(jst("2027-01-10 00:00"))
    assert town.arrivals() == [("jp.payment_failed", jst(leaves))], scenario


async def test_a_recovery_on_a_saturday_is_told_on_monday(town: Town) -> None:
    """JP-03."""
    said = Said()
    await town.asks(said, T.JP_RECOVERED, jst("2026-04-25 21:00"))
    await town.lives_until(jst("2026-04-28 00:00"))
    assert town.arrivals() == [("jp.recovered", jst("2026-04-27 10:00"))]


async def test_after_golden_week_only_the_recovery_is_told(town: Town) -> None:
    """JP-17: the failure mail is dropped as obsolete, visibly; PayPal's own mail is not ours."""
    said = Said("2026-04-30")
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-04-30 20:00"))
    at = jst("2026-05-05 19:20")
    await town.hears(
        said.recovered(at), said.obsoletes(at, "recovered", T.JP_PAYMENT_FAILED), said.asks(T.JP_RECOVERED, at),
        at=at,
    )  # fmt: skip
    await town.lives_until(jst("2026-05-10 00:00"))

    assert town.arrivals() == [("jp.recovered", jst("2026-05-07 10:00"))]
    assert town.dropped == [("jp.payment_failed", "obsolete", "recovered")]
    dropped = await town.mail(said, T.JP_PAYMENT_FAILED)
    assert (dropped["status"], dropped["because"]) == ("dropped", "obsolete")


async def test_three_failures_in_golden_week_leave_one_mail_with_the_latest_state(town: Town) -> None:
    """JP-18: never a stale "first attempt failed" mail."""
    said = Said("2026-04-29")
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-04-29 20:00"))
    await town.asks(said, T.JP_SECOND_FAILED, jst("2026-05-02 20:00"))
    await town.hears(said.exhausted(jst("2026-05-05 20:00")), at=jst("2026-05-05 20:00"))
    await town.lives_until(jst("2026-05-07 10:00"))
    assert town.arrivals() == []
    await town.asks(said, T.JP_GUIDANCE, jst("2026-05-07 11:30"))
    await town.lives_until(jst("2026-05-20 00:00"))

    assert town.arrivals() == [("jp.guidance", jst("2026-05-07 11:30"))]
    assert town.dropped == [
        ("jp.payment_failed", "consolidated", "jp.second_failed"),
        ("jp.second_failed", "obsolete", "exhausted"),
    ]


async def test_two_failures_in_obon_become_one_mail(town: Town) -> None:
    """JP-22, JP-23."""
    said = Said("2026-08-13")
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-08-13 20:00"))
    await town.asks(
        said,
        T.JP_SECOND_FAILED,
        jst("2026-08-16 20:00"),
        data={"window_first": "2026-08-19", "window_last": "2026-08-21"},
    )
    await town.lives_until(jst("2026-08-20 00:00"))

    assert town.arrivals() == [("jp.second_failed", jst("2026-08-17 10:00"))]
    text = town.mailbox.to(HANA)[0].text
    assert "合計3回のうち2回" in text
    assert "8月19日(水)〜8月21日(金)" in text
    assert "善処" in text


async def test_a_mail_sent_before_the_closure_is_not_taken_back(town: Town) -> None:
    """JP-20: the first notice left on the eve; the second failure waits and gives way to the guidance."""
    said = Said("2026-04-28")
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-04-28 20:00"))
    await town.asks(said, T.JP_SECOND_FAILED, jst("2026-05-01 20:00"))
    await town.hears(said.exhausted(jst("2026-05-06 20:00")), at=jst("2026-05-06 20:00"))
    await town.asks(said, T.JP_GUIDANCE, jst("2026-05-07 10:30"))
    await town.lives_until(jst("2026-05-10 00:00"))
    assert town.arrivals() == [
        ("jp.payment_failed", jst("2026-04-28 20:00")),
        ("jp.guidance", jst("2026-05-07 10:30")),
    ]


async def test_a_reminder_of_a_closed_day_leaves_on_the_last_business_day_before(town: Town) -> None:
    """JP-47, trap 7."""
    said = Said("2026-06-15")
    await town.asks(
        said,
        T.JP_RESUME_DAY,
        jst("2026-08-03 11:00"),
        data={"resume_on": "2026-08-15"},
        not_before=jst("2026-08-15 09:00"),
        rolls_back=True,
    )
    await town.lives_until(jst("2026-08-20 00:00"))
    assert town.arrivals() == [("jp.resume_day", jst("2026-08-12 09:00"))]
    letter = town.mailbox.to(HANA)[0]
    assert "2026年8月15日(土)" in letter.subject
    assert "本日" not in letter.text


async def test_a_reminder_of_a_business_day_leaves_that_morning(town: Town) -> None:
    said = Said()
    await town.asks(
        said,
        T.JP_RESUME_DAY,
        jst("2026-06-01 11:00"),
        data={"resume_on": "2026-06-15"},
        not_before=jst("2026-06-15 09:00"),
        rolls_back=True,
    )
    await town.lives_until(jst("2026-06-20 00:00"))
    assert town.arrivals() == [("jp.resume_day", jst("2026-06-15 09:00"))]
    assert "本日" in town.mailbox.to(HANA)[0].subject


async def test_a_reminder_whose_day_is_over_is_dropped(town: Town) -> None:
    said = Said()
    await town.asks(
        said,
        T.JP_RESUME_DAY,
        jst("2026-08-16 11:00"),
        data={"resume_on": "2026-08-15"},
        not_before=jst("2026-08-15 09:00"),
        rolls_back=True,
    )
    assert town.dropped == [("jp.resume_day", "too_late", "2026-08-15")]


async def test_a_reminder_asked_for_when_only_closed_days_are_left_is_dropped(town: Town) -> None:
    said = Said()
    await town.asks(
        said,
        T.JP_RESUME_DAY,
        jst("2026-08-13 11:00"),
        data={"resume_on": "2026-08-15"},
        not_before=jst("2026-08-15 09:00"),
        rolls_back=True,
    )
    assert town.dropped == [("jp.resume_day", "too_late", "2026-08-15")]


async def test_a_closure_announced_late_moves_deferred_mails_later(town: Town) -> None:
    said = Said()
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-06-20 20:00"))
    await town.hears(
        closure("typhoon", "台風", date(2026, 6, 22), date(2026, 6, 23), "2026-06-21T00:00:00Z"),
        at=jst("2026-06-21 09:00"),
    )
    outbox = (await town.http.get("/outbox", params={"school_id": HIBARI})).json()
    assert [day["day"] for day in outbox["days"]] == ["2026-06-24"]
    await town.lives_until(jst("2026-06-30 00:00"))
    assert town.arrivals() == [("jp.payment_failed", jst("2026-06-24 10:00"))]
    assert [fact.until for fact in town.said(notifications.MailDeferred)] == [
        jst("2026-06-22 10:00"),
        jst("2026-06-24 10:00"),
    ]


async def test_a_closure_announced_late_moves_a_reminder_earlier(town: Town) -> None:
    said = Said()
    await town.asks(
        said,
        T.JP_RESUME_DAY,
        jst("2026-06-01 11:00"),
        data={"resume_on": "2026-06-15"},
        not_before=jst("2026-06-15 09:00"),
        rolls_back=True,
    )
    await town.hears(
        closure("fair", "学院祭", date(2026, 6, 15), date(2026, 6, 15), "2026-06-10T00:00:00Z"),
        at=jst("2026-06-10 09:00"),
    )
    await town.lives_until(jst("2026-06-20 00:00"))
    assert town.arrivals() == [("jp.resume_day", jst("2026-06-12 09:00"))]


async def test_a_withdrawn_closure_lets_waiting_mails_go(town: Town) -> None:
    said = Said()
    await town.hears(closure("fair", "学院祭", date(2026, 6, 15), date(2026, 6, 17), "2026-06-01T00:00:00Z"))
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-06-15 12:00"))
    withdrawn = ClosureWithdrawn(
        school_id=HIBARI, occurred_at=jst("2026-06-15 15:00"), closure_id="fair", calendar="jp-school"
    )
    await town.hears(withdrawn, at=jst("2026-06-15 15:00"))
    assert town.arrivals() == [("jp.payment_failed", jst("2026-06-15 15:00"))]


async def test_a_mail_that_staff_made_obsolete_is_dropped_visibly(town: Town) -> None:
    """X-32: the learner left the school on Sunday; the mail planned for Monday stays."""
    said = Said()
    await town.asks(said, T.JP_PAYMENT_FAILED, jst("2026-06-20 20:00"))
    await town.hears(
        said.closed(jst("2026-06-21 12:00"), CaseState.CLOSED_BY_STAFF), at=jst("2026-06-21 12:00")
    )
    await town.lives_until(jst("2026-06-30 00:00"))
    assert town.arrivals() == []
    assert town.dropped == [("jp.payment_failed", "obsolete", "closed_by_staff")]
    steps = (await town.mail(said, T.JP_PAYMENT_FAILED))["steps"]
    assert [(step["status"], step["because"]) for step in steps] == [
        ("waiting", "closed"),
        ("dropped", "obsolete"),
    ]
    assert steps[0]["skipped"] == [["2026-06-20", "Saturday"], ["2026-06-21", "Sunday"]]


async def test_a_receipt_leaves_on_a_closed_day_too(town: Town) -> None:
    """Q-J2."""
    await town.asks(Said(), T.JP_RESUMED, jst("2026-06-20 11:00"), ignores_closures=True)
    assert town.arrivals() == [("jp.resumed", jst("2026-06-20 11:00"))]


async def test_staff_mails_wait_for_the_office_too(town: Town) -> None:
    """Even where dunning wants them at once: the console shows them meanwhile."""
    asked = jst("2026-06-20 11:00")
    await town.asks(Said(), T.STAFF_REVIEW, asked, data={"reason": "watchdog"}, ignores_closures=True)
    await town.lives_until(jst("2026-06-23 00:00"))
    assert town.arrivals(STAFF) == [("staff.review", jst("2026-06-22 10:00"))]


async def test_a_report_is_acknowledged_on_screen_only_while_the_office_is_closed(town: Town) -> None:
    """JP-25."""
    said = Said()
    await town.asks(said, T.JP_REPORT_ACK, jst("2026-05-01 09:00"))
    await town.lives_until(jst("2026-05-10 00:00"))
    assert town.arrivals() == []
    assert [(template, because) for template, because, _ in town.dropped] == [("jp.report_ack", "on_screen")]
    await town.asks(Said("2026-05-15"), T.JP_REPORT_ACK, jst("2026-05-11 09:00"))
    assert town.arrivals() == [("jp.report_ack", jst("2026-05-11 09:00"))]


async def test_a_french_mail_leaves_on_a_sunday(town: Town) -> None:
    said = Said("2026-06-07", learner="ada", school="lumiere")
    await town.asks(said, T.FR_PAYMENT_FAILED, utc("2026-06-07T07:00:00Z"))
    assert town.arrivals("ada@example.org") == [("fr.payment_failed", utc("2026-06-07T07:00:00Z"))]


@pytest.mark.parametrize("beyond", ["2105-06-20 20:00"])
async def test_a_day_beyond_the_calendar_is_an_error_and_no_working_day(town: Town, beyond: str) -> None:
    said = Said()
    when = datetime.fromisoformat(f"{beyond}+09:00")
    await town.hears(said.asks(T.JP_PAYMENT_FAILED, jst("2026-06-19 20:00"), not_before=when))
    assert town.arrivals() == []
    assert "jp-school" in town.parked_facts[0]
    town.line.stores["notifications"].parked.clear()
