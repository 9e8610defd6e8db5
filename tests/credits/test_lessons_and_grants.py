"""What the school's system may do with credits, and what it is refused in words."""

from __future__ import annotations

import pytest

from shared.events.credits import (
    CreditsConsumed,
    CreditsExpired,
    CreditsExtended,
    CreditsGranted,
    LessonBooked,
    LessonCancelledByLearner,
)
from tests.credits.conftest import SUB, Office, Town, hold, jst


async def test_the_credits_that_expire_first_are_used_first(office: Office) -> None:
    await office.grants("open", 1)
    await office.grants("june", 1, "2026-06-30")
    await office.grants("may", 2, "2026-05-31")
    await office.books("one", "2026-05-01 10:00", credits=3)

    lots = (await office.balance())["lots"]
    assert [(lot["grant_id"], lot["credits"]) for lot in lots] == [("open", 1)]


async def test_the_same_booking_sent_twice_is_one(town: Town, hana: Office) -> None:
    again = await hana.books("lesson-17", "2026-04-17 10:00")
    assert (again.status_code, again.json()["state"]) == (200, "booked")
    assert len(town.said(LessonBooked)) == 2
    assert await hana.pots() == (3, 2, 0, 0, 0)


@pytest.mark.parametrize(
    ("starts", "credits"), [("2026-04-17 11:00", 1), ("2026-04-17 10:00", 2)], ids=["hour", "credits"]
)
async def test_a_lesson_id_cannot_stand_for_two_lessons(hana: Office, starts: str, credits: int) -> None:
    refused = await hana.books("lesson-17", starts, credits)
    assert (refused.status_code, refused.json()["title"]) == (409, "other_lesson")


async def test_a_lesson_is_not_booked_with_credits_that_are_not_there(town: Town, hana: Office) -> None:
    refused = await hana.books("big", "2026-05-01 10:00", credits=4)
    assert (refused.status_code, refused.json()["title"]) == (409, "insufficient_credits")
    assert "takes 4 credit(s) and 3 can be used" in refused.json()["detail"]
    assert await hana.pots() == (3, 2, 0, 0, 0)


async def test_a_lesson_in_the_past_is_not_booked(hana: Office) -> None:
    refused = await hana.books("past", "2026-03-01 10:00")
    assert (refused.status_code, refused.json()["title"]) == (409, "lesson_started")


async def test_a_learner_who_cancels_has_the_credit_again_and_asking_twice_is_once(
    town: Town, hana: Office
) -> None:
    for _ in range(2):
        answer = await hana.cancels("lesson-17")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled_by_learner")
    assert len(town.said(LessonCancelledByLearner)) == 1
    assert await hana.pots() == (4, 1, 0, 0, 0)
    await town.lives_until("2026-04-18 00:00")
    assert town.said(CreditsConsumed) == [], "the plan of a cancelled lesson is moot"
    refused = await hana.books("lesson-17", "2026-04-19 10:00")
    assert (refused.status_code, refused.json()["title"]) == (409, "other_lesson")


async def test_a_lesson_within_the_schools_notice_is_not_cancelled(town: Town, hana: Office) -> None:
    await hana.plans(4, notice=60)
    await town.lives_until("2026-04-17 09:01")
    refused = await hana.cancels("lesson-17")
    assert (refused.status_code, refused.json()["title"]) == (409, "too_late")
    await town.lives_until("2026-04-17 10:00")
    refused = await hana.cancels("lesson-17")
    assert (refused.status_code, refused.json()["title"]) == (409, "lesson_started")


async def test_nobody_cancels_a_lesson_that_was_never_booked(office: Office) -> None:
    assert (await office.cancels("none")).status_code == 404


async def test_a_credit_that_comes_back_after_its_last_day_expires_at_once(
    town: Town, office: Office
) -> None:
    await office.grants("april", 1, "2026-04-14")
    await office.books("may", "2026-05-01 10:00")
    await town.lives_until("2026-04-20 09:00")
    assert await office.pots() == (0, 1, 0, 0, 0), "a credit that books is used: it expires no more"
    await office.cancels("may")
    assert await office.pots() == (0, 0, 0, 0, 1)
    (expired,) = town.said(CreditsExpired)
    assert expired.occurred_at == jst("2026-04-20 09:00")


async def test_a_credit_that_comes_back_while_held_waits_for_the_release(town: Town, hana: Office) -> None:
    await town.hears(hold("2026-04-15 20:10"), at="2026-04-15 20:11")
    await hana.cancels("lesson-28")
    balance = await hana.balance()
    assert (balance["untouched"], balance["bookable"]) == (4, 0)


async def test_a_grant_lasts_until_midnight_in_japan_even_when_no_timer_ran(
    town: Town, office: Office
) -> None:
    await office.grants("april", 2, "2026-04-14")
    await town.lives_until("2026-04-14 23:59")
    assert (await office.balance())["bookable"] == 2
    town.clock.move_to(jst("2026-04-15 00:00"))
    assert (await office.balance())["bookable"] == 0
    refused = await office.books("late", "2026-05-01 10:00")
    assert refused.json()["title"] == "insufficient_credits"


async def test_a_grant_counts_once_and_is_only_ever_extended(town: Town, office: Office) -> None:
    """Q-J9: staff may extend."""
    await office.grants("april", 2, "2026-04-14")
    await office.grants("april", 2, "2026-04-14")
    assert await office.pots() == (2, 0, 0, 0, 0)
    assert len(town.said(CreditsGranted)) == 1

    assert (await office.grants("april", 3, "2026-04-14")).json()["title"] == "other_grant"
    assert (await office.grants("april", 2, "2026-04-10")).json()["title"] == "shorter"
    assert (await office.grants("april", 2, "2026-05-14")).status_code == 200
    assert len(town.said(CreditsExtended)) == 1
    await town.lives_until("2026-05-14 23:59")
    assert await office.pots() == (2, 0, 0, 0, 0)
    await town.lives_until("2026-05-15 00:00")
    assert await office.pots() == (0, 0, 0, 0, 2)
    assert (await office.grants("april", 2, "2026-06-14")).json()["title"] == "nothing_left"


async def test_a_subscription_nobody_registered_needs_its_owners_ids(office: Office) -> None:
    body = {"credits": 2}
    unknown = await office.http.put("/subscriptions/new/grants/g", json=body)
    assert unknown.status_code == 404
    assert "school_id and learner_id" in unknown.json()["detail"]
    known = await office.http.put(
        "/subscriptions/new/grants/g", json={**body, "school_id": "eikaiwa", "learner_id": "hana"}
    )
    assert known.json()["untouched"] == 2
    other = await office.http.put("/subscriptions/new/grants/h", json={**body, "learner_id": "ken"})
    assert (other.status_code, other.json()["title"]) == (409, "other_owner")
    both = (await office.http.get("/learners/hana/credits")).json()
    assert [one["subscription_id"] for one in both] == [SUB, "new"]


async def test_the_door_stays_shut_without_a_key(office: Office) -> None:
    answer = await office.http.get(f"/subscriptions/{SUB}/credits", headers={"X-Relance-Key": "wrong"})
    assert answer.status_code == 401


async def test_a_list_of_grants_and_bookings_is_taken_line_by_line_and_may_be_sent_again(
    town: Town, office: Office
) -> None:
    grants = (
        "subscription_id,grant_id,credits,expires_on\n"
        f"{SUB},spring,5,\n"
        f"{SUB},april,none,2026-04-30\n"
        f"{SUB},may,2,2026-05-31\n"
        "stranger,x,1,\n"
    )
    report = (await office.http.post("/imports/grants", content=grants.encode())).json()
    assert (report["taken"], report["unchanged"]) == (2, 0)
    assert [wrong["line"] for wrong in report["wrong"]] == [3, 5]
    assert "credits" in report["wrong"][0]["problem"]
    assert "not known here" in report["wrong"][1]["problem"]

    lessons = (
        "subscription_id;lesson_id;starts_at;teacher_id\n"
        f"{SUB};one;2026-04-17T10:00:00+09:00;tom\n"
        f"{SUB};two;2026-04-18T10:00:00;tom\n"
        f"{SUB};three;2026-04-19T10:00:00+09:00;tom\n"
    )
    for expected in ({"taken": 2, "unchanged": 0}, {"taken": 0, "unchanged": 2}):
        report = (await office.http.post("/imports/lessons", content=lessons.encode())).json()
        assert {name: report[name] for name in expected} == expected
        assert [wrong["line"] for wrong in report["wrong"]] == [3]
    assert await office.pots() == (5, 2, 0, 0, 0)


async def test_a_list_takes_no_more_lessons_than_there_are_credits(office: Office) -> None:
    await office.grants("two", 2)
    lines = [f"{SUB},l{day},2026-05-{day:02d}T10:00:00+09:00,tom" for day in range(1, 5)]
    body = "\n".join(["subscription_id,lesson_id,starts_at,teacher_id", *lines])
    report = (await office.http.post("/imports/lessons", content=body.encode())).json()
    assert report["taken"] == 2
    assert [wrong["line"] for wrong in report["wrong"]] == [4, 5]
    assert await office.pots() == (0, 2, 0, 0, 0)


async def test_the_ledger_is_read_page_by_page(hana: Office) -> None:
    first = (await hana.http.get(f"/subscriptions/{SUB}/ledger", params={"limit": 2})).json()
    rest = (await hana.http.get(f"/subscriptions/{SUB}/ledger", params={"after": 2})).json()
    assert [(entry["number"], entry["kind"]) for entry in first + rest] == [
        (1, "granted"),
        (2, "booked"),
        (3, "booked"),
    ]
