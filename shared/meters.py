"""Instruments that count at little cost and with bounded labels, whatever is given to them.

Each instrument says which values each of its labels may have; any other becomes ``other``, so that no id, name or
address can ever become a label, and a series more is a decision somebody wrote down in ``shared/metrics.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest

OTHER: Final = "other"
_MOST: Final = 2000
"""Series of one instrument: a label that is bounded by something else than a list ends here."""

REGISTRY: Final = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, and nobody asks since when
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Bounded:
    """A label whose values no list names; ``by`` says what bounds them (the vocabulary, the routes)."""

    by: str


Label = Bounded | Sequence[str]
"""What bounds a label: a list of values, or something else that has an end."""


class Meter:
    """What every instrument has: a name, a sentence, labels. ``INSTRUMENTS`` has them all."""

    kind = ""

    def __init__(self, name: str, says: str, labels: Mapping[str, Label]) -> None:
        self.name = name
        self.says = says
        self.labels = labels
        self._allowed = [None if isinstance(one, Bounded) else frozenset(one) for one in labels.values()]
        self._children: dict[tuple[str, ...], Any] = {}
        self._parent: Any = None
        INSTRUMENTS[name] = self

    def _child(self, values: tuple[str, ...]) -> Any:
        """The series of those values; found by one look-up after the first time."""
        bounded = tuple(
            OTHER if allowed is not None and value not in allowed else value
            for value, allowed in zip(values, self._allowed, strict=True)
        )
        if len(self._children) >= _MOST:
            bounded = tuple(OTHER for _ in bounded)
            return self._parent.labels(*bounded) if bounded else self._parent
        child = self._parent.labels(*bounded) if bounded else self._parent
        self._children[values] = child
        return child

    def samples(self) -> tuple[str, ...]:
        """The names under which Prometheus finds it."""
        return (self.name,)


INSTRUMENTS: Final[dict[str, Meter]] = {}
"""Every instrument of Relance, by name, in the order of ``shared/metrics.py``."""


class Count(Meter):
    """Something that happened; it only grows. Its name ends in ``_total``."""

    kind = "counter"

    def __init__(self, name: str, says: str, **labels: Label) -> None:
        super().__init__(name, says, labels)
        self._parent = Counter(name.removesuffix("_total"), says, [*labels], registry=REGISTRY)

    def add(self, *values: str, by: float = 1) -> None:
        """Count ``by`` more."""
        child = self._children.get(values) or self._child(values)
        child.inc(by)

    def value(self, *values: str) -> float:
        """How many were counted in this process."""
        found: float = REGISTRY.get_sample_value(self.name, dict(zip(self.labels, values, strict=True))) or 0
        return found


class Spread(Meter):
    """How something is spread (seconds, sizes), in steps. Prometheus finds ``_bucket``, ``_sum`` and ``_count``."""

    kind = "histogram"

    def __init__(self, name: str, says: str, steps: Sequence[float], **labels: Label) -> None:
        super().__init__(name, says, labels)
        self.steps = tuple(steps)
        self._parent = Histogram(name, says, [*labels], buckets=self.steps, registry=REGISTRY)

    def add(self, *values: str, value: float) -> None:
        """One more of that size."""
        child = self._children.get(values) or self._child(values)
        child.observe(value)

    def count(self, *values: str) -> float:
        """How many were seen in this process."""
        labels = dict(zip(self.labels, values, strict=True))
        found: float = REGISTRY.get_sample_value(f"{self.name}_count", labels) or 0
        return found

    def samples(self) -> tuple[str, ...]:
        return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")


class Level(Meter):
    """How much of something there is now."""

    kind = "gauge"

    def __init__(self, name: str, says: str, **labels: Label) -> None:
        super().__init__(name, says, labels)
        self._parent = Gauge(name, says, [*labels], registry=REGISTRY)

    def set(self, *values: str, to: float) -> None:
        """It is ``to`` now."""
        (self._children.get(values) or self._child(values)).set(to)

    def ask(self, *values: str, how: Callable[[], float]) -> None:
        """``how`` is called whenever somebody looks."""
        (self._children.get(values) or self._child(values)).set_function(how)

    def forget(self) -> None:
        """Nothing is known of it any more (partitions went to another worker)."""
        self._children.clear()
        self._parent.clear()

    def value(self, *values: str) -> float | None:
        """What it is in this process; ``None`` when nothing was ever said of it."""
        found: float | None = REGISTRY.get_sample_value(
            self.name, dict(zip(self.labels, values, strict=True))
        )
        return found


def exposition() -> bytes:
    """Everything that this process counted, as Prometheus reads it."""
    return generate_latest(REGISTRY)
