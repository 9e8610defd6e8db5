"""Notices and consequences on one clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dunning.policies import Policy, dates, preset, with_overrides
from services.dunning.policies.dates import OwedNotice, Stage
from shared.calendar import Calendars, built_in_calendars
from shared.calendar.delivery import mail_delivery
from shared.reasons import Dated, Reason
from tests.dunning.policies.conftest import At

STEP = "forfeit_all_unconsumed_credits"
PLAN = Reason(rule="deadline")
HELD = {"R-J16": "all_waits"}
MOVED = {"R-J16": "move_by_the_hold"}


def planned(at: datetime) -> Dated:
    return Dated(at=at, because=PLAN)


@pytest.fixture
def golden_week(calendars: Calendars, tokyo: At) -> OwedNotice:
    """A notice wanted on 3 May 2026 that the closed office lets leave on 7 May."""
    wanted = tokyo("2026-05-03 12:00")
    return OwedNotice(wanted_at=wanted, leaves_at=mail_delivery(calendars.named("jp-school"), wanted).at)


def test_a_consequence_waits_for_the_notice_that_golden_week_holds(
    japanese: Policy, golden_week: OwedNotice, tokyo: At
) -> None:
    waiting = with_overrides(japanese, HELD)
    when = dates.consequence_at(
        waiting, step=STEP, planned=planned(tokyo("2026-05-05 20:00")), notice=golden_week
    )

    assert when.at == tokyo("2026-05-07 10:00")
    assert when.because.rule == "waits_for_notice"


def test_a_consequence_planned_after_the_notice_keeps_its_date(
    japanese: Policy, golden_week: OwedNotice, tokyo: At
) -> None:
    waiting = with_overrides(japanese, HELD)
    plan = planned(tokyo("2026-05-09 00:00"))

    assert dates.consequence_at(waiting, step=STEP, planned=plan, notice=golden_week) == plan


def test_a_policy_may_give_the_learner_the_held_days_back(
    japanese: Policy, golden_week: OwedNotice, tokyo: At
) -> None:
    moving = with_overrides(japanese, MOVED)
    when = dates.consequence_at(
        moving, step=STEP, planned=planned(tokyo("2026-05-09 00:00")), notice=golden_week
    )

    assert when.at == tokyo("2026-05-13 00:00")
    assert when.because.value("days") == 4


def test_the_japanese_steps_run_at_once_even_while_the_office_is_closed(
    japanese: Policy, golden_week: OwedNotice, tokyo: At
) -> None:
    plan = planned(tokyo("2026-05-05 20:00"))

    assert dates.consequence_at(japanese, step=STEP, planned=plan, notice=golden_week) == plan
    assert dates.owed_template(japanese, STEP) is None


def test_single_steps_may_run_at_once_where_the_others_wait(
    japanese: Policy, golden_week: OwedNotice, tokyo: At
) -> None:
    mixed = with_overrides(japanese, {**HELD, "consequences.at_once": [STEP]})
    plan = planned(tokyo("2026-05-05 20:00"))

    assert dates.consequence_at(mixed, step=STEP, planned=plan, notice=golden_week) == plan
    assert dates.owed_template(mixed, STEP) is None
    assert dates.owed_template(mixed, "cancel_booked_lessons_by_admin") == "jp.second_failed"


def test_the_french_suspension_owes_the_first_mail(french: Policy) -> None:
    assert dates.owed_template(french, "suspend_access") == "fr.payment_failed"
    assert dates.owed_template(french, "pause_subscription") is None


def test_a_date_that_was_told_is_never_moved_earlier(french: Policy, paris: At) -> None:
    told = paris("2026-06-13 00:00")
    sooner = planned(paris("2026-06-10 00:00"))
    later = planned(paris("2026-06-15 00:00"))

    kept = dates.keep_told(french, sooner, told)
    assert kept.at == told
    assert kept.because.rule == "told_date_kept"
    assert dates.keep_told(french, later, told) == later
    assert dates.keep_told(french, sooner, None) == sooner


def test_a_school_may_decide_otherwise_about_told_dates(french: Policy, paris: At) -> None:
    moving = with_overrides(french, {"R-X5": "told_dates_move"})
    sooner = planned(paris("2026-06-10 00:00"))

    assert dates.keep_told(moving, sooner, paris("2026-06-13 00:00")) == sooner


def test_a_held_notice_keeps_the_hour_through_a_clock_change(french: Policy, paris: At) -> None:
    moving = with_overrides(french, {"consequences.when_notice_is_held": "move_by_the_hold"})
    notice = OwedNotice(wanted_at=paris("2026-10-23 12:00"), leaves_at=paris("2026-10-26 10:00"))

    when = dates.consequence_at(
        moving, step="suspend_access", planned=planned(paris("2026-10-24 00:00")), notice=notice
    )
    assert when.at == paris("2026-10-27 00:00")


CALENDARS = built_in_calendars()
SCHOOL = CALENDARS["jp-school"]
POLICIES = [
    with_overrides(preset("jp-school"), HELD),
    with_overrides(preset("jp-school"), MOVED),
    preset("jp-school"),
    preset("fr-elearning"),
]
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone


@st.composite
def stages(draw: st.DrawFn) -> list[Stage]:
    found = []
    for _ in range(draw(st.integers(1, 5))):
        at = draw(INSTANTS)
        wanted = draw(st.none() | st.integers(0, 300))
        notice = None
        if wanted is not None:
            wanted_at = at - timedelta(hours=wanted)
            notice = OwedNotice(wanted_at=wanted_at, leaves_at=mail_delivery(SCHOOL, wanted_at).at)
        told = draw(st.none() | INSTANTS)
        found.append(Stage(step=STEP, planned=planned(at), notice=notice, told=told))
    return found


@given(stages(), st.sampled_from(POLICIES))
def test_no_stage_runs_before_its_notice_before_its_told_date_or_before_the_stage_above(
    rungs: list[Stage], policy: Policy
) -> None:
    found = dates.ladder(policy, rungs)
    waits = policy.consequences.when_notice_is_held != "at_once"

    assert len(found) == len(rungs)
    assert [when.at for when in found] == sorted(when.at for when in found)
    for rung, when in zip(rungs, found, strict=True):
        assert when.at >= rung.planned.at
        assert rung.told is None or when.at >= rung.told
        assert rung.notice is None or not waits or when.at >= rung.notice.leaves_at


@given(INSTANTS, st.integers(0, 400), st.integers(0, 30), st.sampled_from(POLICIES))
def test_a_notice_that_leaves_later_never_brings_a_consequence_forward(
    at: datetime, before: int, later: int, policy: Policy
) -> None:
    wanted = at - timedelta(hours=before)
    early = OwedNotice(wanted_at=wanted, leaves_at=wanted)
    late = OwedNotice(wanted_at=wanted, leaves_at=wanted + timedelta(days=later))

    one = dates.consequence_at(policy, step=STEP, planned=planned(at), notice=early)
    two = dates.consequence_at(policy, step=STEP, planned=planned(at), notice=late)
    assert one.at <= two.at
