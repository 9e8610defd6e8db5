"""The specification's own computed dates, where it lies beside this repository."""

from __future__ import annotations

import json
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from services.dunning.policies import Policy, dates, presets, read_policies, with_overrides
from shared.calendar import Calendars, WallTime, holiday_table, instant, local_date, service_day
from shared.events.words import Template

Scenarios = dict[str, dict[str, Any]]


def evening(day: str) -> datetime:
    return instant(date.fromisoformat(day), WallTime(20), "Asia/Tokyo")


def expecting(scenarios: Scenarios, *keys: str) -> Scenarios:
    found = {name: one["expect"] for name, one in scenarios.items() if set(keys) <= set(one["expect"])}
    assert found
    return found


def test_retries_and_suspensions_fall_on_the_expected_instants(
    scenarios: Scenarios, french: Policy, calendars: Calendars
) -> None:
    for name, expect in expecting(scenarios, "retries", "suspended_at").items():
        policy = with_overrides(french, {"R-F1": expect["calendar"]})
        failed_at = instant(date.fromisoformat(expect["fail"]), WallTime(9), "Europe/Paris")
        ends = dates.deadline(policy, calendars, failed_at)

        assert [one.at for one in dates.retries(policy, calendars, failed_at)] == [
            datetime.fromisoformat(at) for at in expect["retries"]
        ], name
        assert ends is not None
        assert ends.at == datetime.fromisoformat(expect["suspended_at"]), name


def test_notices_are_due_and_sent_on_the_expected_days(
    scenarios: Scenarios, japanese: Policy, calendars: Calendars
) -> None:
    for name, expect in expecting(scenarios, "notice_due", "notice_sent").items():
        failed_at = evening(expect["fail"])
        owed = dates.notice_due(japanese, calendars, Template.JP_PAYMENT_FAILED, failed_at)
        leaves = dates.delivery(japanese, calendars, failed_at)

        assert owed is not None
        assert owed.because.counted[-1].isoformat() == expect["notice_due"], name
        assert local_date(leaves.at, "Asia/Tokyo").isoformat() == expect["notice_sent"], name


def test_gateway_attempts_fall_inside_their_forecast(scenarios: Scenarios, japanese: Policy) -> None:
    for name, expect in expecting(scenarios, "attempts").items():
        days = [date.fromisoformat(day) for day in expect["attempts"]]
        for ordinal, (previous, following) in enumerate(pairwise(days), start=2):
            expected = dates.forecast(japanese, ordinal=ordinal, previous_at=evening(previous.isoformat()))

            assert expected is not None
            assert expected.first_day <= following <= expected.last_day, name


def test_guidance_starts_on_the_expected_day(
    scenarios: Scenarios, japanese: Policy, calendars: Calendars
) -> None:
    for name, expect in expecting(scenarios, "guidance_from").items():
        last = expect["attempts"][-1] if "attempts" in expect else "2026-04-25"
        starts = dates.guidance_earliest(japanese, calendars, evening(last))

        assert local_date(starts.at, "Asia/Tokyo").isoformat() == expect["guidance_from"], name


def test_the_expected_charges_service_day_and_resume_date(scenarios: Scenarios, japanese: Policy) -> None:
    for expect in expecting(scenarios, "charges").values():
        first = date.fromisoformat(expect["charges"][0])
        dues = [
            first,
            *(dates.due_after(japanese, first, first.day, n) for n in range(1, len(expect["charges"]))),
        ]
        assert [due.isoformat() for due in dues] == expect["charges"]
    for expect in expecting(scenarios, "service_day").values():
        at = datetime.fromisoformat(expect["instant"])
        assert service_day(at, "Asia/Tokyo", WallTime(12)).isoformat() == expect["service_day"]
    for expect in expecting(scenarios, "resume").values():
        proposal = dates.resume_proposal(japanese, date(2026, 4, 15), 15, paid_at=evening("2026-04-28"))
        assert proposal is not None
        assert proposal.day.isoformat() == expect["resume"]


def test_the_specifications_policies_are_read_without_an_error_and_mean_the_same(spec: Path) -> None:
    reading = read_policies(
        (spec / "policies.yaml").read_text(encoding="utf-8"), file="policies.yaml", today=date(2026, 11, 22)
    )

    assert reading.errors == []
    assert sorted(reading.policies) == sorted(presets())
    for name, theirs in reading.policies.items():
        ours = presets()[name]
        assert ours.attempts.schedule == theirs.attempts.schedule, name
        assert ours.grace == theirs.grace, name
        assert ours.billing == theirs.billing, name
        assert ours.remediation == theirs.remediation, name
        assert ours.on_exhaustion == theirs.on_exhaustion, name
        assert ours.accepted_methods == theirs.accepted_methods, name


def test_the_specifications_holidays_are_ours(spec: Path) -> None:
    listed = json.loads((spec / "calendars.json").read_text(encoding="utf-8"))["public_holidays"]
    years = {2026, 2027, 2028}

    for name in ("FR", "JP"):
        ours = sorted(day.isoformat() for day in holiday_table(name).days if day.year in years)
        assert ours == listed[name]
    extra = set(holiday_table("FR", "57").days) - set(holiday_table("FR").days)
    assert sorted(day.isoformat() for day in extra if day.year in years) == listed["FR-57 extra"]
