"""On which days a school tries again."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dunning.policies import Policy, dates, preset, with_overrides
from shared.calendar import Calendars, WallTime, built_in_calendars, instant, local_date
from shared.declines import DeclineClass
from shared.errors import CalendarHorizon
from tests.dunning.policies.conftest import At

PARIS = "Europe/Paris"


def days(policy: Policy, calendars: Calendars, failed_at: datetime) -> list[str]:
    return [
        f"{local_date(one.at, policy.timezone):%m-%d}" for one in dates.retries(policy, calendars, failed_at)
    ]


def test_a_failure_on_a_saturday_is_retried_on_monday(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    planned = dates.retries(french, calendars, paris("2026-10-03 09:00"))

    assert planned[0].at == paris("2026-10-05 09:00")
    assert len(planned) == 10


def test_a_failure_on_a_friday_is_retried_on_saturday(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    assert dates.retries(french, calendars, paris("2026-10-02 09:00"))[0].at == paris("2026-10-03 09:00")


def test_a_failure_on_a_sunday_counts_from_monday(french: Policy, calendars: Calendars, paris: At) -> None:
    assert days(french, calendars, paris("2026-10-04 09:00"))[:2] == ["10-05", "10-06"]


def test_no_card_is_charged_on_all_saints_or_armistice_day(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    assert days(french, calendars, paris("2027-10-29 09:00")) == [
        "10-30", "11-02", "11-03", "11-04", "11-05", "11-06", "11-08", "11-09", "11-10", "11-12",
    ]  # fmt: skip


def test_the_failures_date_is_the_one_in_paris(french: Policy, calendars: Calendars, paris: At) -> None:
    assert days(french, calendars, paris("2026-06-02 00:30"))[0] == "06-03"
    assert days(french, calendars, paris("2026-06-01 23:59"))[0] == "06-02"


def test_the_hour_stays_nine_through_the_autumn_change(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    planned = dates.retries(french, calendars, paris("2026-10-20 09:00"))

    assert [one.at.hour for one in planned] == [7, 7, 7, 7, 8, 8, 8, 8, 8, 8]


def test_each_retry_tells_its_number_and_every_day_it_skipped(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    third = dates.retries(french, calendars, paris("2026-04-30 09:00"))[2]

    assert third.because.value("ordinal") == 3
    assert third.because.calendar == "fr-ouvrable"
    assert [day.day for day in third.because.counted] == [2, 4, 5]
    assert [closed.name.fr for closed in third.because.skipped] == ["Fête du Travail", "dimanche"]


def test_the_next_retry_after_an_instant_is_strictly_later(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    failed_at = paris("2026-06-01 09:00")

    second = dates.next_retry(french, calendars, failed_at, after=paris("2026-06-02 09:00"))
    none = dates.next_retry(french, calendars, failed_at, after=paris("2026-06-12 09:00"))
    assert second is not None
    assert second.because.value("ordinal") == 2
    assert none is None


def test_beyond_the_calendar_there_is_an_error_and_no_guess(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    with pytest.raises(CalendarHorizon, match="fr-ouvrable"):
        dates.retries(french, calendars, paris("2105-01-03 09:00"))


def test_a_policy_may_count_jours_ouvres(french: Policy, calendars: Calendars, paris: At) -> None:
    ouvre = with_overrides(french, {"R-F1": "R-F1b"})

    assert days(ouvre, calendars, paris("2026-10-01 09:00"))[:3] == ["10-02", "10-05", "10-06"]


def test_a_policy_may_try_on_closed_days_too(french: Policy, calendars: Calendars, paris: At) -> None:
    daily = with_overrides(french, {"R-F3": "R-F3b"})

    assert days(daily, calendars, paris("2026-10-02 09:00")) == [
        "10-03", "10-04", "10-05", "10-06", "10-07", "10-08", "10-09", "10-10", "10-11", "10-12", "10-13",
        "10-14",
    ]  # fmt: skip


def test_a_policy_may_count_the_failures_own_day(french: Policy, calendars: Calendars, paris: At) -> None:
    counted = with_overrides(french, {"R-F2": "counted"})

    planned = dates.retries(counted, calendars, paris("2026-06-01 09:00"))
    assert len(planned) == 9
    assert planned[-1].at == paris("2026-06-11 09:00")


def test_calendar_days_may_be_counted_instead(calendars: Calendars, paris: At) -> None:
    assert days(preset("fixed-offsets"), calendars, paris("2026-04-29 09:00")) == [
        "04-30",
        "05-02",
        "05-04",
        "05-06",
    ]


def test_a_time_that_the_clock_skips_runs_once(french: Policy, calendars: Calendars, paris: At) -> None:
    night = with_overrides(
        french, {"attempts.schedule.calendar": "every-day", "attempts.schedule.local_time": "02:30"}
    )

    spring = dates.retries(night, calendars, paris("2026-03-28 09:00"))
    autumn = dates.retries(night, calendars, paris("2026-10-24 09:00"))
    assert spring[0].at == paris("2026-03-29 03:30")
    assert autumn[0].at.isoformat() == "2026-10-25T00:30:00+00:00"
    assert len(spring) == len({local_date(one.at, PARIS) for one in spring}) == 10


@pytest.mark.parametrize(
    "name", ["jp-school", "stripe-smart-retries", "paypal-classic", "no-retry-manual-invoice"]
)
def test_where_the_school_does_not_execute_it_plans_nothing(
    name: str, calendars: Calendars, paris: At
) -> None:
    assert dates.retries(preset(name), calendars, paris("2026-06-01 09:00")) == ()


def test_a_bank_that_did_not_judge_is_asked_again_the_same_day(
    french: Policy, calendars: Calendars, paris: At
) -> None:
    again = dates.same_day_retry(
        french, calendars, paris("2026-06-02 09:00"), decline=DeclineClass.TECHNICAL_ERROR, tries_that_day=1
    )

    assert again is not None
    assert again.at == paris("2026-06-02 10:00")


@pytest.mark.parametrize(
    ("failed", "decline", "tries"),
    [
        ("2026-06-02 23:30", DeclineClass.TECHNICAL_ERROR, 1),
        ("2026-06-02 09:00", DeclineClass.TECHNICAL_ERROR, 3),
        ("2026-06-02 09:00", DeclineClass.INSUFFICIENT_FUNDS, 1),
        ("2026-06-07 09:00", DeclineClass.TECHNICAL_ERROR, 1),
    ],
)
def test_the_same_day_is_over_full_closed_or_not_meant(
    failed: str, decline: DeclineClass, tries: int, french: Policy, calendars: Calendars, paris: At
) -> None:
    again = dates.same_day_retry(french, calendars, paris(failed), decline=decline, tries_that_day=tries)

    assert again is None


def test_a_gateway_that_executes_is_never_asked_again_by_us(
    japanese: Policy, calendars: Calendars, tokyo: At
) -> None:
    again = dates.same_day_retry(
        japanese, calendars, tokyo("2026-04-15 20:10"), decline=DeclineClass.TECHNICAL_ERROR, tries_that_day=1
    )

    assert again is None


FRENCH = preset("fr-elearning")
ALL_CALENDARS = built_in_calendars()


@given(st.dates(date(2020, 1, 2), date(2040, 11, 1)), st.integers(0, 23), st.integers(0, 59))
def test_retries_never_fall_on_a_closed_day_and_never_twice_on_one(day: date, hour: int, minute: int) -> None:
    failed_at = instant(day, WallTime(hour, minute), PARIS)
    planned = dates.retries(FRENCH, ALL_CALENDARS, failed_at)
    on = [local_date(one.at, PARIS) for one in planned]

    assert len(planned) == 10
    assert on == sorted(set(on))
    assert on[0] > local_date(failed_at, PARIS)
    assert all(ALL_CALENDARS["fr-ouvrable"].is_working(one) for one in on)
    assert [one.because.value("ordinal") for one in planned] == list(range(1, 11))


@given(st.dates(date(2020, 1, 2), date(2040, 11, 1)))
def test_the_longest_procedure_stays_under_every_networks_thirty_days(day: date) -> None:
    failed_at = instant(day, WallTime(9), PARIS)

    assert dates.retries(FRENCH, ALL_CALENDARS, failed_at)[-1].at - failed_at <= timedelta(days=20)
