"""Figures as shapes: numbers in, rectangles and paths out, drawn by the page as SVG without any script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.desk.domain.figures import Tally

WIDTH, HEIGHT, BELOW, LEFT = 640.0, 220.0, 28.0, 44.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One piece of a stacked bar."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    label: str
    count: int


def stacked(months: Sequence[tuple[str, Tally | None]]) -> list[Bar]:
    """Won, lost and open cases of each month, one upon the other."""
    highest = max((one.opened for _, one in months if one), default=0) or 1
    step = (WIDTH - LEFT) / max(len(months), 1)
    bars = []
    for place, (label, one) in enumerate(months):
        won = sum(one.won.values()) if one else 0
        lost = sum(one.lost.values()) if one else 0
        opened = max(one.opened - won - lost, 0) if one else 0
        y = HEIGHT
        for kind, count in (("won", won), ("lost", lost), ("risk", opened)):
            height = (HEIGHT - 12) * count / highest
            y -= height
            bars.append(
                Bar(kind=kind, x=round(LEFT + place * step + step * 0.18, 1), y=round(y, 1), width=round(step * 0.64, 1),
                    height=round(height, 1), label=label, count=count)
            )  # fmt: skip
    return bars


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How much of a month's cases had come back after how many days."""

    label: str
    path: str
    last: int


def curves(months: Sequence[Tally], days: int = 30) -> list[Curve]:
    """One curve per month, in parts of the cases that opened."""
    drawn = []
    for one in months:
        points, sum_ = [], 0
        for day in range(days + 1):
            sum_ += one.days.get(str(day), 0)
            x = LEFT + (WIDTH - LEFT - 8) * day / days
            y = HEIGHT - (HEIGHT - 12) * (sum_ / one.opened if one.opened else 0)
            points.append(f"{x:.1f},{y:.1f}")
        share = round(100 * sum_ / one.opened) if one.opened else 0
        drawn.append(Curve(label=one.month, path="M" + " L".join(points), last=share))
    return drawn
