"""By when the school should write, and which reminders come before."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dunning.policies import Policy, dates, preset, with_overrides
from shared.calendar import Calendars, WallTime, built_in_calendars, instant, local_date
from shared.events.words import Template
from tests.dunning.policies.conftest import At

FAILED = Template.JP_PAYMENT_FAILED


@pytest.mark.parametrize(
    ("failed", "due"),
    [
        ("2026-07-08 20:10", "2026-07-11 00:00"),
        ("2026-07-17 20:00", "2026-07-23 00:00"),
        ("2026-07-11 01:30", "2026-07-15 00:00"),
        ("2026-04-28 20:00", "2026-05-09 00:00"),
        ("2026-08-12 20:00", "2026-08-19 00:00"),
    ],
)
def test_the_school_owes_its_notice_by_the_end_of_the_second_business_day(
    failed: str, due: str, japanese: Policy, calendars: Calendars, tokyo: At
) -> None:
    owed = dates.notice_due(japanese, calendars, FAILED, tokyo(failed))

    assert owed is not None
    assert owed.at == tokyo(due)


def test_a_closure_that_staff_announce_moves_the_target(
    japanese: Policy, calendars: Calendars, tokyo: At
) -> None:
    live = calendars.with_closures({"jp-school": ()})
    owed = dates.notice_due(japanese, live, FAILED, tokyo("2026-04-30 20:00"))

    assert owed is not None
    assert owed.at == tokyo("2026-05-08 00:00")


def test_saturdays_may_count_for_another_school(japanese: Policy, calendars: Calendars, tokyo: At) -> None:
    open_saturdays = with_overrides(japanese, {"R-J3": "saturdays"})
    owed = dates.notice_due(open_saturdays, calendars, FAILED, tokyo("2026-07-10 20:00"))

    assert owed is not None
    assert owed.at == tokyo("2026-07-14 00:00")


def test_a_mail_that_nobody_promised_has_no_target(japanese: Policy, calendars: Calendars, tokyo: At) -> None:
    at = tokyo("2026-04-15 20:10")

    assert dates.notice_due(japanese, calendars, Template.JP_RESUMED, at) is None
    assert dates.notice_due(japanese, calendars, Template.FR_SUSPENDED, at) is None


def test_guidance_begins_on_the_next_business_day(japanese: Policy, calendars: Calendars, tokyo: At) -> None:
    saturday = dates.guidance_earliest(japanese, calendars, tokyo("2026-07-11 20:05"))
    night = dates.guidance_earliest(japanese, calendars, tokyo("2026-05-06 01:15"))

    assert saturday.at == tokyo("2026-07-13 10:00")
    assert night.at == tokyo("2026-05-07 10:00")


def test_after_a_morning_cancellation_guidance_is_not_the_same_day(
    japanese: Policy, calendars: Calendars, tokyo: At
) -> None:
    cancelled_at = tokyo("2026-04-17 09:00")

    assert dates.guidance_earliest(japanese, calendars, cancelled_at, by_charge=False).at == tokyo(
        "2026-04-20 10:00"
    )


def test_the_last_day_is_announced_one_jour_ouvrable_before(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    ((notice, when),) = dates.deadline_reminders(french, calendars, paris("2026-06-01 09:00"))

    assert notice.template is Template.FR_LAST_DAY_TOMORROW
    assert when.at == paris("2026-06-11 09:30")


def test_a_holiday_before_the_last_day_moves_its_announcement(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    ((_, when),) = dates.deadline_reminders(french, calendars, paris("2026-04-30 09:00"))

    assert when.at == paris("2026-05-13 09:30")


def test_a_path_deadline_is_recalled_two_weeks_before(french: Policy, paris: At) -> None:
    ((notice, when),) = dates.re_enrolment_reminders(french, date(2026, 9, 30))

    assert notice.template is Template.FR_RE_ENROLMENT_REMINDER
    assert when.at == paris("2026-09-16 09:30")


def test_a_resume_day_in_obon_is_announced_before_obon(
    japanese: Policy, calendars: Calendars, tokyo: At
) -> None:
    when = dates.resume_reminder(japanese, calendars, date(2026, 8, 15))

    assert when is not None
    assert when.at == tokyo("2026-08-12 09:00")


def test_a_policy_without_a_resume_day_reminds_of_none(french: Policy, calendars: Calendars) -> None:
    assert dates.resume_reminder(french, calendars, date(2026, 8, 15)) is None


def test_learners_are_warned_before_each_closure_of_the_year(
    japanese: Policy, calendars: Calendars, tokyo: At
) -> None:
    found = list(
        dates.pre_holiday_mails(japanese, calendars, since=date(2026, 1, 1), until=date(2026, 12, 31))
    )

    assert [(closure.name, when.at) for _, closure, when in found] == [
        ("GW", tokyo("2026-04-28 10:00")),
        ("summer", tokyo("2026-08-12 10:00")),
        ("year-end", tokyo("2026-12-28 10:00")),
    ]


JAPANESE = preset("jp-school")
CALENDARS = built_in_calendars()


@given(
    st.dates(date(2020, 1, 10), date(2040, 11, 1)).map(lambda day: instant(day, WallTime(20), "Asia/Tokyo")),
    st.integers(0, 6),
)
def test_a_school_mail_leaves_in_time_to_meet_its_target(at: datetime, hours: int) -> None:
    failed_at = at + timedelta(hours=hours)
    leaves = dates.delivery(JAPANESE, CALENDARS, failed_at)
    owed = dates.notice_due(JAPANESE, CALENDARS, FAILED, failed_at)

    assert owed is not None
    assert failed_at <= leaves.at < owed.at
    assert CALENDARS["jp-school"].is_working(local_date(leaves.at, "Asia/Tokyo"))
