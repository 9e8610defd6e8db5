"""What the policy tests share: the presets, the calendars, and local instants written as people say them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.dunning.policies import Policy, preset
from shared.calendar import Calendars, WallTime, built_in_calendars, instant

SPEC = Path(__file__).resolve().parents[4] / "shared" / "spec"

At = Callable[[str], datetime]


@pytest.fixture(scope="session")
def calendars() -> Calendars:
    return built_in_calendars()


@pytest.fixture(scope="session")
def french() -> Policy:
    return preset("fr-elearning")


@pytest.fixture(scope="session")
def japanese() -> Policy:
    return preset("jp-school")


def _local(text: str, zone: str) -> datetime:
    day, _, hour = text.partition(" ")
    return instant(date.fromisoformat(day), WallTime.parse(hour), zone)


@pytest.fixture(scope="session")
def paris() -> At:
    return lambda text: _local(text, "Europe/Paris")


@pytest.fixture(scope="session")
def tokyo() -> At:
    return lambda text: _local(text, "Asia/Tokyo")


@pytest.fixture(scope="session")
def spec() -> Path:
    if not SPEC.is_dir():
        pytest.skip("the shared specification is not beside this repository")
    return SPEC


@pytest.fixture(scope="session")
def scenarios(spec: Path) -> dict[str, dict[str, Any]]:
    found = json.loads((spec / "scenarios.json").read_text(encoding="utf-8"))
    return {scenario["id"]: scenario for scenario in found}
