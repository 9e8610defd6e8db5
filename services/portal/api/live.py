"""Pages that renew themselves: one open line per page, one word when something changed (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from services.portal.api.common import Me, built
from services.portal.changes import Changes

_ALIVE: Final = 20.0
_LONGEST: Final = 15 * 60.0
"""Seconds after which a browser asks again, and shows its session again."""


def build_router() -> APIRouter:
    """The line."""
    router = APIRouter(include_in_schema=False)
    router.get("/live")(live)
    return router


async def live(request: Request, me: Me) -> StreamingResponse:
    """``changed`` whenever something about this learner changes; a comment now and then to keep the line open."""
    changes = built(request).changes
    return StreamingResponse(
        _news(changes, me.picture.learner.key),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _news(changes: Changes, learner_key: str) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    until = loop.time() + _LONGEST
    with changes.about(learner_key) as changed:
        yield b"retry: 2000\nevent: ready\ndata: 1\n\n"
        while loop.time() < until:
            try:
                await asyncio.wait_for(changed.wait(), _ALIVE)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            changed.clear()
            yield b"event: changed\ndata: 1\n\n"
