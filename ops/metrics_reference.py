"""``relance metrics`` prints every metric; docs/reference/metrics.md is that output, and a test compares the two."""

from __future__ import annotations

from typing import Final

import click

from shared import metrics
from shared.meters import INSTRUMENTS, Bounded, Label, Spread

_INTRODUCTION: Final = """\
# Metrics

Each process counts for itself, from zero, and shows it at `/metrics`: an API on its own port, a worker on
`RELANCE_WORKER_PORT` (`relance up` chooses free ports and prints them). Prometheus shows `RELANCE_METRICS_TOKEN` as a
bearer token; without one, metrics are shown in test mode only. Labels are words, never ids, names, addresses or
amounts: whatever a list below does not name becomes `other`. Where several workers of a service measure the same
table (`relance_oldest_seconds`, `relance_waiting`, `relance_cases`), take the `max`, not the sum.

Dashboards and alert rules over these names are in `ops/monitoring/`; what to do when one fires is in
[alerts](../how-to/alerts.md). This page is written by `relance metrics`.
"""


def reference() -> str:
    """The whole page as Markdown."""
    assert metrics.__doc__ is not None  # noqa: S101 - importing it is what declares them
    parts = [_INTRODUCTION]
    for name, meter in INSTRUMENTS.items():
        parts.append(f"## `{name}` ({meter.kind})\n\n{meter.says}\n")
        parts += [f"- `{label}`: {_values(bound)}" for label, bound in meter.labels.items()]
        if isinstance(meter, Spread):
            parts.append(f"- steps: {', '.join(f'{step:g}' for step in meter.steps)}")
        if meter.labels or isinstance(meter, Spread):
            parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _values(bound: Label) -> str:
    if isinstance(bound, Bounded):
        return bound.by
    return ", ".join(f"`{value}`" if value else "empty" for value in bound)


@click.command("metrics")
def show_metrics() -> None:
    """Print every metric with its labels and their values."""
    click.echo(reference(), nl=False)
