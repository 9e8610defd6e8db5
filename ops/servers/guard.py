"""A server that keeps data must still end with whoever started it, even when that one was killed outright.

The guard is a process whose standard input is held open by the starter. Each line on it is `PID BORN SIGNAL`; when the
input ends, however the starter ended, every process named there that is still that process gets its signal.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable

from ops.servers.processes import Process


def guard(lines: Iterable[str]) -> None:
    """Read to the end, then signal what is left."""
    signs: dict[Process, signal.Signals] = {}
    for line in lines:
        pid, born, number = line.split()
        signs[Process(pid=int(pid), born=float(born))] = signal.Signals(int(number))
    for process, sign in signs.items():
        process.send(sign)


if __name__ == "__main__":
    guard(sys.stdin)
