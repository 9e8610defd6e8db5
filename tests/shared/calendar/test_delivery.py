"""When a school's mail may leave."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar import Closure, WallTime, built_in_calendars, instant, local_date
from shared.calendar.delivery import before_closure, mail_delivery, reminder

SCHOOL = built_in_calendars().named("jp-school")
EVERY_DAY = built_in_calendars().named("every-day")


def tokyo(text: str) -> datetime:
    day, _, hour = text.partition(" ")
    return instant(date.fromisoformat(day), WallTime.parse(hour), "Asia/Tokyo")


@pytest.mark.parametrize(
    ("wanted", "leaves"),
    [
        ("2026-04-15 20:10", "2026-04-15 20:10"),
        ("2026-09-18 20:00", "2026-09-18 20:00"),
        ("2026-06-20 20:00", "2026-06-22 10:00"),
        ("2026-04-30 20:00", "2026-05-07 10:00"),
        ("2026-09-21 01:30", "2026-09-24 10:00"),
        ("2026-12-29 20:00", "2027-01-04 10:00"),
        ("2026-04-28 23:59", "2026-04-28 23:59"),
    ],
)
def test_a_mail_leaves_at_once_on_a_business_day_and_waits_on_a_closed_one(wanted: str, leaves: str) -> None:
    assert mail_delivery(SCHOOL, tokyo(wanted)).at == tokyo(leaves)


@pytest.mark.parametrize(
    ("wanted", "leaves"),
    [
        ("2026-04-15 20:10", "2026-04-16 10:00"),
        ("2026-04-15 08:00", "2026-04-15 10:00"),
        ("2026-04-15 17:59", "2026-04-15 17:59"),
        ("2026-04-28 18:00", "2026-05-07 10:00"),
    ],
)
def test_with_the_office_hours_gate_evenings_wait_too(wanted: str, leaves: str) -> None:
    assert mail_delivery(SCHOOL, tokyo(wanted), gate="office_hours").at == tokyo(leaves)


def test_a_school_without_closed_days_writes_at_any_hour() -> None:
    now = datetime(2026, 5, 1, 3, tzinfo=UTC)

    assert mail_delivery(EVERY_DAY, now).at == now


def test_a_mail_that_waits_says_for_which_days() -> None:
    because = mail_delivery(SCHOOL, tokyo("2026-06-20 20:00")).because

    assert because.rule == "mail_deferred"
    assert [closed.day.day for closed in because.skipped] == [20, 21]


def test_a_reminder_for_a_closed_day_leaves_before_it_and_never_after() -> None:
    rolled = reminder(SCHOOL, date(2026, 8, 15), WallTime(9))

    assert rolled.at == tokyo("2026-08-12 09:00")
    assert rolled.because.rule == "reminder_rolled_back"


def test_a_reminder_for_a_business_day_leaves_on_it() -> None:
    assert reminder(SCHOOL, date(2026, 6, 15), WallTime(9)).at == tokyo("2026-06-15 09:00")


@pytest.mark.parametrize(
    ("closure", "eve"), [(0, "2026-04-28 10:00"), (1, "2026-08-12 10:00"), (2, "2026-12-28 10:00")]
)
def test_the_heads_up_leaves_on_the_last_business_day_before_a_closure(closure: int, eve: str) -> None:
    assert before_closure(SCHOOL, SCHOOL.closures[closure]).at == tokyo(eve)


def test_a_closure_announced_today_moves_todays_mails() -> None:
    closed = SCHOOL.with_closures([Closure(name="typhoon", first=date(2026, 6, 22), last=date(2026, 6, 22))])

    assert mail_delivery(closed, tokyo("2026-06-20 20:00")).at == tokyo("2026-06-23 10:00")


@given(st.datetimes(datetime(2021, 1, 1), datetime(2039, 12, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - the strategy adds the zone
def test_no_mail_ever_leaves_on_a_closed_day_nor_before_it_was_wanted(now: datetime) -> None:
    for gate in ("date", "office_hours"):
        leaves = mail_delivery(SCHOOL, now, gate="date" if gate == "date" else "office_hours").at

        assert leaves >= now
        assert SCHOOL.is_working(local_date(leaves, "Asia/Tokyo"))
