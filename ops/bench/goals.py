"""What must hold: the ratios of issue 4, each measured inside one run, so that they travel between machines."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

NOISY: Final = 0.35
"""A spread above this is noise: such a figure never passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A bar. ``most``: the value must stay under it, else reach it."""

    id: str
    what: str
    must: float
    stretch: float
    most: bool = False

    def holds(self, value: float, bar: float) -> bool:
        """Whether ``value`` is on the right side of ``bar``."""
        return value <= bar if self.most else value >= bar


GOALS: Final[Mapping[str, Goal]] = {
    goal.id: goal
    for goal in (
        Goal(id="P1", what="durable webhooks: rate over dj-stripe's", must=50, stretch=90),
        Goal(
            id="P2",
            what="durable webhooks: rate over FastAPI + pydantic + one INSERT each",
            must=4,
            stretch=6,
        ),
        Goal(
            id="P3",
            what="durable webhooks: rate over a bare protocol with the same writes",
            must=0.40,
            stretch=0.60,
        ),
        Goal(id="P4", what="construct_event's CPU over our verify and parse", must=40, stretch=80),
        Goal(
            id="P5",
            what="hearing 500 in one transaction over pgbench with the same SQL",
            must=0.50,
            stretch=0.75,
        ),
        Goal(
            id="P6", what="hearing 500 at once over one transaction each on 7 connections", must=6, stretch=9
        ),
        Goal(id="P6s", what="the same on a disk 2 ms slower", must=15, stretch=25),
        Goal(id="P7a", what="a failure and its retry: Celery + Redis' CPU over ours", must=25, stretch=100),
        Goal(id="P7b", what="... procrastinate's CPU over ours", must=40, stretch=100),
        Goal(id="P7c", what="... DBOS' CPU over ours", must=50, stretch=100),
        Goal(id="P8a", what="picking 1,000 due plans of many over of few", must=3, stretch=2, most=True),
        Goal(id="P8b", what="claiming 1,000 due plans of many over of few", must=1.5, stretch=1.1, most=True),
        Goal(
            id="P8c", what="last claim over first under a pinned snapshot", must=1.5, stretch=1.1, most=True
        ),
        Goal(
            id="P9", what="8 tellers with shards over 8 on one queue; no plan told twice", must=1.5, stretch=2
        ),
        Goal(id="P10", what="FastStream's CPU per message over our worker's with decode", must=2, stretch=5),
        Goal(
            id="P11a",
            what="end to end at 1,000/s: our p50 over the bare loop's",
            must=2.5,
            stretch=1.5,
            most=True,
        ),
        Goal(
            id="P11b",
            what="end to end at 1,000/s: our p99 over the bare loop's",
            must=2.5,
            stretch=1.5,
            most=True,
        ),
        Goal(
            id="P12",
            what="bytes of a kept webhook over a default bytea column",
            must=0.35,
            stretch=0.20,
            most=True,
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured goal. ``value`` is ``None`` when it was not measured, with the reason in ``note``."""

    id: str
    value: float | None
    slices: Sequence[float] = ()
    """The ratio in each round, for the spread."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """What the ratio was made of: rates, CPU per event."""
    checks: Mapping[str, bool] = field(default_factory=dict)
    """What had to be true of the work for the figure to count."""
    note: str = ""

    @property
    def goal(self) -> Goal:
        """Its bar."""
        return GOALS[self.id]

    @property
    def spread(self) -> float:
        """(max - min) / median of the rounds."""
        if len(self.slices) < 2:
            return 0.0
        return (max(self.slices) - min(self.slices)) / (statistics.median(self.slices) or 1)

    @property
    def verdict(self) -> str:
        """``stretch``, ``must``, ``FAILS``, ``noisy``, ``void`` or ``not measured``."""
        if self.value is None:
            return "not measured"
        if not all(self.checks.values()):
            return "void"
        goal = self.goal
        if not goal.holds(self.value, goal.must):
            return "FAILS"
        # Noise cannot take away a bar that even the worst round cleared.
        worst = max(self.slices, default=self.value) if goal.most else min(self.slices, default=self.value)
        if self.spread > NOISY and not goal.holds(worst, goal.must):
            return "noisy"
        return "stretch" if goal.holds(self.value, goal.stretch) else "must"

    @property
    def fails(self) -> bool:
        """Whether a must does not hold."""
        return self.verdict in ("FAILS", "void", "noisy")

    def as_json(self) -> dict[str, Any]:
        """For the results' file."""
        goal = self.goal
        return {
            "id": self.id, "what": goal.what, "value": self.value, "must": goal.must, "stretch": goal.stretch,
            "most": goal.most, "spread": round(self.spread, 3), "slices": list(self.slices), "ok": self.verdict,
            "figures": dict(self.figures), "checks": dict(self.checks), "note": self.note,
        }  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """All rows for a person."""
    lines = [f"{'':4} {'value':>8} {'must':>8} {'stretch':>8} {'spread':>7}  {'':12} what"]
    for row in rows:
        goal, sign = row.goal, "<=" if row.goal.most else ">="
        value = "-" if row.value is None else f"{row.value:.2f}"
        lines.append(
            f"{row.id:4} {value:>8} {sign + f'{goal.must:g}':>8} {sign + f'{goal.stretch:g}':>8} "
            f"{row.spread:>6.0%}  {row.verdict:12} {goal.what}{f' ({row.note})' if row.note else ''}"
        )
    return "\n".join(lines)


def not_measured(*ids: str, note: str) -> list[Row]:
    """Rows for what could not be measured, which is never a pass."""
    return [Row(id=one, value=None, note=note) for one in ids]


def ratio_row(
    id: str, over: Sequence[float], under: Sequence[float], *, figures: Mapping[str, Any],
    checks: Mapping[str, bool] | None = None, note: str = "",
) -> Row:  # fmt: skip
    """A ratio of sums over interleaved rounds, with each round's own ratio for the spread."""
    return Row(
        id=id,
        value=sum(over) / sum(under),
        slices=[a / b for a, b in zip(over, under, strict=True)],
        figures=figures,
        checks=checks or {},
        note=note,
    )
