"""Topics are made before anybody speaks, with the number of partitions that was decided, on any Kafka cluster."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from ops.servers.processes import ServerFailed


async def ensure_topics(
    bootstrap: str,
    topics: Mapping[str, int],
    *,
    replication: int = 1,
    seconds: float = 30.0,
    **client: Any,
) -> None:
    """Make the topics that are missing (name: partitions) and add partitions to those that have fewer.

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
                await _ensure(bootstrap, topics, replication, client)
            except KafkaError as error:
                if time.monotonic() > until or not error.retriable:
                    msg = f"we could not make the topics on {bootstrap} because {error!r}; check the address and its log"
                    raise ServerFailed(msg) from error
                await asyncio.sleep(0.1)
            else:
                return
    finally:
        connection_log.disabled = before


async def _ensure(
    bootstrap: str, topics: Mapping[str, int], replication: int, client: Mapping[str, Any]
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **client)
    try:
        await admin.start()
        if not topics:
            return
        wanted = [NewTopic(name, partitions, replication) for name, partitions in topics.items()]
        answer = await admin.create_topics(wanted)
        there = [name for name, code in _codes(answer) if for_code(code) is TopicAlreadyExistsError]
        short = {
            topic["topic"]: NewPartitions(total_count=topics[topic["topic"]])
            for topic in (await admin.describe_topics(there) if there else [])
            if len(topic["partitions"]) < topics[topic["topic"]]
        }
        if short:
            await admin.create_partitions(short)
    finally:
        await admin.close()


def _codes(answer: Any) -> list[tuple[str, int]]:
    """Topic and error code of each entry; anything but success or `already exists` is raised."""
    codes = [(str(entry[0]), int(entry[1])) for entry in answer.topic_errors]
    for name, code in codes:
        error = for_code(code)
        if code != 0 and error is not TopicAlreadyExistsError:
            raise error(name)
    return codes
