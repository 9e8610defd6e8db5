"""Many messages at the price of few: whole batches for each partition, in order, without a future for each message.

aiokafka's ``send`` makes a future and a task switch per message, ten times what its batches cost (facts A5).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)
def _hash(key: str) -> int:
    """As every Kafka client hashes a key, so that one key stays in one partition whoever speaks."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF)


def partition_of(key: str, count: int) -> int:
    """Which of ``count`` partitions has the facts of ``key``."""
    return _hash(key) % count


async def send_all(producer: Any, rows: Sequence[Any]) -> None:
    """Send rows (mappings of ``topic``, ``key``, ``value`` and perhaps ``trace``) and return when the brokers have them all.

    What has one key keeps its order.

    Raises:
        aiokafka.errors.KafkaError: some may be there and some not; send them all again.
    """
    lanes: dict[tuple[str, int], list[Any]] = {}
    counts: dict[str, int] = {}
    for row in rows:
        topic = row["topic"]
        count = counts.get(topic)
        if count is None:
            count = counts[topic] = len(await producer.partitions_for(topic))
        lanes.setdefault((topic, partition_of(row["key"], count)), []).append(row)
    await asyncio.gather(*(_send(producer, *lane, found) for lane, found in lanes.items()))


async def _send(producer: Any, topic: str, partition: int, rows: Sequence[Any]) -> None:
    """One partition's rows, each batch after the one before it was taken."""
    for batch in _batches(producer, rows):
        await (await producer.send_batch(batch, topic, partition=partition))


def _batches(producer: Any, rows: Sequence[Any]) -> Iterator[Any]:
    batch, count = producer.create_batch(), 0
    for row in rows:
        key, value, trace = row["key"].encode(), row["value"], row.get("trace")
        further = {"headers": [("traceparent", trace.encode())]} if trace else {}
        if batch.append(key=key, value=value, timestamp=None, **further) is None:
            yield batch
            batch, count = producer.create_batch(), 0
            batch.append(key=key, value=value, timestamp=None, **further)
        count += 1
    if count:
        yield batch
