"""Parked messages in PostgreSQL: a message is locked while somebody acts on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from shared.parking.rows import Act, SetAside, What

_COLUMNS: Final = (
    'id, topic, partition, "offset", key, value, fixed, reason, remembered, parked_at, settled_at, how'
)


class PgAside:
    """See ``Aside``."""

    def __init__(self, connection: Any, schema: str) -> None:
        self._connection, self._schema = connection, schema

    async def page(self, *, settled: bool, after: str, limit: int) -> list[SetAside]:
        """See ``Aside``."""
        rows = await self._connection.fetch(
            f"""select {_COLUMNS}, {self._count} from {self._schema}.parked p
                where (settled_at is not null) = $1 and ($2 = '' or (parked_at, id) >
                    (select parked_at, id from {self._schema}.parked where id = $2))
                order by parked_at, id limit $3""",
            settled,
            after,
            limit,
        )
        return [_read(row) for row in rows]

    async def one(self, parked_id: str) -> SetAside | None:
        """See ``Aside``."""
        writing = not await self._connection.fetchval("select current_setting('transaction_read_only')::bool")
        if writing:
            await self._connection.execute(
                f"select 1 from {self._schema}.parked where id = $1 for update", parked_id
            )
        row = await self._connection.fetchrow(
            f"select {_COLUMNS}, {self._count} from {self._schema}.parked p where id = $1", parked_id
        )
        return _read(row) if row is not None else None

    async def acts(self, parked_id: str) -> list[Act]:
        """See ``Aside``."""
        rows = await self._connection.fetch(
            f"""select act_id, what, who, at, because, value from {self._schema}.parked_acts
                where parked_id = $1 order by number""",
            parked_id,
        )
        return [Act(**{**dict(row), "what": What(row["what"])}) for row in rows]

    async def fix(self, parked_id: str, value: bytes) -> None:
        """See ``Aside``."""
        await self._connection.execute(
            f"update {self._schema}.parked set fixed = $2 where id = $1", parked_id, value
        )

    async def settle(self, parked_id: str, how: str, now: datetime) -> None:
        """See ``Aside``."""
        await self._connection.execute(
            f"update {self._schema}.parked set settled_at = $2, how = $3 where id = $1",
            parked_id,
            now,
            how[:2000],
        )

    async def note(self, parked_id: str, act: Act) -> None:
        """See ``Aside``."""
        await self._connection.execute(
            f"""insert into {self._schema}.parked_acts (parked_id, number, act_id, what, who, at, because, value)
                select $1, count(*) + 1, $2, $3, $4, $5, $6, $7 from {self._schema}.parked_acts where parked_id = $1""",
            parked_id,
            act.act_id,
            act.what.value,
            act.who,
            act.at,
            act.because[:2000],
            act.value,
        )

    @property
    def _count(self) -> str:
        return f"(select count(*) from {self._schema}.parked_acts a where a.parked_id = p.id) as acts"


def _read(row: Any) -> SetAside:
    found = dict(row)
    return SetAside(original=found.pop("value"), **found)
