"""``relance topics``: what topics hold, each fact readable, and what was set aside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ops.stack.plan import SERVICES, TOPICS
from ops.topics.asking import Asked, asked_of
from ops.topics.journals import read_journals, refuse_outside, spans
from ops.topics.parked import parked
from ops.topics.place import DATA, JSON, Place, database, place_of, said
from ops.topics.reading import Extent, Found, confirmed, consumer_of, extents, found_in, read
from ops.topics.showing import data_of, line_of


@click.group(invoke_without_command=True)
@DATA
@click.pass_context
def topics(ctx: click.Context, data: Path) -> None:
    """Kafka topics: list, look, follow; parked messages. Without a command: the list."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_topics, data=data, as_json=False)


topics.add_command(parked)


@topics.command()
@click.option(
    "--replication", default=1, show_default=True, help="Copies of each partition, at most one a broker."
)
def ensure(replication: int) -> None:
    """Make what is missing; partitions that are there stay as they are (settings: RELANCE_KAFKA ...)."""
    from ops.servers.kafka import ensure_topics  # noqa: PLC0415 - other commands need none of it
    from shared.settings import Settings  # noqa: PLC0415 - as above
    from shared.telling import kafka_options  # noqa: PLC0415 - as above

    options = kafka_options(Settings())
    bootstrap = options.pop("bootstrap_servers")
    asyncio.run(ensure_topics(bootstrap, TOPICS, replication=replication, **options))
    click.echo(f"{len(TOPICS)} topics are there: {', '.join(TOPICS)}")


@topics.command("list")
@DATA
@JSON
def list_topics(data: Path, as_json: bool) -> None:
    """Each topic: partitions, offsets, and how far each service that hears it lags behind."""
    with said():
        rows = asyncio.run(_listed(place_of(data)))
    for row in rows:
        if as_json:
            click.echo(json.dumps(row))
            continue
        lags = ", ".join(f"{name} {lag}" for name, lag in row["lag"].items()) or "nobody hears it"
        click.echo(
            f"{row['topic']:<22} {row['partitions']:>2} partitions, {row['messages']} messages "
            f"(offsets {' '.join(row['offsets'])})\n{'':<22} lag: {lags}"
        )


async def _listed(place: Place) -> list[dict[str, Any]]:
    held: dict[str, list[Extent]] = {topic: [] for topic in TOPICS}
    async with consumer_of(place, *TOPICS) as consumer:
        for one in await extents(consumer):
            held[one.topic].append(one)
    hearers = _hearers()
    lags: dict[str, dict[str, int]] = {topic: {} for topic in TOPICS}
    heard_by = {service: [one for topic in hearers[service] for one in held[topic]] for service in SERVICES}
    found_of = await asyncio.gather(
        *(confirmed(place, f"relance-{service}", heard) for service, heard in heard_by.items())
    )
    for (service, heard), done in zip(heard_by.items(), found_of, strict=True):
        for one in heard:
            at = done[one.topic, one.partition]
            lag = max(one.end - max(at if at is not None else one.first, one.first), 0)
            lags[one.topic][service] = lags[one.topic].get(service, 0) + lag
    return [
        {
            "topic": topic,
            "partitions": len(found),
            "messages": sum(one.end - one.first for one in found),
            "offsets": [f"{one.partition}:{_range(one)}" for one in found],
            "lag": lags[topic],
        }
        for topic, found in held.items()
    ]


def _range(one: Extent) -> str:
    return f"{one.first}..{one.end - 1}" if one.end > one.first else "empty"


def _hearers() -> dict[str, tuple[str, ...]]:
    from ops.stack.children import app_of  # noqa: PLC0415 - imports every service

    return {service: app_of(service).SERVICE.topics for service in SERVICES}


@topics.command()
@click.argument("topic", required=False)
@click.option(
    "--key", help="Only facts about this subscription, learner, case or school (the message's key)."
)
@click.option("--type", "types", multiple=True, metavar="NAME", help="Only such facts; may be repeated.")
@click.option(
    "--from", "since", metavar="INSTANT", help="Said then or later: 2026-04-15, 2026-04-15T09:00:00Z."
)
@click.option("--to", "until", metavar="INSTANT", help="Said before then.")
@click.option(
    "--offset", metavar="PARTITION:FIRST..LAST", help="These offsets of one partition of one TOPIC."
)
@click.option("--limit", default=500, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--follow", is_flag=True, help="Stay, and show what is said from now on.")
@JSON
@DATA
def look(  # noqa: PLR0917 - one parameter for each option of the command; click passes them by name
    topic: str | None,
    key: str | None,
    types: tuple[str, ...],
    since: str | None,
    until: str | None,
    offset: str | None,
    limit: int,
    follow: bool,
    as_json: bool,
    data: Path,
) -> None:
    """Facts of TOPIC (of all topics when none is named), oldest first, each as one readable line.

    What a topic no longer has is shown from the journals, and marked so.
    """
    with said():
        asked = asked_of(
            topic=topic, key=key, types=types, since=since, until=until, offset=offset, limit=limit
        )
        place = place_of(data)
        show = _printer(as_json)
        asyncio.run(_follow(place, asked, show) if follow else _look(place, asked, show))


def _printer(as_json: bool) -> Callable[[Found], None]:
    def show(one: Found) -> None:
        click.echo(json.dumps(data_of(one), ensure_ascii=False) if as_json else line_of(one))

    return show


async def _look(place: Place, asked: Asked, show: Callable[[Found], None]) -> None:
    found, note = await looked_at(place, asked)
    for one in found:
        show(one)
    click.echo(note, err=True)


async def looked_at(place: Place, asked: Asked) -> tuple[list[Found], str]:
    """What is asked for, from topics and journals, and a sentence that says where it came from.

    Raises:
        Refused: the range does not exist.
    """
    found, horizon = await read(place, asked)
    if asked.offsets is not None:
        return found[: asked.limit], _counted(found, asked, kept=0)
    known = [one.envelope.id for one in found if one.envelope is not None]
    async with database(place) as pool:
        if not found:
            refuse_outside(asked, await spans(pool, asked.topics))
        kept = await read_journals(pool, asked, known, horizon)
    together = [*found, *kept] if horizon is None else [o for o in (*found, *kept) if o.at <= horizon]
    together.sort(key=lambda one: one.at)
    shown = together[: asked.limit]
    return shown, _counted(shown, asked, kept=sum(one.message is None for one in shown))


def _counted(shown: Sequence[Found], asked: Asked, *, kept: int) -> str:
    words = [f"{len(shown)} facts"]
    if kept:
        words.append(f"{kept} of them are no longer on a topic and come from the journals")
    if len(shown) >= asked.limit:
        words.append(
            f"there may be more: go on with --from {shown[-1].at:%Y-%m-%dT%H:%M:%SZ} or a higher --limit"
        )
    return "; ".join(words)


async def _follow(place: Place, asked: Asked, show: Callable[[Found], None]) -> None:
    """Show what is said from now on, until Ctrl-C."""
    wanted = replace(asked, since=None, until=None)
    async with consumer_of(place, *wanted.topics) as consumer:
        await consumer.seek_to_end(*consumer.assignment())
        consumer.resume(*consumer.assignment())
        if asked.since is not None:
            found, _ = await looked_at(place, replace(asked, until=None))
            for one in found:
                show(one)
        while True:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    one = found_in(record)
                    if one.envelope is None or wanted.wants(
                        one.envelope, datetime.max.replace(tzinfo=one.at.tzinfo)
                    ):
                        show(one)
