"""Every message again, over the real topics: nothing may change by it (invariant 9)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from ops.stack.children import app_of
from ops.stack.engine.lines import Lines
from ops.stack.plan import SERVICES, topics_of
from ops.stories.engine import Replayed

_PATIENCE: Final = 60.0
_NO_STATE: Final = frozenset({"heard", "parked", "migrations", "workers"})
"""Tables whose rows keep the hour of hearing, or that somebody is alive: no effect of any fact."""


async def replay(lines: Lines, times: int, settle: Callable[[], Awaitable[None]]) -> Replayed:
    """Tell everything that was told again, ``times`` times, in the order of telling."""
    before = await _export(lines)
    counts = await _counts(lines)
    messages = await _messages(lines)
    for _ in range(times):
        await _tell(lines, messages)
        await until_heard(lines)
        await settle()
    after = await _export(lines)
    facts, errands = await _counts(lines)
    return Replayed(
        messages=len(messages) * times,
        new_facts=facts - counts[0],
        new_errands=errands - counts[1],
        changed=tuple(name for name in sorted({*before, *after}) if before.get(name) != after.get(name)),
    )


async def _messages(lines: Lines) -> list[Any]:
    union = " union all ".join(
        f"select {place} as place, seq, told_at, topic, key, value from {service}.journal where told_at is not null"
        for place, service in enumerate(SERVICES)
    )
    rows: list[Any] = await lines.database.fetch(f"select * from ({union}) told order by told_at, place, seq")
    return rows


async def _tell(lines: Lines, messages: list[Any]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=lines.plan.kafka, acks="all", linger_ms=2, compression_type="lz4"
    )
    await producer.start()
    try:
        sent = [await producer.send(row["topic"], row["value"], key=row["key"].encode()) for row in messages]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def until_heard(lines: Lines) -> None:
    """Wait until every worker has confirmed everything on its topics.

    Raises:
        TimeoutError: one of them did not within a minute.
    """
    deadline = time.monotonic() + _PATIENCE
    spread = topics_of(lines.plan.kafka_kind)
    for service in SERVICES:
        topics = app_of(service).SERVICE.topics
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(spread[topic])]
        consumer = AIOKafkaConsumer(
            bootstrap_servers=lines.plan.kafka, group_id=f"relance-{service}", enable_auto_commit=False
        )
        await consumer.start()
        try:
            while await _lag(consumer, partitions):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{service} has not confirmed everything on its topics")
                await asyncio.sleep(0.1)
        finally:
            await consumer.stop()


async def _lag(consumer: Any, partitions: list[TopicPartition]) -> int:
    ends = await consumer.end_offsets(partitions)
    lag = 0
    for partition in partitions:
        if ends[partition]:
            lag += ends[partition] - (await consumer.committed(partition) or 0)
    return lag


async def _counts(lines: Lines) -> tuple[int, int]:
    facts = " + ".join(f"(select count(*) from {service}.journal)" for service in SERVICES)
    errands = " + ".join(f"(select count(*) from {service}.errands)" for service in SERVICES)
    row = await lines.database.fetchrow(f"select {facts} as facts, {errands} as errands")
    return row["facts"], row["errands"]


async def _export(lines: Lines) -> dict[str, str]:
    """A fingerprint of each table's rows, byte for byte."""
    found = {}
    for service in SERVICES:
        rows = await lines.database.fetch(
            "select tablename from pg_tables where schemaname = $1 order by 1", service
        )
        for table in [row["tablename"] for row in rows if row["tablename"] not in _NO_STATE]:
            found[f"{service}.{table}"] = await lines.database.fetchval(
                f"select md5(coalesce(string_agg(t::text, chr(10) order by t::text), '')) from {service}.{table} t"
            )
    return found
