"""Hooks over HTTP: a school's endpoints, their secrets, and each delivery with what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request
from pydantic import BaseModel, Field, StringConstraints

from services.hooks import acts
from services.hooks.domain import Delivery, Endpoint, State, secret_of
from shared.settings import Settings
from shared.transactions import Transactions
from shared.web import Check, Keyed, build_app, opened_for

SchoolId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
EndpointId = Annotated[str, Path(pattern=r"^ep_[0-9a-f]{16}$")]
FactId = Annotated[str, Path(pattern=r"^[0-9a-f\-]{36}$")]
Opened = Annotated[Transactions, Depends(opened_for)]
TypeName = Annotated[str, StringConstraints(pattern=r"^[a-z]+\.[A-Za-z]+$", max_length=100)]


class EndpointIn(BaseModel):
    """Where facts are to go, and which."""

    url: Annotated[str, StringConstraints(min_length=9, max_length=500)] = Field(
        description="https, a public host", examples=["https://hooks.ecole.example/relance"]
    )
    types: list[TypeName] = Field(
        min_length=1, max_length=200, description="Facts by name", examples=[["dunning.CaseRecovered"]]
    )


class EndpointOut(BaseModel):
    endpoint_id: str
    school_id: str
    url: str
    types: list[str]
    made_at: datetime
    state: str = Field(description="open, failing (nothing was taken lately) or disabled")
    failing_since: datetime | None
    disabled_at: datetime | None
    rotated_until: datetime | None = Field(description="Until then the secret before is valid too")


class SecretOut(EndpointOut):
    """The endpoint with its secret, which is shown now and with each rotation."""

    secret: str = Field(description="Standard Webhooks: whsec_ and base64")


class RotationIn(BaseModel):
    overlap_hours: int = Field(default=24, ge=0, le=720, description="How long both secrets are valid")


class DeliveryOut(BaseModel):
    fact_id: str = Field(description="The webhook-id, the same at every try")
    fact_type: str
    state: State
    tries: int
    made_at: datetime
    next_at: datetime | None
    last_tried_at: datetime | None
    last_status: int | None
    last_error: str
    ended_at: datetime | None


class SentOut(BaseModel):
    sent: int = Field(description="How many deliveries are being tried now")


def build_api(
    settings: Settings,
    *,
    master: bytes,
    transactions: Transactions | None = None,
    ready: Check | None = None,
    lifespan: Any = None,
) -> FastAPI:
    """The API; ``transactions`` may come later as ``app.state.transactions`` (with the lifespan)."""
    app = build_app("Relance hooks", settings, ready=ready, lifespan=lifespan)
    app.state.transactions = transactions
    app.state.hooks_master = master
    app.include_router(build_router())
    return app


def build_router() -> APIRouter:
    """Every route, behind an API key."""
    router = APIRouter(prefix="/schools/{school_id}/endpoints", dependencies=[Keyed], tags=["webhooks"])
    router.post("", status_code=201)(add_endpoint)
    router.get("")(list_endpoints)
    router.delete("/{endpoint_id}", status_code=204)(remove_endpoint)
    router.post("/{endpoint_id}/secret")(rotate_secret)
    router.post("/{endpoint_id}/enabling")(enable_endpoint)
    router.get("/{endpoint_id}/deliveries")(list_deliveries)
    router.post("/{endpoint_id}/deliveries/{fact_id}/resend", status_code=202)(resend_one)
    router.post("/{endpoint_id}/resend", status_code=202)(resend_given_up)
    return router


async def add_endpoint(school_id: SchoolId, body: EndpointIn, request: Request, opened: Opened) -> SecretOut:
    """Register an address for chosen facts; it gets what is said from now on."""
    is_test = request.app.state.settings.mode == "test"
    async with opened() as unit:
        endpoint = await acts.register(unit, school_id, body.url, tuple(body.types), is_test=is_test)
    return _with_secret(endpoint, request)


async def list_endpoints(school_id: SchoolId, opened: Opened) -> list[EndpointOut]:
    """The school's endpoints."""
    async with opened.looking() as unit:
        found = await unit.endpoints_of(school_id)
    return [_shown(one) for one in found if one.removed_at is None]


async def remove_endpoint(school_id: SchoolId, endpoint_id: EndpointId, opened: Opened) -> None:
    """It gets nothing more."""
    async with opened() as unit:
        await acts.remove(unit, await acts.the_endpoint(unit, school_id, endpoint_id))


async def rotate_secret(
    school_id: SchoolId, endpoint_id: EndpointId, body: RotationIn, request: Request, opened: Opened
) -> SecretOut:
    """Another secret; during the overlap every message is signed with both."""
    async with opened() as unit:
        endpoint = await acts.the_endpoint(unit, school_id, endpoint_id)
        rotated = await acts.rotate(unit, endpoint, timedelta(hours=body.overlap_hours))
    return _with_secret(rotated, request)


async def enable_endpoint(school_id: SchoolId, endpoint_id: EndpointId, opened: Opened) -> EndpointOut:
    """Let a disabled endpoint get facts again; resend brings what it missed."""
    async with opened() as unit:
        endpoint = await acts.the_endpoint(unit, school_id, endpoint_id)
        return _shown(await acts.enable(unit, endpoint))


async def list_deliveries(
    school_id: SchoolId,
    endpoint_id: EndpointId,
    opened: Opened,
    state: State | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[DeliveryOut]:
    """What was sent, waits or was given up, the newest first; for thirty days after it ended."""
    async with opened.looking() as unit:
        endpoint = await acts.the_endpoint(unit, school_id, endpoint_id)
        found = await unit.deliveries_of(endpoint.endpoint_id)
    wanted = [one for one in found if state is None or one.state is state]
    wanted.sort(key=lambda one: (one.made_at, one.fact_id), reverse=True)
    return [_line(one) for one in wanted[:limit]]


async def resend_one(
    school_id: SchoolId, endpoint_id: EndpointId, fact_id: FactId, opened: Opened
) -> SentOut:
    """Send a delivery once more under its own id, whatever became of it."""
    async with opened() as unit:
        endpoint = await acts.the_endpoint(unit, school_id, endpoint_id)
        return SentOut(sent=len(await acts.resend(unit, endpoint, fact_id)))


async def resend_given_up(school_id: SchoolId, endpoint_id: EndpointId, opened: Opened) -> SentOut:
    """Send everything that was given up once more."""
    async with opened() as unit:
        endpoint = await acts.the_endpoint(unit, school_id, endpoint_id)
        return SentOut(sent=len(await acts.resend(unit, endpoint, None)))


def _shown(one: Endpoint) -> EndpointOut:
    return EndpointOut(
        endpoint_id=one.endpoint_id,
        school_id=one.school_id,
        url=one.url,
        types=list(one.types),
        made_at=one.made_at,
        state="disabled" if one.disabled_at else "failing" if one.failing_since else "open",
        failing_since=one.failing_since,
        disabled_at=one.disabled_at,
        rotated_until=one.rotated_until,
    )


def _with_secret(one: Endpoint, request: Request) -> SecretOut:
    secret = secret_of(request.app.state.hooks_master, one.endpoint_id, one.generation)
    return SecretOut(**_shown(one).model_dump(), secret=secret)


def _line(one: Delivery) -> DeliveryOut:
    return DeliveryOut(
        fact_id=one.fact_id,
        fact_type=one.fact_type,
        state=one.state,
        tries=one.tries,
        made_at=one.made_at,
        next_at=one.next_at,
        last_tried_at=one.last_tried_at,
        last_status=one.last_status,
        last_error=one.last_error,
        ended_at=one.ended_at,
    )
