"""Pages that renew themselves: one open line per page, one word when something at the school changed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from services.desk.api.common import Looks, built


def build_router() -> APIRouter:
    """The line."""
    router = APIRouter(include_in_schema=False)
    router.get("/live")(live)
    return router


async def live(request: Request, me: Looks) -> StreamingResponse:
    """``changed`` whenever a case of the school does, at most once a second."""
    news = built(request).changes.news(me.school.school_id, pause=1.0)
    return StreamingResponse(news, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
