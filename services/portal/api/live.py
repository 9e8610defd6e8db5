"""Pages that renew themselves: one open line per page, one word when something changed (server-sent events)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from services.portal.api.common import Me, built


def build_router() -> APIRouter:
    """The line."""
    router = APIRouter(include_in_schema=False)
    router.get("/live")(live)
    return router


async def live(request: Request, me: Me) -> StreamingResponse:
    """``changed`` whenever something about this learner changes; a comment now and then to keep the line open."""
    news = built(request).changes.news(me.picture.learner.key)
    return StreamingResponse(news, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
