"""Where a service keeps the keys that open its door: a table of its own schema, or memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from shared.api_keys import Caller, Key, is_its_secret, taken_apart
from shared.clock import Clock
from shared.errors import Refused

_NOTED: Final = timedelta(minutes=1)
"""How exactly the last use is known: a busy key is not written at each request."""
_COLUMNS: Final = "id, name, digest, scopes, schools, made_at, expires_at, revoked_at, last_used_at"


class Keyring(Protocol):
    """The keys of one service."""

    async def used(self, key_id: str) -> Key | None:
        """The key of that id, which somebody shows now."""
        ...

    async def note_use(self, key: Key) -> None:
        """Remember that it was used."""
        ...

    async def add(self, key: Key) -> None:
        """Keep a new key."""
        ...

    def now(self) -> datetime:
        """The instant by which keys end."""
        ...


class PgKeyring:
    """Keys in ``<service>.api_keys``. A key that is revoked opens nothing from the next request on."""

    def __init__(self, pool: Any, service: str, clock: Clock) -> None:
        self._pool = pool
        self._table = f"{service}.api_keys"
        self._clock = clock

    def now(self) -> datetime:
        """See ``Keyring``."""
        return self._clock.now()

    async def used(self, key_id: str) -> Key | None:
        """See ``Keyring``."""
        row = await self._pool.fetchrow(f"select {_COLUMNS} from {self._table} where id = $1", key_id)
        return None if row is None else _key(row)

    async def note_use(self, key: Key) -> None:
        """Remember that it was used, to the minute."""
        now = self.now()
        if key.last_used_at is None or key.last_used_at < now - _NOTED:
            await self._pool.execute(f"update {self._table} set last_used_at = $2 where id = $1", key.id, now)

    async def add(self, key: Key) -> None:
        """Keep a new key."""
        await self._pool.execute(
            f"insert into {self._table} ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            key.id,
            key.name,
            key.digest,
            list(key.scopes),
            list(key.schools),
            key.made_at,
            key.expires_at,
            key.revoked_at,
            key.last_used_at,
        )

    async def all(self) -> list[Key]:
        """Every key, ended ones too, by name and age."""
        rows = await self._pool.fetch(f"select {_COLUMNS} from {self._table} order by name, made_at, id")
        return [_key(row) for row in rows]

    async def revoke(self, key_ids: Iterable[str], at: datetime) -> int:
        """Let keys open nothing from ``at`` on (never later than was said before); how many there were."""
        done: str = await self._pool.execute(
            f"update {self._table} set revoked_at = least(coalesce(revoked_at, $2), $2) where id = any($1)",
            list(key_ids),
            at,
        )
        return int(done.rsplit(" ", 1)[-1])


class MemoryKeyring:
    """The twin without a database."""

    def __init__(self, clock: Clock) -> None:
        self.keys: dict[str, Key] = {}
        self._clock = clock

    def now(self) -> datetime:
        """See ``Keyring``."""
        return self._clock.now()

    async def used(self, key_id: str) -> Key | None:
        """See ``Keyring``."""
        return self.keys.get(key_id)

    async def note_use(self, key: Key) -> None:
        """Remember that it was used."""
        self.keys[key.id] = replace(key, last_used_at=self.now())

    async def add(self, key: Key) -> None:
        """Keep a new key."""
        self.keys[key.id] = key


async def caller_with(keyring: Keyring, shown: str) -> Caller | None:
    """Who shows this key; ``None`` when nobody here knows it.

    Raises:
        Refused: 401, the key is right and has ended.
    """
    parts = taken_apart(shown)
    key = await keyring.used(parts[0]) if parts else None
    if parts is None or key is None or not is_its_secret(key, parts[1]):
        return None
    ended = key.ended(keyring.now())
    if ended is not None:
        raise Refused(
            f"we could not let you in because the key {key.id} of {key.name} {ended}: "
            "ask the operator for another (relance keys add)",
            status=401,
            code="unauthorized",
        )
    await keyring.note_use(key)
    return Caller(
        name=key.name, scopes=frozenset(key.scopes), schools=frozenset(key.schools) if key.schools else None
    )


def _key(row: Any) -> Key:
    return Key(
        id=row["id"],
        name=row["name"],
        digest=row["digest"],
        scopes=tuple(row["scopes"]),
        schools=tuple(row["schools"]),
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
    )
