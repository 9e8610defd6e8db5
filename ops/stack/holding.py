"""One stack per data folder: two would overwrite each other's plan, clock and servers.

The lock belongs to the process that asked for it: the kernel lets go of it however that process ends, and none of
the children it forks ever has it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO, Final

from ops.servers.processes import ServerFailed

_FILE: Final = "up.lock"
"""Its content is for people; what counts is the lock on it."""


class Held:
    """A folder that is this process's until ``let_go``."""

    def __init__(self, folder: Path) -> None:
        """Take the folder (made at need).

        Raises:
            ServerFailed: another process runs a stack there; the sentence has its pid.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._file = _take(folder)
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def let_go(self) -> None:
        """Another process may have it now."""
        self._file.close()


def see_that_it_is_free(folder: Path) -> None:
    """For whoever is about to have another process start a stack there.

    Raises:
        ServerFailed: as ``Held``.
    """
    if folder.is_dir():
        _take(folder).close()


def _take(folder: Path) -> IO[str]:
    file = (folder / _FILE).open("a+", encoding="utf-8")
    try:
        # Not flock: that one would be kept by every forked child.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as taken:
        file.seek(0)
        pid = file.read().strip() or "unknown"
        file.close()
        msg = (
            f"we could not start a stack in {folder} because process {pid} runs one there; "
            f"stop that one first (kill {pid}), or name another folder with --data"
        )
        raise ServerFailed(msg) from taken
    return file
