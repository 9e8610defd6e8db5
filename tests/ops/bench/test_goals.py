"""A verdict is as strict as its words: void work, noise and absent peers never pass."""

from __future__ import annotations

import pytest

from ops.bench.goals import GOALS, Row, not_measured, ratio_row, table


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.75, "stretch"), (0.6, "must"), (0.5, "must"), (0.49, "FAILS"), (None, "not measured")],
)
def test_a_value_is_held_against_its_bars(value: float | None, verdict: str) -> None:
    assert Row(id="P5", value=value).verdict == verdict


def test_where_less_is_better_the_bar_is_a_ceiling() -> None:
    assert [Row(id="P12", value=value).verdict for value in (0.2, 0.35, 0.36)] == ["stretch", "must", "FAILS"]


def test_work_that_was_not_right_voids_its_figure() -> None:
    row = Row(id="P5", value=9.0, checks={"nothing is missing": False})

    assert (row.verdict, row.fails) == ("void", True)


def test_noise_never_passes_unless_its_worst_round_does() -> None:
    assert ratio_row("P5", [6, 9], [10, 10], figures={}).verdict == "stretch"
    assert ratio_row("P5", [4, 9], [10, 10], figures={}).verdict == "noisy"


def test_an_absent_peer_neither_passes_nor_fails() -> None:
    (row,) = not_measured("P1", note="make bench-peers")

    assert (row.verdict, row.fails) == ("not measured", False)


def test_a_ratio_is_of_sums_and_its_spread_of_rounds() -> None:
    row = ratio_row("P2", [40, 60], [10, 10], figures={})

    assert row.value == 5.0
    assert row.spread == pytest.approx(0.4)


def test_the_table_has_a_line_for_each_goal_with_its_bars() -> None:
    text = table([Row(id=one, value=1.0) for one in GOALS])

    assert len(text.splitlines()) == len(GOALS) + 1
    assert "<=0.35" in text
    assert ">=50" in text
