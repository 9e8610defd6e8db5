"""What every room of dunning's API shares: ids, transactions, how a case or school is found or refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints

from services.dunning.domain.account import Account, School
from services.dunning.domain.case import Case
from services.dunning.domain.turn import World
from services.dunning.store import DunningUnit
from shared.errors import NotFound, Refused
from shared.money import Money
from shared.transactions import Transactions
from shared.web import opened_for

ID = r"^[A-Za-z0-9_.\-]{1,64}$"
Id = Annotated[str, StringConstraints(pattern=ID)]
InPath = Annotated[str, Path(pattern=ID)]
CaseId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.~\-]{1,200}$")]
Note = Annotated[str, StringConstraints(max_length=1000)]
Instant = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
"""An instant with its zone, kept as UTC."""


class MoneyIn(BaseModel):
    """An amount in the currency's smallest unit: 7500 is 75.00 EUR, 12800 is 12,800 JPY."""

    amount_minor: int = Field(ge=0)
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

    def to_money(self) -> Money:
        """The exact amount."""
        return Money(self.amount_minor, self.currency)


class MoneyOut(BaseModel):
    amount_minor: int
    currency: str


def money_out(money: Money | None) -> MoneyOut | None:
    """An amount as the API shows it."""
    return None if money is None else MoneyOut(amount_minor=money.amount_minor, currency=money.currency)


class Done(BaseModel):
    """An act was taken; the worker decides on it within moments."""

    case_id: str | None = None
    act: str
    state: str | None = Field(default=None, description="The case's state before the act")


Opened = Annotated[Transactions, Depends(opened_for)]
Language = Annotated[str | None, Query(pattern="^(fr|ja|en)$", description="fr, ja or en")]


async def the_school(unit: DunningUnit, school_id: str) -> School:
    """The school.

    Raises:
        NotFound: it is not registered.
    """
    school = await unit.known_school(school_id)
    if school is None:
        raise NotFound(
            f"we could not find the school {school_id} because it is not registered: PUT /schools/{school_id} first"
        )
    return school


async def the_case(unit: DunningUnit, case_id: str) -> Case:
    """The case.

    Raises:
        NotFound: there is none of that id.
    """
    case = await unit.case(case_id)
    if case is None:
        raise NotFound(
            f"we could not find the case {case_id} because none has that id: GET /cases lists them"
        )
    return case


async def the_case_or_month(unit: DunningUnit, case_id: str) -> Case:
    """The case, or the month that has none and about which a person is asked.

    Raises:
        NotFound: there is neither.
    """
    case = await unit.case(case_id)
    asked = await unit.asked(case_id) if case is None else None
    return asked if asked is not None and asked.flags else await the_case(unit, case_id)


async def its_world(unit: DunningUnit, case: Case) -> World:
    """What decisions about the case look at."""
    account = await unit.account(case.subscription_id)
    if account is None:
        raise NotFound(
            f"we could not find the subscription {case.subscription_id}: register it with payments"
        )
    return await unit.world(account, case)


async def newest_open_case(unit: DunningUnit, account: Account) -> Case | None:
    """The subscription's newest open case that is no review."""
    opened = [case for case in await unit.open_cases(account) if case.kind == "renewal"]
    return opened[-1] if opened else None


def refuse(act: str, why: str | None, *, code: str = "not_allowed") -> None:
    """Refuse ``act`` when the rules say why not.

    Raises:
        Refused: 409 with the reason.
    """
    if why is not None:
        raise Refused(f"we could not {act} because {why}", status=409, code=code)


def about(case: Case, at: datetime) -> dict[str, Any]:
    """The fields that every fact about a case carries."""
    return {
        "school_id": case.school_id,
        "occurred_at": at,
        "subscription_id": case.subscription_id,
        "learner_id": case.learner_id,
        "case_id": case.case_id,
        "period": case.period,
    }
