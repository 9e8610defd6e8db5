from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError

from ops.servers import broker as embedded
from ops.servers import processes
from ops.servers.broker import Broker
from ops.servers.processes import ServerFailed

pytestmark = pytest.mark.embedded


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Broker]:
    server = embedded.start({"payments.events": 12, "dunning.events": 3}, folder=tmp_path)
    yield server
    server.stop()


async def say(bootstrap: str, topic: str, *values: bytes) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, compression_type="lz4"
    ) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, key=value)


async def hear(bootstrap: str, topic: str, count: int, *, group: str | None = None) -> list[bytes]:
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        session_timeout_ms=6000,
        heartbeat_interval_ms=500,
        fetch_max_wait_ms=50,
    ) as consumer:
        return sorted([(await consumer.getone()).value for _ in range(count)])


async def partitions(bootstrap: str, *topics: str) -> dict[str, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    described = await admin.describe_topics(list(topics))
    await admin.close()
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


async def test_what_is_said_is_heard_in_every_group(own: Broker) -> None:
    await say(own.bootstrap, "payments.events", b"failed", b"paid")

    assert await hear(own.bootstrap, "payments.events", 2, group="dunning") == [b"failed", b"paid"]
    assert await hear(own.bootstrap, "payments.events", 2, group="access") == [b"failed", b"paid"]


async def test_topics_have_the_partitions_that_were_asked_for(own: Broker) -> None:
    assert await partitions(own.bootstrap, *own.topics()) == {"payments.events": 12, "dunning.events": 3}


async def test_topics_can_be_added_while_it_runs(own: Broker) -> None:
    own.create_topics({"access.events": 5, "payments.events": 12})
    await say(own.bootstrap, "access.events", b"restored")

    assert await partitions(own.bootstrap, *own.topics()) == {
        "payments.events": 12,
        "dunning.events": 3,
        "access.events": 5,
    }
    assert await hear(own.bootstrap, "access.events", 1) == [b"restored"]


def test_a_topic_keeps_the_number_of_partitions_it_was_made_with(own: Broker) -> None:
    with pytest.raises(ServerFailed, match="of 3 partitions because it exists with 12"):
        own.create_topics({"access.events": 5, "payments.events": 3})

    assert "access.events" not in own.topics()


def test_only_its_starter_can_add_topics(own: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_children", {})

    with pytest.raises(ServerFailed, match="another process started it"):
        own.create_topics({"access.events": 5})


async def test_a_paused_broker_is_unreachable_and_forgets_nothing(own: Broker) -> None:
    await say(own.bootstrap, "dunning.events", b"before")

    own.pause()
    producer = AIOKafkaProducer(bootstrap_servers=own.bootstrap)
    with pytest.raises(KafkaConnectionError):
        await producer.start()
    await producer.stop()
    own.resume()

    await say(own.bootstrap, "dunning.events", b"later")
    assert await hear(own.bootstrap, "dunning.events", 2) == [b"before", b"later"]


async def test_one_message_of_a_megabyte_passes(own: Broker) -> None:
    async with AIOKafkaProducer(bootstrap_servers=own.bootstrap, max_request_size=2_000_000) as producer:
        await producer.send_and_wait("dunning.events", b"x" * 1_000_000)

    assert [len(value) for value in await hear(own.bootstrap, "dunning.events", 1)] == [1_000_000]


def test_anybody_can_find_the_broker_of_a_folder(own: Broker) -> None:
    assert embedded.running(own.run_file.parent) == own


def test_a_second_broker_for_the_same_folder_is_refused(own: Broker) -> None:
    with pytest.raises(ServerFailed, match=f"process {own.pid} already serves"):
        embedded.start({}, folder=own.run_file.parent)


def test_a_run_file_left_by_a_dead_broker_does_not_hinder_the_next(tmp_path: Path) -> None:
    first = embedded.start({}, folder=tmp_path)
    said = first.run_file.read_text()
    first.crash()
    first.run_file.write_text(said)

    assert embedded.running(tmp_path) is None
    second = embedded.start({}, folder=tmp_path)
    assert second.pid != first.pid
    second.stop()
    assert not second.alive


def test_a_broker_ends_with_whoever_started_it(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from ops.servers import broker;"
        "broker.start({}, folder=Path(sys.argv[1])); sys.stdout.write('up\\n'); sys.stdout.flush(); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"up\n"
        server = embedded.running(tmp_path)
        assert server is not None
        starter.kill()

    assert server.process.wait(10.0)


def test_an_impossible_topic_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match=r"payments\.events because 0 partitions"):
        embedded.start({"payments.events": 0}, folder=tmp_path)
