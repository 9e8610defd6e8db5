"""A month that fails holds credits; a recovery frees them, an exhaustion takes lessons first and then credits."""

from __future__ import annotations

from datetime import date

from shared.events.credits import (
    CreditsConsumed,
    CreditsExpired,
    CreditsForfeited,
    CreditsGranted,
    CreditsHeld,
    CreditsRegranted,
    CreditsReleased,
    LessonCancelledByAdmin,
)
from tests.credits.conftest import (
    APRIL,
    SUB,
    Office,
    Town,
    forfeit,
    hold,
    jst,
    month,
    office_of,
    opened,
    registered,
    release,
    restoration,
    school,
)


async def test_held_credits_cannot_book_but_a_booked_lesson_takes_place(town: Town, hana: Office) -> None:
    await town.hears(hold("2026-04-15 20:10"), at="2026-04-15 20:11")
    (held,) = town.said(CreditsHeld)
    assert (held.untouched, held.reserved) == (3, 2)

    refused = await hana.books("lesson-30", "2026-04-30 10:00")
    assert (refused.status_code, refused.json()["title"]) == (409, "credits_held")
    assert "held while a payment is open" in refused.json()["detail"]

    await town.lives_until("2026-04-18 00:00")
    assert await hana.pots() == (3, 1, 1, 0, 0)
    (consumed,) = town.said(CreditsConsumed)
    assert (consumed.lesson_id, consumed.occurred_at) == ("lesson-17", jst("2026-04-17 10:00"))


async def test_a_recovery_on_the_second_attempt_frees_the_credits_and_keeps_the_lesson(
    town: Town, hana: Office
) -> None:
    """JP-26."""
    await town.hears(hold("2026-04-15 20:10"), at="2026-04-15 20:11")
    await town.hears(release("2026-04-20 19:40"), at="2026-04-20 19:41")

    (released,) = town.said(CreditsReleased)
    assert (released.untouched, released.reserved) == (3, 1)
    balance = await hana.balance()
    assert (balance["held"], balance["bookable"], balance["reserved"]) == (False, 3, 1)
    assert town.said(CreditsForfeited, LessonCancelledByAdmin) == []
    assert (await hana.books("lesson-30", "2026-04-30 10:00")).status_code == 200


async def test_an_exhaustion_cancels_lessons_first_and_then_forfeits_everything_in_one_entry(
    town: Town, hana: Office
) -> None:
    """JP-27."""
    await town.hears(hold("2026-04-15 20:10"), at="2026-04-15 20:11")
    await town.hears(forfeit("2026-04-25 20:05"), at="2026-04-25 20:06")

    cancelled, forfeited = town.said(LessonCancelledByAdmin, CreditsForfeited)
    assert (cancelled.lesson_id, cancelled.teacher_id, cancelled.case_id) == ("lesson-28", "tom", APRIL)
    assert (forfeited.untouched, forfeited.reserved) == (3, 1)
    assert forfeited.cancelled_lessons == (("lesson-28", jst("2026-04-28 21:00")),)
    assert forfeited.effective_on == date(2026, 4, 15), "by rule they lapsed at the first failure (J40)"
    assert await hana.pots() == (0, 0, 1, 4, 0)

    ledger = (await hana.http.get(f"/subscriptions/{SUB}/ledger")).json()
    assert [entry["kind"] for entry in ledger][-2:] == ["cancelled_by_admin", "forfeited"]
    assert ledger[-2]["moves"] == []
    assert ledger[-1]["moves"] == [
        {"source": "untouched", "target": "forfeited", "credits": 3},
        {"source": "reserved", "target": "forfeited", "credits": 1},
    ]
    assert all(entry["untouched"] <= 3 for entry in ledger[-2:]), "the credit was bookable at no instant"


async def test_the_teacher_sees_that_the_administration_cancelled(town: Town, hana: Office) -> None:
    await town.hears(forfeit("2026-04-25 20:05"), at="2026-04-25 20:06")
    lessons = (await hana.http.get("/teachers/tom/lessons", params={"school": "eikaiwa"})).json()
    assert [(one["lesson_id"], one["state"]) for one in lessons] == [
        ("lesson-17", "started"),
        ("lesson-28", "cancelled_by_admin"),
    ]
    again = await hana.cancels("lesson-28")
    assert again.json()["state"] == "cancelled_by_admin"


async def test_a_lesson_in_progress_when_the_last_attempt_fails_is_consumed(town: Town, hana: Office) -> None:
    """JP-30: the lesson began at 20:00, the third failure is of 20:05."""
    await hana.books("lesson-25", "2026-04-25 20:00")
    await town.hears(hold("2026-04-15 20:10"), at="2026-04-15 20:11")
    await town.hears(forfeit("2026-04-25 20:05"), at="2026-04-25 20:06")

    assert [fact.lesson_id for fact in town.said(LessonCancelledByAdmin)] == ["lesson-28"]
    assert [fact.lesson_id for fact in town.said(CreditsConsumed)] == ["lesson-17", "lesson-25"]
    assert await hana.pots() == (0, 0, 2, 3, 0)


async def test_a_lesson_that_took_place_before_the_news_came_stays_consumed(town: Town, hana: Office) -> None:
    """The exhaustion of 25 April is heard on the 29th: what was taught on the 28th was taught."""
    await town.hears(hold("2026-04-15 20:10"), at="2026-04-15 20:11")
    await town.hears(forfeit("2026-04-25 20:05"), at="2026-04-29 08:00")
    assert town.said(LessonCancelledByAdmin) == []
    assert await hana.pots() == (0, 0, 2, 3, 0)


async def test_forfeiture_at_the_first_failure_is_granted_again_on_recovery_and_nothing_is_rebooked(
    town: Town, hana: Office
) -> None:
    """JP-28: credits.execution=first_failure."""
    await town.hears(forfeit("2026-04-15 20:10"), at="2026-04-15 20:11")
    assert await hana.pots() == (0, 0, 0, 5, 0)
    await town.hears(restoration("2026-04-20 19:40"), at="2026-04-20 19:41")

    (again,) = town.said(CreditsRegranted)
    assert (again.credits, again.why) == (5, "recovered")
    assert await hana.pots() == (5, 0, 0, 5, 0)
    assert (await hana.balance())["lessons"] == []
    await town.hears(restoration("2026-04-21 10:00", "staff"), at="2026-04-21 10:00")
    assert len(town.said(CreditsRegranted)) == 1, "goodwill is given once per case"


async def test_credits_granted_again_keep_their_last_day_or_the_days_they_had_left(
    town: Town, office: Office
) -> None:
    await office.grants("short", 1, "2026-04-18")
    await office.grants("long", 1, "2026-05-14")
    await town.hears(forfeit("2026-04-15 20:10"), at="2026-04-15 20:11")
    await town.hears(restoration("2026-04-20 19:40"), at="2026-04-20 19:41")

    lots = {lot["grant_id"].split("~")[0]: lot["expires_on"] for lot in (await office.balance())["lots"]}
    assert lots == {"short": "2026-04-23", "long": "2026-05-14"}
    await town.lives_until("2026-05-15 00:01")
    assert await office.pots() == (0, 0, 0, 2, 2)


async def test_two_cases_hold_at_once_and_credits_are_free_only_when_the_last_lets_go(
    town: Town, hana: Office
) -> None:
    await town.hears(hold("2026-04-15 20:10"), at="2026-04-15 20:11")
    await town.hears(hold("2026-04-16 10:00", "2026-03-15", "reversal"), at="2026-04-16 10:00")
    await town.hears(release("2026-04-20 19:40"), at="2026-04-20 19:41")
    assert town.said(CreditsReleased) == []
    assert (await hana.balance())["bookable"] == 0

    await town.hears(release("2026-04-21 10:00", "2026-03-15", "reversal"), at="2026-04-21 10:00")
    (released,) = town.said(CreditsReleased)
    assert released.hold == "reversal"
    assert (await hana.balance())["bookable"] == 3


async def test_a_reversal_holds_again_what_a_recovery_freed(town: Town, hana: Office) -> None:
    """X-10: held again, not forfeited."""
    await town.hears(hold("2026-04-15 20:10"), at="2026-04-15 20:11")
    await town.hears(release("2026-04-20 19:40"), at="2026-04-20 19:41")
    await town.hears(hold("2026-04-23 09:00", kind="reversal"), at="2026-04-23 09:01")
    assert (await hana.balance())["held"] is True
    assert town.said(CreditsForfeited) == []


async def test_credits_do_not_expire_while_held_and_do_at_the_release(town: Town, office: Office) -> None:
    """docs/decisions/0011."""
    await office.grants("march", 2, "2026-04-18")
    await office.grants("april", 1, "2026-05-14")
    await town.hears(hold("2026-04-15 20:10"), at="2026-04-15 20:11")
    await town.lives_until("2026-04-19 12:00")
    assert town.said(CreditsExpired) == []
    assert await office.pots() == (3, 0, 0, 0, 0)

    await town.hears(release("2026-04-20 19:40"), at="2026-04-20 19:41")
    (expired,) = town.said(CreditsExpired)
    assert (expired.grant_id, expired.credits, expired.occurred_at) == (
        "march",
        2,
        jst("2026-04-20 19:40"),
    )
    assert (await office.balance())["bookable"] == 1


async def test_held_credits_past_their_last_day_are_forfeited_with_the_rest(
    town: Town, office: Office
) -> None:
    await office.grants("march", 2, "2026-04-18")
    await town.hears(hold("2026-04-15 20:10"), at="2026-04-15 20:11")
    await town.hears(forfeit("2026-04-25 20:05"), at="2026-04-25 20:06")
    assert await office.pots() == (0, 0, 0, 2, 0)


async def test_a_policy_without_lessons_while_held_cancels_them_a_day_ahead_and_keeps_the_credit(
    town: Town, hana: Office
) -> None:
    """Q-J3, credits.held_lessons=cancel: the teacher knows a day before; a recovery keeps later lessons."""
    await hana.books("lesson-16", "2026-04-16 09:00")
    await town.hears(hold("2026-04-15 20:10", lessons="cancel"), at="2026-04-15 20:11")
    assert [fact.lesson_id for fact in town.said(LessonCancelledByAdmin)] == ["lesson-16"]
    await town.lives_until("2026-04-16 10:00")
    assert [fact.lesson_id for fact in town.said(LessonCancelledByAdmin)] == ["lesson-16", "lesson-17"]
    balance = await hana.balance()
    assert (balance["untouched"], balance["bookable"], balance["reserved"]) == (4, 0, 1)

    await town.hears(release("2026-04-20 19:40"), at="2026-04-20 19:41")
    await town.lives_until("2026-04-29 00:00")
    assert await hana.pots() == (4, 0, 1, 0, 0)
    assert [fact.lesson_id for fact in town.said(CreditsConsumed)] == ["lesson-28"]


async def test_the_day_on_which_credits_lapse_by_rule_is_the_one_the_case_named(
    town: Town, hana: Office
) -> None:
    await town.hears(
        opened("2026-04-15 20:10", date(2026, 4, 15)), hold("2026-04-17 08:00"), at="2026-04-17 08:00"
    )
    await town.hears(forfeit("2026-04-25 20:05"), at="2026-04-25 20:06")
    (forfeited,) = town.said(CreditsForfeited)
    assert forfeited.effective_on == date(2026, 4, 15)


async def test_a_failure_after_midnight_lapses_on_the_gateways_day(town: Town, hana: Office) -> None:
    """JP-32: 01:30 on the 16th is still the 15th for PayPal."""
    await town.hears(hold("2026-04-16 01:30"), at="2026-04-16 01:31")
    await town.hears(forfeit("2026-04-25 20:05"), at="2026-04-25 20:06")
    (forfeited,) = town.said(CreditsForfeited)
    assert forfeited.effective_on == date(2026, 4, 15)


async def test_two_months_paid_together_give_the_first_now_and_the_second_on_its_day(
    town: Town, hana: Office
) -> None:
    """JP-07."""
    await hana.plans(4)
    await town.hears(hold("2026-04-15 20:10"), at="2026-04-15 20:11")
    await town.hears(forfeit("2026-04-25 20:05"), at="2026-04-25 20:06")
    await town.hears(
        month("2026-04-28 15:00", "2026-04-15", "2026-05-14"),
        month("2026-04-28 15:00", "2026-05-15", "2026-06-14"),
        at="2026-04-28 15:00",
    )
    assert (await hana.balance())["bookable"] == 4, "the case holds nothing any more"
    assert [wait["covers_from"] for wait in (await hana.balance())["waiting_months"]] == ["2026-05-15"]
    assert (await hana.books("may", "2026-05-02 10:00")).status_code == 200

    await town.lives_until("2026-05-14 23:59")
    assert await hana.pots() == (3, 0, 2, 4, 0)
    await town.lives_until("2026-05-15 00:00")
    assert await hana.pots() == (4, 0, 2, 4, 3)
    grants = town.said(CreditsGranted)[1:]
    assert [(fact.grant_id, fact.expires_on, fact.why) for fact in grants] == [
        ("month~2026-04-15", date(2026, 5, 14), "month"),
        ("month~2026-05-15", date(2026, 6, 14), "month"),
    ]


async def test_a_month_asked_for_before_its_plan_is_known_waits_and_counts_once(
    town: Town, office: Office
) -> None:
    await town.hears(month("2026-04-28 15:00", "2026-04-15", "2026-05-14"), at="2026-04-28 15:00")
    await town.hears(month("2026-04-28 16:00", "2026-04-15", "2026-05-14"), at="2026-04-28 16:00")
    assert await office.pots() == (0, 0, 0, 0, 0)
    await office.plans(4)
    await office.plans(4)
    assert await office.pots() == (4, 0, 0, 0, 0)


async def test_a_month_granted_while_another_case_holds_is_held_too(town: Town, office: Office) -> None:
    await office.plans(4)
    await town.hears(hold("2026-04-15 20:10", "2026-03-15", "reversal"), at="2026-04-15 20:11")
    await town.hears(month("2026-04-16 09:00", "2026-04-15", "2026-05-14"), at="2026-04-16 09:00")
    balance = await office.balance()
    assert (balance["untouched"], balance["bookable"]) == (4, 0)


async def test_everything_heard_before_the_school_is_known_gets_its_midnight_later() -> None:
    town = Town()
    await town.hears(registered(), month("2026-04-01 09:00", "2026-05-15", "2026-06-14"))
    async with office_of(town) as office:
        await office.plans(4)
        await office.grants("spring", 2, "2026-04-10")
        await town.lives_until("2026-04-05 00:00")
        await town.hears(school())
        await town.lives_until("2026-04-11 00:00")
        assert await office.pots() == (0, 0, 0, 0, 2)
        await town.lives_until("2026-05-15 00:00")
        assert await office.pots() == (4, 0, 0, 0, 2)


async def test_a_release_or_a_restoration_that_nothing_preceded_says_nothing(
    town: Town, hana: Office
) -> None:
    before = town.said()
    await town.hears(release("2026-04-10 09:00"), restoration("2026-04-10 09:00"), at="2026-04-10 09:00")
    assert town.said() == before
