"""Erasing a person in one service: what it holds, that it was erased, and how whoever asks is told.

``notifications`` says ``LearnerErased``; each service that holds anything hears it, erases its own and keeps an
``Erasure``. A service that is down erases when it is back; a second time changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel

from shared.keys import subject_of
from shared.shelf import Table
from shared.transactions import Transactions
from shared.web import Keyed, opened_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A learner was erased here; ``gone`` counts what went, by kind."""

    school_id: str
    learner_id: str
    asked_at: datetime
    done_at: datetime
    gone: dict[str, int] = field(default_factory=dict)


ERASURES: Final = Table(
    name="erasures",
    kind=Erasure,
    key=lambda row: subject_of(row.school_id, row.learner_id),
    columns={"school_id": ("text", lambda row: row.school_id)},
)
"""Every service that holds anything of a person declares this table among its own."""

Holds = Callable[[Any, str, str], Awaitable[Mapping[str, int]]]
"""``async (unit, school_id, learner_id) -> counts``: what a service holds of a learner, by kind."""


async def erasure_of(unit: Any, school_id: str, learner_id: str) -> Erasure | None:
    """The record that somebody was erased here."""
    found: Erasure | None = await unit.get(ERASURES, subject_of(school_id, learner_id))
    return found


async def record(unit: Any, fact: Any, gone: Mapping[str, int]) -> None:
    """Keep that ``fact`` (``LearnerErased``) was done here; the first time counts."""
    if await erasure_of(unit, fact.school_id, fact.learner_id) is None:
        erasure = Erasure(
            school_id=fact.school_id,
            learner_id=fact.learner_id,
            asked_at=fact.occurred_at,
            done_at=unit.now,
            gone={kind: count for kind, count in gone.items() if count},
        )
        unit.put(ERASURES, erasure)


class ErasureOut(BaseModel):
    """What a service holds of a learner now, and whether it erased them."""

    holds: dict[str, int]
    erased_at: datetime | None = None
    gone: dict[str, int] = {}


def build_router(
    holds: Holds, *, opened: Callable[[Request], Transactions] | None = None, prefix: str = ""
) -> APIRouter:
    """``GET /learners/{learner_id}/erasure``, behind an API key; ``opened`` where transactions lie elsewhere."""
    router = APIRouter(prefix=prefix, dependencies=[Keyed], tags=["erasing"])
    transactions_of = opened or opened_for

    @router.get("/learners/{learner_id}/erasure")
    async def read_erasure(
        learner_id: Annotated[str, Path(max_length=200)],
        school_id: Annotated[str, Query(max_length=200)],
        request: Request,
    ) -> ErasureOut:
        """What is held of a learner here, by kind, and when it was erased."""
        async with transactions_of(request).looking() as unit:
            erasure = await erasure_of(unit, school_id, learner_id)
            return ErasureOut(
                holds={kind: n for kind, n in (await holds(unit, school_id, learner_id)).items() if n},
                erased_at=erasure.done_at if erasure else None,
                gone=erasure.gone if erasure else {},
            )

    return router
