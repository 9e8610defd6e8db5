"""An operator looks at topics: by key, type, time and offset, on any Kafka; the journals know what topics forgot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from ops.stack.plan import TOPICS
from ops.topics.asking import Asked, instant_of, offsets_of, topic_named, types_named
from ops.topics.command import looked_at
from ops.topics.place import Place
from ops.topics.showing import data_of, line_of
from services.dunning.app import SERVICE
from shared.database import PgStore, open_pool
from shared.errors import Refused
from shared.events import Envelope, dunning
from shared.events.wire import to_bytes, wrap
from shared.migrate import migrate
from shared.producing import send_all
from shared.settings import Settings
from shared.shelf import Planned

if TYPE_CHECKING:
    from ops.servers.broker import Broker
    from ops.servers.kafka import Kafka

TOPIC = "dunning.events"
MARCH = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Office:
    """A dunning of its own: a topic and a journal."""

    def __init__(self, dsn: str, kafka: str) -> None:
        self.place = Place(
            settings=Settings(database=dsn, kafka=kafka, kafka_fetch_wait_ms=50), embedded=True
        )
        self.school = f"school-{uuid4().hex[:8]}"

    def fact(self, learner: str, at: datetime, number: int = 1) -> Envelope:
        fact = dunning.AttemptScheduled(
            school_id=self.school, occurred_at=at, subscription_id=f"{self.school}-{learner}", learner_id=learner,
            case_id=f"{learner}~2026-03-02", period=date(2026, 3, 2), ordinal=number, at=at + timedelta(days=1),
        )  # fmt: skip
        return wrap(fact, cause="why-1", recorded_at=at)

    async def told(self, *facts: Envelope, on_topic: bool = True) -> None:
        pool = await open_pool(self.place.settings.database, size=1)
        await migrate(pool, SERVICE)
        async with PgStore(pool, "dunning").transaction() as shelf:
            await shelf.plan([Planned(tell_at=one.recorded_at, envelope=one) for one in facts])
        await pool.execute("update dunning.journal set told_at = tell_at where told_at is null")
        await pool.close()
        if on_topic:
            await self.send([{"topic": one.topic, "key": one.key, "value": to_bytes(one)} for one in facts])

    async def send(self, rows: Sequence[dict[str, Any]]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.place.settings.kafka)
        await producer.start()
        await send_all(producer, rows)
        await producer.stop()

    async def look(self, **asked: Any) -> tuple[list[Any], str]:
        return await looked_at(self.place, Asked(topics=(TOPIC,), **asked))


@pytest.fixture
async def office(any_kafka: Broker | Kafka, postgres: str) -> Office:
    any_kafka.create_topics(dict(TOPICS))
    pool = await open_pool(postgres, size=1)
    with suppress(asyncpg.PostgresError):
        await pool.execute("truncate dunning.journal")
    await pool.close()
    return Office(postgres, any_kafka.bootstrap)


async def test_the_facts_of_one_subscription_are_read_in_order_with_who_and_why(office: Office) -> None:
    await office.told(office.fact("ada", MARCH), office.fact("bea", MARCH), office.fact("ada", MARCH, 2))

    found, note = await office.look(key=f"{office.school}-ada")

    lines = [line_of(one) for one in found]
    assert len(lines) == 2
    assert lines[0].startswith("2026-03-02 09:00:00Z  dunning.events/")
    assert f"dunning.AttemptScheduled  learner=ada subscription={office.school}-ada" in lines[0]
    assert "ordinal=1" in lines[0]
    assert lines[0].endswith("cause why-1")
    assert "ordinal=2" in lines[1]
    assert note == "2 facts"


async def test_what_the_topic_lost_comes_from_the_journal_and_is_marked(office: Office) -> None:
    await office.told(office.fact("old", MARCH), on_topic=False)
    await office.told(office.fact("new", MARCH + timedelta(days=30)))

    found, note = await office.look(types=types_named(["AttemptScheduled"]), since=MARCH)
    mine = [one for one in found if one.envelope.fact.school_id == office.school]

    assert [data_of(one)["from"] for one in mine] == ["journal", "topic"]
    assert "1 of them are no longer on a topic and come from the journals" in note
    assert json.dumps([data_of(one) for one in mine])


async def test_a_time_in_which_nothing_was_said_is_refused_with_the_one_that_exists(office: Office) -> None:
    await office.told(office.fact("ada", MARCH))

    with pytest.raises(Refused, match=r"reaches from 2026-03-02T09:00:00Z to 2026-03-02T09:00:00Z"):
        await office.look(since=instant_of("2031-01-01"), key=f"{office.school}-ada")


async def test_offsets_that_do_not_exist_are_refused_with_those_that_do(office: Office) -> None:
    await office.told(office.fact("ada", MARCH))
    found, _ = await office.look(key=f"{office.school}-ada")
    message = found[0].message

    assert (await office.look(offsets=offsets_of(f"{message.partition}:{message.offset}")))[0] == found
    with pytest.raises(Refused, match=r"it holds the offsets \d+ to \d+"):
        await office.look(offsets=offsets_of(f"{message.partition}:{message.offset}..999999"))
    with pytest.raises(Refused, match=r"has the partitions 0 to"):
        await office.look(offsets=offsets_of("77:0"))


async def test_a_message_that_nobody_can_read_is_shown_with_its_reason(office: Office) -> None:
    await office.told(office.fact("ada", MARCH))
    await office.send([{"topic": TOPIC, "key": f"{office.school}-ada", "value": b"{half a mess"}])

    found, _ = await office.look(key=f"{office.school}-ada")

    assert sum("UNREADABLE: the message is no envelope" in line_of(one) for one in found) == 1


async def test_more_than_asked_for_is_cut_in_the_order_of_time_and_says_how_to_go_on(office: Office) -> None:
    days = [office.fact("ada", MARCH + timedelta(days=n), n) for n in range(6)]
    await office.told(*days[:2], on_topic=False)
    await office.told(*days[2:])

    found, note = await office.look(key=f"{office.school}-ada", limit=3)

    assert [one.envelope.fact.ordinal for one in found] == [0, 1, 2]
    assert "go on with --from 2026-03-04T09:00:00Z" in note


def test_names_and_instants_that_mean_nothing_are_refused_in_words() -> None:
    assert topic_named("dunning") == TOPIC
    with pytest.raises(Refused, match="there are payments"):
        topic_named("dunnning")
    with pytest.raises(Refused, match="no fact is called so"):
        types_named(["CaseOpend"])
    with pytest.raises(Refused, match="with its zone"):
        instant_of("2026-04-15T09:00:00")
    with pytest.raises(Refused, match="they end before they begin"):
        offsets_of("3:9..4")
    assert instant_of("2026-04-15") == datetime(2026, 4, 15, tzinfo=UTC)


def test_a_stack_that_does_not_run_says_how_to_start_it(tmp_path: Path) -> None:
    from click.testing import CliRunner  # noqa: PLC0415 - this test alone goes through the command line

    from ops.cli import main  # noqa: PLC0415 - as above

    (tmp_path / "stack.json").write_text(json.dumps({"data": str(tmp_path)}))
    said = CliRunner().invoke(main, ["topics", "look", "--data", str(tmp_path)])

    assert said.exit_code == 1
    assert f"start it with `relance up --data {tmp_path}`" in said.output
