"""The desk's pages over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from services.desk.api import (
    acts,
    cases,
    doors,
    live,
    machinery,
    mails,
    office,
    parked,
    queues,
    rules,
    sign_in,
    today,
    what_if,
)
from services.desk.api.common import Built, SignInFirst, Told, built, go, page
from services.desk.api.doors import stranger
from services.desk.oidc import Line
from services.desk.owners import Owners
from services.desk.sealed import holds
from services.desk.settings import DeskSettings
from shared import erasing
from shared.errors import NotFound, Refused, Transient
from shared.logs import logger
from shared.pages.changes import Changes
from shared.pages.headers import Headers, policy_of
from shared.pages.writing import serve_static
from shared.transactions import Transactions
from shared.web import Check, build_app, problem

log = logger("desk")

CHANNEL = "desk_changed"
ROOMS = (doors, sign_in, today, cases, acts, queues, mails, rules, what_if, office, machinery, parked, live)


def build_api(
    settings: DeskSettings,
    *,
    owners: Owners,
    changes: Changes | None = None,
    transactions: Transactions | None = None,
    ready: Check | None = None,
    lifespan: Any = None,
) -> FastAPI:
    """The application; ``transactions`` may come with the lifespan, as ``app.state.desk.transactions``."""
    app = build_app(
        "Relance desk",
        settings,
        ready=ready,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.desk = Built(
        settings=settings,
        owners=owners,
        changes=changes or Changes(CHANNEL),
        transactions=transactions,
        line=Line(is_test=settings.mode == "test"),
    )
    for room in ROOMS:
        app.include_router(room.build_router())
    app.include_router(
        erasing.build_router(holds, opened=lambda request: built(request).opened, prefix="/api")
    )
    serve_static(app, "services.desk")
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(Told, _told)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Transient, _transient)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(Headers, policy=policy_of(frames="'self'"), is_secure=settings.is_secure)
    return app


async def _sign_in_first(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInFirst)  # noqa: S101 - the handler is registered for this class alone
    if request.url.path == "/live":
        return Response(status_code=401)
    return go("/login", to=error.back)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, Told)  # noqa: S101 - as above
    me = await stranger(request)
    deeds = []
    people: dict[str, str] = {}
    if error.name == "overtaken" and me.session is not None:
        async with built(request).opened.looking() as unit:
            deeds = await unit.deeds(me.school.school_id, about=error.values["about"], limit=3)
            people = {one.person_id: one.email for one in await unit.people_of(me.school.school_id)}
    return page(request, me, "told", status=error.status, error=error, deeds=deeds, people=people)


def _is_for_machines(request: Request) -> bool:
    return request.url.path.startswith("/api/")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - as above
    if _is_for_machines(request):
        return problem(error.status, error.code, str(error))
    name = "not_found" if isinstance(error, NotFound) else "refused"
    detail = "" if name == "not_found" else str(error)
    return await _told(request, Told(name, status=error.status, detail=detail))


async def _transient(request: Request, error: Exception) -> Response:
    log.warning("page_not_now", room=request.url.path.split("/")[1], reason=str(error))
    return await _told(request, Told("not_now", status=503, link=request.url.path, detail=str(error)))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    if request.url.path.startswith("/static/"):
        return problem(error.status_code, "not_found", str(error.detail))
    return await _told(request, Told("not_found", status=error.status_code))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    return await _told(request, Told("not_found", status=404))
