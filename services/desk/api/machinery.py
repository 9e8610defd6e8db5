"""How the services stand, for whoever runs the installation: who works, what waits since when, who is behind."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.desk.api.common import Admins, built, page
from services.desk.domain.machinery import SERVICES, THINGS, standing
from services.desk.owners import together


def build_router() -> APIRouter:
    """The page."""
    router = APIRouter(include_in_schema=False)
    router.get("/machinery")(machinery)
    return router


async def machinery(request: Request, me: Admins) -> HTMLResponse:
    """Every service: its workers, the oldest thing not done of each kind, and its lag; and where the school's facts go as webhooks."""
    owners = built(request).owners
    others = [service for service in SERVICES if service != "desk"]
    told: dict[str, Any] = await together(
        endpoints=owners.ask("hooks", "GET", f"/schools/{me.school.school_id}/endpoints"),
        **{service: owners.ask(service, "GET", "/standing") for service in others},
    )
    readiness = getattr(request.app.state, "readiness", None)
    if readiness is not None:
        told["desk"] = (await readiness.standing(me.now)).as_json()
    rows = [standing(service, told.get(service)) for service in SERVICES]
    return page(request, me, "machinery", rows=rows, things=THINGS, endpoints=told["endpoints"] or [])
