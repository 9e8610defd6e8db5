"""Every learner's letter box on one machine: a mail server that delivers nowhere and can be read by anybody here.

    box = start(folder)
    ... SMTP to 127.0.0.1:box.smtp_port ...
    box.url                       # a page to read the mails; the same address answers questions in JSON (web.py)
    box.stop()

A mail is on disk before the sender is told that it was accepted, and each acceptance is a delivery of its own: a
second mail with the same Message-ID is counted, never merged, so that a test can prove there was none.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from ops.servers.processes import (
    PAUSE,
    Process,
    ServerFailed,
    cut_lifeline,
    free_port,
    port_is_free,
    read_run_file,
    spawn,
    tail,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A running mailbox: its ports on the loopback address, its process, its files."""

    folder: Path
    smtp_port: int
    http_port: int
    process: Process

    @property
    def url(self) -> str:
        """The page to read mails, and the root of the JSON answers."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.alive

    def clear(self) -> None:
        """Forget every mail and every failure that was asked for."""
        with httpx.Client(base_url=self.url, timeout=10) as http:
            http.post("/_fail", json={}).raise_for_status()
            http.delete("/messages").raise_for_status()

    def stop(self) -> None:
        """Close it; the mails stay on disk."""
        self.process.stop(signal.SIGTERM, seconds=5.0)
        self._forget()

    def crash(self) -> None:
        """Kill -9; mails that were accepted stay on disk."""
        self.process.kill()
        self._forget()

    def _forget(self) -> None:
        cut_lifeline(self.pid)
        run_file(self.folder).unlink(missing_ok=True)


def start(
    folder: Path,
    *,
    smtp_port: int | None = None,
    http_port: int | None = None,
    seconds: float = 15.0,
) -> Mailbox:
    """Start the mailbox of a folder, or take up the one that runs there; it ends with the calling process.

    Ports that are not given are the ones of the last time, if they are free.

    Raises:
        ServerFailed: it did not come up; the sentence ends with its own words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    already = running(folder)
    if already is not None:
        return already
    ports = _ports(folder, {"smtp": smtp_port, "http": http_port})
    log = folder / "mailbox.log"
    command = [sys.executable, "-m", "ops.servers.mailbox", "--lifeline", "--data", str(folder)]
    for name, port in ports.items():
        command += [f"--{name}", str(port)]
    process, _ = spawn(command, log=log, lifeline=True)
    until = time.monotonic() + seconds
    while (box := running(folder)) is None:
        if not process.alive or time.monotonic() > until:
            process.kill()
            cut_lifeline(process.pid)
            msg = f"we could not start the mailbox because it did not come up:\n{tail(log)}"
            raise ServerFailed(msg)
        time.sleep(PAUSE)
    return box


def running(folder: Path) -> Mailbox | None:
    """The mailbox that runs for a folder, whoever started it."""
    said = read_run_file(run_file(folder))
    if said is None:
        return None
    process, what = said
    return Mailbox(folder=folder, smtp_port=int(what["smtp"]), http_port=int(what["http"]), process=process)


def run_file(folder: Path) -> Path:
    """The file that says where a running mailbox is."""
    return folder / "mailbox.run.json"


def _ports(folder: Path, given: dict[str, int | None]) -> dict[str, int]:
    kept: dict[str, int] = {}
    path = folder / "ports.json"
    with contextlib.suppress(FileNotFoundError, ValueError):
        kept = json.loads(path.read_text(encoding="utf-8"))
    ports = {}
    for name, wanted in given.items():
        port = wanted or kept.get(name)
        ports[name] = port if port is not None and (wanted or port_is_free(port)) else free_port()
    path.write_text(json.dumps(ports), encoding="utf-8")
    return ports
