"""``relance replay``: what would be different had every fact been heard right, and mending it without repeating anything."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import click

from ops.replay.comparing import Difference
from ops.replay.redelivering import Redelivery, look_ahead, redeliver
from ops.replay.running import dry_run, mend
from ops.replay.wording import effects, effects_in_words, lines
from ops.stack.plan import SERVICES
from ops.topics.asking import Asked, asked_of
from ops.topics.place import BY, DATA, database, place_of, said, unseal


@click.group(invoke_without_command=True)
@click.option("--all", "every", is_flag=True, help="Every service.")
@click.option("--service", "names", multiple=True, type=click.Choice(SERVICES), help="May be repeated.")
@click.option(
    "--dry-run", "only_look", is_flag=True, help="Say what differs; the exit code is 1 if anything does."
)
@click.option(
    "--apply", "mends", is_flag=True, help="Mend what differs; effects that happened are not repeated."
)
@click.option("--yes", is_flag=True, help="Mend without asking.")
@click.option("--json", "as_json", is_flag=True, help="The differences as JSON.")
@BY
@DATA
@click.pass_context
def replay(  # noqa: PLR0917 - one parameter for each option of the command; click passes them by name
    ctx: click.Context,
    every: bool,
    names: tuple[str, ...],
    only_look: bool,
    mends: bool,
    yes: bool,
    as_json: bool,
    by: str,
    data: Path,
) -> None:
    """Build services' state anew from their facts and compare (--dry-run), or mend what differs (--apply)."""
    if ctx.invoked_subcommand is not None:
        return
    chosen = SERVICES if every else names
    if not chosen or only_look == mends:
        raise click.UsageError(
            "say whose state (--all or --service NAME) and what to do (--dry-run or --apply)"
        )
    with said():
        found = asyncio.run(_looked(data, chosen, as_json=as_json))
        if only_look:
            ctx.exit(0 if all(one.is_none for one in found) else 1)
        if all(one.is_none for one in found):
            return
        if not yes:
            click.confirm("mend this?", abort=True)
        for line in asyncio.run(_mended(data, chosen, by)):
            click.echo(line)


async def _looked(data: Path, names: tuple[str, ...], *, as_json: bool) -> list[Difference]:
    place = place_of(data)
    unseal(place)
    began = time.perf_counter()
    async with database(place) as pool:
        found = await dry_run(pool, place.clock, names)
    taken = time.perf_counter() - began
    if as_json:
        click.echo(json.dumps([data_of(one) for one in found], ensure_ascii=False))
        return found
    for one in found:
        for line in lines(one):
            click.echo(line)
    different = sum(not one.is_none for one in found)
    click.echo(effects_in_words(found))
    click.echo(
        f"{sum(one.facts for one in found)} facts in {taken:.1f} s: "
        + (f"{different} of {len(found)} services differ" if different else "zero differences")
    )
    return found


async def _mended(data: Path, names: tuple[str, ...], by: str) -> list[str]:
    place = place_of(data)
    unseal(place)
    async with database(place, size=3) as pool:
        return [one.in_words() for one in await mend(pool, place.clock, names, by=by)]


def data_of(one: Difference) -> dict[str, Any]:
    """A difference as JSON, with stable field names."""
    return {
        "service": one.service,
        "facts": one.facts,
        "rows": [
            {"table": row.table, "key": row.key, "kind": row.kind, "fields": row.fields()} for row in one.rows
        ],
        "never_heard": [fact.envelope.id for fact in one.lost],
        "not_in_the_journal": [fact.envelope.id for fact in one.unsaid],
        "unexplained": [fact.envelope.id for fact in one.unexplained],
        "never_asked_for": [errand.id for errand in one.undone],
        "would_say": dict(one.follows),
        "effects": effects([one]),
        "problems": one.problems,
        "speaks_since": one.since.isoformat() if one.since else None,
        "rows_not_judged": one.unjudged,
    }


@replay.command("redeliver")
@click.argument("service", type=click.Choice(SERVICES))
@click.option("--topic", help="Only this topic.")
@click.option("--key", help="Only facts of this key.")
@click.option("--type", "types", multiple=True, metavar="NAME", help="Only such facts; may be repeated.")
@click.option("--from", "since", metavar="INSTANT", help="Said then or later.")
@click.option("--to", "until", metavar="INSTANT", help="Said before then.")
@click.option("--offset", metavar="PARTITION:FIRST..LAST", help="These offsets of the --topic.")
@click.option("--dry-run", "only_look", is_flag=True, help="Only say how many are new.")
@click.option("--yes", is_flag=True, help="Without asking.")
@BY
@DATA
def redeliver_command(  # noqa: PLR0917 - as above
    service: str,
    topic: str | None,
    key: str | None,
    types: tuple[str, ...],
    since: str | None,
    until: str | None,
    offset: str | None,
    only_look: bool,
    yes: bool,
    by: str,
    data: Path,
) -> None:
    """Let SERVICE hear a range once more: what it has heard changes nothing, what it has not is heard now."""
    with said():
        asked = asked_of(
            topic=topic, key=key, types=types, since=since, until=until, offset=offset, limit=1_000_000
        )
        found = asyncio.run(_ahead(data, service, asked))
        click.echo(found.in_words())
        if only_look or not found.new:
            return
        if not yes:
            click.confirm("let it hear them?", abort=True)
        click.echo(asyncio.run(_redelivered(data, service, found, by)))


async def _ahead(data: Path, service: str, asked: Asked) -> Redelivery:
    return await look_ahead(place_of(data), service, asked)


async def _redelivered(data: Path, service: str, found: Redelivery, by: str) -> str:
    place = place_of(data)
    unseal(place)
    async with database(place) as pool:
        return await redeliver(pool, place.clock, service, found, by=by)
