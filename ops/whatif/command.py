"""``relance whatif``: another policy over the recorded months."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import click

from ops.asking import the_stack
from ops.policy_cli import policy_of
from ops.whatif.asking import ask
from ops.whatif.reading import read_history
from ops.whatif.telling import data as as_data
from ops.whatif.telling import lines
from services.dunning.domain.policies_at_hand import Adopted, adopt, read_document
from shared.errors import RelanceError


@click.command()
@click.option(
    "--policy", "name", metavar="FILE|PRESET|live", default="live", show_default=True,
    help="The policy to live by; `live` is what each school really lived by.",
)  # fmt: skip
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key of it; may be repeated."
)
@click.option("--school", metavar="ID", help="One school; all that live by a policy of this id otherwise.")
@click.option(
    "--from", "since", metavar="DAY|INSTANT", help="Cases that opened from then on; from the beginning."
)
@click.option(
    "--to", "until", metavar="DAY|INSTANT", help="The last instant looked at; the last that is recorded."
)
@click.option("--show", type=click.Choice(["table", "cases", "json"]), default="table", show_default=True)
@click.option("--database", metavar="DSN", help="Where the journals are, in place of a running stack's.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=Path("data"), show_default=True,
    help="Data folder of the running stack.",
)  # fmt: skip
def whatif(
    name: str,
    overrides: tuple[str, ...],
    school: str | None,
    since: str | None,
    until: str | None,
    show: str,
    database: str | None,
    data: Path,
) -> None:
    """Live through the recorded months once more, in memory, with another policy.

    Gateways, learners and office act as they were recorded; only decisions are made anew. What was never asked of the
    world has no answer: such cases are named as unknown and counted in neither column. Nothing is changed anywhere.
    """
    if name == "live" and overrides:
        raise click.ClickException("--set changes a policy: name it with --policy FILE or --policy PRESET")
    dsn = database or the_stack(data).database
    try:
        adopted = None if name == "live" else _adopted(name, overrides)
        history = asyncio.run(read_history(dsn, school_id=school))
        answer = asyncio.run(ask(history, adopted, since=_instant(since), until=_instant(until)))
    except RelanceError as error:
        raise click.ClickException(str(error)) from error
    if show == "json":
        click.echo(json.dumps(as_data(answer), ensure_ascii=False, indent=1))
        return
    for line in lines(answer, cases=show == "cases"):
        click.echo(line)


def _adopted(name: str, overrides: tuple[str, ...]) -> Adopted:
    file = Path(name)
    if not overrides and file.suffix in {".yaml", ".yml"} and file.is_file():
        return read_document(file.read_text(encoding="utf-8"), file=file.name)
    return adopt(policy_of(name, overrides))


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.ClickException(
            f"{text!r} is no day and no instant: 2026-04-01 is expected, or 2026-04-01T09:00+02:00"
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
