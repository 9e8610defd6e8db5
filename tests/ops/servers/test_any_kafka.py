from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

if TYPE_CHECKING:
    from ops.servers.broker import Broker
    from ops.servers.kafka import Kafka


async def test_what_is_said_to_a_key_is_heard_in_order(any_kafka: Broker | Kafka) -> None:
    topic = f"order.{uuid4().hex[:8]}"
    any_kafka.create_topics({topic: 3})
    said = [f"{number}".encode() for number in range(50)]

    async with AIOKafkaProducer(
        bootstrap_servers=any_kafka.bootstrap, enable_idempotence=True, compression_type="lz4"
    ) as producer:
        for value in said:
            await producer.send_and_wait(topic, value, key=b"subscription-1")

    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=any_kafka.bootstrap,
        group_id=f"hearers.{topic}",
        auto_offset_reset="earliest",
        session_timeout_ms=6000,
        fetch_max_wait_ms=50,
    ) as consumer:
        heard = [(await consumer.getone()).value for _ in said]

    assert heard == said
