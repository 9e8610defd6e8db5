"""Where what-if keeps a service's rows: in dictionaries that are found by their columns, one fact at a time.

Nothing here can fail half-way and nobody else looks, so that a change is made at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from shared.events import Envelope
from shared.shelf import Errand, Parked, Planned, Table

T = TypeVar("T")


class Books:
    """One service's shelf; ``planned`` and ``errands`` hold what the last fact led to."""

    DATA_ERRORS: tuple[type[Exception], ...] = ()
    OUTAGES: tuple[type[Exception], ...] = ()

    def __init__(self) -> None:
        self._rows: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self._found: defaultdict[tuple[str, str], defaultdict[Any, set[str]]] = defaultdict(
            lambda: defaultdict(set)
        )
        self.planned: list[Planned] = []
        self.errands: list[Errand] = []

    async def load(self, table: Table[T], keys: Sequence[str]) -> dict[str, T]:
        """See ``Shelf``."""
        rows = self._rows[table.name]
        return {key: rows[key] for key in keys if key in rows}

    async def find(self, table: Table[T], column: str, values: Sequence[Any]) -> list[T]:
        """See ``Shelf``."""
        rows, found = self._rows[table.name], self._found[table.name, column]
        keys = set().union(*(found.get(value, ()) for value in values))
        return [rows[key] for key in sorted(keys)]

    async def save(
        self, rows: Mapping[Table[Any], Mapping[str, Any]], gone: Mapping[Table[Any], Iterable[str]]
    ) -> None:
        """See ``Shelf``."""
        for table, changed in rows.items():
            for key, row in changed.items():
                self._forget(table, key)
                self._rows[table.name][key] = row
                for column, (_, value_of) in table.columns.items():
                    self._found[table.name, column][value_of(row)].add(key)
        for table, keys in gone.items():
            for key in keys:
                self._forget(table, key)

    def _forget(self, table: Table[Any], key: str) -> None:
        row = self._rows[table.name].pop(key, None)
        if row is not None:
            for column, (_, value_of) in table.columns.items():
                self._found[table.name, column][value_of(row)].discard(key)

    async def plan(self, planned: Sequence[Planned]) -> None:
        """See ``Shelf``."""
        self.planned.extend(planned)

    async def send_out(self, errands: Sequence[Errand]) -> None:
        """See ``Shelf``."""
        self.errands.extend(errands)

    async def remember(self, heard: Sequence[Envelope], now: datetime) -> set[str]:  # noqa: ARG002 - Shelf's shape
        """See ``Shelf``; who feeds the facts knows which were heard."""
        return {envelope.id for envelope in heard}

    async def park(self, parked: Sequence[Parked], now: datetime) -> None:
        """See ``Shelf``; a fact that cannot be handled is told by ``Town`` instead."""
        raise NotImplementedError

    async def end_errand(self, errand: Errand, outcome: str, now: datetime) -> bool:  # noqa: ARG002 - Shelf's shape
        """See ``Shelf``."""
        return True
