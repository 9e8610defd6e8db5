"""One Apache Kafka node on this machine, broker and controller in one process, with a small heap.

    FOLDER/data          what topics hold         FOLDER/node.json     cluster id and ports, kept for ever
    FOLDER/server.log    what it had to say       FOLDER/kafka.run.json   address and process while it runs

The ports are chosen once and kept, so that clients find the node again after a crash.
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from ops.servers.kafka.jars import jars, java
from ops.servers.kafka.topics import ensure_topics
from ops.servers.processes import (
    Process,
    ServerFailed,
    end_with_us,
    free_port,
    port_is_free,
    read_run_file,
    spawn,
    tail,
    write_run_file,
)

HEAP_MB: Final = 256

_NODE: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # A mistyped topic is an error, not a new topic.
    "auto.create.topics.enable": "false",
    # One node: one copy of everything, and few partitions for Kafka's own bookkeeping.
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "2",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # A worker that starts alone need not wait three seconds for others; demos use sessions of 6 s.
    "group.initial.rebalance.delay.ms": "50",
    "group.min.session.timeout.ms": "3000",
    # After kill -9 the controller refuses the node's new life until its old one has timed out.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "num.recovery.threads.per.data.dir": "2",
    "log.retention.hours": "720",
    "log.segment.bytes": str(64 * 1024 * 1024),
    "message.max.bytes": str(4 * 1024 * 1024),
}

_LOGGING: Final = """\
status = error
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %-5p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = OUT
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kafka:
    """A running Apache Kafka node: its files, its address, its process."""

    folder: Path
    bootstrap: str
    process: Process

    @property
    def pid(self) -> int:
        """The Java process's id."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.alive

    def create_topics(self, topics: Mapping[str, int]) -> None:
        """Make more topics (name: number of partitions)."""
        with ThreadPoolExecutor(1) as thread:  # the caller may have an event loop running
            thread.submit(asyncio.run, ensure_topics(self.bootstrap, topics)).result()

    def stop(self, *, seconds: float = 20.0) -> None:
        """Close it in good order; what topics hold stays."""
        self.process.stop(seconds=seconds)
        self._forget()

    def crash(self) -> None:
        """Kill -9; what producers were told is written stays."""
        self.process.kill()
        self._forget()

    def _forget(self) -> None:
        _run_file(self.folder).unlink(missing_ok=True)


def start(
    folder: Path,
    *,
    topics: Mapping[str, int] | None = None,
    heap_mb: int = HEAP_MB,
    seconds: float = 90.0,
    detached: bool = False,
) -> Kafka:
    """Start Kafka on a folder (made at need) or take up the one that runs there; ready, its topics made.

    Args:
        folder: where it keeps everything.
        topics: name to number of partitions; missing ones are made.
        heap_mb: the JVM's largest heap; the process takes some 150 MB besides.
        seconds: how long a start may last; checking logs after a crash counts.
        detached: let it outlive the calling process; otherwise it is closed when that one ends, however it ends.

    Raises:
        ServerFailed: no Java, no jars, or the node did not come up; the sentence says which.
    """
    folder = folder.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder / ".lock"):
        kafka = running(folder) or _launch(folder, heap_mb=heap_mb, detached=detached)
    try:
        _wait_until_ready(kafka, topics or {}, seconds)
    except ServerFailed:
        with suppress(ServerFailed):
            kafka.crash()
        raise
    return kafka


async def start_async(
    folder: Path,
    *,
    topics: Mapping[str, int] | None = None,
    heap_mb: int = HEAP_MB,
    seconds: float = 90.0,
    detached: bool = False,
) -> Kafka:
    """`start` without blocking the event loop."""
    return await asyncio.to_thread(
        start, folder, topics=topics, heap_mb=heap_mb, seconds=seconds, detached=detached
    )


def running(folder: Path) -> Kafka | None:
    """The node that runs on a folder, whoever started it (it may still be coming up)."""
    folder = folder.expanduser().resolve()
    said = read_run_file(_run_file(folder))
    if said is None:
        return None
    return Kafka(folder=folder, bootstrap=str(said[1]["bootstrap"]), process=said[0])


def _run_file(folder: Path) -> Path:
    return folder / "kafka.run.json"


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _launch(folder: Path, *, heap_mb: int, detached: bool) -> Kafka:
    program, _ = java()
    path = ":".join(str(jar) for jar in jars())
    node = _node(folder)
    properties, logging = folder / "kafka.properties", folder / "log4j2.properties"
    properties.write_text(_properties(folder, node), encoding="utf-8")
    logging.write_text(_LOGGING, encoding="utf-8")
    machine = [
        str(program),
        "-Xms64m",
        f"-Xmx{heap_mb}m",
        "-XX:+UseSerialGC",  # one small heap on two cores: the least memory and the quickest start
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={logging}",
        "-cp",
        path,
    ]
    if not (folder / "data" / "meta.properties").exists():
        _format(machine, folder, str(node["cluster"]), properties)
    process, _ = spawn([*machine, "kafka.Kafka", str(properties)], log=folder / "server.log", cwd=folder)
    if not detached:
        end_with_us(process)
    bootstrap = f"127.0.0.1:{node['port']}"
    write_run_file(_run_file(folder), process, bootstrap=bootstrap)
    return Kafka(folder=folder, bootstrap=bootstrap, process=process)


def _node(folder: Path) -> Mapping[str, int | str]:
    """Cluster id and ports: as they were, except a port that somebody else has taken meanwhile."""
    kept = folder / "node.json"
    node: dict[str, int | str] = {}
    with suppress(FileNotFoundError, ValueError):
        node = json.loads(kept.read_text(encoding="utf-8"))
    node.setdefault("cluster", new_cluster_id())
    for name in ("port", "controller_port"):
        if name not in node or not port_is_free(int(node[name])):
            node[name] = free_port()
    fresh = kept.with_suffix(".fresh")
    fresh.write_text(json.dumps(node), encoding="utf-8")
    fresh.replace(kept)
    return node


def new_cluster_id() -> str:
    """A random id as Kafka's own tool makes them; one that began with a dash would be taken for an option."""
    while True:
        name = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        if not name.startswith("-"):
            return name


def _properties(folder: Path, node: Mapping[str, int | str]) -> str:
    broker, controller = f"127.0.0.1:{node['port']}", f"127.0.0.1:{node['controller_port']}"
    settings = {
        **_NODE,
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "controller.quorum.voters": f"1@{controller}",
        "log.dirs": str(folder / "data"),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _format(machine: Sequence[str], folder: Path, cluster: str, properties: Path) -> None:
    command = [
        *machine,
        "kafka.tools.StorageTool",
        "format",
        "--cluster-id",
        cluster,
        "--config",
        str(properties),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    with (folder / "server.log").open("a", encoding="utf-8") as log:
        log.write(done.stdout + done.stderr)
    if done.returncode != 0:
        msg = f"we could not prepare the storage of Apache Kafka in {folder}:\n{done.stderr.strip() or done.stdout.strip()}"
        raise ServerFailed(msg)


def _wait_until_ready(kafka: Kafka, topics: Mapping[str, int], seconds: float) -> None:
    """Ready is: the controller answers and every topic exists. Asked in a thread, as callers may have a loop running."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(1) as thread:
        while True:
            asked = thread.submit(asyncio.run, ensure_topics(kafka.bootstrap, topics, seconds=1.0))
            try:
                asked.result()
            except ServerFailed as failure:
                if not kafka.alive:
                    msg = f"we could not start Apache Kafka because it ended:\n{tail(kafka.folder / 'server.log')}"
                    raise ServerFailed(msg) from failure
                if time.monotonic() > until:
                    msg = f"we could not start Apache Kafka within {seconds:g} s:\n{tail(kafka.folder / 'server.log')}"
                    raise ServerFailed(msg) from failure
            else:
                return
