"""One replay: read the past, build it anew, compare, foresee; and, when it is asked for, mend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from ops.replay.applying import Applied, apply
from ops.replay.comparing import Difference, compare
from ops.replay.foreseeing import foresee
from ops.replay.past import Reader
from ops.replay.rebuilding import rebuild
from ops.stack.children import app_of
from shared.clock import Clock, SystemClock
from shared.database import PgStore
from shared.service import Service

_ON_THE_WAY: Final = timedelta(seconds=30)
"""A fact told so shortly ago is not lost: somebody is about to hear it."""


def service_called(name: str) -> Service:
    """A service by its name."""
    service: Service = app_of(name).SERVICE
    return service


async def dry_run(pool: Any, clock: Clock, names: Sequence[str]) -> list[Difference]:
    """How the services differ from what their facts say; nothing is written."""
    now = clock.now()
    grace = _ON_THE_WAY if isinstance(clock, SystemClock) else timedelta()
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        reader = Reader(connection, now)
        pasts = [await reader.past(service_called(name), grace=grace) for name in names]
    built = {past.service.name: await rebuild(past) for past in pasts}
    found = {name: compare(one) for name, one in built.items()}
    if any(one.lost or one.unsaid for one in found.values()):
        await foresee(built, found)
    return list(found.values())


async def mend(pool: Any, clock: Clock, names: Sequence[str], *, by: str) -> list[Applied]:
    """Find out anew what differs and mend it; of two who do so at once the second finds what the first left."""
    async with _alone(pool):
        found = await dry_run(pool, clock, names)
        return [
            await apply(service_called(one.service), PgStore(pool, one.service), clock, one, by=by)
            for one in found
        ]


@asynccontextmanager
async def _alone(pool: Any) -> AsyncIterator[None]:
    async with pool.acquire() as connection:
        await connection.execute("select pg_advisory_lock(hashtext('relance.replay'))")
        try:
            yield
        finally:
            await connection.execute("select pg_advisory_unlock(hashtext('relance.replay'))")
