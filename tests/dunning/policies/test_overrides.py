"""Every reading is one switch, and a changed policy is held to the same rules."""

from __future__ import annotations

from typing import Any

import pytest

from services.dunning.policies import READINGS, Policy, PolicyRefused, preset, presets, with_overrides
from shared.errors import NotFound

CODES = (
    [f"R-F{n}" for n in range(1, 15)] + [f"R-J{n}" for n in range(1, 17)] + [f"R-X{n}" for n in range(1, 7)]
)


def _at(data: Any, key: str) -> Any:
    for step in key.split("."):
        data = data[int(step)] if isinstance(data, list) else data[step]
    return data


def test_the_register_is_whole() -> None:
    assert sorted(READINGS) == sorted(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_preset_holds_the_recommended_reading(code: str) -> None:
    switch = READINGS[code]
    policy = preset(switch.preset)

    assert {key: _at(policy.to_data(), key) for key in switch.keys} == dict(switch.keys)
    assert with_overrides(policy, {code: "default"}) == policy


OTHERS = [(code, name) for code in CODES for name in READINGS[code].others]


@pytest.mark.parametrize(("code", "name"), OTHERS)
def test_each_other_reading_is_a_policy_of_its_own(code: str, name: str) -> None:
    policy = preset(READINGS[code].preset)
    other = with_overrides(policy, {code: name})

    assert other != policy
    assert other.content_hash() != policy.content_hash()


def test_a_reading_takes_a_value_for_all_of_its_keys(french: Policy) -> None:
    ouvre = with_overrides(french, {"R-F1": "fr-57-ouvrable"})

    assert _at(ouvre.to_data(), "attempts.schedule.calendar") == "fr-57-ouvrable"
    assert _at(ouvre.to_data(), "grace.length.calendar") == "fr-57-ouvrable"


def test_a_key_of_a_list_is_reached_by_its_number(french: Policy) -> None:
    open_to_debit = with_overrides(french, {"accepted_methods.rules.0.funding": ["credit", "debit"]})

    assert open_to_debit.to_data()["accepted_methods"]["rules"][0]["funding"] == ["credit", "debit"]


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("attempts.schedule.calender", "fr-ouvre", "did you mean `calendar`"),
        ("attempts.schedule.calendar", "fr-ouvre", "while retry 10 runs"),
        ("attempts.executor", "gateway", "gateway_forecast"),
        ("accepted_methods.rules.7.funding", ["credit"], "nothing at `accepted_methods.rules.7`"),
        ("id.name", "x", "nothing at `id.name`"),
        ("notices.delivery_calendar", "fr-nowhere", "fr-nowhere"),
    ],
)
def test_an_override_that_makes_no_sense_is_refused(
    french: Policy, key: str, value: object, says: str
) -> None:
    with pytest.raises(PolicyRefused, match=says) as refused:
        with_overrides(french, {key: value})

    assert refused.value.status == 422


def test_overrides_leave_the_preset_as_it_was(french: Policy) -> None:
    before = french.to_data()
    with_overrides(french, {"grace.length.n": 12})

    assert french.to_data() == before


def test_a_policy_that_nobody_wrote_is_not_found() -> None:
    with pytest.raises(NotFound, match="fr-elearning"):
        preset("fr-elearnin")


def test_nine_policies_come_with_relance() -> None:
    assert sorted(presets()) == [
        "backup-method-first",
        "fixed-offsets",
        "fr-elearning",
        "grace-then-readonly",
        "jp-school",
        "no-retry-manual-invoice",
        "paypal-classic",
        "paypal-rest-outstanding",
        "stripe-smart-retries",
    ]
