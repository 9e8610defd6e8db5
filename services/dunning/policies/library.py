"""The policies that come with Relance, and how a school's own grows out of one of them.

Each YAML file beside this module is one policy; presets are read-only, a school copies or ``extends`` one.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from services.dunning.policies.lines import Path, dotted
from services.dunning.policies.policy import Policy
from services.dunning.policies.problems import PolicyRefused, Problem
from services.dunning.policies.reader import read_policies, validated
from services.dunning.policies.readings import keys_of_reading
from shared.calendar import Calendars, built_in_calendars
from shared.errors import NotFound


@cache
def presets() -> Mapping[str, Policy]:
    """Every policy that comes with Relance, by id; read and checked once.

    Raises:
        PolicyRefused: a file of the package is broken.
    """
    found: dict[str, Policy] = {}
    for entry in sorted(files("services.dunning.policies").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml"):
            reading = read_policies(entry.read_text(encoding="utf-8"), file=entry.name, parents=found)
            if reading.errors:
                raise PolicyRefused(reading.errors)
            found.update(reading.policies)
    return found


def preset(policy_id: str) -> Policy:
    """The policy of that id.

    Raises:
        NotFound: there is none.
    """
    found = presets().get(policy_id)
    if found is None:
        raise NotFound(f"there is no policy {policy_id!r}: the presets are {', '.join(presets())}")
    return found


def with_overrides(
    policy: Policy,
    overrides: Mapping[str, Any],
    *,
    calendars: Calendars | None = None,
    today: date | None = None,
) -> Policy:
    """The same policy with some keys changed, held to the same rules.

    A key is dotted (``attempts.schedule.calendar``, a list by number: ``accepted_methods.rules.0.funding``) or a
    reading's code (``R-F1``), which sets every key of that reading to the value or to a named alternative.

    Raises:
        PolicyRefused: a key does not exist or the result breaks a rule (422).
    """
    data = copy.deepcopy(policy.to_data())
    for key, value in overrides.items():
        for path, wanted in _paths(key, value):
            _put(data, path, wanted)
    changed, _ = validated(data, file="overrides", calendars=calendars or built_in_calendars(), today=today)
    return changed


def _paths(key: str, value: Any) -> list[tuple[Path, Any]]:
    chosen = keys_of_reading(key, value)
    if chosen is None:
        return [(_steps(key), value)]
    return [(_steps(name), wanted) for name, wanted in chosen.items()]


def _steps(key: str) -> Path:
    return tuple(int(step) if step.isdigit() else step for step in key.split("."))


def _put(data: Any, path: Path, value: Any) -> None:
    for index, step in enumerate(path[:-1]):
        if isinstance(data, dict):
            if data.get(step) is None:
                data[step] = {}
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            raise _no_such_key(path, path[: index + 1])
    last: Any = path[-1]
    if not isinstance(data, dict) and not (
        isinstance(data, list) and isinstance(last, int) and last < len(data)
    ):
        raise _no_such_key(path, path)
    data[last] = value


def _no_such_key(path: Path, where: Path) -> PolicyRefused:
    problem = Problem(
        file="overrides",
        line=None,
        key=dotted(path),
        message=f"there is nothing at `{dotted(where)}`",
        remedy="write the keys of the policy file, joined by dots",
    )
    return PolicyRefused([problem])
