"""How a service's schema comes to be what its code expects: idempotent, in one transaction, one at a time.

What every service has (journal, heard, errands, parked) is ``ddl.sql``; its tables follow from their
declarations; a ``migrations`` folder adds numbered files, each run once.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from shared.service import Service
from shared.shelf import Table

_COMMON: Final = Path(__file__).with_name("ddl.sql")


async def migrate(pool: Any, service: Service, folder: Path | None = None) -> list[str]:
    """Bring ``service``'s schema up to date; the names of the files that ran."""
    common, texts = await asyncio.to_thread(_read, folder)
    async with pool.acquire() as connection, connection.transaction():
        # Several processes may start at once; "create schema if not exists" alone races.
        await connection.execute("select pg_advisory_xact_lock(hashtext('relance.migrate'))")
        await connection.execute(common.replace("{schema}", service.name))
        for table in service.tables:
            await connection.execute(statement_for(service.name, table))
        new = await _run_new(connection, service.name, texts)
        await connection.execute(
            f"insert into {service.name}.migrations (name) values ($1) on conflict do nothing",
            fingerprint(service),
        )
        return new


def fingerprint(service: Service) -> str:
    """What the declared tables are, in one word: a database that was brought up to this code has it in ``migrations``."""
    statements = [
        _COMMON.read_text(encoding="utf-8"),
        *(statement_for(service.name, one) for one in service.tables),
    ]
    return f"tables {sha256(chr(10).join(statements).encode()).hexdigest()[:16]}"


def names_of(folder: Path | None) -> list[str]:
    """The numbered files that must have run."""
    return sorted(file.name for file in folder.glob("*.sql")) if folder is not None else []


def _read(folder: Path | None) -> tuple[str, dict[str, str]]:
    files = sorted(folder.glob("*.sql")) if folder is not None else []
    return _COMMON.read_text(encoding="utf-8"), {
        file.name: file.read_text(encoding="utf-8") for file in files
    }


def statement_for(schema: str, table: Table[Any]) -> str:
    """The statements that make one declared table exist, with a column and an index per searched value."""
    name = f"{schema}.{table.name}"
    lines = [
        f"create table if not exists {name} (key text primary key, version bigint not null, body jsonb not null);"
    ]
    for column, (kind, _) in table.columns.items():
        lines.append(f"alter table {name} add column if not exists {column} {kind};")
        if table.indexed:
            lines.append(f"create index if not exists {table.name}_{column} on {name} ({column}, key);")
    return "\n".join(lines)


async def _run_new(connection: Any, schema: str, texts: dict[str, str]) -> list[str]:
    await connection.execute(
        f"create table if not exists {schema}.migrations (name text primary key, ran_at timestamptz not null default now())"
    )
    done = {row["name"] for row in await connection.fetch(f"select name from {schema}.migrations")}
    new = [name for name in sorted(texts) if name not in done]
    for name in new:
        await connection.execute(texts[name])
        await connection.execute(f"insert into {schema}.migrations (name) values ($1)", name)
    return new
