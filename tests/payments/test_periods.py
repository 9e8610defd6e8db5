"""Which month's fee a payment is: found from the day the gateway took it, clamped and tolerant as gateways are."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.domain.periods import billing_day_of, period_of, re_anchored, service_day_of
from services.payments.domain.state import Anchor, School
from tests.payments.conftest import utc

PARIS = School(school_id="ecole", zone="Europe/Paris")
TOKYO = School(school_id="gakko", zone="Asia/Tokyo", service_day_rollover="12:00")


def anchors(day: int, since: date = date(2026, 1, 1)) -> tuple[Anchor, ...]:
    return (Anchor(since=since, day=day),)


@pytest.mark.parametrize(
    ("taken", "day", "due"),
    [
        ("2026-06-01", 1, "2026-06-01"),
        ("2026-06-12", 1, "2026-06-01"),
        ("2026-05-31", 1, "2026-06-01"),  # a day early still means the first
        ("2026-05-30", 1, "2026-05-01"),
        ("2026-04-25", 15, "2026-04-15"),
        ("2026-02-28", 31, "2026-02-28"),
        ("2026-03-02", 31, "2026-02-28"),
        ("2026-03-31", 31, "2026-03-31"),
        ("2028-02-29", 31, "2028-02-29"),
        ("2026-01-05", 20, "2026-01-20"),  # before the first period: the first period
    ],
)
def test_a_payment_belongs_to_the_due_date_it_is_for(taken: str, day: int, due: str) -> None:
    since = date(2026, 1, day) if day <= 31 else date(2026, 1, 1)

    assert period_of(date.fromisoformat(taken), anchors(day, since)) == date.fromisoformat(due)


@given(st.dates(date(2026, 2, 2), date(2031, 1, 1)), st.integers(1, 31))
def test_every_day_has_one_period_that_began_no_later_than_the_next_day(day: date, billing_day: int) -> None:
    period = period_of(day, anchors(billing_day))

    assert period <= day + timedelta(days=1)
    assert day - period <= timedelta(days=31)
    assert period.day == billing_day or (period + timedelta(days=1)).day == 1


@given(st.dates(date(2026, 2, 2), date(2031, 1, 1)), st.integers(1, 31))
def test_a_due_date_is_its_own_period(day: date, billing_day: int) -> None:
    due = period_of(day, anchors(billing_day))

    assert period_of(due, anchors(billing_day)) == due


def test_after_a_relaunch_the_old_months_keep_their_day() -> None:
    moved = re_anchored(anchors(1), date(2026, 7, 20), 20)

    assert period_of(date(2026, 6, 5), moved) == date(2026, 6, 1)
    assert period_of(date(2026, 7, 20), moved) == date(2026, 7, 20)
    assert period_of(date(2026, 8, 21), moved) == date(2026, 8, 20)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-09-20T10:00:00Z", "2026-09-20"),
        ("2026-09-20T16:30:00Z", "2026-09-20"),  # 01:30 on the 21st in Tokyo (JP-32)
        ("2026-10-31T16:10:00Z", "2026-10-31"),  # 01:10 on 1 November (JP-33)
        ("2026-09-21T03:00:00Z", "2026-09-21"),
    ],
)
def test_a_charge_after_midnight_in_tokyo_is_of_the_day_before(at: str, day: str) -> None:
    assert service_day_of(utc(at), TOKYO) == date.fromisoformat(day)


def test_paris_knows_no_roll_over() -> None:
    assert service_day_of(utc("2026-05-31T22:30:00Z"), PARIS) == date(2026, 6, 1)


@pytest.mark.parametrize(
    ("started", "due", "day"),
    [("2026-01-31", "2026-02-28", 31), ("2026-01-15", "2026-02-15", 15), ("2026-05-20", "2026-06-01", 1)],
)
def test_the_billing_day_is_read_through_short_months(started: str, due: str, day: int) -> None:
    assert billing_day_of(date.fromisoformat(started), date.fromisoformat(due)) == day
