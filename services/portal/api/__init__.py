"""The learner's pages over HTTP, and the few things that the school sets for them behind an API key."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from services.portal.api import admin, both, doors, live, my_page, premium, sign_up, visits
from services.portal.api.common import Built, SignInFirst, Told, Visitor, built, go, signed_in, stranger, told
from services.portal.api.cookies import SessionCookie
from services.portal.domain.people import School
from services.portal.erasing import holds
from services.portal.owners import Owners
from services.portal.settings import PortalSettings
from shared import erasing
from shared.errors import NotFound, Refused, Transient
from shared.logs import logger
from shared.pages.changes import Changes
from shared.pages.headers import Headers, policy_of
from shared.pages.writing import serve_static
from shared.transactions import Transactions
from shared.web import Check, build_app, problem

log = logger("portal")

CHANNEL = "portal_changed"


def build_api(
    settings: PortalSettings,
    *,
    owners: Owners,
    changes: Changes,
    transactions: Transactions | None = None,
    ready: Check | None = None,
    lifespan: Any = None,
) -> FastAPI:
    """The application; ``transactions`` may come with the lifespan, as ``app.state.portal.transactions``."""
    app = build_app("Relance portal", settings, ready=ready, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.portal = Built(settings=settings, owners=owners, changes=changes, transactions=transactions)
    for room in (doors, premium, sign_up, my_page, both, visits, live):
        app.include_router(room.build_router())
    app.include_router(admin.build_router())
    app.include_router(
        erasing.build_router(holds, opened=lambda request: built(request).opened, prefix="/api")
    )
    serve_static(app, "services.portal")
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(Told, _told)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Transient, _transient)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(SessionCookie, settings=settings)
    policy = policy_of(form_targets=tuple(settings.form_targets))
    app.add_middleware(Headers, policy=policy, is_secure=settings.is_secure)
    return app


async def visitor_of(request: Request) -> Visitor:
    """Whoever looks, for a page that tells of trouble."""
    try:
        return await signed_in(request)
    except SignInFirst:
        async with built(request).opened.looking() as unit:
            return stranger(request, School(school_id=""), unit.now)


def _is_for_machines(request: Request) -> bool:
    return request.url.path.startswith("/api/")


async def _sign_in_first(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInFirst)  # noqa: S101 - the handler is registered for this class alone
    if request.url.path == "/live":
        return Response(status_code=401)
    query = {"to": error.back, **({"lost": "1"} if error.lost else {})}
    return go("/login", **query)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, Told)  # noqa: S101 - as above
    return told(request, await visitor_of(request), error)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - as above
    if _is_for_machines(request):
        return problem(error.status, error.code, str(error))
    name = "not_found" if isinstance(error, NotFound) else "refused"
    return told(request, await visitor_of(request), Told(name, status=error.status))


async def _transient(request: Request, error: Exception) -> Response:
    log.warning("page_not_now", path=request.url.path, reason=str(error))
    if _is_for_machines(request):
        return problem(503, "try_again", str(error))
    return told(request, await visitor_of(request), Told("not_now", status=503, link=quote(request.url.path)))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    if _is_for_machines(request) or request.url.path.startswith("/static/"):
        return problem(error.status_code, "not_found", str(error.detail))
    return told(request, await visitor_of(request), Told("not_found", status=error.status_code))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    if _is_for_machines(request):
        return problem(422, "invalid", "we could not read the request: correct it and send it again")
    return told(request, await visitor_of(request), Told("not_found", status=404))
