"""Whose process is it? A server is stopped by the id it was started with, never by name and never by mistake.

A process id alone can be given to a stranger after a crash or a reboot, so an id is always kept together with the
moment the process was born. Run files (`*.run.json`) hold both and whatever else a client must know.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PAUSE = 0.02
"""Seconds between two looks at something that is about to happen."""


class ServerFailed(RuntimeError):
    """We could not start or stop a server; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process id and its birth (seconds since 1970), which together name one process for ever."""

    pid: int
    born: float

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this id now.

        Raises:
            ServerFailed: no process has it.
        """
        try:
            return cls(pid=pid, born=psutil.Process(pid).create_time())
        except psutil.NoSuchProcess as gone:
            msg = f"we could not follow process {pid} because it has already ended"
            raise ServerFailed(msg) from gone

    @property
    def alive(self) -> bool:
        """Whether that very process still runs (a zombie does not)."""
        child = _children.get(self.pid)
        if child is not None and child.poll() is not None:
            return False
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.born) < 1.0
            return same and bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def send(self, sign: signal.Signals) -> None:
        """Signal that process; nothing happens when it is gone."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sign)

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; False when it still runs after so many seconds."""
        until = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > until:
                return False
            time.sleep(PAUSE)
        return True

    def stop(self, sign: signal.Signals = signal.SIGTERM, *, seconds: float = 10.0) -> None:
        """Ask it to end, then insist.

        Raises:
            ServerFailed: it survived SIGKILL (a process stuck in the kernel).
        """
        self.send(sign)
        if self.wait(seconds):
            return
        self.kill()

    def kill(self) -> None:
        """End it as a power cut would (kill -9).

        Raises:
            ServerFailed: it survived.
        """
        self.send(signal.SIGKILL)
        if not self.wait(10.0):
            msg = f"we could not end process {self.pid} because it does not answer kill -9; look at its state with ps"
            raise ServerFailed(msg)


# A Popen that is dropped while its process runs complains; ours are meant to outlive their starter's interest.
_children: dict[int, subprocess.Popen[bytes]] = {}


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    lifeline: bool = False,
) -> tuple[Process, subprocess.Popen[bytes]]:
    """Start a server in a session of its own (a Ctrl-C at the terminal is not for it), its output appended to `log`.

    With `lifeline`, the server's standard input is a pipe that closes when the starter ends, however it ends;
    otherwise standard input is empty.

    Raises:
        ServerFailed: the program could not be run.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with log.open("ab") as out:
            child = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE if lifeline else subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
            )
    except OSError as error:
        msg = f"we could not start {command[0]} because {error.strerror or error}"
        raise ServerFailed(msg) from error
    _children[child.pid] = child
    return Process.of(child.pid), child


def cut_lifeline(pid: int) -> None:
    """Close the pipe that `spawn(lifeline=True)` held open, once its server has ended or must end."""
    child = _children.pop(pid, None)
    if child is None:
        return
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(5.0)
    except subprocess.TimeoutExpired:
        _children[pid] = child


_guarding = threading.Lock()
_guard: subprocess.Popen[bytes] | None = None


def end_with_us(process: Process, sign: signal.Signals = signal.SIGTERM) -> None:
    """Have that process signalled when this one ends, in whatever way (a guard process sees to it)."""
    global _guard  # noqa: PLW0603 - one guard for all the servers of this process
    with _guarding:
        if _guard is None or _guard.poll() is not None:
            _guard = subprocess.Popen(
                [sys.executable, "-m", "ops.servers.guard"], stdin=subprocess.PIPE, start_new_session=True
            )
        assert _guard.stdin is not None  # noqa: S101 - a pipe was asked for
        _guard.stdin.write(f"{process.pid} {process.born!r} {int(sign)}\n".encode())
        _guard.stdin.flush()


def end_with_starter(on_line: Callable[[str], None] | None = None) -> None:
    """In a server started with a lifeline: once standard input ends, send ourselves SIGTERM (from a thread).

    Each line that the starter sends down the lifeline with `tell` is given to `on_line`, in that thread.
    """

    def watch() -> None:
        with os.fdopen(0, encoding="utf-8", closefd=False) as lifeline:
            for line in lifeline:
                if on_line is not None:
                    on_line(line.rstrip("\n"))
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def tell(pid: int, line: str) -> None:
    """Send a line down the lifeline of a server that this process started.

    Raises:
        ServerFailed: it has ended, or another process started it.
    """
    child = _children.get(pid)
    if child is None or child.stdin is None:
        msg = f"we could not speak to process {pid} because another process started it; only its starter can"
        raise ServerFailed(msg)
    try:
        child.stdin.write(line.encode() + b"\n")
        child.stdin.flush()
    except (BrokenPipeError, ValueError) as gone:
        msg = f"we could not speak to process {pid} because it has ended"
        raise ServerFailed(msg) from gone


def write_run_file(path: Path, process: Process, **what: Any) -> None:
    """Say in one step (rename) that a server is ready and how to reach it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps({"pid": process.pid, "born": process.born, **what}), encoding="utf-8")
    fresh.replace(path)


def read_run_file(path: Path) -> tuple[Process, dict[str, Any]] | None:
    """The process a run file names, if it still runs, and what was said about it; None otherwise."""
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        process = Process(pid=int(said.pop("pid")), born=float(said.pop("born")))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return (process, said) if process.alive else None


def free_port() -> int:
    """A TCP port of the loopback address that nobody uses, outside the range that outgoing connections take from.

    A server that comes back after a crash wants its port again: no connection must have borrowed it meanwhile.

    Whoever asks next, in any process of this machine, gets another one while this process lives (Linux).

    Raises:
        ServerFailed: a hundred tries found none.
    """
    for _ in range(100):
        port = random.randrange(20_000, 32_000)  # noqa: S311 - no secret
        if port_is_free(port) and _kept_for_us(port):
            return port
    msg = "we could not find a free port because a hundred tries between 20000 and 32000 were all taken"
    raise ServerFailed(msg)


def _kept_for_us(port: int) -> bool:
    """Note on the machine that a port was given away, before its server listens; gone when this process ends."""
    if not sys.platform.startswith("linux"):
        return True
    note = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        note.bind(f"\0relance-port-{port}")
    except OSError:
        note.close()
        return False
    note.detach()  # it stays open for as long as this process lives
    return True


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now (a closing connection does not hinder it)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def tail(log: Path, lines: int = 8) -> str:
    """The last lines a server wrote, to finish the sentence that says why it did not start."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(it wrote nothing)"
