"""What our worker promises over any Kafka: nothing is confirmed before it is committed, nothing counts twice.

These tests pin the behaviour of the pinned Faust (facts: it confirms what was never handled); they run on the
embedded broker and, where it can be had, on Apache Kafka.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr

from ops.servers.kafka.topics import ensure_topics
from shared.settings import Settings
from shared.shelf import Message
from shared.worker import Worker

PARTITIONS = 4


class Place:
    """A Kafka of either kind with a fresh topic and group."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.topic = f"worker.{uuid4().hex[:8]}"
        self.group = f"group-{uuid4().hex[:8]}"
        self.settings = Settings(
            kafka=bootstrap, kafka_session_timeout=6, kafka_fetch_wait_ms=50, batch=10, api_keys=SecretStr("")
        )

    async def make_topic(self) -> None:
        """Apache Kafka makes no topic by itself; the embedded broker has no administration and does."""
        with suppress(Exception):
            await ensure_topics(self.bootstrap, {self.topic: PARTITIONS})

    async def send(self, *values: str) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap)
        await producer.start()
        for value in values:
            await producer.send_and_wait(self.topic, value.encode(), key=b"one-key")
        await producer.stop()

    async def confirmed(self) -> int:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=self.group, enable_auto_commit=False
        )
        await consumer.start()
        offsets = [await consumer.committed(TopicPartition(self.topic, n)) or 0 for n in range(PARTITIONS)]
        await consumer.stop()
        return sum(offsets)

    def worker(self, hear: Callable[[list[Message]], Awaitable[None]]) -> Worker:
        return Worker(self.group, [self.topic], hear, self.settings)


@pytest.fixture(
    params=[
        pytest.param("broker", marks=pytest.mark.embedded),
        pytest.param("apache_kafka", marks=pytest.mark.apache_kafka),
    ]
)
def bootstrap(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param).bootstrap)


@pytest.fixture
async def place(bootstrap: str) -> Place:
    place = Place(bootstrap)
    await place.make_topic()
    await place.send("first")
    return place


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(40):
        while not condition():
            await asyncio.sleep(0.02)


async def test_messages_come_in_order_in_batches_and_are_confirmed_after_the_work(place: Place) -> None:
    heard: list[str] = []

    async def hear(messages: list[Message]) -> None:
        assert len(messages) <= place.settings.batch
        heard.extend(message.value.decode() for message in messages if message.value)

    await place.send(*(str(number) for number in range(40)))
    worker = place.worker(hear)
    await worker.start()
    await until(lambda: len(heard) == 41)
    await worker.stop()

    assert heard == ["first", *(str(number) for number in range(40))]
    assert await place.confirmed() == 41


async def test_what_is_not_committed_is_not_confirmed_and_comes_again(place: Place) -> None:
    await place.send("second", "third")
    asked = asyncio.Event()

    async def never_ends(_: list[Message]) -> None:
        asked.set()
        await asyncio.sleep(3600)

    stuck = place.worker(never_ends)
    await stuck.start()
    await asyncio.wait_for(asked.wait(), 40)
    await asyncio.sleep(2.5)  # longer than two of Faust's commit intervals
    await stuck.stop(within=1)
    assert await place.confirmed() == 0

    heard: list[str] = []

    async def hear(messages: list[Message]) -> None:
        heard.extend(message.value.decode() for message in messages if message.value)

    again = place.worker(hear)
    await again.start()
    await until(lambda: len(heard) == 3)
    await again.stop()
    assert heard == ["first", "second", "third"]


async def test_an_error_nobody_expected_ends_the_worker_and_confirms_nothing(place: Place) -> None:
    async def breaks(_: list[Message]) -> None:
        raise RuntimeError("a fault of ours")

    worker = place.worker(breaks)
    await worker.start()
    await asyncio.wait_for(worker.crashed(), 40)
    await worker.stop(within=5)
    assert await place.confirmed() == 0
