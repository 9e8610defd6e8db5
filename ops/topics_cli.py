"""``relance topics``: the topics a cluster must have before anybody speaks."""

from __future__ import annotations

import asyncio

import click

from ops.stack.plan import TOPICS


@click.group()
def topics() -> None:
    """Kafka topics of this installation (settings: RELANCE_KAFKA and its security variables)."""


@topics.command()
@click.option(
    "--replication", default=1, show_default=True, help="Copies of each partition, at most one a broker."
)
def ensure(replication: int) -> None:
    """Make what is missing; partitions that are there stay as they are."""
    from ops.servers.kafka import ensure_topics  # noqa: PLC0415 - other commands need none of it
    from shared.settings import Settings  # noqa: PLC0415 - as above
    from shared.telling import kafka_options  # noqa: PLC0415 - as above

    options = kafka_options(Settings())
    bootstrap = options.pop("bootstrap_servers")
    asyncio.run(ensure_topics(bootstrap, TOPICS, replication=replication, **options))
    click.echo(f"{len(TOPICS)} topics are there: {', '.join(TOPICS)}")
