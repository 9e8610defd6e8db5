"""A service, a test or a rehearsal gets a database of its own on a server that is shared."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg


def on_database(dsn: str, name: str) -> str:
    """The same server's address for another of its databases."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path=f"/{quote(name)}", netloc=parts.netloc or "@"))


async def create_database(dsn: str, name: str, *, template: str = "template1") -> str:
    """Make a database (a copy of `template`) on the server of `dsn`; its address."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)}")
    finally:
        await connection.close()
    return on_database(dsn, name)


async def drop_database(dsn: str, name: str) -> None:
    """Remove a database of the server of `dsn`, with whatever connections are left on it."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")
    finally:
        await connection.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
