"""The consumer runtime of every worker: Faust for membership, heartbeats and assignment, our own confirmation.

Faust as it comes confirms messages that were never handled (facts/faust.md §2) and spends most of its time
handing them over one by one. Here each whole fetch goes from Faust's consumer thread straight into one
transaction, and an offset is confirmed only after its COMMIT. Faust's own acknowledgements are never used.
The names overridden are protected ones: the version is pinned, and contract tests pin the behaviour.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP
from mode.supervisors import CrashingSupervisor

from shared.logs import logger
from shared.settings import Settings
from shared.shelf import Message

log = logger("worker")

T = TypeVar("T")

Hear = Callable[[list[Message]], Awaitable[None]]
"""Handles one batch and returns after its COMMIT; raises only what should end the process."""

LANES: Final = 2
"""Batches under way at once, each of other partitions: one is decided while the other waits for the database."""

_NEVER: Final = 1e8
"""Seconds. Faust must not give up a member that waits for its database (facts/faust.md 2.3)."""


def in_lanes(found: Sequence[T], partition: Callable[[T], int], *, enough: int) -> list[Sequence[T]]:
    """Whatever fits one batch stays one; more is parted by partition, so that each key stays in one lane.

    A partition's number decides, not its topic: what one subscription's key is in is the same everywhere.
    """
    if len(found) <= enough:
        return [found]
    lanes: list[list[T]] = [[] for _ in range(LANES)]
    for one in found:
        lanes[partition(one) % LANES].append(one)
    return [lane for lane in lanes if lane]


async def side_by_side(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all; the first that raises ends the others too, and that error is raised."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


class _Thread(AIOKafkaConsumerThread):  # type: ignore[misc]  # Faust is untyped for us (pyproject.toml)
    """Faust's consumer thread, with a fetch that does not dawdle (Faust fixes 1,500 ms)."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = self.consumer.fetch_wait_ms  # noqa: SLF001 - no public setting reaches it
        return consumer


class _Consumer(Consumer):  # type: ignore[misc]  # as above
    """Hands whole fetches over and confirms what was committed, nothing else."""

    fetch_wait_ms = 500
    batch = 500
    hear: Hear

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._confirmed: dict[Any, int] = {}
        self.busy = asyncio.Lock()
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> Any:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:
        while not (self.should_stop or fetcher.should_stop):
            records, _ = await self._wait_next_records(timeout=1.0)
            if not records:
                await asyncio.sleep(0)
                continue
            if not self.flow_active:
                # A rebalance began while we fetched: what was read is read again from the confirmed offset.
                with suppress(Exception):
                    await self.perform_seek()
                continue
            async with self.busy:
                await self._hear_all(records)

    async def _hear_all(self, records: Mapping[Any, list[Any]]) -> None:
        pairs = [(partition, record) for partition, found in records.items() for record in found]
        lanes = in_lanes(pairs, lambda pair: pair[0].partition, enough=self.batch)
        generation = self.app.consumer_generation_id
        await side_by_side(self._hear_lane(lane, generation) for lane in lanes)

    async def _hear_lane(self, pairs: Sequence[tuple[Any, Any]], generation: int) -> None:
        """Batch after batch, so that what has one key keeps its order."""
        for start in range(0, len(pairs), self.batch):
            chunk = pairs[start : start + self.batch]
            await type(self).hear(
                [
                    Message(
                        topic=record.topic,
                        partition=record.partition,
                        offset=record.offset,
                        key=record.key,
                        value=record.value,
                        trace=_trace_of(record.headers) if record.headers else None,
                    )
                    for _, record in chunk
                ]
            )
            if generation != self.app.consumer_generation_id:
                return  # the partitions may be another member's now: it hears them again, and knows their ids
            for partition, record in chunk:
                self._confirmed[partition] = record.offset + 1

    def ack(self, message: Any) -> bool:
        message.acked = True
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterable[Any]:
        return [tp for tp in self._confirmed if topics is None or tp in topics or tp.topic in topics]

    def confirmed(self, tp: Any) -> int | None:
        """The next offset to be heard, as far as something was heard since we have the partition."""
        return self._confirmed.get(tp)

    def _new_offset(self, tp: Any) -> int | None:
        return self._confirmed.get(tp)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        await self.commit()
        for tp in revoked:
            self._confirmed.pop(tp, None)
        await super().on_partitions_revoked(revoked)


class Worker:
    """One member of a service's consumer group.

    ``topics`` must exist; ``hear`` gets batches of at most ``settings.batch`` messages, in order per partition.
    """

    def __init__(self, group: str, topics: Iterable[str], hear: Hear, settings: Settings) -> None:
        self._settings = settings
        self._joined = False
        self._topics = sorted(topics)
        self._group = group
        self._consumer: Any = type(
            "Consumer",
            (_Consumer,),
            {
                "fetch_wait_ms": settings.kafka_fetch_wait_ms,
                "batch": settings.batch,
                "hear": staticmethod(hear),
            },
        )
        self._app = self._made()
        self._tried = False

    def _made(self) -> Any:
        app = faust.App(self._group, **self._options())
        app.transport = type("Transport", (Transport,), {"Consumer": self._consumer})(
            app.conf.broker_consumer, app
        )
        # The agent only makes Faust subscribe: nothing ever reaches its stream.
        app.agent(app.topic(*self._topics, value_type=bytes), name="hear")(_nothing)
        return app

    async def start(self) -> None:
        """Join the group; raises when the brokers cannot be reached, and may then be called again."""
        if self._tried:  # Faust's application starts once in its life
            self._app = self._made()
        self._tried = True
        try:
            await self._app.start()
        except Exception:
            with suppress(Exception):
                await asyncio.wait_for(self._app.stop(), 5)
            raise
        self._joined = True

    async def lag(self) -> dict[tuple[str, int], int]:
        """Messages of each partition (topic, number) that this member reads and has not confirmed yet.

        The brokers are asked each time, also when no partition is ours.

        Raises:
            KafkaError, TimeoutError: the brokers do not answer.
        """
        if not self._joined:
            raise TimeoutError("the brokers have not let us into the group yet")
        consumer = self._app.consumer
        ours = consumer.assignment()
        any_of_them = TP(self._topics[0], 0)
        ends = await consumer.highwaters(*{*ours, any_of_them})
        found = {}
        for tp in ours:
            reached = consumer.confirmed(tp)
            if reached is None:
                reached = await consumer.position(tp) or 0
            found[tp.topic, tp.partition] = max(ends[tp] - reached, 0)
        return found

    async def crashed(self) -> None:
        """Returns when Faust stopped by itself, which is never well: end the process, nothing is lost."""
        await self._app.wait_until_stopped()

    async def stop(self, *, within: float = 10.0) -> None:
        """Let the batch at hand end, confirm it and leave the group; gives up after ``within`` seconds."""
        consumer = self._app.consumer
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await consumer.busy.acquire()
                with suppress(Exception):
                    await consumer.commit()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._app.stop()

    def _options(self) -> dict[str, Any]:
        settings = self._settings
        options: dict[str, Any] = {
            "broker": [f"kafka://{host.strip()}" for host in settings.kafka.split(",")],
            "store": "memory://",
            # Faust makes a folder even when it keeps nothing in it.
            "datadir": str(Path(tempfile.gettempdir()) / "relance-faust"),
            "value_serializer": "raw",
            "key_serializer": "raw",
            "topic_allow_declare": False,
            "topic_disable_leader": True,
            "web_enabled": False,
            "autodiscover": False,
            "table_standby_replicas": 0,
            "stream_wait_empty": False,
            "agent_supervisor": CrashingSupervisor,
            "consumer_auto_offset_reset": "earliest",
            "broker_commit_interval": 1.0,
            "broker_max_poll_interval": _NEVER,
            "broker_session_timeout": settings.kafka_session_timeout,
            "broker_heartbeat_interval": settings.kafka_session_timeout / 10,
            "broker_request_timeout": settings.kafka_session_timeout + 15,
            "broker_max_poll_records": settings.batch * 4,
            "stream_processing_timeout": _NEVER,
        }
        context = (
            ssl.create_default_context(cafile=settings.kafka_ca_file)
            if "SSL" in settings.kafka_security
            else None
        )
        if "SASL" in settings.kafka_security:
            options["broker_credentials"] = faust.SASLCredentials(
                username=settings.kafka_user,
                password=settings.kafka_password.get_secret_value(),
                mechanism=settings.kafka_mechanism,
                ssl_context=context,
            )
        elif context is not None:
            options["broker_credentials"] = faust.SSLCredentials(context)
        return options


def _trace_of(headers: Iterable[tuple[str, bytes]]) -> str | None:
    return next((value.decode("latin-1") for name, value in headers if name == "traceparent"), None)


async def _nothing(stream: Any) -> None:
    async for _ in stream:
        pass
