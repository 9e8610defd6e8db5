"""The lump sum, the announced day, and the path's deadline."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dunning.policies import Policy, dates, preset, with_overrides
from shared.calendar import Calendars
from shared.money import Money
from tests.dunning.policies.conftest import At


@pytest.mark.parametrize(
    ("due", "anchor", "covers", "resume"),
    [
        (date(2026, 4, 15), 15, ("2026-04-15/2026-05-14", "2026-05-15/2026-06-14"), date(2026, 6, 15)),
        (date(2026, 12, 29), 29, ("2026-12-29/2027-01-28", "2027-01-29/2027-02-27"), date(2027, 2, 28)),
        (date(2026, 8, 31), 31, ("2026-08-31/2026-09-29", "2026-09-30/2026-10-30"), date(2026, 10, 31)),
        (date(2026, 2, 28), 31, ("2026-02-28/2026-03-30", "2026-03-31/2026-04-29"), date(2026, 4, 30)),
    ],
)
def test_two_months_are_covered_and_the_first_uncovered_day_is_proposed(
    due: date, anchor: int, covers: tuple[str, ...], resume: date, japanese: Policy, tokyo: At
) -> None:
    periods = dates.covered_periods(japanese, due, anchor)
    proposal = dates.resume_proposal(japanese, due, anchor, paid_at=tokyo(f"{due} 12:00"))

    assert tuple(f"{period.first}/{period.last}" for period in periods) == covers
    assert proposal is not None
    assert proposal.day == resume


def test_a_proposal_is_never_in_the_past(japanese: Policy, tokyo: At) -> None:
    proposal = dates.resume_proposal(japanese, date(2026, 4, 15), 15, paid_at=tokyo("2026-07-20 12:00"))

    assert proposal is not None
    assert proposal.day == date(2026, 8, 15)


def test_a_school_may_propose_45_days_after_the_payment(japanese: Policy, tokyo: At) -> None:
    fixed = with_overrides(japanese, {"R-J9": "fixed_45_days"})
    proposal = dates.resume_proposal(fixed, date(2026, 4, 15), 15, paid_at=tokyo("2026-04-28 12:00"))

    assert proposal is not None
    assert proposal.day == date(2026, 6, 12)


def test_both_months_are_asked_at_the_current_price(japanese: Policy, french: Policy) -> None:
    new, old = Money(12800, "JPY"), Money(11500, "JPY")

    assert dates.lump_sum(japanese, current_price=new, old_price=old) == Money(25600, "JPY")
    lenient = with_overrides(japanese, {"R-J8": "first_month_old_price"})
    assert dates.lump_sum(lenient, current_price=new, old_price=old) == Money(24300, "JPY")
    assert dates.lump_sum(french, current_price=Money(7500, "EUR")) is None


def test_my_page_is_open_on_the_announced_day_and_on_no_other(japanese: Policy, tokyo: At) -> None:
    window = dates.resume_window(japanese, date(2026, 6, 15))

    assert window is not None
    assert window.opens.at == tokyo("2026-06-15 00:00")
    assert window.closes.at == tokyo("2026-06-16 00:00")


def test_staff_are_warned_of_gap_overlap_closure_and_the_past(calendars: Calendars) -> None:
    school = calendars.named("jp-school")
    proposed = date(2026, 8, 15)

    def conflicts(day: date) -> tuple[str, ...]:
        return dates.resume_conflicts(day, proposed=proposed, today=date(2026, 7, 1), calendar=school)

    assert conflicts(date(2026, 8, 20)) == ("gap",)
    assert conflicts(date(2026, 8, 14)) == ("closed_day", "overlap")
    assert conflicts(date(2026, 6, 30)) == ("in_the_past", "overlap")
    assert conflicts(proposed) == ("closed_day",)


@pytest.mark.parametrize(
    ("submitted", "open_still"),
    [("2026-09-30 23:59", True), ("2026-10-01 00:00", False), ("2026-09-01 08:00", True)],
)
def test_a_path_is_open_through_the_whole_of_its_last_day(
    submitted: str, open_still: bool, french: Policy, paris: At
) -> None:
    assert dates.may_re_enrol(french, date(2026, 9, 30), submitted_at=paris(submitted)) is open_still


def test_the_submission_counts_although_the_payment_ends_after_midnight(french: Policy, paris: At) -> None:
    submitted, paid = paris("2026-09-30 23:59"), paris("2026-10-01 00:03")
    strict = with_overrides(french, {"R-F10": "payment"})

    assert dates.may_re_enrol(french, date(2026, 9, 30), submitted_at=submitted, paid_at=paid)
    assert not dates.may_re_enrol(strict, date(2026, 9, 30), submitted_at=submitted, paid_at=paid)


def test_a_policy_may_exclude_the_last_day(french: Policy, paris: At) -> None:
    strict = with_overrides(french, {"R-F10": "exclusive"})

    assert not dates.may_re_enrol(strict, date(2026, 9, 30), submitted_at=paris("2026-09-30 08:00"))


def test_without_a_path_deadline_a_relaunch_is_always_possible(french: Policy, paris: At) -> None:
    assert dates.may_re_enrol(french, None, submitted_at=paris("2036-09-30 08:00"))
    assert dates.re_enrolment_deadline(preset("grace-then-readonly"), date(2026, 9, 30)) is None


@given(st.dates(date(2021, 1, 1), date(2039, 1, 1)), st.integers(1, 31))
def test_the_proposal_is_the_day_after_the_last_covered_one(start: date, anchor: int) -> None:
    policy = preset("jp-school")
    due = dates.due_after(policy, start, anchor)
    window = dates.resume_window(policy, due)
    assert window is not None
    proposal = dates.resume_proposal(policy, due, anchor, paid_at=window.opens.at)

    assert proposal is not None
    assert (proposal.day - dates.covered_periods(policy, due, anchor)[-1].last).days == 1
