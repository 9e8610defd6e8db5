"""PostgreSQL as a service's shelf: state, journal, what was heard and errands, in one transaction.

Each service keeps to the schema of its own name. Rows carry a version that is compared on writing, so that
two processes never overwrite each other's decision: the second hears its batch again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import asyncpg
import msgspec

from shared.errors import Transient
from shared.events import Envelope
from shared.events.wire import to_bytes
from shared.metrics import POOL
from shared.parking.postgres import PgAside
from shared.shelf import Errand, Page, Parked, Planned, Shelf, Table

T = TypeVar("T")

OUTAGES: Final[tuple[type[Exception], ...]] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says that broke in the middle of an answer
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
    asyncpg.exceptions.LockNotAvailableError,
)
"""What a database that is away, restarting, crowded or in conflict raises: try again."""

DATA_ERRORS: Final[tuple[type[Exception], ...]] = (
    asyncpg.exceptions.DataError,
    asyncpg.exceptions.IntegrityConstraintViolationError,
    asyncpg.exceptions.ProgramLimitExceededError,
)

_encode = msgspec.json.Encoder().encode
_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


LEASES: Final = 1_380_011_597
"""The class of the advisory locks by which the living hold their leases."""

DESERTED: Final = f"""(l.leased_by is not null and not exists (
                   select 1 from pg_locks k where k.locktype = 'advisory' and k.granted
                   and k.classid = {LEASES} and k.objid = l.leased_by))"""
"""A row ``l`` whose holder is dead."""

FREE: Final = f"(l.leased_until is null or l.leased_until <= clock_timestamp() or {DESERTED})"
"""A row ``l`` that nobody holds: its lease is over by the database's clock, or its holder is dead."""


async def hold(connection: Any, holder: int) -> None:
    """Show that ``holder`` lives for as long as ``connection`` does: a dead process's leases are free at once."""
    await connection.execute("select pg_advisory_lock($1::int, $2::int)", LEASES, holder)


class OvertakenError(Transient):
    """Another process changed the same row meanwhile: what was decided on the old one is void, decide again."""


def row_from(table: Table[T], body: str | bytes) -> T:
    """Read a stored row."""
    decoder = _decoders.get(table.kind)
    if decoder is None:
        decoder = _decoders[table.kind] = msgspec.json.Decoder(table.kind)
    row: T = decoder.decode(body)
    return row


async def open_pool(dsn: str, *, size: int = 4, name: str = "relance", watched: str = "") -> Any:
    """A connection pool; ``name`` shows in ``pg_stat_activity``, and ``watched`` is the service in whose metrics it shows.

    Nothing may outlast a transaction on its connections but the locks of one that is never given back: making each
    of them forget everything whenever it is given back would be one more journey to the database each time.
    """
    pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        command_timeout=60,
        reset=_as_it_is,
        server_settings={"application_name": name, "timezone": "UTC"},
    )
    if watched:
        POOL.ask(watched, "used", how=lambda: pool.get_size() - pool.get_idle_size())
        POOL.ask(watched, "idle", how=pool.get_idle_size)
        POOL.ask(watched, "most", how=pool.get_max_size)
    return pool


async def _as_it_is(_: Any) -> None:
    pass


class PgStore:
    """One service's schema in PostgreSQL."""

    def __init__(self, pool: Any, schema: str, *, holder: int | None = None) -> None:
        self.pool = pool
        self.schema = schema
        self.holder = holder
        """Who leases errands here: the key of an advisory lock that lives as long as the process (``hold``)."""

    def transaction(self, *, locking: bool = True) -> AbstractAsyncContextManager[Shelf]:
        """See ``Store``."""
        return self._open(locking)

    def shelf(self, connection: Any, *, locking: bool) -> PgShelf:
        """One transaction's shelf."""
        return PgShelf(connection, self.schema, locking=locking)

    @asynccontextmanager
    async def _open(self, locking: bool) -> AsyncIterator[Shelf]:
        async with self.pool.acquire(timeout=10) as connection, connection.transaction(readonly=not locking):
            yield self.shelf(connection, locking=locking)

    async def claim_errands(self, now: datetime, *, limit: int, lease: timedelta) -> list[Errand]:
        """See ``Store``."""
        rows = await self.pool.fetch(
            f"""
            update {self.schema}.errands e
            set leased_until = clock_timestamp() + $2, leased_by = $4, tries = e.tries + 1
            from (select id from {self.schema}.errands l
                  where done_at is null and due_at <= $1 and {FREE}
                  order by due_at limit $3 for update skip locked) due
            where e.id = due.id
            returning e.id, e.kind, e.key, e.due_at, e.body, e.cause, e.tries, e.trace
            """,
            now,
            lease,
            limit,
            self.holder,
        )
        return [_errand(row) for row in sorted(rows, key=lambda row: row["due_at"])]

    async def postpone_errand(self, errand: Errand, *, until: datetime, error: str) -> None:
        """See ``Store``."""
        await self.pool.execute(
            f"""update {self.schema}.errands set due_at = $2, leased_until = null, last_error = $3
                where id = $1 and done_at is null and tries = $4""",
            errand.id,
            until,
            error[:2000],
            errand.tries,
        )


class PgShelf:
    """One transaction over a PgStore."""

    DATA_ERRORS = DATA_ERRORS
    OUTAGES = OUTAGES

    def __init__(self, connection: Any, schema: str, *, locking: bool = True) -> None:
        self.connection = connection
        self._for_update = "for update" if locking else ""
        self._schema = schema
        self._versions: dict[tuple[str, str], int] = {}
        self._plans_anew = False

    async def load(self, table: Table[T], keys: Sequence[str]) -> dict[str, T]:
        """See ``Shelf``."""
        return await self._rows(table, "key = any($1)", list(keys))

    async def find(self, table: Table[T], column: str, values: Sequence[Any]) -> list[T]:
        """See ``Shelf``."""
        kind = table.columns[column][0]
        found = await self._rows(table, f"{column} = any($1::{kind}[])", list(values))
        return list(found.values())

    async def page(self, table: Table[T], page: Page) -> list[T]:
        """See ``Lists``: an index on (where, order, key) makes it as fast at the end as at the start."""
        values: list[Any] = []
        conditions = self._conditions(table, page.where, values)
        kind = table.columns[page.order][0] if page.order else "text"
        order = page.order or "key"
        sign, way = ("<", "desc") if page.newest_first else (">", "asc")
        for value, comparison in ((page.since, ">="), (page.before, "<")):
            if value is not None:
                values.append(value)
                conditions.append(f"{order} {comparison} ${len(values)}::{kind}")
        if page.after is not None:
            values += page.after
            conditions.append(
                f"({order}, key) {sign} (${len(values) - 1}::{kind}, ${len(values)})"
                if page.order
                else f"key {sign} ${len(values)} and ${len(values) - 1}::text is not null"
            )
        await self._plan_anew()
        rows = await self.connection.fetch(
            f"select body from {self._schema}.{table.name} where {' and '.join(conditions) or 'true'} "
            f"order by {order} {way}{f', key {way}' if page.order else ''} limit {int(page.limit)}",
            *values,
        )
        return [row_from(table, row["body"]) for row in rows]

    async def count(self, table: Table[Any], where: Mapping[str, Any], *, most: int) -> int:
        """See ``Lists``."""
        values: list[Any] = []
        conditions = " and ".join(self._conditions(table, where, values)) or "true"
        await self._plan_anew()
        found: int = await self.connection.fetchval(
            f"select count(*) from (select 1 from {self._schema}.{table.name} where {conditions} limit {int(most)}) as found",
            *values,
        )
        return found

    async def _plan_anew(self) -> None:
        """Plan for these very values: a plan for any value reads a million rows to find a rare state's ten."""
        if not self._plans_anew:
            self._plans_anew = True
            await self.connection.execute("set local plan_cache_mode = force_custom_plan")

    def _conditions(self, table: Table[Any], where: Mapping[str, Any], values: list[Any]) -> list[str]:
        conditions = []
        for column, value in where.items():
            values.append(value)
            conditions.append(f"{column} = ${len(values)}::{table.columns[column][0]}")
        return conditions

    async def save(
        self, rows: Mapping[Table[Any], Mapping[str, Any]], gone: Mapping[Table[Any], Iterable[str]]
    ) -> None:
        """See ``Shelf``.

        Raises:
            OvertakenError: a row is not any more what this transaction read.
        """
        for table, changed in sorted(rows.items(), key=lambda item: item[0].name):
            await self._save_table(table, changed)
        for table, keys in gone.items():
            await self.connection.execute(
                f"delete from {self._schema}.{table.name} where key = any($1)", list(keys)
            )

    async def plan(self, planned: Sequence[Planned]) -> None:
        """See ``Shelf``."""
        rows = [
            (e.id, e.type, e.topic, e.key, one.tell_at, e.cause, e.recorded_at, to_bytes(e), one.trace)
            for one in planned
            for e in (one.envelope,)
        ]
        await self.connection.execute(
            f"""
            insert into {self._schema}.journal (id, type, topic, key, tell_at, cause, recorded_at, value, trace)
            select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[],
                                 $7::timestamptz[], $8::bytea[], $9::text[])
            on conflict (id) do nothing
            """,
            *map(list, zip(*rows, strict=True)),
        )
        earliest = min(one.tell_at for one in planned)
        await self.connection.execute(
            "select pg_notify($1, $2)", f"{self._schema}_journal", earliest.isoformat()
        )

    async def send_out(self, errands: Sequence[Errand]) -> None:
        """See ``Shelf``."""
        await self.connection.execute(
            f"""
            insert into {self._schema}.errands (id, kind, key, due_at, body, cause, trace, asked_at)
            select *, now() from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[], $6::text[],
                                        $7::text[])
            on conflict (id) do nothing
            """,
            [e.id for e in errands],
            [e.kind for e in errands],
            [e.key for e in errands],
            [e.due_at for e in errands],
            [e.body for e in errands],
            [e.cause for e in errands],
            [e.trace for e in errands],
        )
        await self.connection.execute(f"notify {self._schema}_errands")

    async def remember(self, heard: Sequence[Envelope], now: datetime) -> set[str]:
        """See ``Shelf``."""
        rows = await self.connection.fetch(
            f"""insert into {self._schema}.heard (id, type, heard_at)
                select id, type, $3 from unnest($1::text[], $2::text[]) as f(id, type)
                on conflict (id) do nothing returning id""",
            [envelope.id for envelope in heard],
            [envelope.type for envelope in heard],
            now,
        )
        return {row["id"] for row in rows}

    async def park(self, parked: Sequence[Parked], now: datetime) -> None:
        """See ``Shelf``."""
        if parked:
            await self.connection.executemany(
                f"""insert into {self._schema}.parked
                        (id, topic, partition, "offset", key, value, reason, parked_at, remembered)
                    values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (id) do nothing""",
                [
                    (p.id, p.message.topic, p.message.partition, p.message.offset, p.message.key,
                     p.message.value, p.reason[:4000], now, p.remembered)
                    for p in parked
                ],
            )  # fmt: skip

    def aside(self) -> PgAside:
        """See ``shared.parking.rows.Desk``."""
        return PgAside(self.connection, self._schema)

    async def end_errand(self, errand: Errand, outcome: str, now: datetime) -> bool:
        """See ``Shelf``."""
        ended = await self.connection.fetchval(
            f"""update {self._schema}.errands set done_at = $2, outcome = $3, leased_until = null
                where id = $1 and done_at is null returning id""",
            errand.id,
            now,
            outcome[:2000],
        )
        return ended is not None

    async def _rows(self, table: Table[T], where: str, argument: list[Any]) -> dict[str, T]:
        rows = await self.connection.fetch(
            f"select key, version, body from {self._schema}.{table.name} where {where} order by key {self._for_update}",
            argument,
        )
        for row in rows:
            self._versions[table.name, row["key"]] = row["version"]
        return {row["key"]: row_from(table, row["body"]) for row in rows}

    async def _save_table(self, table: Table[Any], changed: Mapping[str, Any]) -> None:
        keys = sorted(changed)
        rows = [changed[key] for key in keys]
        names = "".join(f", {column}" for column in table.columns)
        kinds = "".join(f", ${4 + i}::{kind}[]" for i, (kind, _) in enumerate(table.columns.values()))
        updates = "".join(f", {column} = excluded.{column}" for column in table.columns)
        written = await self.connection.fetchval(
            f"""
            with written as (
                insert into {self._schema}.{table.name} as t (key, version, body{names})
                select key, version + 1, body::jsonb{names}
                from unnest($1::text[], $2::bigint[], $3::text[]{kinds}) as u(key, version, body{names})
                on conflict (key) do update set version = excluded.version, body = excluded.body{updates}
                where t.version = excluded.version - 1
                returning 1)
            select count(*) from written
            """,
            keys,
            [self._versions.get((table.name, key), 0) for key in keys],
            [_encode(row).decode() for row in rows],
            *([value_of(row) for row in rows] for _, value_of in table.columns.values()),
        )
        if written != len(keys):
            raise OvertakenError(
                f"{len(keys) - written} row(s) of {self._schema}.{table.name} were changed by another process "
                "meanwhile: the same batch is heard again on their new state"
            )
        for key in keys:
            self._versions[table.name, key] = self._versions.get((table.name, key), 0) + 1


def _errand(row: Any) -> Errand:
    return Errand(
        id=row["id"],
        kind=row["kind"],
        key=row["key"],
        due_at=row["due_at"],
        body=row["body"],
        tries=row["tries"],
        cause=row["cause"],
        trace=row["trace"],
    )
