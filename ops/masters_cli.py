"""``relance masters``: which master key wraps how many keys of people, and a new master that takes over from an old one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, cast

import click

from ops.replay.running import service_called
from ops.stack.plan import SERVICES
from ops.topics.place import DATA, Place, database, place_of, unseal
from shared import keys
from shared.database import OvertakenError, PgStore
from shared.keys import KEYS, Keys
from shared.shelf import Lists, Page
from shared.transactions import Transactions

TOGETHER: Final = 500
"""Keys of one transaction: who is stopped midway has lost at most so many, and takes up where it was."""
_TRIES: Final = 10


def sealers() -> tuple[str, ...]:
    """Every service that seals anything: it has keys of people."""
    return tuple(name for name in SERVICES if KEYS in service_called(name).tables)


@click.group()
def masters() -> None:
    """Master keys (RELANCE_MASTER_KEYS): list which are in use, rewrap by the first."""


@masters.command("list")
@DATA
def list_masters(data: Path) -> None:
    """Each master by its id, and how many keys it wraps in each service; one that wraps none can go."""
    place = place_of(data)
    unseal(place)
    for line in asyncio.run(_listed(place)):
        click.echo(line)


@masters.command()
@DATA
@click.option("--yes", is_flag=True, help="Without asking.")
def rewrap(data: Path, yes: bool) -> None:
    """Wrap every key of people by the first master; run it again after it was stopped, it takes up where it was."""
    place = place_of(data)
    unseal(place)
    if not yes:
        click.echo(
            f"Keys will open with master {keys.current().first} only. Every process of Relance must have been restarted "
            "with it first in RELANCE_MASTER_KEYS, the old one behind it."
        )
        click.confirm("rewrap now?", abort=True)
    missing = asyncio.run(_rewrapped(place))
    if missing:
        raise click.ClickException(
            f"we could not rewrap {sum(missing.values())} keys because RELANCE_MASTER_KEYS does not name their masters "
            f"{', '.join(sorted(missing))}: put these behind the first one, separated by commas, and run this again"
        )


async def _listed(place: Place) -> list[str]:
    async with database(place) as pool:
        counts = {name: await _counts(pool, name) for name in sealers()}
    wrapping = {master for found in counts.values() for master in found}
    lines = []
    for master in (*keys.current().ids, *sorted(wrapping - {*keys.current().ids})):
        what = "wraps" if master == keys.current().first else "old"
        if master not in keys.current().ids:
            what = "missing"
        told = ", ".join(f"{name} {found[master]}" for name, found in counts.items() if master in found)
        lines.append(f"{master}  {what:<8} {told or 'no key: it can go'}")
    return lines


async def _counts(pool: Any, service: str) -> dict[str, int]:
    """Master -> how many keys it wraps there; erased ones are wrapped by none."""
    rows = await pool.fetch(
        f"select master, count(*) as n from {service}.subject_keys where master <> '' group by master"
    )
    return {row["master"]: row["n"] for row in rows}


async def _rewrapped(place: Place) -> dict[str, int]:
    """Rewrap service by service and say how many; those whose master is not at hand, by master."""
    missing: dict[str, int] = {}
    first = keys.current().first
    async with database(place) as pool:
        for name in sealers():
            opened = Transactions(service_called(name), PgStore(pool, name), place.clock)
            total = 0
            for master, count in sorted((await _counts(pool, name)).items()):
                if master == first:
                    continue
                if master not in keys.current().ids:
                    missing[master] = missing.get(master, 0) + count
                    continue
                async for done in _some(opened, master):
                    total += done
                    click.echo(f"{name}: {total} rewrapped", err=True)
            click.echo(
                f"{name:<14} {total} keys rewrapped, {(await _counts(pool, name)).get(first, 0)} under {first}"
            )
    return missing


async def _some(opened: Transactions, master: str) -> AsyncIterator[int]:
    """Rewrap in parts until nothing lies under ``master``; how many each time."""
    tries = 0
    while True:
        try:
            async with opened() as unit:
                page = Page(where={"master": master}, limit=TOGETHER)
                rows = await cast("Lists", unit.shelf).page(KEYS, page)
                done = await Keys(unit).rewrap(master, [row.subject for row in rows])
        except OvertakenError:  # somebody was erased in this very moment: look again
            tries += 1
            if tries == _TRIES:
                raise
            continue
        if not rows:
            return
        yield done
