from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from ops.servers import processes
from ops.servers.guard import guard
from ops.servers.processes import Process, ServerFailed

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


def test_a_process_is_stopped_by_its_own_id(tmp_path: Path) -> None:
    process, _ = processes.spawn(SLEEPER, log=tmp_path / "log")
    assert process.alive

    process.stop()

    assert not process.alive


def test_a_process_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process, _ = processes.spawn(STUBBORN, log=log)
    until = time.monotonic() + 10
    while not log.read_text() and time.monotonic() < until:
        time.sleep(0.02)

    process.stop(seconds=0.1)

    assert not process.alive


def test_a_stranger_that_got_the_same_id_is_neither_alive_nor_hurt() -> None:
    before = Process(pid=os.getpid(), born=Process.of(os.getpid()).born - 3600)

    before.send(signal.SIGKILL)

    assert not before.alive


def test_a_run_file_of_a_process_that_ended_says_nothing(tmp_path: Path) -> None:
    process, _ = processes.spawn(SLEEPER, log=tmp_path / "log")
    processes.write_run_file(tmp_path / "x.run.json", process, bootstrap="127.0.0.1:9")
    assert processes.read_run_file(tmp_path / "x.run.json") == (process, {"bootstrap": "127.0.0.1:9"})

    process.kill()

    assert processes.read_run_file(tmp_path / "x.run.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "born": 0}'])
def test_a_spoiled_run_file_says_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.run.json"
    path.write_text(text)

    assert processes.read_run_file(path) is None


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="we could not start no-such-program because"):
        processes.spawn(["no-such-program"], log=tmp_path / "log")


def test_a_free_port_is_outside_the_range_that_outgoing_connections_borrow_from() -> None:
    ports = {processes.free_port() for _ in range(20)}

    assert all(20_000 <= port < 32_000 for port in ports)


def test_the_guard_signals_what_it_was_told_to_and_no_stranger(tmp_path: Path) -> None:
    ours, _ = processes.spawn(SLEEPER, log=tmp_path / "log")
    other, _ = processes.spawn(SLEEPER, log=tmp_path / "log")

    guard(
        [
            f"{ours.pid} {ours.born} {int(signal.SIGTERM)}",
            f"{other.pid} {other.born - 3600} {int(signal.SIGKILL)}",
        ]
    )

    assert ours.wait(10.0)
    assert other.alive
    other.kill()
