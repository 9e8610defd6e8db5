"""What an act would do, before anybody does it: the same rules on the same case, and nothing is kept.

The office sees the state that would follow, the mails that would be asked for with their contents, and what would
be asked of the other services. What the rules forbid is refused here as it is there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date, datetime
from typing import Any, Final, TypeVar

from fastapi import APIRouter
from pydantic import BaseModel, Field, ValidationError

from services.dunning.api import staff
from services.dunning.api.common import CaseId, Done, MoneyIn, Opened, about, the_case_or_month
from services.dunning.api.shapes import plain
from services.dunning.domain.case import Case
from services.dunning.handlers import HEARS
from services.dunning.store import DunningUnit
from shared.errors import NotFound, Unreadable
from shared.events import payments
from shared.web import READS, Keyed

B = TypeVar("B", bound=BaseModel)


class ReceiptIn(BaseModel):
    """Money that came by the temporary method."""

    amount: MoneyIn
    reference: str = Field(default="", max_length=100)
    receipt_id: str = Field(default="rehearsal", max_length=64)


class SaidOut(BaseModel):
    """A fact that would be said: now, or planned for ``at``."""

    type: str
    at: datetime
    is_planned: bool
    fact: dict[str, Any]


class RehearsalOut(BaseModel):
    """What would come of it."""

    case_id: str
    period: date
    before: str = Field(description="The case's state now")
    after: str
    next_before: datetime | None
    next_after: datetime | None
    said: list[SaidOut]


ACTS: Final[dict[str, tuple[type[BaseModel], Callable[..., Awaitable[Done]]]]] = {
    "guidance": (staff.GuidanceIn, staff.send_guidance),
    "resume-date": (staff.ResumeDateIn, staff.announce_resume_date),
    "accept-difference": (staff.Act, staff.accept_difference),
    "settle-flag": (staff.FlagIn, staff.settle_flag),
    "close": (staff.Act, staff.close_case),
    "extend": (staff.DeadlineIn, staff.extend_deadline),
    "grant-access": (staff.Act, staff.grant_access),
    "attempt": (staff.Act, staff.attempt_now),
    "resolve": (staff.ReversalIn, staff.resolve_reversal),
    "adopt": (staff.AdoptionIn, staff.adopt_registration),
    "restore-credits": (staff.Act, staff.restore_credits),
}


def build_router() -> APIRouter:
    """Rehearsals, behind an API key."""
    router = APIRouter(dependencies=[Keyed], tags=["staff"])
    router.post("/cases/{case_id}/rehearsals/{act}", openapi_extra=READS)(rehearse)
    return router


async def rehearse(case_id: CaseId, act: str, body: dict[str, Any], opened: Opened) -> RehearsalOut:
    """What the act would do; ``body`` is what the act itself takes, ``receipt`` takes an amount."""
    if act != "receipt" and act not in ACTS:
        raise NotFound(
            f"we could not rehearse {act} because there is no such act: {', '.join(ACTS)}, receipt"
        )
    async with opened.looking() as unit:
        case = await the_case_or_month(unit, case_id)
        if act == "receipt":
            unit.say(_receipt(case, _read(ReceiptIn, body), unit.now))
        else:
            kind, do = ACTS[act]
            await do(case_id, _read(kind, body), _Same(unit))
        asked = unit.said
        for planned in asked:
            await HEARS[type(planned.envelope.fact)](planned.envelope.fact, unit)
        changed = await unit.case(case_id) or case
        said = unit.said[len(asked) :]
    return RehearsalOut(
        case_id=case_id,
        period=case.period,
        before=case.state.value,
        after=changed.state.value,
        next_before=case.next_at,
        next_after=changed.next_at,
        said=[
            SaidOut(
                type=one.envelope.type,
                at=one.tell_at,
                is_planned=one.tell_at > unit.now or one.envelope.fact.PLAN,
                fact=plain(one.envelope.fact) or {},
            )
            for one in said
        ],
    )


def _read(kind: type[B], body: dict[str, Any]) -> B:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        wrong = ", ".join(".".join(str(part) for part in one["loc"]) for one in error.errors())
        raise Unreadable(f"we could not rehearse it because of {wrong}: correct and send again") from error


def _receipt(case: Case, body: ReceiptIn, now: datetime) -> payments.TemporaryPaymentReceived:
    known = {name: value for name, value in about(case, now).items() if name != "case_id"}
    return payments.TemporaryPaymentReceived(
        **known,
        receipt_id=body.receipt_id,
        amount=body.amount.to_money(),
        reference=body.reference,
        recorded_by="rehearsal",
    )


class _Same:
    """Opens the unit that is at hand, so that an act's own rules run on it and nothing is written."""

    def __init__(self, unit: DunningUnit) -> None:
        self._unit = unit

    def __call__(self) -> AbstractAsyncContextManager[DunningUnit]:
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[DunningUnit]:
        yield self._unit
