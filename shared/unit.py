"""One transaction of a service, as its handlers see it: load, decide, record.

Handlers work on one fact at a time; the Unit remembers what the whole batch loaded and changed and writes
it at the end, one statement per table. What a single fact changed can be taken back when its handler fails,
without touching its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from shared.events import Envelope, Fact, Later
from shared.events.wire import wrap
from shared.shelf import Errand, Planned, Shelf, Table
from shared.tracing import traceparent

T = TypeVar("T")

Said = Sequence[Fact | Later]
"""What a decision answers: facts now, plans for later, or nothing."""


class Unit:
    """The base of each service's Unit; subclasses name what they load (``case``, ``learner`` ...)."""

    def __init__(self, shelf: Shelf, now: datetime, *, cause: Envelope | None = None) -> None:
        self.shelf = shelf
        self.now = now
        """The instant of this transaction (aware UTC)."""
        self.cause = cause
        """The envelope being heard; ``None`` when a person or a gateway is the cause."""
        self.cause_id = cause.id if cause else None
        """The id of the fact behind this transaction, also when only its errand is at hand."""
        self._rows: dict[Table[Any], dict[str, Any]] = {}
        self._changed: dict[Table[Any], dict[str, Any]] = {}
        self._planned: list[Planned] = []
        self._errands: list[Errand] = []
        self._mark = (0, 0)
        self._undo: dict[Table[Any], dict[str, tuple[Any, bool]]] = {}

    # --- loading ---

    async def fetch(self, table: Table[T], keys: Iterable[str]) -> None:
        """Load many rows at once so that the handlers of a batch find them here."""
        known = self._rows.setdefault(table, {})
        missing = sorted({key for key in keys if key not in known})
        if missing:
            found = await self.shelf.load(table, missing)
            for key in missing:
                known[key] = found.get(key)

    async def get(self, table: Table[T], key: str) -> T | None:
        """The row under ``key`` as this transaction sees it, or ``None``."""
        known = self._rows.setdefault(table, {})
        if key not in known:
            await self.fetch(table, [key])
        row: T | None = known[key]
        return row

    async def find(self, table: Table[T], column: str, *values: Any) -> list[T]:
        """Rows by a column, with this transaction's own changes counted in."""
        known = self._rows.setdefault(table, {})
        value_of = table.columns[column][1]
        for row in await self.shelf.find(table, column, values):
            known.setdefault(table.key(row), row)
        return [row for _, row in sorted(known.items()) if row is not None and value_of(row) in values]

    # --- recording ---

    def put(self, table: Table[T], row: T) -> None:
        """Keep ``row`` from now on in place of what stood under its key."""
        self._set(table, table.key(row), row)

    def drop(self, table: Table[T], key: str) -> None:
        """Remove the row under ``key``."""
        self._set(table, key, None)

    def say(self, *said: Fact | Later) -> None:
        """Write facts (said at once) and plans (said at their hour) into the journal."""
        trace = traceparent()
        for item in said:
            tell_at, fact = (item.at, item.fact) if isinstance(item, Later) else (self.now, item)
            envelope = wrap(fact, cause=self.cause_id, recorded_at=self.now)
            self._planned.append(Planned(tell_at=tell_at, envelope=envelope, trace=trace))

    def plan_again(self, envelope: Envelope, at: datetime, *, trace: str | None = None) -> None:
        """Put a plan that was heard before its hour back into the agenda; ``trace`` is what it came with."""
        again = wrap(envelope.fact, cause=envelope.cause, recorded_at=self.now, again=envelope.again + 1)
        self._planned.append(Planned(tell_at=at, envelope=again, trace=trace))

    def errand(
        self, kind: str, errand_id: str, key: str, body: Any, *, due_at: datetime | None = None
    ) -> None:
        """Ask for something to be done outside after this transaction; ``errand_id`` makes it one."""
        self._errands.append(
            Errand(
                id=errand_id,
                kind=kind,
                key=key,
                due_at=due_at or self.now,
                body=msgspec.json.encode(body),
                cause=self.cause_id,
                trace=traceparent(),
            )
        )

    # --- one fact of a batch, and the whole batch ---

    def begin(self, envelope: Envelope) -> None:
        """From here on, changes belong to ``envelope`` and can be taken back together."""
        self.cause = envelope
        self.cause_id = envelope.id
        self._undo = {}
        self._mark = (len(self._planned), len(self._errands))

    def take_back(self) -> None:
        """Forget everything since ``begin``: this fact's handler failed."""
        for table, rows in self._undo.items():
            for key, (before, was_changed) in rows.items():
                self._rows[table][key] = before
                if was_changed:
                    self._changed[table][key] = before
                else:
                    self._changed[table].pop(key, None)
        planned, errands = self._mark
        del self._planned[planned:]
        del self._errands[errands:]
        self._undo = {}

    async def write(self) -> None:
        """Write everything the transaction changed; the shelf's owner commits."""
        rows: dict[Table[Any], dict[str, Any]] = {}
        gone: dict[Table[Any], list[str]] = {}
        for table, changed in self._changed.items():
            for key, row in changed.items():
                if row is None:
                    gone.setdefault(table, []).append(key)
                else:
                    rows.setdefault(table, {})[key] = row
        if rows or gone:
            await self.shelf.save(rows, gone)
        if self._planned:
            await self.shelf.plan(self._planned)
        if self._errands:
            await self.shelf.send_out(self._errands)

    @property
    def said(self) -> list[Planned]:
        """What this transaction says so far, in order."""
        return list(self._planned)

    def _set(self, table: Table[Any], key: str, row: Any) -> None:
        known = self._rows.setdefault(table, {})
        changed = self._changed.setdefault(table, {})
        undo = self._undo.setdefault(table, {})
        if key not in undo:
            undo[key] = (known.get(key), key in changed)
        known[key] = row
        changed[key] = row
