"""A stand-in for Kafka: partitions in order, at least once; late, twice, out of order between partitions; groups.

A producer's message may arrive although its acknowledgement does not. A member of a group that was thought dead may
go on working with partitions that are another's by now; only its confirmations are refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import KafkaConnectionError, RequestTimedOutError

from ops.simulation.loop import PROCESS, Process
from ops.simulation.world import World
from shared.shelf import Message

PARTITIONS: Final = 3
SESSION_TIMEOUT: Final = 30.0
_DUPLICATES_LATER: Final = 600.0
_LATE: Final = 60.0
_BATCH: Final = 4

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Message):
    """A message as aiokafka hands it over."""

    headers: tuple[tuple[str, bytes], ...] = ()


class Broker:
    """All topics and groups."""

    def __init__(self, world: World, topics: Iterable[str]) -> None:
        self.world = world
        self.log: dict[Partition, list[tuple[float, Message]]] = {
            (topic, number): [] for topic in topics for number in range(PARTITIONS)
        }
        self.groups: dict[str, Group] = {}
        self.away_until = -1.0
        world.on_outage["broker"] = self.leave
        world.on_death.append(self._dropped)

    def leave(self, seconds: float) -> None:
        """The brokers are away for a while."""
        self.away_until = self.world.loop.time() + seconds

    @property
    def away(self) -> bool:
        """Whether they are."""
        return self.world.loop.time() < self.away_until

    def append(self, partition: Partition, key: bytes, value: bytes, *, again: bool = False) -> None:
        """Keep a message; readers see it now or a little later, in order within its partition."""
        world, weather = self.world, self.world.weather
        topic, number = partition
        log = self.log[partition]
        visible = world.loop.time()
        if world.chance(weather.late):
            visible += world.random.random() ** 2 * _LATE
        log.append((visible, Record(topic=topic, partition=number, offset=len(log), key=key, value=value)))
        for group in self.groups.values():
            if topic in group.topics:
                world.loop.in_world(max(visible - world.loop.time(), 0.0), group.wake_owner, partition)
        if not again and world.chance(weather.duplicate):
            world.tally.duplicates += 1
            world.loop.in_world(
                world.random.random() ** 3 * _DUPLICATES_LATER,
                lambda: self.append(partition, key, value, again=True),
            )

    def group(self, name: str, topics: Iterable[str]) -> Group:
        """The group of that name."""
        return self.groups.setdefault(name, Group(self, tuple(topics)))

    def _dropped(self, process: Process) -> None:
        for group in self.groups.values():
            for member in list(group.members):
                if member.process is process:
                    self.world.loop.in_world(self.world.random.random() * SESSION_TIMEOUT, group.drop, member)


class Group:
    """A consumer group: who reads which partition, and what was confirmed."""

    def __init__(self, broker: Broker, topics: tuple[str, ...]) -> None:
        self.broker = broker
        self.topics = topics
        self.members: list[Member] = []
        self.generation = 0
        self.owner: dict[Partition, Member] = {}
        self.confirmed: dict[Partition, int] = {}

    def join(self, process: Process) -> Member:
        """A member more: everybody's partitions are dealt again."""
        member = Member(self, process)
        self.members.append(member)
        self._deal()
        return member

    def drop(self, member: Member) -> None:
        """A member was not heard of for a session: its partitions go to others."""
        if member in self.members:
            self.members.remove(member)
            self._deal()

    def _deal(self) -> None:
        self.generation += 1
        self.owner.clear()
        partitions = [partition for partition in self.broker.log if partition[0] in self.topics]
        if self.members:
            self.broker.world.random.shuffle(partitions)
            for index, partition in enumerate(partitions):
                self.owner[partition] = self.members[index % len(self.members)]
        self.wake()

    def wake(self) -> None:
        """There may be something to read."""
        for member in self.members:
            member.woken.set()

    def wake_owner(self, partition: Partition) -> None:
        """There is something to read of one partition."""
        owner = self.owner.get(partition)
        if owner is not None:
            owner.woken.set()

    @property
    def lag(self) -> int:
        """Messages that were not confirmed yet."""
        return sum(
            len(log) - self.confirmed.get(partition, 0)
            for partition, log in self.broker.log.items()
            if partition[0] in self.topics
        )


class Member:
    """One reader of a group."""

    def __init__(self, group: Group, process: Process) -> None:
        self.group = group
        self.process = process
        self.woken = asyncio.Event()
        self.generation = 0
        self.position: dict[Partition, int] = {}

    async def fetch(self) -> dict[Partition, list[Message]]:
        """What can be read now of some of its partitions; empty when nothing can."""
        group, world = self.group, self.group.broker.world
        await world.before("fetch")
        if self not in group.members:  # it was away for too long, and joins again
            group.members.append(self)
            group._deal()  # noqa: SLF001 - a group and its members are one thing
        if self.generation != group.generation:
            self.generation = group.generation
            self.position = {
                partition: group.confirmed.get(partition, 0)
                for partition, owner in group.owner.items()
                if owner is self
            }
        if group.broker.away:
            world.loop.in_world(group.broker.away_until - world.loop.time(), self.woken.set)
            return {}
        found: dict[Partition, list[Message]] = {}
        now = world.loop.time()
        for partition in sorted(self.position):
            log, start = group.broker.log[partition], self.position[partition]
            if start >= len(log):
                continue
            if world.weather.late and world.chance(0.3):  # another broker answers first
                self.woken.set()
                continue
            most = start + 1 + int(world.random.random() * 12)
            records = []
            for visible, message in log[start:most]:
                if visible > now + 1e-6:
                    break
                records.append(message)
            if records:
                found[partition] = records
                self.position[partition] = start + len(records)
        return found

    def confirm(self, confirmed: dict[Any, int], generation: int) -> bool:
        """Confirm offsets (the next to read); refused when the partitions were dealt again meanwhile."""
        group = self.group
        if generation != group.generation or self not in group.members or group.broker.away:
            return False
        for partition, offset in confirmed.items():
            if group.owner.get(partition) is self:
                group.confirmed[partition] = max(offset, group.confirmed.get(partition, 0))
        return True


class Batch:
    """What a producer sends at once to one partition; small, so that many can go wrong."""

    def __init__(self) -> None:
        self.rows: list[tuple[bytes, bytes]] = []

    def append(self, *, key: bytes, value: bytes, timestamp: int | None) -> int | None:  # noqa: ARG002 - aiokafka's shape
        """Add a message; ``None`` when it is full."""
        if len(self.rows) >= _BATCH:
            return None
        self.rows.append((key, value))
        return len(self.rows)


class SimProducer:
    """What ``shared.producing`` needs of an idempotent producer."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._process = PROCESS.get()

    async def partitions_for(self, topic: str) -> list[int]:  # noqa: ARG002 - aiokafka's shape
        """The partitions of any topic."""
        return list(range(PARTITIONS))

    def create_batch(self) -> Batch:
        """An empty batch."""
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Any:
        """Queue one batch; the future is its acknowledgement."""
        world = self._broker.world
        await world.before("produce")
        future = world.loop.create_future()
        world.loop.in_world(
            0.002 + world.random.random() * 0.01, self._arrive, batch, (topic, partition), future
        )
        return future

    def _arrive(self, batch: Batch, partition: Partition, future: Any) -> None:
        broker, world = self._broker, self._broker.world
        on_its_way = self._process is None or not self._process.dead or world.chance(0.5)
        error: Exception | None = None
        if broker.away or not on_its_way:
            error = KafkaConnectionError("the brokers are away")
        else:
            for key, value in batch.rows:
                broker.append(partition, key, value)
            if world.chance(world.weather.acknowledgement_lost):
                error = RequestTimedOutError("no acknowledgement came")
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(None)
