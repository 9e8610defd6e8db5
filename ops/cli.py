"""``relance``: one command for everything a person does with Relance on a machine."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from ops.asking import bring_in, why
from ops.policy_cli import calendars, policy
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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="relance")
def main() -> None:
    """Relance recovers failed subscription payments for schools, fairly."""


main.add_command(policy)
main.add_command(calendars)
main.add_command(why)
main.add_command(bring_in)


@main.command()
@DATA
@KAFKA
@DATABASE
@click.option(
    "--clock", metavar="INSTANT", help="Live in virtual time from this ISO instant on (demonstrations)."
)
def up(data: Path, kafka: str, database: str, clock: str | None) -> None:
    """Start everything on this machine and keep it running until Ctrl-C."""
    from ops.stack.up import run_up  # noqa: PLC0415 - other commands need none of it

    start = datetime.fromisoformat(clock) if clock else None
    sys.exit(run_up(data, kafka=kafka, database=database, clock_start=start))


@main.command()
@click.argument("service", type=click.Choice(SERVICES))
def api(service: str) -> None:
    """Serve one service's API (settings: RELANCE_ variables)."""
    from ops.stack.children import run_api  # noqa: PLC0415 - as above

    run_api(service)


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
