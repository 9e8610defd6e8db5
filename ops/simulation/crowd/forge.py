"""Where processes of services come from: a process that has everything loaded and no event loop, and forks on demand.

Whoever lives through the months has an event loop and connections, with which nobody should fork.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ops.simulation.crowd.outside import Books, Platform, Provider, banks
from ops.stack import children
from ops.stack.plan import Part
from services.access import app as access_app
from services.notifications import app as notifications_app
from services.payments.settings import PaymentsSettings

BOOKS: Final = "RELANCE_CROWD_BOOKS"


def _books() -> Books:
    return Books(Path(os.environ[BOOKS]))


class _Payments(PaymentsSettings):
    """The payments API with the crowd's banks."""

    def gateways(self) -> dict[Any, Any]:
        """See ``PaymentsSettings``."""
        return dict(banks(_books()))


_HANDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "payments": lambda _: banks(_books()),
    "access": lambda _: access_app.Hands(platform=Platform(_books())),
    "notifications": lambda settings: replace(notifications_app.hands(settings), channel=Provider(_books())),
}
"""What services work with outside; everything else is theirs as it is."""


def _worker(service: str) -> None:
    children.run_worker(service, hands_of=_HANDS.get(service))


def _api(service: str) -> None:
    children.run_api(service, settings=_Payments() if service == "payments" else None)


_RUNS: Final[Mapping[str, Callable[[str], None]]] = {"worker": _worker, "api": _api}


class Forge:
    """Starts processes of services. Make it before there is an event loop or a thread."""

    def __init__(self) -> None:
        children.preload()
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            ours.close()
            _serve(theirs)
        theirs.close()
        self._line = ours.makefile("rw", encoding="utf-8")
        ours.close()
        self._ended: dict[int, int] = {}

    def start(self, part: Part, environment: Mapping[str, str], log: Path) -> int:
        """A process of a service: its pid."""
        return int(self._ask("start", part.service, part.kind, dict(environment), str(log)))

    def ended(self) -> Mapping[int, int]:
        """Exit statuses of all that have ended so far, by pid; a negative one is the signal that ended it."""
        self._ended |= {int(pid): status for pid, status in self._ask("ended").items()}
        return self._ended

    def close(self) -> None:
        """End it; what it started ends with it."""
        self._line.close()
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _ask(self, *words: Any) -> Any:
        self._line.write(json.dumps(words) + "\n")
        self._line.flush()
        return json.loads(self._line.readline())


def _serve(line: socket.socket) -> None:
    """Do as told until nobody is there to tell."""
    told = line.makefile("rw", encoding="utf-8")
    os.set_inheritable(line.fileno(), False)
    started: set[int] = set()
    with suppress(Exception):
        for text in told:
            word, *rest = json.loads(text)
            if word == "start":
                service, kind, environment, log = rest
                part = Part(service=service, kind=kind)
                answer: Any = children.fork(part, environment, Path(log), runs=_RUNS)
                started.add(answer)
            else:
                answer = _reap(started)
            told.write(json.dumps(answer) + "\n")
            told.flush()
    os._exit(0)


def _reap(started: set[int]) -> dict[int, int]:
    ended = {}
    for pid in list(started):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            started.discard(pid)
            ended[pid] = os.waitstatus_to_exitcode(status)
    return ended
