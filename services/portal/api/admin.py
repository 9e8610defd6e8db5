"""What the school sets for its learners' pages, behind an API key: offers, and the secret of its hand-overs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field, StringConstraints

from services.portal.api.common import built
from services.portal.domain.doors import Offer
from services.portal.hand_over import hand_over_secret
from services.portal.store import OFFERS
from shared.web import Keyed

Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class OfferIn(BaseModel):
    """What a learner can sign up for."""

    titles: dict[str, Text] = Field(description="By language: fr, ja, en")
    amount_minor: int = Field(ge=1, le=10**12)
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    path_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")] | None = None
    plans: dict[Literal["stripe", "paypal"], Text] = Field(
        min_length=1, description="The price's or plan's own name at each gateway that may take it"
    )


class OfferOut(OfferIn):
    offer_id: str


class HandOverOut(BaseModel):
    """How the school's platform sends a learner over."""

    secret: str
    address: str
    signed: str = Field(description="What is signed with HMAC-SHA256 of the secret, as hexadecimal digits")
    seconds: int


def build_router() -> APIRouter:
    """For machines."""
    router = APIRouter(prefix="/api", dependencies=[Keyed], tags=["school"])
    router.put("/schools/{school_id}/offers/{offer_id}")(put_offer)
    router.get("/schools/{school_id}/offers")(list_offers)
    router.get("/schools/{school_id}/hand-over")(read_hand_over)
    return router


async def put_offer(school_id: Id, offer_id: Id, body: OfferIn, request: Request) -> OfferOut:
    """Offer something, or change it; the price is what the sign-up page shows and charges."""
    offer = Offer(
        school_id=school_id,
        offer_id=offer_id,
        titles=body.titles,
        amount_minor=body.amount_minor,
        currency=body.currency,
        path_id=body.path_id,
        plans={str(gateway): plan for gateway, plan in body.plans.items()},
    )
    async with built(request).opened() as unit:
        await unit.get(OFFERS, offer.key)
        unit.keep(offer)
    return OfferOut(offer_id=offer_id, **body.model_dump())


async def list_offers(school_id: Id, request: Request) -> list[OfferOut]:
    """What a school offers."""
    async with built(request).opened.looking() as unit:
        offers = await unit.offers(school_id)
    return [
        OfferOut.model_validate(
            {
                "offer_id": one.offer_id,
                "titles": one.titles,
                "amount_minor": one.amount_minor,
                "currency": one.currency,
                "path_id": one.path_id,
                "plans": one.plans,
            }
        )
        for one in offers
    ]


async def read_hand_over(school_id: Id, request: Request) -> HandOverOut:
    """The school's secret and how it is used (docs/reference/portal.md)."""
    settings = built(request).settings
    return HandOverOut(
        secret=hand_over_secret(settings.master, school_id),
        address=f"{settings.portal_url.rstrip('/')}/hand-over",
        signed="school=..&learner=..&at=<unix seconds>&number=<never twice>&to=<path>",
        seconds=120,
    )
