"""A stack in a process of its own, for whoever needs one for a while: a demonstration, a story, a test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from ops.servers.processes import Process, end_with_us, free_port, tail
from ops.stack.holding import see_that_it_is_free
from ops.stack.plan import PORTS, Plan, load
from ops.stack.supervisor import StackFailed

_START: Final = 90.0
_STOP: Final = 25.0


@dataclass(slots=True)
class RunningStack:
    """``relance up`` in a child process, ready; its plan says where everything answers."""

    folder: Path
    process: subprocess.Popen[bytes] | None
    """``None`` for a stack that somebody else started and stops."""
    output: Path
    _plan: Plan = field(init=False)

    def __post_init__(self) -> None:
        self._plan = self.read()

    @property
    def plan(self) -> Plan:
        """Addresses and secrets; for pids read it anew."""
        return self._plan

    def read(self) -> Plan:
        """The plan as it is now.

        Raises:
            StackFailed: there is none.
        """
        plan = load(self.folder)
        if plan is None:
            raise StackFailed(f"there is no stack in {self.folder}: start one with `relance up`")
        return plan

    @property
    def alive(self) -> bool:
        """Whether the process that watches over it runs."""
        return self.process is None or self.process.poll() is None

    def stop(self) -> None:
        """Stop it in order; only what was started here."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)

    def last_words(self, part: str, lines: int = 15) -> str:
        """The end of a part's log (``dunning-worker``)."""
        return tail(self.folder / "logs" / f"{part}.log", lines)


def start_stack(
    folder: Path,
    *,
    kafka: str = "embedded",
    database: str = "embedded",
    clock: datetime | None = None,
    usual_ports: bool = False,
    extra: dict[str, str] | None = None,
) -> RunningStack:
    """Start a stack in ``folder`` and return when every service is ready.

    Ports are drawn at random, so that several stacks on one machine do not reach for the same, unless
    ``usual_ports`` are asked for. ``extra`` variables go to its environment.

    Raises:
        StackFailed: it did not come up; the message has its last words.
        ServerFailed: another process runs a stack in this folder.
    """
    folder = folder.resolve()
    see_that_it_is_free(folder)
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "up.log"
    command = [sys.executable, "-m", "ops.cli", "up", "--empty", "--data", str(folder)]
    command += ["--kafka", kafka, "--database", database]
    if clock is not None:
        command += ["--clock", clock.isoformat()]
    plan = load(folder) or Plan(data=str(folder))
    plan.ready = False  # what it says of itself is old
    if not usual_ports:
        for name in PORTS:
            plan.ports.setdefault(name, free_port())
    plan.save()
    with output.open("ab") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**os.environ, **(extra or {})},
            start_new_session=True,
        )
    end_with_us(Process.of(process.pid))  # a killed demonstration or test run leaves nothing running
    _wait_until_ready(folder, process, output)
    return RunningStack(folder=folder, process=process, output=output)


def attach(folder: Path) -> RunningStack:
    """The stack that somebody else runs in ``folder``.

    Raises:
        StackFailed: none runs there.
    """
    plan = load(folder.resolve())
    if plan is None or not plan.ready:
        raise StackFailed(f"no stack runs in {folder}: start one with `relance up --data {folder}`")
    return RunningStack(folder=folder.resolve(), process=None, output=folder / "up.log")


def _wait_until_ready(folder: Path, process: subprocess.Popen[bytes], output: Path) -> None:
    until = time.monotonic() + _START
    while time.monotonic() < until:
        with suppress(OSError, ValueError):
            plan = load(folder)
            if plan is not None and plan.ready:
                return
        if process.poll() is not None:
            raise StackFailed(f"the stack did not come up:\n{tail(output, 20)}")
        time.sleep(0.05)
    process.terminate()
    raise StackFailed(f"the stack was not ready within {_START:.0f} s:\n{tail(output, 20)}")
