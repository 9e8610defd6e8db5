"""What a school's facts were set aside for, over every service: read, fixed, retried, discarded; for the desk's page.

Only what names the school is shown and touched: a message that names none may hold anybody's, and stays with
``relance topics parked`` (docs/decisions/0062).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from pydantic import BaseModel, Field, StringConstraints

from ops.stack.children import app_of
from ops.stack.plan import SERVICES
from shared.clock import Clock
from shared.errors import NotFound, Refused, Unreadable
from shared.events.wire import from_bytes
from shared.parking import Parking, SetAside
from shared.shelf import Store
from shared.web import Keyed

SchoolId = Annotated[str, InPath(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
ServiceName = Literal["payments", "dunning", "access", "credits", "notifications", "portal", "desk", "hooks"]
ParkedId = Annotated[
    str, Query(pattern=r"^[a-z.]{1,60}/\d{1,10}/\d{1,19}$", description="TOPIC/PARTITION/OFFSET"),
]  # fmt: skip
StoreOf = Callable[[str], Store]
MOST: Final = 500


class ParkedOut(BaseModel):
    """A message that nobody could act upon."""

    service: str
    parked_id: str
    type: str = Field(description="The fact's name, as far as it can be read")
    reason: str
    parked_at: datetime
    settled_at: datetime | None
    how: str | None
    is_fixed: bool
    seen: int = Field(
        description="How many acts there were: shown again with an act, so that nobody is overtaken"
    )


class ParkedActOut(BaseModel):
    """What somebody did about it."""

    what: str
    by: str
    at: datetime
    because: str


class ParkedMessageOut(ParkedOut):
    """One message with its bodies and its story."""

    original: str
    fixed: str | None
    problem: str = Field(description="Why a retry would fail as things stand; empty when it would be heard")
    acts: list[ParkedActOut]


class ParkedActIn(BaseModel):
    """An act of a person on one message."""

    parked_id: Annotated[str, StringConstraints(pattern=r"^[a-z.]{1,60}/\d{1,10}/\d{1,19}$")]
    by: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    because: Annotated[str, StringConstraints(max_length=500)] = ""
    act_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{8,64}$")] = Field(
        description="The same act sent again is the same act", examples=["a3f09c1d77"]
    )
    seen: int = Field(ge=0, description="How many acts the person had seen")


class FixIn(ParkedActIn):
    """The same with the corrected body."""

    body: Annotated[str, StringConstraints(max_length=1_000_000)] = Field(description="The message as JSON")


def build_router() -> APIRouter:
    """Everything about what was set aside, behind the operator's key."""
    router = APIRouter(prefix="/schools/{school_id}/parked", dependencies=[Keyed], tags=["parked"])
    router.get("")(list_parked)
    router.get("/{service}")(read_parked)
    router.post("/{service}/fix")(fix_parked)
    router.post("/{service}/retry")(retry_parked)
    router.post("/{service}/discard")(discard_parked)
    return router


async def list_parked(school_id: SchoolId, request: Request, settled: bool = False) -> list[ParkedOut]:
    """The school's messages that were set aside in any service, the oldest first; or those that were settled."""
    found = []
    for service in SERVICES:
        room = _room(request, service)
        found += [
            _line(service, one) for one in await room.listed(settled=settled, limit=MOST, school=school_id)
        ]
    return sorted(found, key=lambda one: (one.parked_at, one.service, one.parked_id))[:MOST]


async def read_parked(
    school_id: SchoolId, service: ServiceName, parked_id: ParkedId, request: Request
) -> ParkedMessageOut:
    """One message: why it was set aside, its body, what was done about it, and whether a retry would help."""
    return await _shown(_room(request, service), service, school_id, parked_id)


async def fix_parked(
    school_id: SchoolId, service: ServiceName, body: FixIn, request: Request
) -> ParkedMessageOut:
    """Put a corrected body in its place; it must be a fact of the same school that this service hears."""
    room = _room(request, service)
    await _its(room, school_id, body.parked_id)
    value = body.body.encode()
    try:
        told = from_bytes(value).fact.school_id
    except Unreadable as error:
        raise Refused(
            f"we could not accept this body because {error}", status=422, code="unreadable"
        ) from error
    if told != school_id:
        raise Refused(
            f"we could not accept this body because it speaks of the school {told}: write {school_id}, or leave it to "
            "whoever runs the installation",
            status=422,
            code="other_school",
        )
    await room.fix(
        body.parked_id, value, by=body.by, because=body.because, act_id=body.act_id, seen=body.seen
    )
    return await _shown(room, service, school_id, body.parked_id)


async def retry_parked(
    school_id: SchoolId, service: ServiceName, body: ParkedActIn, request: Request
) -> ParkedMessageOut:
    """Hear it now, once in effect; what fails again stays set aside with the new reason (409)."""
    room = _room(request, service)
    await _its(room, school_id, body.parked_id)
    await room.retry(body.parked_id, by=body.by, because=body.because, act_id=body.act_id, seen=body.seen)
    return await _shown(room, service, school_id, body.parked_id)


async def discard_parked(
    school_id: SchoolId, service: ServiceName, body: ParkedActIn, request: Request
) -> ParkedMessageOut:
    """Settle it without acting upon it; body and reason are kept, and a reason must be given."""
    room = _room(request, service)
    await _its(room, school_id, body.parked_id)
    await room.discard(body.parked_id, by=body.by, because=body.because, act_id=body.act_id, seen=body.seen)
    return await _shown(room, service, school_id, body.parked_id)


def _room(request: Request, service: str) -> Parking:
    store_of: StoreOf = request.app.state.store_of
    clock: Clock = request.app.state.clock
    return Parking(app_of(service).SERVICE, store_of(service), clock)


async def _its(room: Parking, school_id: str, parked_id: str) -> SetAside:
    found, _ = await room.shown(parked_id)
    if found.school_id != school_id:
        raise NotFound(
            f"we could not find {parked_id} because nothing of that id was set aside for {school_id}: check the id"
        )
    return found


async def _shown(room: Parking, service: str, school_id: str, parked_id: str) -> ParkedMessageOut:
    await _its(room, school_id, parked_id)
    one, acts = await room.shown(parked_id)
    return ParkedMessageOut(
        **_line(service, one).model_dump(),
        original=_text(one.original),
        fixed=None if one.fixed is None else _text(one.fixed),
        problem=room.problem_of(one),
        acts=[ParkedActOut(what=act.what.value, by=act.who, at=act.at, because=act.because) for act in acts],
    )


def _line(service: str, one: SetAside) -> ParkedOut:
    return ParkedOut(
        service=service,
        parked_id=one.id,
        type=one.type,
        reason=one.reason,
        parked_at=one.parked_at,
        settled_at=one.settled_at,
        how=one.how,
        is_fixed=one.fixed is not None,
        seen=one.acts,
    )


def _text(body: bytes | None) -> str:
    return (body or b"").decode(errors="backslashreplace")
