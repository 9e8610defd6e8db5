from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from ops.servers import kafka
from ops.servers.kafka import Kafka, jars
from ops.servers.kafka.server import new_cluster_id
from ops.servers.processes import ServerFailed

TOPICS = {"payments.events": 6, "dunning.events": 2}


@pytest.fixture
def own(apache_kafka: Kafka, tmp_path: Path) -> Iterator[Kafka]:
    """A node of this test's own, to be stopped and killed; `apache_kafka` says whether there can be one."""
    node = kafka.start(tmp_path / "kafka", topics=TOPICS)
    yield node
    now = kafka.running(node.folder)
    if now is not None:
        now.crash()


async def say(bootstrap: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait("dunning.events", value)


async def hear(bootstrap: str, count: int, *, group: str | None = None) -> list[bytes]:
    async with AIOKafkaConsumer(
        "dunning.events", bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest"
    ) as consumer:
        heard = sorted([(await consumer.getone()).value for _ in range(count)])
        if group is not None:
            await consumer.commit()
        return heard


async def partitions(bootstrap: str, topics: Iterable[str] = TOPICS) -> dict[str, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


async def test_what_was_said_before_kill_minus_9_is_heard_after_it_at_the_same_address(own: Kafka) -> None:
    await say(own.bootstrap, b"said before")
    own.crash()
    assert kafka.running(own.folder) is None

    again = await kafka.start_async(own.folder, topics=TOPICS)

    assert again.bootstrap == own.bootstrap
    assert again.pid != own.pid
    await say(again.bootstrap, b"said later")
    assert await hear(again.bootstrap, 2, group="access") == [b"said before", b"said later"]


async def test_a_group_goes_on_where_it_was_after_a_restart(own: Kafka) -> None:
    await say(own.bootstrap, b"first")
    assert await hear(own.bootstrap, 1, group="access") == [b"first"]
    own.stop()
    assert not own.alive

    again = kafka.start(own.folder)

    await say(again.bootstrap, b"second")
    assert await hear(again.bootstrap, 1, group="access") == [b"second"]


async def test_topics_are_made_once_and_grow_when_more_partitions_are_wanted(own: Kafka) -> None:
    assert await partitions(own.bootstrap) == TOPICS

    await kafka.ensure_topics(own.bootstrap, {"payments.events": 3, "dunning.events": 4})

    assert await partitions(own.bootstrap) == {"payments.events": 6, "dunning.events": 4}


def test_no_cluster_id_begins_with_a_dash() -> None:
    names = [new_cluster_id() for _ in range(2000)]

    assert not [name for name in names if name.startswith("-")]
    assert {len(name) for name in names} == {22}


def test_starting_twice_takes_up_the_running_node(own: Kafka) -> None:
    assert kafka.start(own.folder, topics=TOPICS) == own


async def test_topics_are_there_for_everybody_once_they_are_made(apache_kafka: Kafka) -> None:
    for number in range(8):
        wanted = {f"grow.{number}": 2}
        await kafka.ensure_topics(apache_kafka.bootstrap, wanted)
        assert await partitions(apache_kafka.bootstrap, wanted) == wanted
        wanted = {f"grow.{number}": 4}
        await kafka.ensure_topics(apache_kafka.bootstrap, wanted)
        assert await partitions(apache_kafka.bootstrap, wanted) == wanted


async def test_a_topic_name_that_kafka_refuses_is_told(apache_kafka: Kafka) -> None:
    with pytest.raises(ServerFailed, match="bad name!"):
        await kafka.ensure_topics(apache_kafka.bootstrap, {"bad name!": 1})


async def test_a_cluster_that_does_not_answer_is_named() -> None:
    with pytest.raises(ServerFailed, match=r"127\.0\.0\.1:1 "):
        await kafka.ensure_topics("127.0.0.1:1", TOPICS, seconds=0.2)


@pytest.mark.parametrize(
    ("told", "release"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_402"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("command not found", 0),
    ],
)
def test_the_release_of_java_is_read_from_what_it_tells(told: str, release: int) -> None:
    assert jars.java_release(told) == release


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and only the programs that a test puts into the folder."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("RELANCE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return programs


def test_a_machine_without_java_says_so(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine))

    verdict = kafka.available(timeout=0)

    assert not verdict.yes
    assert "no java is on the PATH" in verdict.reason


def test_an_old_java_is_named(machine: Path) -> None:
    program(machine, "java", """echo 'openjdk version "11.0.2"' >&2""")

    verdict = kafka.available(timeout=0)

    assert not verdict.yes
    assert "is Java 11; install Java 17" in verdict.reason


@pytest.fixture
def java_17(machine: Path) -> Path:
    program(machine, "java", """echo 'openjdk version "17.0.15"' >&2""")
    return machine


def test_without_jars_and_without_time_to_bring_them_the_answer_is_no(java_17: Path) -> None:
    assert (
        kafka.available(timeout=0).reason == f"the jars of Apache Kafka {kafka.VERSION} are not in the cache"
    )


def test_without_maven_the_answer_is_no(java_17: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(java_17))

    assert "Maven (mvn) is not on the PATH" in kafka.available(timeout=5).reason


def test_a_maven_that_takes_too_long_is_not_waited_for(java_17: Path) -> None:
    program(java_17, "mvn", "sleep 60")

    assert "within 0.3 s" in kafka.available(timeout=0.3).reason


def test_what_maven_complains_of_is_told(java_17: Path) -> None:
    program(java_17, "mvn", "echo 'no route to the repository'; exit 1")

    assert "no route to the repository" in kafka.available(timeout=5).reason


def test_a_jar_that_is_not_the_one_that_was_tried_is_never_run(java_17: Path) -> None:
    some_jar = next(iter(jars.manifest()))
    copies = "\n".join(f'echo spoiled > "$out/{name}"' for name in jars.manifest())
    program(
        java_17,
        "mvn",
        'for word in "$@"; do case "$word" in -DoutputDirectory=*) out=${word#*=};; esac; done\n'
        f'mkdir -p "$out"\n{copies}',
    )

    verdict = kafka.available(timeout=10)

    assert not verdict.yes
    assert f"{some_jar} in " in verdict.reason
    assert "is not the jar that was tried" in verdict.reason
    assert not jars.cache_folder().exists()
    with pytest.raises(ServerFailed, match="not in the cache"):
        jars.jars()
