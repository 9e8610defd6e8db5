"""``relance demo``: a whole Relance, four stories told in it line by line, and whether they came out as promised."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("demo")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder for database, topics, mails and logs; a fresh temporary one when absent.",
)
@click.option("--kafka", default="auto", show_default=True, metavar="auto|embedded|local|HOST:PORT")
@click.option("--exit", "leave", is_flag=True, help="End afterwards, also on a terminal.")
def demo(data: Path | None, kafka: str, leave: bool) -> None:
    """Start everything and play four stories in virtual time: two French learners, two Japanese ones."""
    from ops.demo.playing import run_demo  # noqa: PLC0415 - other commands need none of it

    stays = sys.stdout.isatty() and sys.stdin.isatty() and not leave
    sys.exit(run_demo(data, kafka=kafka, stays=stays))
