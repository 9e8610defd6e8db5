"""A school that installs nothing still gets Kafka: the broker inside the confluent-kafka wheel, in its own process.

    broker = start({"payments.events": 12, "dunning.events": 12}, folder=folder)
    ... aiokafka, Faust: bootstrap_servers=broker.bootstrap ...
    broker.pause(); broker.resume()      # as if the broker were down, then up again
    broker.stop()

It is librdkafka's mock cluster, which speaks the real protocol but keeps everything in memory: when this process
ends, topics, offsets and groups are gone and the next one has another port. What follows from that, and from the rest
of its limits (`facts/faust.md` 1), is kept here or said here:

- topics are made before anybody connects (an unknown name would silently become a topic of 4 partitions);
- a group starts consuming 50 ms after its first member comes, not 3 s;
- a partition keeps its last 5 MiB (compressed) or 100,000 batches: clients should compress;
- clients want a short session (3-6 s) and a short fetch wait (50 ms), and one member per group;
- no transactions, no lookup by time, no topic administration;
- a client's mistake can abort the process: never host it inside another one.

`start` runs it as `python -m ops.servers.broker --lifeline`: it ends when its standard input does, that is, with
whoever started it, however that one ended.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ops.servers.processes import (
    PAUSE,
    Process,
    ServerFailed,
    cut_lifeline,
    end_with_starter,
    read_run_file,
    spawn,
    tail,
    tell,
    write_run_file,
)

REBALANCE_DELAY_MS: Final = 50
_PAUSE, _RESUME = signal.SIGUSR1, signal.SIGUSR2
_ALL_BROKERS: Final = -1
_PRODUCER: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A running embedded broker: its address, its process, and the file that says so."""

    bootstrap: str
    process: Process
    run_file: Path

    @property
    def pid(self) -> int:
        """The broker's process id."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.alive

    def stop(self) -> None:
        """End it; its topics are forgotten."""
        self.process.stop(seconds=5.0)
        self._forget()

    def crash(self) -> None:
        """Kill -9."""
        self.process.kill()
        self._forget()

    def pause(self) -> None:
        """Drop every connection and refuse new ones; nothing that topics hold is lost."""
        self._tell(_PAUSE, paused=True)

    def resume(self) -> None:
        """Accept connections again."""
        self._tell(_RESUME, paused=False)

    def create_topics(self, topics: Mapping[str, int]) -> None:
        """Make more topics (name: number of partitions); only whoever started the broker can. Once made, they stay.

        Raises:
            ServerFailed: one has fewer than one partition or exists with another number of them, or the broker does
                not answer.
        """
        _check(topics)
        for name, there in self.topics().items():
            if topics.get(name, there) != there:
                msg = f"we could not make the topic {name} of {topics[name]} partitions because it exists with {there}"
                raise ServerFailed(msg)
        for name, partitions in topics.items():
            tell(self.pid, f"{name}:{partitions}")
        self._wait("make topics", lambda said: topics.items() <= said["topics"].items())

    def topics(self) -> dict[str, int]:
        """Name to number of partitions of every topic that was made on purpose."""
        said = read_run_file(self.run_file)
        return dict(said[1]["topics"]) if said is not None else {}

    def _tell(self, sign: signal.Signals, *, paused: bool) -> None:
        self.process.send(sign)
        self._wait("pause" if paused else "resume", lambda said: said["paused"] is paused)

    def _wait(self, wanted: str, done: Callable[[dict[str, Any]], bool]) -> None:
        until = time.monotonic() + 5.0
        while time.monotonic() < until:
            said = read_run_file(self.run_file)
            if said is None:
                break
            if done(said[1]):
                return
            time.sleep(PAUSE)
        msg = f"we could not {wanted} on the embedded broker because it does not answer:\n{tail(_log(self.run_file.parent))}"
        raise ServerFailed(msg)

    def _forget(self) -> None:
        cut_lifeline(self.pid)
        self.run_file.unlink(missing_ok=True)


def start(
    topics: Mapping[str, int],
    *,
    folder: Path,
    rebalance_delay_ms: int = REBALANCE_DELAY_MS,
    seconds: float = 15.0,
) -> Broker:
    """Start a broker with these topics (name: number of partitions); it ends with the calling process.

    Args:
        topics: made before anybody can connect.
        folder: gets `broker.run.json` (bootstrap, pid) and `broker.log`.
        rebalance_delay_ms: how long a new group waits for more members.
        seconds: how long the start may last.

    Raises:
        ServerFailed: it did not come up, or one already runs for this folder.
    """
    _check(topics)
    folder.mkdir(parents=True, exist_ok=True)
    run_file, log = folder / "broker.run.json", _log(folder)
    already = running(folder)
    if already is not None:
        msg = f"we could not start an embedded broker because process {already.pid} already serves {folder}; stop it first"
        raise ServerFailed(msg)
    run_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "ops.servers.broker", "--lifeline", "--ready", str(run_file)]
    command += ["--rebalance-delay-ms", str(rebalance_delay_ms)]
    for name, partitions in topics.items():
        command += ["--topic", f"{name}:{partitions}"]
    process, _ = spawn(command, log=log, lifeline=True)
    until = time.monotonic() + seconds
    while (broker := running(folder)) is None:
        if not process.alive or time.monotonic() > until:
            process.kill()
            cut_lifeline(process.pid)
            msg = f"we could not start the embedded broker because it did not come up:\n{tail(log)}"
            raise ServerFailed(msg)
        time.sleep(PAUSE)
    return broker


def running(folder: Path) -> Broker | None:
    """The broker that runs for a folder, whoever started it."""
    run_file = folder / "broker.run.json"
    said = read_run_file(run_file)
    if said is None:
        return None
    return Broker(bootstrap=str(said[1]["bootstrap"]), process=said[0], run_file=run_file)


def _log(folder: Path) -> Path:
    return folder / "broker.log"


def _check(topics: Mapping[str, int]) -> None:
    for name, partitions in topics.items():
        if partitions < 1:
            msg = f"we could not make the topic {name} because {partitions} partitions hold nothing; ask for 1 or more"
            raise ServerFailed(msg)


# --- The process itself -----------------------------------------------------------------------------------


class _Cluster:
    """librdkafka's mock cluster, through the functions that its shared library exports."""

    def __init__(self, *, rebalance_delay_ms: int) -> None:
        self._lib = _librdkafka()
        conf, error = self._lib.rd_kafka_conf_new(), ctypes.create_string_buffer(512)
        self._client = self._lib.rd_kafka_new(_PRODUCER, conf, error, 512)
        if not self._client:
            msg = f"librdkafka refused to start: {error.value.decode()}"
            raise ServerFailed(msg)
        self._cluster = self._lib.rd_kafka_mock_cluster_new(self._client, 1)
        if not self._cluster:
            msg = "librdkafka refused to make a mock cluster"
            raise ServerFailed(msg)
        self._lib.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, rebalance_delay_ms)

    def create_topic(self, name: str, partitions: int) -> None:
        code = self._lib.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        if code != 0:
            msg = f"we could not make the topic {name} of {partitions} partitions because of librdkafka's error {code}"
            raise ServerFailed(msg)

    @property
    def bootstrap(self) -> str:
        return str(self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode())

    def down(self) -> None:
        self._lib.rd_kafka_mock_broker_set_down(self._cluster, _ALL_BROKERS)

    def up(self) -> None:
        self._lib.rd_kafka_mock_broker_set_up(self._cluster, _ALL_BROKERS)


def _librdkafka() -> Any:
    """The shared library of the pinned wheel; its mock functions carry no promise, hence the pin and the smoke test."""
    spec = importlib.util.find_spec("confluent_kafka")
    if spec is None or spec.origin is None:
        msg = "we could not start the embedded broker because confluent-kafka is not installed; run `make setup`"
        raise ServerFailed(msg)
    package = Path(spec.origin).parent
    found = [
        *sorted((package.parent / "confluent_kafka.libs").glob("librdkafka*.so*")),
        *sorted((package / ".dylibs").glob("librdkafka*.dylib")),
    ]
    if not found:
        msg = (
            "we could not start the embedded broker because this build of confluent-kafka brings no librdkafka of its "
            "own; use --kafka local, or --kafka HOST:PORT"
        )
        raise ServerFailed(msg)
    lib = ctypes.CDLL(str(found[0]))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    shapes: dict[str, tuple[Any, list[Any]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_broker_set_down": (number, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_broker_set_up": (number, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in shapes.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def serve(topics: Sequence[tuple[str, int]], *, ready: Path, rebalance_delay_ms: int, lifeline: bool) -> None:
    """Be the broker until SIGTERM or SIGINT; SIGUSR1 pauses it, SIGUSR2 resumes it."""
    signals = {signal.SIGTERM, signal.SIGINT, _PAUSE, _RESUME}
    signal.pthread_sigmask(
        signal.SIG_BLOCK, signals
    )  # before any thread exists, so that sigwait gets them all
    cluster, me = _Cluster(rebalance_delay_ms=rebalance_delay_ms), Process.of(os.getpid())
    state: dict[str, Any] = {"bootstrap": cluster.bootstrap, "paused": False, "topics": {}}
    changing = threading.Lock()

    def create(name: str, partitions: int) -> None:
        cluster.create_topic(name, partitions)
        state["topics"][name] = partitions

    def on_line(line: str) -> None:
        with changing:
            name, partitions = _topic(line)
            if name not in state["topics"]:
                try:
                    create(name, partitions)
                except ServerFailed as failure:
                    print(failure, flush=True)  # the starter waits in vain and shows this log
                write_run_file(ready, me, **state)

    for name, partitions in topics:
        create(name, partitions)
    write_run_file(ready, me, **state)
    print(json.dumps({**state, "pid": me.pid}), flush=True)
    if lifeline:
        end_with_starter(on_line)
    while (sign := signal.sigwait(signals)) in {_PAUSE, _RESUME}:
        with changing:
            if sign == _PAUSE:
                cluster.down()
            else:
                cluster.up()
            state["paused"] = sign == _PAUSE
            write_run_file(ready, me, **state)
    os._exit(0)  # nothing to save, and librdkafka's own farewell can take seconds while clients hang on


def _topic(text: str) -> tuple[str, int]:
    name, _, partitions = text.rpartition(":")
    return name, int(partitions)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m ops.servers.broker", description="embedded Kafka broker")
    parser.add_argument(
        "--ready", type=Path, required=True, help="file that gets the address and the process id"
    )
    parser.add_argument("--topic", type=_topic, action="append", default=[], metavar="NAME:PARTITIONS")
    parser.add_argument("--rebalance-delay-ms", type=int, default=REBALANCE_DELAY_MS)
    parser.add_argument("--lifeline", action="store_true", help="end when standard input does")
    given = parser.parse_args(arguments)
    serve(
        given.topic, ready=given.ready, rebalance_delay_ms=given.rebalance_delay_ms, lifeline=given.lifeline
    )


if __name__ == "__main__":
    main()
