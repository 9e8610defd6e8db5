"""Each known bug still has its place in the source, and the quick ones are found at once."""

from __future__ import annotations

import ast

import pytest

from ops.simulation.bugs import BUGS, ROOT, Bug
from ops.simulation.planted import hunt


def test_at_least_twenty_bugs_are_known_and_each_has_its_own_name() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 20


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_every_planted_bug_still_fits_the_source(bug: Bug) -> None:
    source = (ROOT / bug.file).read_text(encoding="utf-8")

    planted = bug.planted(source)

    assert planted != source
    ast.parse(planted)


def test_every_bug_that_is_called_redundant_is_argued_on_the_page_that_people_read() -> None:
    page = (ROOT / "docs/reference/simulation.md").read_text(encoding="utf-8")

    argued = {bug.name: bug.redundant for bug in BUGS if bug.redundant}
    assert {name: f"| `{name}` | {why} |" in page for name, why in argued.items()} == dict.fromkeys(
        argued, True
    )
    assert len(argued) <= len(BUGS) / 3


def test_a_key_that_is_rotated_per_retry_charges_somebody_twice_within_a_few_storms() -> None:
    (verdict,) = hunt(40, only=("key-rotated-per-retry",), processes=1)

    assert verdict.seed is not None, verdict.line
