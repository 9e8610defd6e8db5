"""``relance keys``: the keys of internal services, each with a name, scopes, schools and an end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from ops.stack.plan import load
from shared import api_keys as made
from shared.api_keyring import PgKeyring
from shared.api_keys import EVERY, Key
from shared.clock import Clock, clock_for
from shared.database import open_pool
from shared.errors import Refused
from shared.settings import Settings

DOORS: Final = ("payments", "dunning", "access", "credits", "notifications", "portal", "hooks")
"""Services whose API takes keys; each keeps those that open its own door."""

_NAME = re.compile(r"[a-z0-9][a-z0-9\-]{0,39}")
_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Data folder of a stack on this machine; without one, RELANCE_DATABASE tells where the keys are.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One key as it lies at the doors that it opens."""

    key: Key
    doors: tuple[str, ...]


@click.group()
def keys() -> None:
    """Keys of internal services: add, list, rotate, revoke."""


@keys.command()
@_DATA
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    metavar="SERVICE:read|write",
    help="May be repeated; *:read is every service.",
)
@click.option(
    "--school", "schools", multiple=True, metavar="ID", help="May be repeated; every school without it."
)
@click.option("--days", type=click.IntRange(1, 3660), help="It ends by itself after so many days.")
@click.argument("name")
def add(data: Path, scopes: tuple[str, ...], schools: tuple[str, ...], days: int | None, name: str) -> None:
    """Make a key for NAME and print it, this once. Another of the same name leaves the first valid."""
    if _NAME.fullmatch(name) is None:
        raise click.ClickException(
            f"we could not make a key for {name!r} because a name is small letters, digits and dashes"
        )

    async def work(rings: dict[str, PgKeyring], clock: Clock) -> str:
        now = clock.now()
        key, shown = _minted(name, scopes, schools, now, now + timedelta(days=days) if days else None)
        for door in _doors_of(key.scopes):
            await rings[door].add(key)
        return shown

    shown = _run(data, work)
    click.echo(shown)
    click.echo("keep it now, it is shown this once; it goes into the header X-Relance-Key", err=True)


@keys.command("list")
@_DATA
def list_keys(data: Path) -> None:
    """Every key: whose it is, what it may, until when, and when it was last used."""

    async def work(rings: dict[str, PgKeyring], clock: Clock) -> list[str]:
        return [_line(one, clock.now()) for one in await _found(rings)]

    click.echo(
        "\n".join(_run(data, work)) or "there is no key yet: relance keys add NAME --scope SERVICE:read"
    )


@keys.command()
@_DATA
@click.option(
    "--overlap-hours",
    default=168,
    show_default=True,
    type=click.IntRange(0, 8760),
    help="How long the older ones go on opening.",
)
@click.argument("name")
def rotate(data: Path, overlap_hours: int, name: str) -> None:
    """Make another key for NAME with the same rights and print it; the older ones end after the overlap."""

    async def work(rings: dict[str, PgKeyring], clock: Clock) -> str:
        now = clock.now()
        older = [one for one in await _found(rings) if one.key.name == name and one.key.ended(now) is None]
        if not older:
            raise click.ClickException(
                f"{name} has no key that still opens anything: relance keys add {name}"
            )
        newest = older[-1].key
        key, shown = _minted(name, newest.scopes, newest.schools, now, None)
        for door in _doors_of(key.scopes):
            await rings[door].add(key)
        for ring in rings.values():
            await ring.revoke([one.key.id for one in older], now + timedelta(hours=overlap_hours))
        return shown

    click.echo(_run(data, work))
    click.echo(f"the older keys of {name} end in {overlap_hours} hours", err=True)


@keys.command()
@_DATA
@click.argument("which")
def revoke(data: Path, which: str) -> None:
    """Let the key of that id, or every key of that name, open nothing from now on."""

    async def work(rings: dict[str, PgKeyring], clock: Clock) -> list[str]:
        found = [one.key for one in await _found(rings) if which in {one.key.id, one.key.name}]
        for ring in rings.values():
            await ring.revoke([key.id for key in found], clock.now())
        return [f"{key.id} of {key.name} opens nothing any more" for key in found]

    done = _run(data, work)
    if not done:
        raise click.ClickException(f"there is no key of the id or name {which!r}: relance keys list")
    click.echo("\n".join(done))


def _minted(
    name: str, scopes: Iterable[str], schools: Iterable[str], now: datetime, expires_at: datetime | None
) -> tuple[Key, str]:
    try:
        return made.mint(name, tuple(scopes), schools=tuple(schools), now=now, expires_at=expires_at)
    except Refused as error:
        raise click.ClickException(str(error)) from error


def _doors_of(scopes: Iterable[str]) -> list[str]:
    wanted = {scope.split(":", 1)[0] for scope in scopes}
    unknown = wanted - {*DOORS, EVERY}
    if unknown:
        raise click.ClickException(
            f"no door is called {', '.join(sorted(unknown))}: there are {', '.join(DOORS)}"
        )
    return [door for door in DOORS if EVERY in wanted or door in wanted]


async def _found(rings: dict[str, PgKeyring]) -> list[_Found]:
    """Each key once, with the latest use of all its doors, by name and age."""
    found: dict[str, _Found] = {}
    for door, ring in rings.items():
        for key in await ring.all():
            known = found.get(key.id)
            uses = [at for at in (key.last_used_at, known and known.key.last_used_at) if at]
            found[key.id] = _Found(
                key=replace(key, last_used_at=max(uses, default=None)),
                doors=(*(known.doors if known else ()), door),
            )
    return sorted(found.values(), key=lambda one: (one.key.name, one.key.made_at, one.key.id))


def _line(one: _Found, now: datetime) -> str:
    key = one.key
    used = f"last used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
    ends = [at for at in (key.expires_at, key.revoked_at) if at]
    state = key.ended(now) or (f"valid until {min(ends):%Y-%m-%d %H:%M} UTC" if ends else "valid")
    schools = ",".join(key.schools) or "every school"
    return f"{key.id}  {key.name:<20} {','.join(key.scopes):<40} {schools:<20} {used:<28} {state}"


def _run(data: Path, work: Callable[[dict[str, PgKeyring], Clock], Awaitable[Any]]) -> Any:
    plan = load(data)
    settings = Settings()
    database = plan.database if plan is not None else settings.database
    clock_file = Path(plan.clock_file) if plan is not None and plan.clock_file else settings.clock_file

    async def inside() -> Any:
        pool = await open_pool(database, size=1, name="relance keys")
        clock = clock_for(clock_file)
        try:
            return await work({door: PgKeyring(pool, door, clock) for door in DOORS}, clock)
        finally:
            await pool.close()

    return asyncio.run(inside())
