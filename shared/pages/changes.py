"""How an open page learns that something changed: one listening connection per process, one short line per change."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final

from shared.database import OUTAGES
from shared.logs import logger

log = logger("pages.changes")

_ALIVE: Final = 20.0
_LONGEST: Final = 15 * 60.0
"""Seconds after which a browser asks again, and shows its session again."""


class Changes:
    """Who waits for news about what; ``channel`` is PostgreSQL's, its payload names what changed."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def about(self, what: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something about that changes."""
        event = asyncio.Event()
        self._waiting[what].add(event)
        try:
            yield event
        finally:
            self._waiting[what].discard(event)
            if not self._waiting[what]:
                del self._waiting[what]

    def tell(self, what: str) -> None:
        """Something about that changed."""
        for event in self._waiting.get(what, ()):
            event.set()

    async def news(self, what: str, *, pause: float = 0.0) -> AsyncIterator[bytes]:
        """Server-sent events: ``changed`` whenever something did, at most every ``pause`` seconds; else a comment."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _LONGEST
        with self.about(what) as changed:
            yield b"retry: 2000\nevent: ready\ndata: 1\n\n"
            while loop.time() < until:
                try:
                    await asyncio.wait_for(changed.wait(), _ALIVE)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                changed.clear()
                yield b"event: changed\ndata: 1\n\n"
                if pause:
                    await asyncio.sleep(pause)

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

        def changed(_: Any, __: int, ___: str, what: str) -> None:
            self.tell(what)

        connection.add_termination_listener(ended)
        await connection.add_listener(self._channel, changed)
        try:
            await gone.wait()
        finally:
            connection.remove_termination_listener(ended)
            if not connection.is_closed():
                await connection.remove_listener(self._channel, changed)
