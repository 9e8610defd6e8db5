"""What both schools' learners have: the front page, mails, "why?", help."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from services.portal.api.common import Me, Visitor, built, go, page, stranger
from services.portal.api.doors import the_school
from services.portal.domain.case import Case
from services.portal.telling.why import story_of
from shared.errors import NotFound
from shared.paypal_support import built_in, support_for

CaseId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.~\-]{1,200}$")]


def build_router() -> APIRouter:
    """Pages of both."""
    router = APIRouter(include_in_schema=False)
    router.get("/")(show_front)
    router.get("/mails")(show_mails)
    router.get("/cases/{case_id}/why")(show_why)
    router.get("/help")(show_help)
    router.get("/at/{school_id}/help")(show_public_help)
    return router


async def show_front(me: Me) -> RedirectResponse:
    """Each school has its own first page."""
    return go("/my-page" if me.school.guided else "/premium")


async def show_mails(request: Request, me: Me) -> HTMLResponse:
    """Every mail about a case: sent, waiting and until when, or not needed any more."""
    return page(request, me, "mails", live=True, mails=tuple(reversed(me.picture.mails)))


def _case(me: Visitor, case_id: str) -> Case:
    for case in me.picture.cases:
        if case.case_id == case_id:
            return case
    raise NotFound("there is no such case here")


async def show_why(case_id: CaseId, request: Request, me: Me) -> HTMLResponse:
    """Every date with the reason that was recorded when it was decided."""
    case = _case(me, case_id)
    return page(request, me, "why", live=True, case=case, story=story_of(case, me.speech))


async def show_help(request: Request, me: Me) -> HTMLResponse:
    """The school's help on payment problems."""
    return _help(request, me)


async def show_public_help(school_id: str, request: Request) -> HTMLResponse:
    """The same, for whoever is not signed in."""
    school, now = await the_school(built(request), school_id)
    return _help(request, stranger(request, school, now))


def _help(request: Request, me: Visitor) -> HTMLResponse:
    support = support_for(built_in(), None, country_name="", language=me.speech.language)
    return page(request, me, "help_guided" if me.school.guided else "help", paypal=support)
