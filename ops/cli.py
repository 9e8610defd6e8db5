"""``relance``: one command for everything a person does with Relance on a machine."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import click

from ops.asking import bring_in, why, zoned
from ops.bench.command import bench
from ops.demo.command import demo
from ops.metrics_reference import show_metrics
from ops.policy_cli import calendars, policy
from ops.simulation.command import simulate
from ops.stack.plan import SERVICES

DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Folder where database, topics, mails and logs live.",
)
KAFKA = click.option(
    "--kafka",
    default="auto",
    show_default=True,
    metavar="auto|embedded|local|HOST:PORT",
    help="Which Kafka: the best at hand, the one in a wheel, Apache Kafka on this machine, or a cluster.",
)
DATABASE = click.option(
    "--database", default="embedded", show_default=True, metavar="embedded|DSN", help="Which PostgreSQL."
)


class _Patient(click.Group):
    """A group that loads some of its commands only when they are asked for: a story's model takes its time."""

    later: ClassVar[Mapping[str, str]] = {
        "story": "ops.stories.command",
        "staff": "ops.staff_cli",
        "whatif": "ops.whatif.command",
        "events": "ops.events_cli",
        "keys": "ops.keys_cli",
        "topics": "ops.topics.command",
        "replay": "ops.replay.command",
        "webhooks": "ops.webhooks_cli",
        "erase": "ops.erase_cli",
        "masters": "ops.masters_cli",
        "mails": "ops.mails_cli",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, loaded or not."""
        return sorted([*super().list_commands(ctx), *self.later])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command, loaded now if it was not."""
        module = self.later.get(cmd_name)
        if module is None:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(importlib.import_module(module), cmd_name)
        return command


@click.group(cls=_Patient, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="relance")
def main() -> None:
    """Relance recovers failed subscription payments for schools, fairly."""


main.add_command(policy)
main.add_command(calendars)
main.add_command(why)
main.add_command(bring_in)
main.add_command(demo)
main.add_command(simulate)
main.add_command(bench)
main.add_command(show_metrics)


@main.command()
@DATA
@KAFKA
@DATABASE
@click.option(
    "--clock",
    metavar="INSTANT",
    callback=zoned,
    help="Live in virtual time from this ISO instant on (demonstrations).",
)
@click.option("--empty", is_flag=True, help="Without the two schools that a newcomer may look around in.")
def up(data: Path, kafka: str, database: str, clock: str | None, empty: bool) -> None:
    """Start everything on this machine and keep it running until Ctrl-C."""
    from ops.stack.up import run_up  # noqa: PLC0415 - other commands need none of it

    start = datetime.fromisoformat(clock) if clock else None
    sys.exit(run_up(data, kafka=kafka, database=database, clock_start=start, empty=empty))


@main.command()
@click.argument("service", type=click.Choice(SERVICES))
def api(service: str) -> None:
    """Serve one service's API (settings: RELANCE_ variables)."""
    from ops.stack.children import run_api  # noqa: PLC0415 - as above

    run_api(service)


@main.command()
def operator() -> None:
    """Serve the operator's own API, which the desk asks what-if questions (settings: RELANCE_ variables)."""
    from ops.stack.children import run_api  # noqa: PLC0415 - as above

    run_api("operator")


@main.command()
@click.argument("service", type=click.Choice(SERVICES))
def worker(service: str) -> None:
    """Run one service's worker (settings: RELANCE_ variables)."""
    from ops.stack.children import run_worker  # noqa: PLC0415 - as above

    run_worker(service)


@main.command()
@click.argument("services", type=click.Choice(SERVICES), nargs=-1)
def migrate(services: tuple[str, ...]) -> None:
    """Bring the database's schemas up to date; all of them when none is named."""
    from ops.stack.children import run_migration  # noqa: PLC0415 - as above

    run_migration(services or SERVICES)
    click.echo("every schema is up to date")


if __name__ == "__main__":
    main()
