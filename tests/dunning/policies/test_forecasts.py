"""What is shown of the gateway's next attempt, and when somebody must look."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dunning.policies import Policy, dates, preset, with_overrides
from shared.calendar import WallTime, instant
from tests.dunning.policies.conftest import At


def test_the_second_attempt_is_expected_three_to_five_days_after_the_first(
    japanese: Policy, tokyo: At
) -> None:
    expected = dates.forecast(japanese, ordinal=2, previous_at=tokyo("2026-07-10 20:10"))

    assert expected is not None
    assert (expected.first_day, expected.last_day) == (date(2026, 7, 13), date(2026, 7, 15))
    assert expected.opens.at == tokyo("2026-07-13 19:00")
    assert expected.closes.at == tokyo("2026-07-16 02:00")
    assert expected.watchdog.at == tokyo("2026-07-17 02:00")


def test_a_failure_after_midnight_is_counted_from_the_evening_before(japanese: Policy, tokyo: At) -> None:
    night = dates.forecast(japanese, ordinal=2, previous_at=tokyo("2026-07-11 01:30"))
    evening = dates.forecast(japanese, ordinal=2, previous_at=tokyo("2026-07-10 20:10"))

    assert night is not None
    assert evening is not None
    assert night.first_day == evening.first_day


def test_there_is_no_fourth_attempt(japanese: Policy, tokyo: At) -> None:
    assert dates.forecast(japanese, ordinal=3, previous_at=tokyo("2026-07-15 20:00")) is not None
    assert dates.forecast(japanese, ordinal=4, previous_at=tokyo("2026-07-20 20:00")) is None


def test_what_the_gateway_announces_wins_over_the_forecast(japanese: Policy, tokyo: At) -> None:
    announced = tokyo("2026-07-17 19:00")
    expected = dates.forecast(
        japanese, ordinal=2, previous_at=tokyo("2026-07-10 20:10"), announced_at=announced
    )

    assert expected is not None
    assert expected.opens.at == announced
    assert expected.first_day == date(2026, 7, 17)
    assert expected.opens.because.rule == "gateway_announced"


def test_the_classic_buttons_space_three_then_five_days(tokyo: At) -> None:
    classic = preset("paypal-classic")
    second = dates.forecast(classic, ordinal=2, previous_at=tokyo("2026-07-01 19:00"))
    third = dates.forecast(classic, ordinal=3, previous_at=tokyo("2026-07-04 19:00"))

    assert second is not None
    assert third is not None
    assert (second.first_day, second.last_day) == (date(2026, 7, 4), date(2026, 7, 4))
    assert third.first_day == date(2026, 7, 9)


@pytest.mark.parametrize(("due", "comes"), [(date(2026, 7, 15), False), (date(2026, 7, 16), True)])
def test_no_retry_comes_close_to_the_next_payment(due: date, comes: bool, tokyo: At) -> None:
    expected = dates.forecast(
        preset("paypal-classic"), ordinal=2, previous_at=tokyo("2026-07-01 19:00"), next_due=due
    )

    assert (expected is not None) is comes


def test_without_a_window_the_whole_day_is_expected() -> None:
    rest = preset("paypal-rest-outstanding")
    expected = dates.forecast(
        rest, ordinal=2, previous_at=datetime.fromisoformat("2026-07-01T10:00:00+00:00")
    )

    assert expected is not None
    assert expected.opens.at.isoformat() == "2026-07-06T00:00:00+00:00"
    assert expected.closes.at.isoformat() == "2026-07-07T00:00:00+00:00"


def test_a_gateway_that_announces_is_followed_and_not_guessed(paris: At) -> None:
    smart = preset("stripe-smart-retries")
    failed_at = paris("2026-07-01 09:00")
    announced = paris("2026-07-03 14:00")

    assert dates.forecast(smart, ordinal=2, previous_at=failed_at) is None
    told = dates.forecast(smart, ordinal=2, previous_at=failed_at, announced_at=announced)
    limit = dates.announced_limit(smart, failed_at)
    assert told is not None
    assert told.closes.at == announced
    assert limit is not None
    assert limit.at == paris("2026-07-15 09:00")


def test_no_alarm_before_a_day_after_the_window_of_the_due_day(
    japanese: Policy, french: Policy, tokyo: At, paris: At
) -> None:
    alarm = dates.due_watchdog(japanese, date(2026, 7, 10))
    without_window = dates.due_watchdog(french, date(2026, 7, 10))

    assert alarm is not None
    assert alarm.at == tokyo("2026-07-12 02:00")
    assert without_window is not None
    assert without_window.at == paris("2026-07-12 00:00")


def test_nobody_waits_for_a_charge_where_invoices_are_paid_by_hand_or_the_policy_asks_nobody() -> None:
    asks_nobody = with_overrides(preset("jp-school"), {"attempts.schedule.watchdog.renewals": False})

    assert dates.due_watchdog(preset("no-retry-manual-invoice"), date(2026, 7, 10)) is None
    assert dates.due_watchdog(asks_nobody, date(2026, 7, 10)) is None


def test_a_school_that_executes_has_nothing_to_forecast(french: Policy, paris: At) -> None:
    assert dates.forecast(french, ordinal=2, previous_at=paris("2026-06-01 09:00")) is None


def test_a_policy_may_expect_fixed_intervals(japanese: Policy, tokyo: At) -> None:
    fixed = with_overrides(japanese, {"R-J1": "fixed_5"})
    expected = dates.forecast(fixed, ordinal=2, previous_at=tokyo("2026-07-10 20:10"))

    assert expected is not None
    assert expected.first_day == expected.last_day == date(2026, 7, 15)


JAPANESE = preset("jp-school")


@given(st.dates(date(2020, 1, 10), date(2040, 11, 1)), st.integers(19, 25), st.integers(0, 59))
def test_an_attempt_anywhere_in_its_window_gives_the_same_forecast(day: date, hour: int, minute: int) -> None:
    at = instant(day, WallTime(hour, minute), "Asia/Tokyo")
    expected = dates.forecast(JAPANESE, ordinal=2, previous_at=at)

    assert expected is not None
    assert at < expected.opens.at < expected.closes.at < expected.watchdog.at
    assert (expected.first_day - day).days == 3
    assert (expected.last_day - day).days == 5
