"""Due days, what a month covers, and when it is charged."""

from __future__ import annotations

from datetime import date
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from services.dunning.policies import Policy, dates, preset, with_overrides
from shared.calendar import Calendars
from tests.dunning.policies.conftest import At


def test_a_month_covers_up_to_the_day_before_the_next_due_day(french: Policy) -> None:
    assert dates.period_of(french, date(2026, 6, 1), 1) == dates.Period(
        first=date(2026, 6, 1), last=date(2026, 6, 30)
    )
    assert dates.period_of(french, date(2026, 2, 28), 31).last == date(2026, 3, 30)


def test_the_20th_comes_back_every_month_weekends_included(
    japanese: Policy, calendars: Calendars, tokyo: At
) -> None:
    dues = list(islice(dates.due_days(japanese, date(2026, 8, 20), 20), 4))

    assert dues == [date(2026, 9, 20), date(2026, 10, 20), date(2026, 11, 20), date(2026, 12, 20)]
    assert dates.charge_at(japanese, calendars, dues[0]).at == tokyo("2026-09-20 19:00")
    assert dates.charge_window(japanese, dues[0])[1] == tokyo("2026-09-21 02:00")


def test_a_renewal_is_not_moved_off_a_holiday(french: Policy, calendars: Calendars, paris: At) -> None:
    assert dates.charge_at(french, calendars, date(2026, 5, 1)).at == paris("2026-05-01 09:00")


def test_a_school_may_move_charges_off_closed_days(french: Policy, calendars: Calendars, paris: At) -> None:
    careful = with_overrides(
        french, {"billing.charge_on_any_day": False, "billing.charge_calendar": "fr-ouvrable"}
    )
    when = dates.charge_at(careful, calendars, date(2026, 5, 1))

    assert when.at == paris("2026-05-02 09:00")
    assert [closed.name.fr for closed in when.because.skipped] == ["Fête du Travail"]


def test_a_late_success_does_not_move_the_billing_day(
    french: Policy, japanese: Policy, paris: At, tokyo: At
) -> None:
    recovered = dates.next_due_after_recovery(french, date(2026, 6, 1), 1, paris("2026-06-09 09:00"))
    night = dates.next_due_after_recovery(japanese, date(2026, 10, 31), 31, tokyo("2026-11-01 01:10"))

    assert recovered == (date(2026, 7, 1), 1)
    assert night == (date(2026, 11, 30), 31)


def test_a_policy_may_take_the_day_of_the_late_success(french: Policy, paris: At) -> None:
    moving = with_overrides(french, {"R-F8": "re_anchor"})

    assert dates.next_due_after_recovery(moving, date(2026, 6, 1), 1, paris("2026-06-09 09:00")) == (
        date(2026, 7, 9),
        9,
    )


def test_the_day_a_learner_pays_becomes_the_billing_day(
    french: Policy, japanese: Policy, paris: At, tokyo: At
) -> None:
    relaunched = dates.next_due_after_payment(french, paris("2026-10-01 00:03"))
    resumed = dates.next_due_after_payment(japanese, tokyo("2026-08-20 08:00"))

    assert relaunched == (date(2026, 11, 1), 1)
    assert resumed == (date(2026, 9, 20), 20)


def test_a_click_after_midnight_is_today_although_a_charge_would_be_yesterday(
    japanese: Policy, tokyo: At
) -> None:
    at = tokyo("2026-09-21 01:30")

    assert dates.plain_day(japanese, at) == date(2026, 9, 21)
    assert dates.charge_day(japanese, at) == dates.failure_day(japanese, at) == date(2026, 9, 20)


def test_where_no_charge_time_is_said_it_is_the_days_start(calendars: Calendars) -> None:
    when = dates.charge_at(preset("stripe-smart-retries"), calendars, date(2026, 7, 1))

    assert when.at.isoformat() == "2026-07-01T00:00:00+00:00"


@given(st.dates(date(2021, 1, 1), date(2039, 1, 1)), st.integers(1, 31))
def test_periods_follow_each_other_without_hole_or_overlap(start: date, anchor: int) -> None:
    policy = preset("jp-school")
    due = dates.due_after(policy, start, anchor)
    for _ in range(14):
        following = dates.due_after(policy, due, anchor)
        period = dates.period_of(policy, due, anchor)

        assert period.first == due
        assert (following - period.last).days == 1
        assert 28 <= (following - due).days <= 31
        due = following
