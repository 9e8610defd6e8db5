"""What every API of Relance has in common: clear refusals, health, readiness and a key at the door."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from shared.errors import CalendarHorizon, Refused, Transient, Unreadable
from shared.logs import logger
from shared.settings import Settings

log = logger("web")

Check = Callable[[], Awaitable[None]]


def build_app(title: str, settings: Settings, *, ready: Check | None = None, **options: Any) -> FastAPI:
    """A FastAPI application with our error answers (RFC 9457 problem documents), ``/health`` and ``/ready``.

    ``ready`` raises when the service cannot work now.
    """
    app = FastAPI(title=title, version="1", **options)
    app.state.settings = settings
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Unreadable, _unreadable)
    app.add_exception_handler(CalendarHorizon, _unreadable)
    app.add_exception_handler(Transient, _transient)
    app.add_exception_handler(RequestValidationError, _invalid)

    @app.get("/health", tags=["operations"])
    async def health() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/ready", tags=["operations"])
    async def readiness() -> JSONResponse:
        """The service can work: its database answers."""
        try:
            if ready is not None:
                await ready()
        except Exception as error:  # noqa: BLE001 - whatever keeps it from working, the answer is not ready
            log.warning("not_ready", reason=repr(error))
            return problem(
                503, "not_ready", "we cannot work now because the database does not answer: try again soon"
            )
        return JSONResponse({"status": "ready"})

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
    x_relance_key: Annotated[str | None, Header(description="An API key of this installation")] = None,
) -> str:
    """A dependency: lets in whoever shows one of ``RELANCE_API_KEYS``; without any key set, nobody.

    Raises:
        Refused: 401.
    """
    settings: Settings = request.app.state.settings
    shown = (x_relance_key or "").encode()
    for key in settings.known_keys():
        if hmac.compare_digest(key.encode(), shown):
            return key[:4]
    raise Refused(
        "we could not let you in because the X-Relance-Key header names no key of this installation: "
        "ask the operator for one (RELANCE_API_KEYS)",
        status=401,
        code="unauthorized",
    )


Keyed = Depends(require_key)
"""``dependencies=[Keyed]`` on a router."""


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)  # noqa: S101 - the handler is registered for this class alone
    return problem(error.status, error.code, str(error))


async def _unreadable(_: Request, error: Exception) -> JSONResponse:
    return problem(422, "unreadable", str(error))


async def _transient(_: Request, error: Exception) -> JSONResponse:
    return problem(503, "try_again", str(error))


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
