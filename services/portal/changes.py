"""How an open page learns that something changed: one listening connection per process, one short line per change."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from shared.database import OUTAGES
from shared.logs import logger

log = logger("portal.changes")

CHANNEL: Final = "portal_changed"


class Changes:
    """Who waits for news about which learner."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def about(self, learner_key: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something about that learner changes."""
        event = asyncio.Event()
        self._waiting[learner_key].add(event)
        try:
            yield event
        finally:
            self._waiting[learner_key].discard(event)
            if not self._waiting[learner_key]:
                del self._waiting[learner_key]

    def tell(self, learner_key: str) -> None:
        """Something about that learner changed."""
        for event in self._waiting.get(learner_key, ()):
            event.set()

    async def listen(self, pool: Any) -> None:
        """Hear PostgreSQL's notices until cancelled; a lost connection is opened again."""
        while True:
            try:
                async with pool.acquire() as connection:
                    await self._hear(connection)
            except OUTAGES as error:
                log.warning("changes_not_heard", reason=repr(error))
            await asyncio.sleep(1)

    async def _hear(self, connection: Any) -> None:
        gone = asyncio.Event()

        def ended(_: Any) -> None:
            gone.set()

        def changed(_: Any, __: int, ___: str, learner_key: str) -> None:
            self.tell(learner_key)

        connection.add_termination_listener(ended)
        await connection.add_listener(CHANNEL, changed)
        try:
            await gone.wait()
        finally:
            connection.remove_termination_listener(ended)
            if not connection.is_closed():
                await connection.remove_listener(CHANNEL, changed)
