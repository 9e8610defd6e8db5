"""A fence around the schools of a key: whoever comes with it sees and changes nothing of any other school.

It stands between a Unit and its shelf, so no route has to remember it: rows of other schools are not found, and what
would be written or said for another school is refused with the whole transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from shared.errors import NotFound, Refused
from shared.events import Envelope
from shared.shelf import Errand, Lists, Page, Parked, Planned, Shelf, Store, Table

T = TypeVar("T")


def forbidden(school_id: str) -> Refused:
    """What somebody hears who names another school."""
    return Refused(
        f"we could not do this because your key is not for the school {school_id}: "
        "ask the operator for one that is (relance keys add --school)",
        status=403,
        code="forbidden",
    )


class FencedStore:
    """A store of which only some schools are seen."""

    def __init__(self, store: Store, schools: frozenset[str]) -> None:
        self._store = store
        self._schools = schools

    def transaction(self, *, locking: bool = True) -> AbstractAsyncContextManager[Shelf]:
        """See ``Store``."""
        return self._open(locking=locking)

    @asynccontextmanager
    async def _open(self, *, locking: bool) -> AsyncIterator[Shelf]:
        async with self._store.transaction(locking=locking) as shelf:
            yield FencedShelf(shelf, self._schools)

    async def claim_errands(self, now: datetime, *, limit: int, lease: timedelta) -> list[Errand]:
        """See ``Store``: errands are a worker's, and a worker has no key."""
        raise NotImplementedError

    async def postpone_errand(self, errand: Errand, *, until: datetime, error: str) -> None:
        """See ``Store``: as above."""
        raise NotImplementedError


class FencedShelf:
    """One transaction inside the fence."""

    def __init__(self, shelf: Shelf, schools: frozenset[str]) -> None:
        self._shelf = shelf
        self._schools = schools
        self.DATA_ERRORS = shelf.DATA_ERRORS
        self.OUTAGES = shelf.OUTAGES

    async def load(self, table: Table[T], keys: Sequence[str]) -> dict[str, T]:
        """See ``Shelf``.

        Raises:
            NotFound: a row of that key is another school's; whoever asks is not told more.
        """
        rows = await self._shelf.load(table, keys)
        for key, row in rows.items():
            if not self._sees(row):
                raise NotFound(
                    f"we could not find {key} because nothing of that id is at the schools of your key: "
                    "check the id, or ask the operator for a key of its school"
                )
        return rows

    async def find(self, table: Table[T], column: str, values: Sequence[Any]) -> list[T]:
        """See ``Shelf``."""
        return [row for row in await self._shelf.find(table, column, values) if self._sees(row)]

    async def page(self, table: Table[T], page: Page) -> list[T]:
        """See ``Lists``: rows outside do not count, so a page is as long as without a fence."""
        lists = cast("Lists", self._shelf)
        if "school_id" in table.columns and "school_id" not in page.where and len(self._schools) == 1:
            page = replace(page, where={**page.where, "school_id": next(iter(self._schools))})
        by = table.columns[page.order][1] if page.order else table.key
        found: list[T] = []
        while True:
            rows = await lists.page(table, page)
            found += [row for row in rows if self._sees(row)]
            if len(rows) < page.limit or len(found) >= page.limit:
                return found[: page.limit]
            page = replace(page, after=(by(rows[-1]), table.key(rows[-1])))

    async def count(self, table: Table[Any], where: Mapping[str, Any], *, most: int) -> int:
        """See ``Lists``."""
        lists = cast("Lists", self._shelf)
        asked = [where["school_id"]] if "school_id" in where else sorted(self._schools)
        counts = [
            await lists.count(table, {**where, "school_id": school}, most=most)
            for school in asked
            if school in self._schools
        ]
        return min(sum(counts), most)

    async def save(
        self, rows: Mapping[Table[Any], Mapping[str, Any]], gone: Mapping[Table[Any], Iterable[str]]
    ) -> None:
        """See ``Shelf``.

        Raises:
            Refused: 403, a row of another school.
        """
        for changed in rows.values():
            for row in changed.values():
                self._check(getattr(row, "school_id", None))
        await self._shelf.save(rows, gone)

    async def plan(self, planned: Sequence[Planned]) -> None:
        """See ``Shelf``.

        Raises:
            Refused: 403, a fact of another school.
        """
        for one in planned:
            self._check(one.envelope.fact.school_id)
        await self._shelf.plan(planned)

    async def send_out(self, errands: Sequence[Errand]) -> None:
        """See ``Shelf``."""
        await self._shelf.send_out(errands)

    async def remember(self, heard: Sequence[Envelope], now: datetime) -> set[str]:
        """See ``Shelf``."""
        return await self._shelf.remember(heard, now)

    async def park(self, parked: Sequence[Parked], now: datetime) -> None:
        """See ``Shelf``."""
        await self._shelf.park(parked, now)

    async def end_errand(self, errand: Errand, outcome: str, now: datetime) -> bool:
        """See ``Shelf``."""
        return await self._shelf.end_errand(errand, outcome, now)

    def _sees(self, row: Any) -> bool:
        school = getattr(row, "school_id", None)
        return school is None or school in self._schools

    def _check(self, school_id: str | None) -> None:
        if school_id is not None and school_id not in self._schools:
            raise forbidden(school_id)
