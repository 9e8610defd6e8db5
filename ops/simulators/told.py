"""What a story says that happened at a gateway, to be made true there exactly as told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_in_utc)]


class Told(BaseModel):
    """``at`` is the gateway's own time; the news reaches the school at each of ``arrivals``, or never."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gateway: Literal["stripe", "paypal"]
    subscription: str
    """The gateway's id. One that it does not know yet is made, for the payer of ``like``."""
    like: str | None = None
    at: Instant
    event: str | None = None
    """The id of the event that says it; the gateway's own choice when absent."""
    arrivals: tuple[Instant, ...] = ()


class AttemptTold(Told):
    """The gateway tried to take ``amount`` minor units; ``reason`` is its own code of a refusal."""

    what: Literal["attempt"]
    outcome: Literal["failed", "succeeded", "pending"]
    amount: int = Field(ge=0)
    currency: str
    amount_text: str | None = None
    transaction: str | None = None
    reason: str = ""
    first: bool = False
    period: date | None = None
    next_attempt: Instant | None = None
    next_billing: Instant | None = None
    network_code: str | None = None
    advice_code: str | None = None
    card: str | None = None
    """The fingerprint of the card that was charged."""


class StatusTold(Told):
    """The subscription stands differently; money in minor units of its currency."""

    what: Literal["status"]
    status: Literal["active", "suspended", "cancelled"]
    by: Literal["gateway", "learner", "school", "unknown"] = "unknown"
    failed_payments: int = Field(default=0, ge=0)
    outstanding: int | None = Field(default=None, ge=0)
    amount: int | None = Field(default=None, ge=0)
    next_billing: Instant | None = None


class MoneyBackTold(Told):
    """Money of ``transaction`` (the last one when absent) went back."""

    what: Literal["refund", "chargeback", "reversal"]
    id: str | None = None
    transaction: str | None = None
    amount: int = Field(gt=0)
    currency: str


class ChallengeTold(Told):
    """The bank's page: opened, passed or left."""

    what: Literal["challenge"]
    state: Literal["passed", "failed"]


Happening = Annotated[AttemptTold | StatusTold | MoneyBackTold | ChallengeTold, Field(discriminator="what")]


class CannotHappen(ValueError):
    """What a story says is impossible at this gateway; the message says why."""
