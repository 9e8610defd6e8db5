"""Back from a gateway's page: what happened there, in words, whatever the browser did on the way."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from services.portal.api.common import Me, Visitor, built, page
from services.portal.api.sign_up import is_sign_up_of
from services.portal.owners import Visit
from services.portal.settings import PortalSettings
from shared.errors import NotFound


def build_router() -> APIRouter:
    """The one page where browsers come back."""
    router = APIRouter(include_in_schema=False)
    router.get("/return")(come_back)
    return router


async def come_back(
    request: Request, me: Me, visit: Annotated[str, Query(pattern=r"^[A-Za-z0-9_\-]{20,64}$")]
) -> HTMLResponse:
    """Done, refused and why, left, or still being checked; live, so that the news arrives by itself."""
    found = await built(request).owners.visit(visit)
    if not _is_mine(built(request).settings, me, found):
        raise NotFound("there is no such visit here")
    standing = next(
        (one for one in me.standings if one.subscription.subscription_id == found.subscription_id), None
    )
    return page(request, me, "return", live=True, visit=found, outcome=_outcome(found), standing=standing)


def _is_mine(settings: PortalSettings, me: Visitor, visit: Visit) -> bool:
    """It is about a subscription of this learner; a sign-up's id is sealed with its learner."""
    if any(one.subscription_id == visit.subscription_id for one in me.picture.subscriptions):
        return True
    return visit.kind == "sign_up" and is_sign_up_of(settings, me, visit.subscription_id)


def _outcome(visit: Visit) -> str:
    """``done``, ``refused``, ``left``, or ``checking``."""
    return {"done": "done", "refused": "refused", "left": "left"}.get(visit.state, "checking")
