"""Reading topics without taking part: no group is joined, nothing is confirmed, whatever Kafka it is."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from ops.topics.asking import Asked, said_at
from ops.topics.place import Place
from shared.clock import SystemClock
from shared.errors import Refused, Transient, Unreadable
from shared.events import Envelope
from shared.events.wire import from_bytes
from shared.producing import partition_of
from shared.shelf import Message
from shared.telling import kafka_options

_EARLIER: Final = timedelta(hours=1)
"""How much before the asked time a lookup by the brokers' clocks begins: clocks differ, facts are compared exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A message of a topic, readable or not, or a fact that only a journal still has."""

    at: datetime
    """When it was said (aware UTC)."""
    envelope: Envelope | None
    message: Message | None
    """``None`` for what came from a journal."""
    problem: str = ""
    """Why it cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Which offsets a partition holds: ``first`` up to, not including, ``end``."""

    topic: str
    partition: int
    first: int
    end: int


@asynccontextmanager
async def consumer_of(place: Place, *topics: str, group: str | None = None) -> AsyncIterator[Any]:
    """A consumer that reads ``topics`` where it is told to; with ``group`` it only looks what that has confirmed.

    Raises:
        Refused: the brokers have no such topic.
        Transient: the brokers do not answer.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what goes wrong is said below, once
    consumer = AIOKafkaConsumer(
        *topics,
        group_id=group,
        enable_auto_commit=False,
        fetch_max_wait_ms=place.settings.kafka_fetch_wait_ms,
        **kafka_options(place.settings),
    )
    try:
        await consumer.start()
        consumer.pause(*consumer.assignment())
        yield consumer
    except UnknownTopicOrPartitionError as error:
        raise Refused(
            f"we could not look at {', '.join(topics)} because the brokers do not have all of these topics: "
            "make them with `relance topics ensure`"
        ) from error
    except KafkaError as error:
        raise Transient(
            f"we could not read the topics because the brokers at {place.settings.kafka} do not answer ({error!r}): "
            "check RELANCE_KAFKA or --data"
        ) from error
    finally:
        await consumer.stop()


async def extents(consumer: Any) -> list[Extent]:
    """What each partition of the consumer's topics holds now."""
    partitions = sorted(consumer.assignment())
    firsts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    return [
        Extent(topic=one.topic, partition=one.partition, first=firsts[one], end=ends[one])
        for one in partitions
    ]


async def confirmed(place: Place, group: str, found: Sequence[Extent]) -> dict[tuple[str, int], int | None]:
    """Up to where a group has confirmed each partition; ``None`` where it never did."""
    async with consumer_of(place, group=group) as consumer:
        return {
            (one.topic, one.partition): await consumer.committed(TopicPartition(one.topic, one.partition))
            for one in found
        }


async def read(place: Place, asked: Asked) -> tuple[list[Found], datetime | None]:
    """What the topics have of what is asked, in the order in which it was said.

    Also the instant up to which that is everything: partitions stop at ``asked.limit``; ``None``: it is everything.

    Raises:
        Refused: the offsets do not exist; the message says which do.
    """
    found: list[Found] = []
    horizons: list[datetime] = []
    async with consumer_of(place, *asked.topics) as consumer:
        held = await extents(consumer)
        for topic in asked.topics:
            chosen = _chosen([one for one in held if one.topic == topic], asked)
            starts = await _starts(place, consumer, chosen, asked)
            for one in chosen:
                some, whole = await _read_partition(consumer, one, starts[one.partition], asked)
                found += some
                if not whole and some:
                    horizons.append(some[-1].at)
    found.sort(key=lambda one: one.at)
    return found, min(horizons, default=None)


def _chosen(held: Sequence[Extent], asked: Asked) -> list[Extent]:
    if asked.offsets is None:
        count = len(held)
        return [one for one in held if asked.key is None or one.partition == partition_of(asked.key, count)]
    wanted = asked.offsets
    for one in held:
        if one.partition == wanted.partition:
            last = one.end - 1 if wanted.last is None else wanted.last
            if one.end == one.first or wanted.first < one.first or last >= one.end or wanted.first > last:
                raise Refused(_no_such_range(one, wanted.first, wanted.last))
            return [Extent(topic=one.topic, partition=one.partition, first=wanted.first, end=last + 1)]
    raise Refused(
        f"we could not look at partition {wanted.partition} because {held[0].topic} has the partitions 0 to {len(held) - 1}"
    )


def _no_such_range(one: Extent, first: int, last: int | None) -> str:
    exists = f"it holds the offsets {one.first} to {one.end - 1}" if one.end > one.first else "it is empty"
    shown = f"{first}" if last == first else f"{first} to {'its end' if last is None else last}"
    return (
        f"we could not look at offset {shown} of {one.topic}, partition {one.partition}, because {exists}: "
        "what it no longer has may be in the journals, ask by --key, --type or --from/--to"
    )


async def _starts(place: Place, consumer: Any, held: Sequence[Extent], asked: Asked) -> Mapping[int, int]:
    """Where to begin in each partition: brokers that live by the same clock know it from the time asked for."""
    starts = {one.partition: one.first for one in held}
    if asked.since is None or asked.offsets or place.embedded or not isinstance(place.clock, SystemClock):
        return starts
    wanted = int((asked.since - _EARLIER).timestamp() * 1000)
    by_time = await consumer.offsets_for_times(
        {TopicPartition(one.topic, one.partition): wanted for one in held}
    )
    for one in held:
        at = by_time.get(TopicPartition(one.topic, one.partition))
        starts[one.partition] = max(one.first, at.offset) if at is not None else one.end
    return starts


async def _read_partition(consumer: Any, held: Extent, start: int, asked: Asked) -> tuple[list[Found], bool]:
    """The wanted messages of one partition, at most ``asked.limit``, and whether those are all."""
    found: list[Found] = []
    partition = TopicPartition(held.topic, held.partition)
    if start >= held.end:
        return found, True
    consumer.seek(partition, start)
    consumer.resume(partition)
    try:
        while await consumer.position(partition) < held.end:
            for record in (await consumer.getmany(partition, timeout_ms=500)).get(partition, ()):
                if record.offset >= held.end:
                    return found, True
                one = found_in(record)
                if asked.wants(one.envelope, one.at) if one.envelope else _wants_unreadable(asked, record):
                    found.append(one)
                if len(found) >= asked.limit:
                    return found, record.offset + 1 >= held.end
    finally:
        consumer.pause(partition)
    return found, True


def _wants_unreadable(asked: Asked, record: Any) -> bool:
    """Nobody knows its type or time: it is shown wherever it may be meant."""
    return not asked.types and (asked.key is None or record.key == asked.key.encode())


def found_in(record: Any) -> Found:
    """A record as it came, read if it can be."""
    message = Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
    )
    try:
        envelope = from_bytes(record.value)
    except Unreadable as error:
        at = datetime.fromtimestamp(record.timestamp / 1000, tz=SystemClock().now().tzinfo)
        return Found(at=at, envelope=None, message=message, problem=str(error))
    return Found(at=said_at(envelope), envelope=envelope, message=message)
