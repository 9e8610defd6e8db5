"""A thousand facts cross the line in a few batches, each key in its own order and where any client would look for it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from shared.producing import send_all

if TYPE_CHECKING:
    from ops.servers.broker import Broker

PARTITIONS = 5


@pytest.mark.parametrize("size", [10, 3000])
async def test_everything_arrives_once_in_order_of_its_key_where_its_key_belongs(
    broker: Broker, size: int
) -> None:
    topic = f"t{uuid4().hex}"
    broker.create_topics({topic: PARTITIONS})
    rows = [{"topic": topic, "key": f"learner-{n % 40}-é", "value": b"%d" % n} for n in range(2000)]
    rows.append({"topic": topic, "key": "large", "value": b"x" * (3 * size)})
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, enable_idempotence=True, acks="all", max_batch_size=size
    )
    await producer.start()
    await send_all(producer, rows)
    await producer.stop()

    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, n) for n in range(PARTITIONS)])
    heard: dict[str, list[bytes]] = defaultdict(list)
    where: dict[str, set[int]] = defaultdict(set)
    async with asyncio.timeout(30):
        while sum(map(len, heard.values())) < len(rows):
            for found in (await consumer.getmany(timeout_ms=200)).values():
                for record in found:
                    heard[record.key.decode()].append(record.value)
                    where[record.key.decode()].add(record.partition)
    await consumer.stop()

    said: dict[str, list[bytes]] = defaultdict(list)
    for row in rows:
        said[str(row["key"])].append(bytes(row["value"]))  # type: ignore[arg-type]
    everywhere = list(range(PARTITIONS))
    assert heard == said
    assert where == {key: {DefaultPartitioner()(key.encode(), everywhere, everywhere)} for key in said}
