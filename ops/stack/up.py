"""``relance up``: everything on one machine, with the addresses a person needs on the screen."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import click

from ops.servers.processes import ServerFailed
from ops.stack.newcomers import welcome
from ops.stack.plan import SERVICES, Plan
from ops.stack.supervisor import StackFailed, Supervisor

PAGES: Final = frozenset({"portal", "desk"})
"""What people look at, rather than programs."""


def run_up(
    data: Path, *, kafka: str, database: str, clock_start: datetime | None, empty: bool = False
) -> int:
    """Start a stack, show it, watch it until asked to stop; the process's exit code."""
    supervisor = Supervisor(data, kafka=kafka, database=database, clock_start=clock_start, say=click.echo)
    try:
        plan = supervisor.start()
    except (StackFailed, ServerFailed) as error:
        click.echo(f"relance up: {error}", err=True)
        supervisor.stop()
        return 1
    click.echo(addresses(plan))
    if not empty:
        _welcome(plan)
    try:
        supervisor.watch()
    finally:
        click.echo("stopping")
        supervisor.stop()
    return 0


def _welcome(plan: Plan) -> None:
    try:
        click.echo("\n".join(["learners", *welcome(plan)]))
    except (OSError, ValueError) as error:
        click.echo(f"  the two schools to look around in could not be set up: {error}", err=True)


def addresses(plan: Plan) -> str:
    """What answers where, one line each."""
    lines = [
        f"  {service:<14} {plan.url(service)}/{'' if service in PAGES else 'docs'}" for service in SERVICES
    ]
    asked = " ".join(f"{service} {plan.ports[f'{service}-worker']}" for service in SERVICES)
    lines += [
        f"  {'mailbox':<14} {plan.url('mailbox')}/",
        f"  {'simulators':<14} {plan.url('simulators')}/_sim/journal",
        f"  {'PostgreSQL':<14} {plan.database}",
        f"  {'Kafka':<14} {plan.kafka} ({plan.kafka_kind})",
        f"  metrics        /metrics of each API above; of each worker: {asked}",
        f"  data and logs  {plan.data}   API key and pids: stack.json there",
    ]
    return "\n".join(lines)
