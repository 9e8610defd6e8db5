"""What the routes of payments share: who they work with, and how a subscription is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from services.payments.domain.state import Subscription
from services.payments.gateways.gateway import Gateway
from services.payments.inbox import Inbox
from services.payments.ingress import Door
from services.payments.store import PaymentsUnit
from shared.errors import NotFound, Refused
from shared.events import words
from shared.transactions import Transactions
from shared.web import opened_for

PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What an application was built with."""

    gateways: Mapping[words.Gateway, Gateway]
    door: Door | None
    public_url: str

    def gateway(self, name: words.Gateway) -> Gateway:
        """The gateway of that name.

        Raises:
            Refused: it is not set up.
        """
        found = self.gateways.get(name)
        if found is None:
            raise Refused(
                f"we could not ask {name} because it is not set up here: give its keys to payments",
                code="gateway_not_set_up",
            )
        return found


def _state(request: Request) -> State:
    state: State = request.app.state.payments
    return state


def _inbox(request: Request) -> Inbox | None:
    return getattr(request.app.state, "inbox", None)


Opened = Annotated[Transactions, Depends(opened_for)]
Built = Annotated[State, Depends(_state)]
LetterBox = Annotated[Inbox | None, Depends(_inbox)]


async def subscription_of(unit: PaymentsUnit, subscription_id: str) -> Subscription:
    """A registered subscription.

    Raises:
        NotFound: 404.
    """
    found = await unit.subscription(subscription_id)
    if found is None:
        raise NotFound(f"we could not find subscription {subscription_id}: register it with PUT first")
    return found
