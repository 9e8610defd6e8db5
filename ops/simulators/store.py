"""What the gateways remember, kept in one SQLite file so that a restarted simulator knows every card."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

Json = dict[str, Any]


class Store:
    """Tables of JSON objects in memory, written through to SQLite at ``flush``.

    Objects are plain dicts: whoever changes one calls ``put`` again, which marks it for the next flush.
    """

    def __init__(self, path: Path | None) -> None:
        self._tables: dict[str, dict[str, Json]] = {}
        self._dirty: dict[tuple[str, str], Json | None] = {}
        self._base = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=OFF")
        self._base.execute(
            "CREATE TABLE IF NOT EXISTS objects"
            " (seq INTEGER PRIMARY KEY, kind TEXT, id TEXT, body TEXT, UNIQUE (kind, id))"
        )
        for kind, key, body in self._base.execute("SELECT kind, id, body FROM objects ORDER BY seq"):
            self.table(kind)[key] = json.loads(body)

    def table(self, kind: str) -> dict[str, Json]:
        """All objects of one kind, in order of creation."""
        return self._tables.setdefault(kind, {})

    def get(self, kind: str, key: str) -> Json | None:
        """One object, or None."""
        return self.table(kind).get(key)

    def put(self, kind: str, key: str, value: Json) -> Json:
        """Keep (or keep again) an object."""
        self.table(kind)[key] = value
        self._dirty[kind, key] = value
        return value

    def drop(self, kind: str, key: str) -> None:
        """Forget an object; nothing happens if it is not there."""
        if self.table(kind).pop(key, None) is not None:
            self._dirty[kind, key] = None

    def count(self, name: str) -> int:
        """The next number of a named counter, from 1."""
        counter = self.table("counter").get(name, {"value": 0})
        counter["value"] += 1
        self.put("counter", name, counter)
        return int(counter["value"])

    def flush(self) -> None:
        """Write what changed since the last flush, in one transaction."""
        if not self._dirty:
            return
        kept = [
            (kind, key, json.dumps(value, ensure_ascii=False))
            for (kind, key), value in self._dirty.items()
            if value is not None
        ]
        gone = [place for place, value in self._dirty.items() if value is None]
        self._base.execute("BEGIN")
        self._base.executemany(
            "INSERT INTO objects (kind, id, body) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            kept,
        )
        self._base.executemany("DELETE FROM objects WHERE kind = ? AND id = ?", gone)
        self._base.execute("COMMIT")
        self._dirty.clear()

    def clear(self) -> None:
        """Forget everything, as a new account would."""
        self._tables.clear()
        self._dirty.clear()
        self._base.execute("DELETE FROM objects")

    def close(self) -> None:
        """Flush and let go of the file."""
        self.flush()
        self._base.close()
