"""What every API of Relance has in common: clear refusals, health, readiness and a key at the door."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader
from starlette.exceptions import HTTPException

from shared.api_keyring import Keyring, caller_with
from shared.api_keys import OPERATOR, Caller, Need
from shared.errors import CalendarHorizon, Refused, RelanceError, Transient, Unreadable
from shared.fence import forbidden
from shared.logs import logger
from shared.openapi import EVERY_SCHOOL, describe
from shared.settings import Settings
from shared.standing import Readiness
from shared.transactions import Transactions
from shared.watching import Watching

log = logger("web")

Check = Callable[[], Awaitable[None]]

_HEADER: Final = APIKeyHeader(
    name="X-Relance-Key",
    scheme_name="key",
    auto_error=False,
    description="A key of this installation (`relance keys add`), or one of RELANCE_API_KEYS.",
)

_AWAY: Final = "we cannot work now because the database does not answer: try again soon"


def build_app(title: str, settings: Settings, *, ready: Check | None = None, **options: Any) -> FastAPI:
    """A FastAPI application with our error answers (RFC 9457 problem documents), ``/health``, ``/ready``, ``/metrics``.

    ``title`` ends in the service's name. ``ready`` raises when the service cannot work now; a ``Readiness`` also
    answers ``/standing``.
    """
    app = FastAPI(title=title, version="1", **options)
    app.state.settings = settings
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Unreadable, _unreadable)
    app.add_exception_handler(CalendarHorizon, _unreadable)
    app.add_exception_handler(Transient, _transient)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)

    @app.get("/health", tags=["operations"])
    async def health() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/ready", tags=["operations"])
    async def readiness() -> JSONResponse:
        """The service can work: its database answers, and has the tables that this code expects."""
        try:
            if ready is not None:
                await ready()
        except Exception as error:  # noqa: BLE001 - whatever keeps it from working, the answer is not ready
            log.warning("not_ready", reason=repr(error))
            detail = str(error) if isinstance(error, RelanceError) else _AWAY
            return problem(503, "not_ready", detail)
        return JSONResponse({"status": "ready"})

    if isinstance(ready, Readiness):
        clock = settings.clock()
        app.state.readiness = ready

        @app.get("/standing", tags=["operations"], dependencies=[Keyed, ForEverySchool])
        async def standing() -> dict[str, Any]:
            """What waits in this service and since when, and which workers live, each with its lag."""
            return (await ready.standing(clock.now())).as_json()

    app.add_middleware(Watching, service=service_of(app), settings=settings)
    describe(app, service_of(app))
    return app


def problem(status: int, code: str, detail: str, **more: Any) -> JSONResponse:
    """An RFC 9457 problem document."""
    return JSONResponse(
        {"type": "about:blank", "title": code, "status": status, "detail": detail, **more},
        status_code=status,
        media_type="application/problem+json",
    )


async def require_key(
    request: Request,
    x_relance_key: Annotated[str | None, Security(_HEADER)] = None,
) -> Caller:
    """A dependency: lets in whoever shows a key that may do this here, at the schools it names.

    Raises:
        Refused: 401 without a key that is known here; 403 when it may not do this, or not at that school.
    """
    caller = await _caller(request, x_relance_key or "")
    service, need = service_of(request.app), need_of(request)
    if not caller.may(service, need):
        raise Refused(
            f"we could not do this because the key of {caller.name} may not {need} at {service}: "
            f"ask the operator for one with the scope {service}:{need} (relance keys add)",
            status=403,
            code="forbidden",
        )
    for school in _schools_named(request):
        if not caller.knows(school):
            raise forbidden(school)
    request.state.caller = caller
    return caller


async def require_every_school(caller: Annotated[Caller, Depends(require_key)]) -> None:
    """A dependency, for what belongs to the installation and to no school.

    Raises:
        Refused: 403.
    """
    if caller.schools is not None:
        raise Refused(
            "we could not do this because it concerns every school and your key is for some: "
            "ask the operator for a key without --school",
            status=403,
            code="forbidden",
        )


Keyed = Depends(require_key)
"""``dependencies=[Keyed]`` on a router."""

ForEverySchool = Security(require_every_school, scopes=[EVERY_SCHOOL])
"""``dependencies=[Keyed, ForEverySchool]``: no key of a single school."""

READS: Final[dict[str, Any]] = {"x-relance-need": "read"}
"""``openapi_extra=READS`` on a POST that changes nothing: a key that may read may ask it."""


def service_of(app: FastAPI) -> str:
    """The service whose door this is, as scopes name it."""
    return app.title.rsplit(" ", 1)[-1].lower()


def need_of(request: Request) -> Need:
    """What the route asks of a key: reading for GET and for what says so, writing for the rest."""
    extra = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    told: Need = extra.get("x-relance-need", "read" if request.method in {"GET", "HEAD"} else "write")
    return told


def opened_for(request: Request) -> Transactions:
    """The transactions of whoever asks: inside the fence of the key's schools."""
    opened: Transactions = request.app.state.transactions
    caller: Caller | None = getattr(request.state, "caller", None)
    return opened if caller is None or caller.schools is None else opened.within(caller.schools)


async def _caller(request: Request, shown: str) -> Caller:
    settings: Settings = request.app.state.settings
    for key in settings.known_keys():
        if hmac.compare_digest(key.encode(), shown.encode()):
            return OPERATOR
    keyring: Keyring | None = getattr(request.app.state, "keyring", None)
    caller = None if keyring is None else await caller_with(keyring, shown)
    if caller is None:
        raise Refused(
            "we could not let you in because the X-Relance-Key header names no key of this installation: "
            "ask the operator for one (relance keys add)",
            status=401,
            code="unauthorized",
        )
    return caller


def _schools_named(request: Request) -> set[str]:
    named = {request.path_params.get("school_id")}
    for word in ("school", "school_id"):
        named.update(request.query_params.getlist(word))
    return {school for school in named if school}


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)  # noqa: S101 - the handler is registered for this class alone
    return problem(error.status, error.code, str(error))


async def _unreadable(_: Request, error: Exception) -> JSONResponse:
    return problem(422, "unreadable", str(error))


async def _transient(_: Request, error: Exception) -> JSONResponse:
    return problem(503, "try_again", str(error))


async def _http(_: Request, error: Exception) -> JSONResponse:
    """What the framework itself refuses: a body that is no JSON or no UTF-8, a path or method that is not there."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    code, why = _BY_HTTP.get(error.status_code, ("bad_request", "of how it was sent"))
    answer = problem(
        error.status_code,
        code,
        f"we could not answer because {why}: correct the request and send it again (/openapi.json says how)",
    )
    answer.headers.update(error.headers or {})
    return answer


_BY_HTTP: Final = {
    400: ("bad_request", "the body cannot be read"),
    404: ("not_found", "nothing is at this address"),
    405: ("method_not_allowed", "this address takes another method"),
}


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    wrong = [
        {"field": ".".join(str(part) for part in item["loc"]), "problem": item["msg"]}
        for item in error.errors()
    ]
    fields = ", ".join(item["field"] for item in wrong)
    return problem(
        422,
        "invalid",
        f"we could not read the request because of {fields}: correct and send again",
        errors=wrong,
    )
