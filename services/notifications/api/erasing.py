"""The door of erasing: whoever may act for the school says whom, and every service hears of it."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.notifications import erasing, upkeep
from services.notifications.api.doors import Opened
from services.notifications.api.shapes import Id, PathId
from shared import erasing as shared_erasing
from shared.events.notifications import LearnerErased
from shared.web import Keyed


class EraseIn(BaseModel):
    """Whom, and who asks for it."""

    school_id: Id
    by: str = Field(min_length=1, max_length=100, description="Who does it: a person's id, ``operator``")


class EraseOut(BaseModel):
    """It is told: each service erases its own, now or when it is back."""

    school_id: str
    learner_id: str
    told: bool = Field(description="``False`` when it was told before; it holds all the same")


def build_router() -> APIRouter:
    """The door of erasing, behind an API key."""
    router = APIRouter(dependencies=[Keyed], tags=["erasing"])
    router.post("/learners/{learner_id}/erase", status_code=202)(erase_learner)
    router.include_router(shared_erasing.build_router(upkeep.holds))
    return router


async def erase_learner(learner_id: PathId, body: EraseIn, opened: Opened) -> EraseOut:
    """Make everything personal about a learner unreadable, here at once and in every service. There is no way back."""
    async with opened() as unit:
        known = await shared_erasing.erasure_of(unit, body.school_id, learner_id)
        fact = LearnerErased(
            school_id=body.school_id, occurred_at=unit.now, learner_id=learner_id, by=body.by
        )
        await erasing.on_learner_erased(fact, unit)
        unit.say(fact)
    return EraseOut(school_id=body.school_id, learner_id=learner_id, told=known is None)
