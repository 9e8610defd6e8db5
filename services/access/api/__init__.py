"""Access over HTTP: what a learner may reach at an instant, and the paths with their last days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request

from services.access import domain
from services.access.api.shapes import (
    AccessOut,
    EnrolmentIn,
    EnrolmentLine,
    EnrolmentOut,
    Id,
    PlatformIn,
    PlatformOut,
    access_of,
    enrolment_of,
    enrolments_of,
)
from services.access.domain import Decided, Learner
from services.access.platforms.webhook import secret_of
from services.access.store import LEARNERS, AccessUnit, learner_key
from shared.errors import NotFound, Refused
from shared.openapi import sheet
from shared.settings import Settings
from shared.sheets import Report, WrongLine, read_sheet
from shared.transactions import Transactions
from shared.web import Check, Keyed, build_app, opened_for

PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]

_TOGETHER: Final = 200
"""Lines of a list that share a transaction."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def build_api(
    settings: Settings,
    *,
    master: bytes,
    transactions: Transactions | None = None,
    ready: Check | None = None,
    lifespan: Any = None,
) -> FastAPI:
    """The API of access; ``transactions`` may come later as ``app.state.transactions`` (with the lifespan)."""
    app = build_app("Relance access", settings, ready=ready, lifespan=lifespan)
    app.state.transactions = transactions
    app.state.platform_master = master
    app.include_router(build_router())
    return app


Opened = Annotated[Transactions, Depends(opened_for)]


def build_router() -> APIRouter:
    """Every route of access, behind an API key."""
    router = APIRouter(dependencies=[Keyed])
    router.get("/access/{learner_id}", tags=["access"])(read_access)
    router.put("/learners/{learner_id}/paths/{path_id}", tags=["paths"])(put_path)
    router.get("/learners/{learner_id}/paths", tags=["paths"])(list_paths)
    router.get("/schools/{school_id}/paths", tags=["paths"])(list_deadlines)
    router.post("/imports/enrolments", tags=["imports"], openapi_extra=sheet(EnrolmentLine))(
        import_enrolments
    )
    router.put("/schools/{school_id}/platform", tags=["platforms"])(put_platform)
    return router


async def read_access(
    learner_id: PathId,
    opened: Opened,
    school: Id | None = None,
    at: Annotated[str | None, Query(description="An instant with its zone; now when absent")] = None,
    subscription: Annotated[list[Id] | None, Query(description="Only these; the strictest of them")] = None,
) -> AccessOut:
    """The level at an instant, by comparing it with every announced hour: no timer needs to have run (FR-33)."""
    async with opened() as unit:
        learner = await _the_learner(unit, learner_id, school)
        instant = _instant(at) if at else unit.now
    asked = subscription or []
    for name in asked:
        if name not in learner.subscriptions:
            raise NotFound(
                f"we could not tell the access of subscription {name} because this learner has none of that id: "
                "register it (PUT /subscriptions/{id} of payments) or leave it out"
            )
    return access_of(learner, instant, asked)


async def put_path(learner_id: PathId, path_id: PathId, body: EnrolmentIn, opened: Opened) -> EnrolmentOut:
    """Enrol a learner in a path, or change its last day; sending the same again changes nothing."""
    async with opened() as unit:
        decided = await _enrol(unit, learner_id, path_id, body)
        await unit.record(decided)
    return enrolment_of(decided.learner, path_id)


async def list_paths(learner_id: PathId, opened: Opened, school: Id | None = None) -> list[EnrolmentOut]:
    """The paths of one learner."""
    async with opened() as unit:
        learner = await _the_learner(unit, learner_id, school)
    return enrolments_of(learner)


async def list_deadlines(
    school_id: PathId,
    opened: Opened,
    path: Id | None = None,
    before: Annotated[date | None, Query(description="Only deadlines up to this day, included")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> list[EnrolmentOut]:
    """Who follows which path of a school until when, nearest deadline first."""
    async with opened() as unit:
        learners = await unit.learners_of(school_id)
    found = [
        one
        for learner in learners
        for one in enrolments_of(learner)
        if (path is None or one.path_id == path)
        and (before is None or (one.re_enrolment_deadline or date.max) <= before)
    ]
    found.sort(key=lambda one: (one.re_enrolment_deadline or date.max, one.path_id, one.learner_id))
    return found[:limit]


async def import_enrolments(request: Request, opened: Opened) -> Report:
    """Many enrolments as CSV (``learner_id, path_id, school_id, ...``); each line stands alone."""
    rows = read_sheet(await request.body(), EnrolmentLine)
    report = Report()
    for start in range(0, len(rows), _TOGETHER):
        async with opened() as unit:
            part = rows[start : start + _TOGETHER]
            await unit.fetch(
                LEARNERS,
                [learner_key(row.value.school_id, row.value.learner_id) for row in part if row.value],
            )
            for row in part:
                if row.value is None:
                    report.wrong.append(WrongLine(line=row.line, problem=row.problem))
                    continue
                decided = await _enrol(unit, row.value.learner_id, row.value.path_id, row.value)
                report.taken += bool(decided.said)
                report.unchanged += not decided.said
                await unit.record(decided)
    return report


async def put_platform(school_id: PathId, body: PlatformIn, request: Request, opened: Opened) -> PlatformOut:
    """Name the address that is told of levels; answers with the secret our messages there are signed with."""
    master: bytes = request.app.state.platform_master
    if not master:
        raise Refused(
            "we could not keep the platform's address because this installation has no secret to sign with: "
            "the operator sets RELANCE_PLATFORM_MASTER",
            code="no_secret",
        )
    if body.url is not None:
        _check_address(body.url)
    async with opened() as unit:
        school = await unit.school(school_id)
        unit.keep_school(domain.School(school_id=school_id, zone=school.zone, platform_url=body.url))
    return PlatformOut(url=body.url, signing_secret=secret_of(school_id, master))


async def _enrol(unit: AccessUnit, learner_id: str, path_id: str, body: EnrolmentIn) -> Decided:
    learner = await unit.learner(body.school_id, learner_id)
    school = await unit.school(body.school_id)
    return domain.when_enrolled(
        learner,
        path_id=path_id,
        title=body.title,
        subscription_id=body.subscription_id,
        deadline=body.re_enrolment_deadline,
        zone=school.zone,
        now=unit.now,
    )


async def _the_learner(unit: AccessUnit, learner_id: str, school: str | None) -> Learner:
    found = [
        learner
        for learner in await unit.learners_called(learner_id)
        if school is None or learner.school_id == school
    ]
    if not found:
        raise NotFound(
            f"we could not tell anything of learner {learner_id} because no subscription, path or case of that id "
            "is known here: register the subscription first, or check the id and the school"
        )
    if len(found) > 1:
        raise Refused(
            f"we could not tell which learner {learner_id} is meant because several schools use that id: "
            "name one with ?school=",
            code="ambiguous",
        )
    return found[0]


def _instant(text: str) -> datetime:
    """Read an instant; a plus sign that a query string turned into a blank is taken as meant."""
    try:
        at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise _no_instant(text) from error
    if at.tzinfo is None:
        raise _no_instant(text)
    return at.astimezone(UTC)


def _no_instant(text: str) -> Refused:
    return Refused(
        f"we could not tell the access because {text!r} is no instant with a zone: write it as 2026-06-12T22:00:00Z",
        status=422,
        code="invalid",
    )


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not safe or not parts.hostname or parts.username:
        raise Refused(
            "we could not keep the platform's address because it is no https address: use https://host/path",
            status=422,
            code="invalid",
        )
