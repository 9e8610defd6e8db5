"""How an API or a loop opens one transaction of its service: ``async with transactions() as unit``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from shared.clock import Clock
from shared.fence import FencedStore
from shared.service import Service
from shared.shelf import Store
from shared.tallying import tally


class Transactions:
    """Opens Units of one service over any store; the Unit is written and committed when the block ends well."""

    def __init__(self, service: Service, store: Store, clock: Clock) -> None:
        self.service = service
        self.store = store
        self.clock = clock

    def __call__(self) -> AbstractAsyncContextManager[Any]:
        """One transaction; raising inside the block forgets everything it did."""
        return self._open()

    def within(self, schools: frozenset[str]) -> Transactions:
        """The same, of which only these schools are seen and changed."""
        return Transactions(self.service, FencedStore(self.store, schools), self.clock)

    def looking(self) -> AbstractAsyncContextManager[Any]:
        """A Unit to read with: it locks nothing, and what it records is forgotten."""
        return self._look()

    @asynccontextmanager
    async def _look(self) -> AsyncIterator[Any]:
        async with self.store.transaction(locking=False) as shelf:
            yield self.service.unit(shelf, self.clock.now())

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Any]:
        async with self.store.transaction() as shelf:
            unit = self.service.unit(shelf, self.clock.now())
            yield unit
            await unit.write()
        tally(unit.said, unit.now)
