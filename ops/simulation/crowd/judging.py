"""What must be true of a crowd at the end: nothing lost, nothing twice, each key in its order, and every learner as in fine weather."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.simulation.crowd.learners import (
    NAMES,
    expected_of,
    history_of,
    is_about_one,
    is_to_office,
    nameless,
    number_in,
)
from ops.simulation.crowd.outside import Mail, Told
from ops.simulation.crowd.place import Place
from ops.stack.children import app_of
from ops.stack.plan import SERVICES
from shared.events import name_of
from shared.events.wire import from_bytes

_SHOWN: Final = 5
_SIMULATED: Final = ("payments", "dunning", "access", "credits", "notifications")
"""Services that the simulation has, whose facts about each learner are known."""


@dataclass(slots=True)
class Found:
    """What a crowd came to."""

    events: int = 0
    """Different facts on the topics."""
    twice: int = 0
    """Messages on the topics that are there again."""
    unconfirmed: int = 0
    """Messages that would come again although they were heard."""
    hearings: int = 0
    mails: int = 0
    charges: int = 0
    violations: list[str] = field(default_factory=list)

    def wrong(self, what: str, found: Iterable[Any]) -> None:
        """Note each finding, the first few in words."""
        found = sorted(map(str, found))
        if found:
            shown = ", ".join(found[:_SHOWN])
            self.violations.append(f"{what}: {len(found)} ({shown}{', ...' if len(found) > _SHOWN else ''})")


async def judge(place: Place, *, learners: int, acknowledged: set[str]) -> Found:
    """Look at every table, topic and book once everything is at rest and every process has ended in good order."""
    found = Found()
    topics = await _read(place)
    journals = {
        name: await place.patiently(
            lambda connection, name=name: connection.fetch(  # type: ignore[misc]  # bound at once
                f"select seq, id, type, key, value, told_at from {name}.journal order by seq"
            )
        )
        for name in SERVICES
    }
    _topics_are_journals(found, topics, journals)
    await _everything_heard(found, place, topics)
    await _nothing_left(found, place, acknowledged)
    await _confirmed(found, place, topics)
    _each_learner(found, place, learners, journals)
    return found


Log = list[tuple[int, str, str, bytes]]
"""Offset, id, type and key of each message of a partition."""


async def _read(place: Place) -> Mapping[TopicPartition, Log]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=place.plan.kafka, max_poll_records=5000, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [
            TopicPartition(f"{name}.events", number)
            for name in SERVICES
            for number in sorted(
                consumer.partitions_for_topic(f"{name}.events") or await _know(consumer, name)
            )
        ]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        logs: dict[TopicPartition, Log] = {partition: [] for partition in partitions}
        while [one for one in partitions if await consumer.position(one) < ends[one]]:
            for partition, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    envelope = from_bytes(record.value)
                    logs[partition].append((record.offset, envelope.id, envelope.type, record.key))
        return logs
    finally:
        await consumer.stop()


async def _know(consumer: Any, name: str) -> set[int]:
    await consumer._client.set_topics([f"{one}.events" for one in SERVICES])  # noqa: SLF001 - no public way to ask for a topic's partitions
    return set(consumer.partitions_for_topic(f"{name}.events"))


def _topics_are_journals(
    found: Found, topics: Mapping[TopicPartition, Log], journals: Mapping[str, list[Any]]
) -> None:
    for name, rows in journals.items():
        said = {row["id"]: row for row in rows if row["told_at"] is not None}
        logs = {one: log for one, log in topics.items() if one.topic == f"{name}.events"}
        seen: set[str] = set()
        for partition, log in logs.items():
            last: dict[bytes, tuple[int, str]] = {}
            for _, fact_id, _, key in log:
                if fact_id in seen:
                    found.twice += 1
                    continue
                seen.add(fact_id)
                row = said.get(fact_id)
                if row is None:
                    continue
                if key in last and row["seq"] < last[key][0] and not _is_plan(row):
                    found.wrong(
                        f"out of order for its key on {partition.topic}",
                        [f"{row['type']} {fact_id} after {last[key][1]}"],
                    )
                if not _is_plan(row):
                    last[key] = (row["seq"], row["type"])
        found.events += len(seen)
        found.wrong(f"{name} said and it is on no topic", said.keys() - seen)
        found.wrong(f"on the topic of {name} and not in its journal", seen - said.keys())


def _is_plan(row: Any) -> bool:
    """Plans are told at their hour, whatever was written between."""
    return bool(from_bytes(row["value"]).fact.PLAN)


async def _everything_heard(found: Found, place: Place, topics: Mapping[TopicPartition, Log]) -> None:
    for name in SERVICES:
        kinds = {name_of(kind) for kind in app_of(name).SERVICE.hears}
        due = {fact_id for log in topics.values() for _, fact_id, kind, _ in log if kind in kinds}
        rows = await place.patiently(
            lambda connection, name=name: connection.fetch(f"select id from {name}.heard")  # type: ignore[misc]  # bound at once
        )
        heard = {row["id"] for row in rows}
        found.hearings += len(heard)
        found.wrong(f"lost: {name} never heard", due - heard)
        found.wrong(f"{name} heard what nobody said", heard - due)


async def _nothing_left(found: Found, place: Place, acknowledged: set[str]) -> None:
    now = place.clock.now()
    for name in SERVICES:
        for what, sql in (
            ("not told", "select id from {0}.journal where told_at is null and tell_at <= $1"),
            ("not done", "select id from {0}.errands where done_at is null and due_at <= $1"),
            ("parked", "select id || ' ' || reason as id from {0}.parked where $1::timestamptz is not null"),
        ):
            rows = await place.patiently(
                lambda connection, sql=sql, name=name: connection.fetch(sql.format(name), now)  # type: ignore[misc]  # as above
            )
            found.wrong(f"{name} has {what}", (row["id"] for row in rows))
    rows = await place.patiently(
        lambda connection: connection.fetch("select dedupe_key, state from payments.webhooks")
    )
    kept = {row["dedupe_key"]: row["state"] for row in rows}
    found.wrong("acknowledged and not kept", acknowledged - kept.keys())
    found.wrong("webhooks not told", (key for key, state in kept.items() if state != "told"))


async def _confirmed(found: Found, place: Place, topics: Mapping[TopicPartition, Log]) -> None:
    """What was heard and not confirmed, as when both members leave a group at once: it comes again, and is known."""
    for name in SERVICES:
        heard = set(app_of(name).SERVICE.topics)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=place.plan.kafka, group_id=f"relance-{name}", enable_auto_commit=False
        )
        await consumer.start()
        try:
            for partition, log in topics.items():
                if partition.topic in heard and log:
                    confirmed = await consumer.committed(partition) or 0
                    found.unconfirmed += log[-1][0] + 1 - confirmed
        finally:
            await consumer.stop()


def _each_learner(found: Found, place: Place, learners: int, journals: Mapping[str, list[Any]]) -> None:
    facts: dict[int, Counter[str]] = defaultdict(Counter)
    for name in _SIMULATED:
        for row in journals[name]:
            number = number_in(row["value"])
            if number is not None and row["told_at"] is not None and is_about_one(row["value"]):
                facts[number][row["type"]] += 1
    mails: dict[int, Counter[str]] = defaultdict(Counter)
    for body in place.books.all("mails"):
        mail = msgspec.json.decode(body, type=Mail)
        found.mails += 1
        if not is_to_office(mail.mail_id):
            mails[number_in(mail.mail_id.encode()) or 0][nameless(mail.mail_id)] += 1
    found.wrong(
        "doubled mails",
        (msgspec.json.decode(one, type=Mail).mail_id for one in place.books.all("mails-again")),
    )
    charges = Counter(file.parent.name for file in place.books.files("charges"))
    found.charges = charges.total()
    levels: dict[str, Told] = {}
    for body in place.books.all("platform"):
        told = msgspec.json.decode(body, type=Told)
        if told.learner_id not in levels or levels[told.learner_id].version < told.version:
            levels[told.learner_id] = told
    for number in range(learners):
        history = history_of(number)
        expected = expected_of(NAMES[number % len(NAMES)])
        who = f"{history.subscription_id} ({history.name})"
        _differs(found, who, "facts", expected.facts, facts[number])
        _differs(found, who, "mails", expected.mails, mails[number])
        if charges[history.subscription_id] != expected.charges:
            found.violations.append(
                f"{who} was charged {charges[history.subscription_id]} times and not {expected.charges} times"
            )
        level = levels[history.learner_id].level if history.learner_id in levels else ""
        if level != expected.level:
            found.violations.append(f"{who} has access {level!r} and not {expected.level!r}")


def _differs(found: Found, who: str, what: str, expected: Counter[str], seen: Counter[str]) -> None:
    if expected != seen:
        missing, further = dict(expected - seen), dict(seen - expected)
        found.violations.append(f"{who} has other {what}: missing {missing}, too many {further}")
