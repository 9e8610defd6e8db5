"""Until when access lasts."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dunning.policies import Policy, dates, preset, with_overrides
from shared.calendar import Calendars, WallTime, built_in_calendars, instant
from shared.events.words import ACCESS_ORDER, AccessLevel
from tests.dunning.policies.conftest import At


def test_access_ends_at_midnight_after_the_tenth_jour_ouvrable(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    ends = dates.deadline(french, calendars, paris("2026-10-02 09:00"))

    assert ends is not None
    assert ends.at == paris("2026-10-15 00:00")
    assert ends.because.value("last_day") == "2026-10-14"


def test_midnight_follows_the_clock_change(french: Policy, calendars: Calendars, paris: At) -> None:
    ends = dates.deadline(french, calendars, paris("2026-10-20 09:00"))

    assert ends is not None
    assert ends.at.isoformat() == "2026-10-31T23:00:00+00:00"


def test_a_tenth_day_on_a_saturday_is_not_moved_to_monday(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    ends = dates.deadline(french, calendars, paris("2026-06-02 09:00"))

    assert ends is not None
    assert ends.at == paris("2026-06-14 00:00")


def test_the_hour_of_the_failure_does_not_move_the_deadline(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    early, late = (
        dates.deadline(french, calendars, paris(f"2026-06-01 {hour}")) for hour in ("00:00", "23:59")
    )

    assert early == late


def test_a_policy_may_end_it_with_the_last_refusal(french: Policy, calendars: Calendars, paris: At) -> None:
    strict = with_overrides(french, {"R-F5": "after_last_attempt"})
    ends = dates.deadline(strict, calendars, paris("2026-06-01 09:00"))

    assert dates.ends_with_last_failure(strict)
    assert not dates.ends_with_last_failure(french)
    assert ends is not None
    assert ends.at == paris("2026-06-13 00:00")


def test_a_policy_may_end_it_at_the_failures_hour(french: Policy, calendars: Calendars, paris: At) -> None:
    hourly = with_overrides(french, {"grace.ends_at": "same_time"})
    ends = dates.deadline(hourly, calendars, paris("2026-06-01 11:15"))

    assert ends is not None
    assert ends.at == paris("2026-06-12 11:15")


def test_where_the_gateway_decides_there_is_no_date(
    japanese: Policy, calendars: Calendars, tokyo: At
) -> None:
    failed_at = tokyo("2026-04-15 20:10")

    assert dates.deadline(japanese, calendars, failed_at) is None
    assert dates.case_end(japanese, calendars, failed_at) is None
    assert dates.last_day(japanese, calendars, failed_at) is None


def test_one_clock_for_access_and_another_for_the_money(calendars: Calendars, paris: At) -> None:
    policy = preset("fixed-offsets")
    failed_at = paris("2026-03-25 06:00")

    steps = dates.access_steps(policy, calendars, failed_at)
    end = dates.case_end(policy, calendars, failed_at)
    assert [(step.level, step.when.at) for step in steps] == [(AccessLevel.NONE, failed_at)]
    assert end is not None
    assert end.at == paris("2026-04-09 00:00")


def test_access_falls_step_by_step(calendars: Calendars, tokyo: At) -> None:
    failed_at = tokyo("2026-06-01 10:00")
    steps = dates.access_steps(preset("grace-then-readonly"), calendars, failed_at)

    assert [(step.level, step.when.at) for step in steps] == [
        (AccessLevel.FULL, failed_at),
        (AccessLevel.READ_ONLY, tokyo("2026-06-09 00:00")),
        (AccessLevel.NONE, tokyo("2026-06-16 00:00")),
    ]


def test_while_credits_are_held_booked_lessons_take_place(
    japanese: Policy, calendars: Calendars, tokyo: At
) -> None:
    steps = dates.access_steps(japanese, calendars, tokyo("2026-04-15 20:10"))

    assert [step.level for step in steps] == [AccessLevel.BOOKED_LESSONS_ONLY]


def test_an_open_attempt_holds_the_suspension_for_48_hours(french: Policy, paris: At) -> None:
    hold = dates.pending_hold_end(french, paris("2026-06-13 00:00"))

    assert hold is not None
    assert hold.at == paris("2026-06-15 00:00")


def test_a_school_without_a_hold_does_not_wait(japanese: Policy, tokyo: At) -> None:
    assert dates.pending_hold_end(japanese, tokyo("2026-06-13 00:00")) is None
    assert dates.challenge_end(japanese, tokyo("2026-06-13 00:00")) is None


def test_the_banks_page_is_given_a_quarter_of_an_hour(french: Policy, paris: At) -> None:
    end = dates.challenge_end(french, paris("2026-06-12 23:55"))

    assert end is not None
    assert end.at == paris("2026-06-13 00:10")


@pytest.mark.parametrize(("seconds", "counts"), [(-1, True), (0, True), (120, True), (121, False)])
def test_a_success_two_minutes_late_still_counts(
    french: Policy, paris: At, seconds: int, counts: bool
) -> None:
    ends = paris("2026-06-13 00:00")

    assert dates.in_time(french, ends, ends + timedelta(seconds=seconds)) is counts


CALENDARS = built_in_calendars()
DATED = [preset(name) for name in ("fr-elearning", "backup-method-first", "grace-then-readonly")]


@given(st.dates(date(2020, 1, 2), date(2040, 11, 1)), st.integers(0, 23), st.sampled_from(DATED))
def test_nobody_is_charged_after_access_was_cut(day: date, hour: int, policy: Policy) -> None:
    failed_at = instant(day, WallTime(hour), policy.timezone)
    ends = dates.deadline(policy, CALENDARS, failed_at)

    assert ends is not None
    assert ends.at > dates.retries(policy, CALENDARS, failed_at)[-1].at > failed_at


@given(st.dates(date(2020, 1, 2), date(2040, 11, 1)), st.sampled_from([*DATED, preset("fixed-offsets")]))
def test_access_only_falls_and_each_step_is_later(day: date, policy: Policy) -> None:
    steps = dates.access_steps(policy, CALENDARS, instant(day, WallTime(9), policy.timezone))
    levels = [ACCESS_ORDER.index(step.level) for step in steps]
    instants = [step.when.at for step in steps]

    assert levels == sorted(set(levels))
    assert instants == sorted(set(instants))


@given(st.dates(date(2020, 1, 2), date(2040, 10, 30)), st.integers(0, 47))
def test_a_later_failure_never_ends_earlier(day: date, hours: int) -> None:
    failed_at = instant(day, WallTime(9), "Europe/Paris")
    one = dates.deadline(DATED[0], CALENDARS, failed_at)
    two = dates.deadline(DATED[0], CALENDARS, failed_at + timedelta(hours=hours))

    assert one is not None
    assert two is not None
    assert one.at <= two.at
