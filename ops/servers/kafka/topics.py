"""Topics are made before anybody speaks, with the number of partitions that was decided, on any Kafka cluster."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import (
    InvalidPartitionsError,
    KafkaError,
    LeaderNotAvailableError,
    TopicAlreadyExistsError,
    for_code,
)

from ops.servers.processes import ServerFailed


async def ensure_topics(
    bootstrap: str,
    topics: Mapping[str, int],
    *,
    replication: int = 1,
    seconds: float = 30.0,
    **client: Any,
) -> None:
    """Make the topics that are missing (name: partitions), add partitions to those that have fewer, see them there.

    The controller agrees before the brokers know: this returns when every partition has a leader to speak to.
    A topic that has more partitions than asked for is left as it is: partitions cannot be taken away. The embedded
    broker has no topic administration; its topics are given to `broker.start`.

    Args:
        bootstrap: `host:port`, or several with commas.
        topics: name to number of partitions.
        replication: copies of each partition.
        seconds: how long a cluster that is still coming up is asked again.
        client: further options of aiokafka's client (security_protocol, sasl_mechanism, ssl_context, ...).

    Raises:
        ServerFailed: the cluster did not answer in time, or refused.
    """
    until = time.monotonic() + seconds
    connection_log = logging.getLogger("aiokafka")
    before, connection_log.disabled = connection_log.disabled, True  # a server that is coming up is no error
    try:
        while True:
            try:
                if await _ensure(bootstrap, topics, replication, client):
                    return
                trouble: KafkaError = LeaderNotAvailableError(", ".join(topics))
            except KafkaError as error:
                trouble = error
            if time.monotonic() > until or not trouble.retriable:
                msg = f"we could not make the topics on {bootstrap} because {trouble!r}; check the address and its log"
                raise ServerFailed(msg) from trouble
            await asyncio.sleep(0.05)
    finally:
        connection_log.disabled = before


async def _ensure(
    bootstrap: str, topics: Mapping[str, int], replication: int, client: Mapping[str, Any]
) -> bool:
    """Ask for what is missing; whether everything is there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **client)
    try:
        await admin.start()
        if not topics:
            return True
        known = set(await admin.list_topics())
        wanted = [NewTopic(name, count, replication) for name, count in topics.items() if name not in known]
        if wanted:
            _refuse((await admin.create_topics(wanted)).topic_errors)
        there = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics(list(topics))}
        short = {name: count for name, count in topics.items() if 0 < len(there.get(name, ())) < count}
        if short:
            more = {name: NewPartitions(total_count=count) for name, count in short.items()}
            with suppress(InvalidPartitionsError):  # the controller has them already and this broker not yet
                await admin.create_partitions(more)
        return all(
            len(there.get(name, ())) >= count and all(partition["leader"] >= 0 for partition in there[name])
            for name, count in topics.items()
        )
    finally:
        await admin.close()


def _refuse(answers: Iterable[tuple[Any, ...]]) -> None:
    """Raise the first error of an answer per topic; that somebody else has just made it is none."""
    for name, code, *_ in answers:
        error = for_code(code)
        if code != 0 and error is not TopicAlreadyExistsError:
            raise error(name)
