"""What happens at a gateway without our asking, and what the bank will say when we ask."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ops.stories.model.acts.common import Entry, OfSubscription
from ops.stories.model.base import Listed, OnDay, Sum, Text, When
from ops.stories.model.setup import Answer, Answers


class _AtGateway(Entry, OfSubscription):
    event: Text | None = Field(default=None, description="The gateway's id of the event; its own when absent")
    arrives: Annotated[tuple[When | Literal["never"], ...], Listed] | None = Field(
        default=None,
        description="When the news reaches us: an instant, several (delivered more than once), or never; at once "
        "when absent",
    )
    gateway_subscription: Text | None = Field(
        default=None, description="Another subscription at the gateway than the registered one"
    )


class Attempt(_AtGateway):
    """The gateway tried to take money. ``at`` is the gateway's own time."""

    attempt: Literal["failed", "succeeded", "pending"]
    reason: Text = Field(
        default="insufficient_funds", description="Why it failed: a class or a code of the gateway's own"
    )
    amount: Sum | None = Field(default=None, description="The subscription's price when absent")
    amount_text: Text | None = Field(default=None, description="The amount exactly as the gateway writes it")
    transaction: Text | None = Field(
        default=None,
        description="The gateway's id of it; when absent a new one, except for the outcome of the last "
        "pending attempt",
    )
    period: OnDay | None = Field(default=None, description="The period the gateway says it is for")
    first: bool = Field(default=False, description="The very first payment of the subscription")
    next_attempt: When | None = Field(default=None, description="When the gateway says that it tries again")
    next_billing: When | None = Field(default=None, description="The gateway's own next charge")
    network_code: Text | None = None
    advice_code: Text | None = None
    card: Text | None = None


class AtGateway(_AtGateway):
    """The subscription stands differently at the gateway."""

    at_gateway: Literal["cancelled", "suspended", "activated"]
    by: Literal["gateway", "learner", "school", "unknown"] | None = Field(
        default=None, description="Who cancelled it; the gateway when absent"
    )
    failed_payments: int = Field(default=0, ge=0, description="Consecutive failures that the gateway counts")
    outstanding: Sum | None = None
    amount: Sum | None = None
    next_billing: When | None = None


class MoneyBack(_AtGateway):
    """Money went back (R-X4)."""

    money_back: Literal["refund", "chargeback", "reversal"]
    id: Text | None = None
    transaction: Text | None = Field(default=None, description="The last successful one when absent")
    amount: Sum | None = Field(default=None, description="The subscription's price when absent")


class Challenge(_AtGateway):
    """The payer's bank asks for a proof (3-D Secure), and what comes of it."""

    challenge: Literal["started", "passed", "failed"]
    id: Text | None = Field(default=None, description="The last one started when absent")


class Bank(Entry, OfSubscription):
    """From now on our own charges are answered so."""

    bank: Answers
    otherwise: Answer | None = None
    next: bool = Field(default=False, description="Ahead of what was scripted before instead of after it")
