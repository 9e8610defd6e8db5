"""Whole towns live through storms: nothing is lost, nothing happens twice, and every number gives the same storm again."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from ops.simulation.command import simulate
from ops.simulation.histories import HISTORIES
from ops.simulation.running import Summary, expected, live_through, many, quiet

STORMS = 15
FAILED_ONCE = (42, 69)
"""A worker whose connection broke began its own errands again beside themselves: two mails."""
_ELSEWHERE = """
import json, os
from ops.simulation.running import live_through, quiet
quiet()
one = live_through(6)
print(json.dumps([one.trace, one.steps]), flush=True)
os._exit(0)
"""


@pytest.fixture(autouse=True)
def _quiet() -> None:
    quiet()


@pytest.mark.parametrize("number", range(len(HISTORIES)), ids=[history.name for history in HISTORIES])
def test_every_history_holds_its_invariants_in_fine_weather(number: int) -> None:
    state = expected(number)

    assert len(state["cases"]) >= 1
    assert all(len(set(state["mails"])) == len(state["mails"]) for _ in state["cases"])


def test_fifteen_storms_lose_nothing_double_nothing_and_leave_nothing_stuck() -> None:
    summary = Summary()
    for lived in many(range(STORMS)):
        summary.add(lived)

    assert [(one.seed, one.violations) for one in summary.failed] == []
    assert summary.counts["kills"] >= STORMS * 10
    assert summary.counts["duplicates"] >= STORMS
    services = {"payments", "dunning", "notifications", "access", "credits"}
    assert {point.split(".")[0] for point in summary.died_at} == services


@pytest.mark.parametrize("seed", FAILED_ONCE)
def test_storms_that_once_doubled_something_do_so_no_more(seed: int) -> None:
    assert live_through(seed).violations == ()


def test_the_same_number_gives_the_same_storm_in_this_process_and_in_any_other() -> None:
    here = live_through(6)
    again = live_through(6)
    other = subprocess.run(
        [
            sys.executable,
            "-c",
            _ELSEWHERE,
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "12345"},
    )

    assert (again.trace, again.steps) == (here.trace, here.steps)
    assert json.loads(other.stdout.splitlines()[-1]) == [here.trace, here.steps]


def test_the_command_says_everything_about_one_storm_and_how_to_read_along() -> None:
    told = CliRunner().invoke(simulate, ["--seed", "3", "--read-along"])

    assert told.exit_code == 0, told.output
    assert "nothing lost, doubled or stuck" in told.output
    assert "seed 3 (fr-stolen-card)" in told.output
    assert "KILLED" in told.output
