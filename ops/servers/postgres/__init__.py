"""A school without a database administrator still needs a real PostgreSQL: this one comes out of a wheel.

    server = postgres.start(folder)      # a second or so the first time, much less afterwards
    asyncpg.connect(server.dsn)          # a Unix socket that only this user can reach: no port, no password
    server.stop()

The data survives everything a process can suffer: fsync is on, a start after `kill -9` clears what the dead server
left and recovers. The address stays the same for the life of the folder, so clients reconnect by themselves.

    FOLDER/cluster      PostgreSQL's own files        FOLDER/run        the socket
    FOLDER/server.log   what it had to say            FOLDER/.lock      one starter at a time
"""

from __future__ import annotations

from ops.servers.postgres.cluster import DATABASE, ROLE, programs
from ops.servers.postgres.databases import create_database, drop_database, on_database
from ops.servers.postgres.server import SETTINGS, Postgres, running, start, start_async

__all__ = [
    "DATABASE",
    "ROLE",
    "SETTINGS",
    "Postgres",
    "create_database",
    "drop_database",
    "on_database",
    "programs",
    "running",
    "start",
    "start_async",
]
