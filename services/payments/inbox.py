"""The letter box: what gateways send is kept, exactly and once, before they are told that it arrived.

Whatever queued while the last write ran is the next batch; there is no timer (P-facts A1c). Bodies are
compressed with a dictionary of what webhooks share, so that a row stays far under the 2 KB at which PostgreSQL
moves it elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import zstandard

from services.payments.news import Arrived
from services.payments.sealing import Sealer, door_subject
from shared.database import DESERTED
from shared.errors import NotFound, Transient
from shared.events.words import Gateway
from shared.scrubbing import scrubbed
from shared.tracing import traceparent

BATCH: Final = 500
_LEVEL: Final = 5
"""One level less costs a third and misses the bar of P12; one more costs a third on top and saves a twentieth."""

_DICTIONARIES: Final = {
    number: zstandard.ZstdCompressionDict(Path(__file__).with_name(name).read_bytes())
    for number, name in {1: "webhooks.zdict"}.items()
}
"""By the id that each compressed body carries; a dictionary that rows were written with is kept for ever."""
_compressor: Final = zstandard.ZstdCompressor(level=_LEVEL, dict_data=_DICTIONARIES[max(_DICTIONARIES)])
_expanders: Final = {
    0: zstandard.ZstdDecompressor(),
    **{number: zstandard.ZstdDecompressor(dict_data=one) for number, one in _DICTIONARIES.items()},
}


def compress(body: bytes) -> bytes:
    """A body as it is kept."""
    return _compressor.compress(body)


def expand(kept: bytes) -> bytes:
    """A kept body, byte for byte as it came."""
    return _expanders[zstandard.get_frame_parameters(kept).dict_id].decompress(kept)


def _whole(kept: bytes) -> bytes:
    return expand(kept) if kept else b""


_INSERT: Final = """
with kept as (
    insert into payments.webhooks (dedupe_key, gateway, kind, transmission, received_at, body, trace)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[], $7::text[])
    where (select count(*) from payments.subject_keys where key = any($8::text[]) and master <> '') = cardinality($8::text[])
    on conflict do nothing
    returning dedupe_key),
said as (select pg_notify('payments_inbox', '') where exists (select from kept))
select dedupe_key from kept left join said on true
"""
"""One statement and one commit: what is kept, unless a key it is sealed with is gone, and the notice that wakes the
translator."""

_CLAIM: Final = f"""
update payments.webhooks w set due_at = now() + $2, leased_by = $3, attempts = w.attempts + 1
from (select dedupe_key from payments.webhooks l
      where state in ('new', 'waiting') and (due_at <= now() or {DESERTED})
      order by due_at limit $1 for update skip locked) due
where w.dedupe_key = due.dedupe_key
returning w.dedupe_key, w.gateway, w.kind, w.received_at, w.body, w.subject, w.state, w.attempts, w.flagged_at, w.trace
"""

_SETTLE: Final = """
update payments.webhooks w set
    state = s.state, reason = s.reason, leased_by = null, due_at = now() + s.pause, flagged_at = coalesce(w.flagged_at, s.flagged_at),
    waits_for = case when s.waits_for = '' then '{}' else string_to_array(s.waits_for, ' ') end,
    subject = coalesce(s.subject, w.subject), body = coalesce(s.body, w.body)
from unnest($1::text[], $2::text[], $3::text[], $4::interval[], $5::timestamptz[], $6::text[], $7::text[], $8::bytea[])
     as s(dedupe_key, state, reason, pause, flagged_at, waits_for, subject, body)
where w.dedupe_key = s.dedupe_key and w.state in ('new', 'waiting')
"""

_WAKE: Final = """
update payments.webhooks set due_at = now() where state = 'waiting' and waits_for && $1::text[]
"""


_UNBOUND: Final = """
select dedupe_key, gateway, received_at, body, subject from payments.webhooks
where subject is null and body <> '' and state in ('told', 'not_ours', 'refused', 'failed') limit $1
"""
_BIND: Final = """
update payments.webhooks w set subject = s.subject, body = s.body
from unnest($1::text[], $2::text[], $3::bytea[]) as s(dedupe_key, subject, body)
where w.dedupe_key = s.dedupe_key and w.subject is null
"""
_LIES_UNDER: Final = """
select exists(select from payments.webhooks where subject is null and body <> '' and received_at < $1)
"""

_BODY_KEPT: Final = timedelta(days=90)
_KEY_KEPT: Final = timedelta(days=400)
_SETTLED: Final = "w.state in ('told', 'not_ours', 'refused')"

_EMPTY: Final = f"""
update payments.webhooks set body = '' where dedupe_key = any(array(
    select w.dedupe_key from payments.webhooks w
    where w.received_at < $1 and w.body <> '' and {_SETTLED} limit $2 for update skip locked))
"""
_REMOVE: Final = f"""
delete from payments.webhooks where dedupe_key = any(array(
    select w.dedupe_key from payments.webhooks w
    where w.received_at < $1 and {_SETTLED} limit $2 for update skip locked))
"""


WAITS: Final = {
    "webhook": "select received_at as since from {s}.webhooks where state = 'new' and received_at <= $1 order by due_at",
    "webhook_failed": "select received_at as since from {s}.webhooks where state = 'failed' and received_at <= $1 "
    "order by received_at",
}
"""What waits in the letter box: webhooks unread, and those that a person must look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A webhook taken up to be translated."""

    dedupe_key: str
    gateway: Gateway
    kind: str
    received_at: datetime
    body: bytes
    """Byte for byte as it came; empty when its learner was erased meanwhile."""
    compressed: bytes = b""
    """The same as it was kept, so that it need not be compressed again."""
    state: str
    attempts: int
    flagged_at: datetime | None
    locked: bool = False
    """Whether the key that sealed it is not where it belongs."""
    trace: str | None = None
    """The traceparent of its arrival, while traces are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a claimed webhook."""

    dedupe_key: str
    state: str
    reason: str = ""
    pause: timedelta = timedelta()
    flagged_at: datetime | None = None
    waits_for: tuple[str, ...] = ()
    subject: str | None = None
    """Whose it is; ``None`` leaves the body as it lies."""
    sealed: bytes | None = None
    """The body under that subject's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbound:
    """A settled webhook under nobody's key: of an older version, or of a translation that failed."""

    dedupe_key: str
    gateway: Gateway
    received_at: datetime
    body: bytes
    compressed: bytes


_Kept = tuple[Arrived, bytes, datetime, str | None, asyncio.Future[bool]]
"""What waits to be written: a webhook, its body, when it came, where its way is followed, and who waits for it."""


class Inbox:
    """Writes arrivals in groups and hands them out for translation; one per process."""

    def __init__(
        self, pool: Any, *, batch: int = BATCH, holder: int | None = None, sealer: Sealer | None = None
    ) -> None:
        self._pool = pool
        self.sealer = sealer
        """What bodies are sealed with; ``None`` in simulations, whose bodies are made up."""
        self._holder = holder
        self._batch = batch
        self._queue: list[_Kept] = []
        self._writer: asyncio.Task[None] | None = None

    async def keep(self, arrived: Arrived, body: bytes, received_at: datetime) -> bool:
        """Keep one webhook; ``False`` when it is a duplicate. Returns after the commit.

        Raises:
            Transient: the database did not take it; the gateway is to send it again.
        """
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append((arrived, body, received_at, traceparent(), kept))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await kept

    async def _write(self) -> None:
        while self._queue:
            batch, self._queue = self._queue[: self._batch], self._queue[self._batch :]
            try:
                fresh = await self._insert(batch)
            except Exception as error:  # noqa: BLE001 - whoever waits is told, and the gateway sends again
                for *_, kept in batch:
                    if not kept.done():
                        kept.set_exception(_not_kept(error))
                continue
            for arrived, _, _, _, kept in batch:
                is_fresh = arrived.dedupe_key in fresh
                fresh.discard(arrived.dedupe_key)
                if not kept.done():
                    kept.set_result(is_fresh)

    async def _insert(self, batch: Sequence[_Kept]) -> set[str]:
        days = {received_at.date() for _, _, received_at, *_ in batch} if self.sealer is not None else set()
        kept = await self._insert_under(days, batch)
        if self.sealer is not None and len(kept) < len(batch) and await self.sealer.forget_lost(days):
            kept = await self._insert_under(days, batch)
        return kept

    async def _insert_under(self, days: Set[date], batch: Sequence[_Kept]) -> set[str]:
        if self.sealer is not None:
            await self.sealer.ready(days)
        rows = await self._pool.fetch(
            _INSERT,
            [arrived.dedupe_key for arrived, *_ in batch],
            [arrived.gateway for arrived, *_ in batch],
            [arrived.kind[:200] for arrived, *_ in batch],
            [arrived.transmission for arrived, *_ in batch],
            [received_at for _, _, received_at, *_ in batch],
            [self._as_kept(arrived, body, received_at) for arrived, body, received_at, *_ in batch],
            [trace for *_, trace, _ in batch],
            [door_subject(day) for day in days],
        )
        return {row["dedupe_key"] for row in rows}

    def _as_kept(self, arrived: Arrived, body: bytes, received_at: datetime) -> bytes:
        compressed = compress(body)
        if self.sealer is None:
            return compressed
        return self.sealer.seal(compressed, arrived.dedupe_key, received_at)

    # --- translation ---

    async def claim(self, *, limit: int, lease: timedelta) -> list[Claimed]:
        """Webhooks to translate now, taken by nobody else until the lease is over."""
        rows = await self._pool.fetch(_CLAIM, limit, lease, self._holder)
        bodies = await self._bodies(rows)
        claimed = [
            Claimed(
                dedupe_key=row["dedupe_key"],
                gateway=Gateway(row["gateway"]),
                kind=row["kind"],
                received_at=row["received_at"],
                body=_whole(bodies[row["dedupe_key"]] or b""),
                compressed=bodies[row["dedupe_key"]] or b"",
                locked=bodies[row["dedupe_key"]] is None,
                state=row["state"],
                attempts=row["attempts"],
                flagged_at=row["flagged_at"],
                trace=row["trace"],
            )
            for row in rows
        ]
        return sorted(claimed, key=lambda one: (one.received_at, one.dedupe_key))

    async def _bodies(self, rows: Sequence[Any]) -> Mapping[str, bytes | None]:
        if self.sealer is None:
            return {row["dedupe_key"]: row["body"] for row in rows}
        return await self.sealer.open_all(rows)

    async def settle(self, connection: Any, settled: Sequence[Settled]) -> None:
        """Record what became of webhooks, in the transaction of ``connection`` (or by itself, on the pool)."""
        if settled:
            await (connection or self._pool).execute(
                _SETTLE,
                [one.dedupe_key for one in settled],
                [one.state for one in settled],
                [scrubbed(one.reason)[:1000] for one in settled],
                [one.pause for one in settled],
                [one.flagged_at for one in settled],
                [" ".join(one.waits_for) for one in settled],
                [one.subject for one in settled],
                [one.sealed for one in settled],
            )

    async def unbound(self, limit: int) -> list[Unbound]:
        """Settled webhooks that lie under nobody's key yet."""
        rows = await self._pool.fetch(_UNBOUND, limit)
        bodies = await self._bodies(rows)
        return [
            Unbound(
                dedupe_key=row["dedupe_key"],
                gateway=Gateway(row["gateway"]),
                received_at=row["received_at"],
                body=_whole(kept),
                compressed=kept,
            )
            for row in rows
            if (kept := bodies[row["dedupe_key"]]) is not None
        ]

    async def bind(self, connection: Any, bound: Sequence[tuple[str, str, bytes]]) -> None:
        """Lay bodies under their subjects' keys: dedupe key, subject, sealed body."""
        columns = list(map(list, zip(*bound, strict=True)))
        await (connection or self._pool).execute(_BIND, *columns)

    async def lies_under_the_door(self, before: datetime) -> bool:
        """Whether any body received before then still lies under a key of the door."""
        found: bool = await self._pool.fetchval(_LIES_UNDER, before)
        return found

    async def wake(self, references: Sequence[str]) -> None:
        """A subscription became known: what waited for its ids is translated at once."""
        await self._pool.execute(_WAKE, list(references))
        await self._pool.execute("notify payments_inbox")

    async def forget(self, now: datetime, *, chunk: int = 5000) -> int:
        """Empty bodies, and later remove rows, of what was settled long ago (decision 0020); how many went."""
        gone = 0
        for statement, kept in ((_EMPTY, _BODY_KEPT), (_REMOVE, _KEY_KEPT)):
            done = await self._pool.execute(statement, now - kept, chunk)
            gone += int(done.rsplit(" ", 1)[-1])
        return gone

    # --- showing ---

    async def counts(self) -> dict[str, int]:
        """How many webhooks are in which state."""
        rows = await self._pool.fetch("select state, count(*) as n from payments.webhooks group by state")
        return {row["state"]: row["n"] for row in rows}

    async def shown(self, *, state: str | None, limit: int) -> list[dict[str, Any]]:
        """The newest webhooks, without their bodies."""
        rows = await self._pool.fetch(
            """select dedupe_key, gateway, kind, received_at, state, reason, attempts, waits_for, flagged_at
               from payments.webhooks where $1::text is null or state = $1
               order by received_at desc, dedupe_key limit $2""",
            state,
            limit,
        )
        return [dict(row) for row in rows]

    async def again(self, dedupe_key: str) -> None:
        """Translate a webhook once more (a person asked for it, after mending what was wrong).

        Raises:
            NotFound: there is none of that key.
        """
        found = await self._pool.fetchval(
            """update payments.webhooks set state = 'new', reason = '', attempts = 0, due_at = now()
               where dedupe_key = $1 and body <> '' returning dedupe_key""",
            dedupe_key,
        )
        if found is None:
            raise NotFound(
                f"we could not translate {dedupe_key} again because no webhook has that key, or its body was "
                f"forgotten after {_BODY_KEPT.days} days: let the gateway send it again"
            )
        await self._pool.execute("notify payments_inbox")


def _not_kept(error: Exception) -> Transient:
    kept = Transient("the webhook could not be kept because the database does not answer: send it again")
    kept.__cause__ = error
    return kept
