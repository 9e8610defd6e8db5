"""How a service stands: what waits in it and since when, who works for it, and whether it can work at all.

The same figures go to Prometheus (by each worker), to the desk's page (by each API) and to health checks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from shared.database import OUTAGES
from shared.errors import Transient
from shared.metrics import OLDEST_SECONDS, READY, WAITING
from shared.migrate import fingerprint, names_of
from shared.service import Service

MOST: Final = 10_000
"""Things are counted up to here."""
_GONE: Final = "1 hour"
"""A worker that was not seen for so long is not spoken of any more."""

_AWAY: Final[tuple[type[Exception], ...]] = (*OUTAGES, AttributeError)
"""Without a pool yet (``AttributeError``) the process is only just starting."""

_WAITS: Final = {
    "untold": "select tell_at as since from {s}.journal where told_at is null and tell_at <= $1 order by tell_at",
    "errand": "select due_at as since from {s}.errands where done_at is null and due_at <= $1 order by due_at",
    "parked": "select parked_at as since from {s}.parked where settled_at is null and parked_at <= $1 order by parked_at",
}
"""Each walks along an index from the oldest on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Things of one kind that are due: a fact untold, an errand undone, a message parked, a webhook unread."""

    what: str
    count: int
    """Up to ``MOST``."""
    oldest_seconds: float
    """By the service's clock; 0 when nothing waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """One worker process, as it last said of itself."""

    worker: str
    seen_seconds: float
    """How long ago that was, by the database's clock."""
    lag: Mapping[str, int] = field(default_factory=dict)
    """Messages of each ``topic/partition`` it reads that are not committed yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One service, now."""

    service: str
    at: datetime
    waiting: tuple[Waiting, ...]
    workers: tuple[Helper, ...]

    def as_json(self) -> dict[str, Any]:
        """For an API's answer."""
        return asdict(self)


async def what_waits(connection: Any, service: Service, now: datetime) -> tuple[Waiting, ...]:
    """What is due and not done; ``connection`` may be a pool."""
    found = []
    for what, sql in {**_WAITS, **service.waits}.items():
        row = await connection.fetchrow(
            f"select count(*) as count, min(since) as since from ({sql.format(s=service.name)} limit {MOST}) as found",
            now,
        )
        since = row["since"]
        oldest = max((now - since).total_seconds(), 0.0) if since is not None else 0.0
        found.append(Waiting(what=what, count=row["count"], oldest_seconds=oldest))
    return tuple(found)


async def standing_of(pool: Any, service: Service, now: datetime) -> Standing:
    """One service as its own tables tell of it."""
    rows = await pool.fetch(
        f"""select holder, lag, extract(epoch from clock_timestamp() - seen_at)::float8 as seen_seconds
            from {service.name}.workers where seen_at > clock_timestamp() - interval '{_GONE}' order by holder"""
    )
    workers = tuple(
        Helper(
            worker=f"{row['holder']:08x}",
            seen_seconds=max(row["seen_seconds"], 0.0),
            lag=msgspec.json.decode(row["lag"], type=dict[str, int]),
        )
        for row in rows
    )
    return Standing(
        service=service.name, at=now, waiting=await what_waits(pool, service, now), workers=workers
    )


async def say_alive(pool: Any, service: Service, holder: int, lag: Mapping[str, int]) -> None:
    """A worker says that it works, and how far behind it is."""
    await pool.execute(
        f"""insert into {service.name}.workers (holder, seen_at, lag) values ($1, clock_timestamp(), $2)
            on conflict (holder) do update set seen_at = excluded.seen_at, lag = excluded.lag""",
        holder,
        msgspec.json.encode(dict(lag)).decode(),
    )
    await pool.execute(
        f"delete from {service.name}.workers where seen_at < clock_timestamp() - interval '{_GONE}'"
    )


async def say_goodbye(pool: Any, service: Service, holder: int) -> None:
    """A worker ends as it was asked to: it is not missed."""
    await pool.execute(f"delete from {service.name}.workers where holder = $1", holder)


def show(service: str, waiting: tuple[Waiting, ...]) -> None:
    """Let Prometheus see what waits."""
    for one in waiting:
        OLDEST_SECONDS.set(service, one.what, to=one.oldest_seconds)
        WAITING.set(service, one.what, to=one.count)


class Readiness:
    """Whether a service can work: its database answers and has the tables that this code expects.

    Calling it returns when it can.
    """

    def __init__(self, service: Service, pool: Callable[[], Any], folder: Path | None = None) -> None:
        self.service = service
        self._pool = pool
        self._folder = folder
        self._is_up_to_date = False

    async def __call__(self) -> None:
        """Return when the service can work now.

        Raises:
            Transient: it cannot; the message says why and what to do.
        """
        try:
            await self._check()
        except BaseException:
            READY.set(self.service.name, to=0)
            raise
        READY.set(self.service.name, to=1)

    async def _check(self) -> None:
        name = self.service.name
        try:
            async with asyncio.timeout(5):
                if self._is_up_to_date:
                    await self._pool().fetchval("select 1")
                    return
                rows = await self._pool().fetch(f"select name from {name}.migrations")
        except asyncpg.exceptions.UndefinedTableError as error:
            raise _behind(name) from error
        except _AWAY as error:
            raise Transient(
                "we cannot work now because the database does not answer: try again soon"
            ) from error
        wanted = {fingerprint(self.service), *await asyncio.to_thread(names_of, self._folder)}
        if not wanted <= {row["name"] for row in rows}:
            raise _behind(name)
        self._is_up_to_date = True

    async def standing(self, now: datetime) -> Standing:
        """What waits in this service, and who works for it."""
        return await standing_of(self._pool(), self.service, now)


def _behind(name: str) -> Transient:
    return Transient(
        f"we cannot work now because the tables of {name} are older than this code: run `relance migrate {name}`"
    )
