"""PostgreSQL refuses to run as root, and a school's container often is root: run a program as somebody lesser.

Run as a script, `lowered.py UID GID PROGRAM ARGUMENT...` becomes that user and then becomes that program, keeping
the process id. The user may be unable to enter a folder on the way to the program or to its data (a home of mode
0700); on Linux the one capability to look past that is kept, when root has it to give, instead of opening the
folder to everybody.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def become(uid: int, gid: int) -> None:
    """Change this process from root to `uid`:`gid`, keeping at most the right to pass through closed folders.

    Raises:
        PermissionError: this process is not root.
    """
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    kept = _can_give() if libc is not None else None
    if libc is not None and kept is not None:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if libc is not None and kept is not None:
        header, bit = _Header(version=_CAPABILITY_VERSION_3, pid=0), 1 << kept
        both = (_Data * 2)(_Data(effective=bit, permitted=bit, inheritable=bit), _Data())
        # A refusal is not an error yet: most folders are open, and the program says so itself if one is not.
        if libc.capset(ctypes.byref(header), both) == 0:
            libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, kept, 0, 0)


def _can_give() -> int | None:
    """The lesser of the two capabilities that this process has, from the kernel's own account of it."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - starts a server: no pathlib to load
            permitted = next(int(line.split()[1], 16) for line in status if line.startswith("CapPrm:"))
    except (OSError, StopIteration):
        return None
    return next((cap for cap in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE) if permitted >> cap & 1), None)


def main(arguments: list[str]) -> None:
    """Become the user, then the program; never returns."""
    uid, gid, program = int(arguments[0]), int(arguments[1]), arguments[2:]
    become(uid, gid)
    os.execv(program[0], program)  # noqa: S606 - a list, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
