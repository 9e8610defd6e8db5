from __future__ import annotations

import pytest

from shared.events import dunning
from shared.events.words import CaseState
from tests.dunning.conftest import Town

SUMMER = ["06-02", "06-03", "06-04", "06-05", "06-06", "06-08", "06-09", "06-10", "06-11", "06-12"]


async def test_ten_retries_follow_on_jours_ouvrables_and_then_access_ends_to_the_second(paris: Town) -> None:
    await paris.registered(billing_day=1)
    paris.declines()
    await paris.fails("2026-06-01 09:00", "2026-06-01")
    await paris.until("2026-06-30 12:00")

    assert paris.asked() == [f"2026-{day} 09:00" for day in SUMMER]
    assert paris.state() is CaseState.SUSPENDED
    assert paris.facts(dunning.CaseSuspended)[0].occurred_at == paris.at("2026-06-12T22:00:00+00:00")
    assert len(paris.case().attempts) == 11
    assert paris.mails() == [
        "fr.payment_failed 2026-06-01 09:00",
        "fr.last_day_tomorrow 2026-06-11 09:30",
        "fr.suspended 2026-06-13 00:00",
    ]


@pytest.mark.parametrize(
    ("failure", "skipped", "last", "ends"),
    [
        ("2026-06-06", ["2026-06-07"], "2026-06-18", "2026-06-18T22:00:00+00:00"),
        ("2026-06-05", ["2026-06-07"], "2026-06-17", "2026-06-17T22:00:00+00:00"),
        ("2026-04-30", ["2026-05-01", "2026-05-08", "2026-05-14"], "2026-05-15", "2026-05-15T22:00:00+00:00"),
        ("2026-07-03", ["2026-07-14"], "2026-07-16", "2026-07-16T22:00:00+00:00"),
        ("2026-12-21", ["2026-12-25", "2027-01-01"], "2027-01-04", "2027-01-04T23:00:00+00:00"),
        ("2027-04-24", ["2027-05-01", "2027-05-06", "2027-05-08"], "2027-05-10", "2027-05-10T22:00:00+00:00"),
        ("2026-03-20", ["2026-03-22", "2026-03-29"], "2026-04-01", "2026-04-01T22:00:00+00:00"),
        ("2028-02-29", ["2028-03-05"], "2028-03-11", "2028-03-11T23:00:00+00:00"),
    ],
)
async def test_no_card_is_charged_on_a_sunday_or_holiday_and_the_clock_waits_for_it(
    paris: Town, failure: str, skipped: list[str], last: str, ends: str
) -> None:
    await paris.registered(billing_day=int(failure[-2:]))
    paris.declines()
    await paris.fails(f"{failure} 09:00", failure)
    await paris.until(f"{last} 23:59")
    days = [asked[:10] for asked in paris.asked()]

    assert len(days) == 10
    assert days[-1] == last
    assert not set(skipped) & set(days)
    assert paris.case().clock.grace_at == paris.at(ends)
    assert paris.state() is CaseState.RETRYING
    await paris.until(f"{last} 23:59:59")
    assert paris.state() is CaseState.RETRYING
    await paris.until(ends)
    assert paris.state() is CaseState.SUSPENDED
