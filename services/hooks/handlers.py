"""What hooks does when it hears a fact: whoever chose it gets it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from services.hooks import domain
from services.hooks.domain import Delivery, Endpoint
from shared.events import SPEAKERS, Envelope, Fact
from shared.service import Hears


class Unit(Protocol):
    """What the handlers need of the transaction they work in (store.py gives it)."""

    now: datetime
    cause: Envelope | None

    async def endpoints_of(self, school_id: str) -> Sequence[Endpoint]: ...

    async def deliver(self, delivery: Delivery) -> None: ...


async def on_fact(fact: Fact, unit: Unit) -> None:
    """Whatever it is: ask for one delivery per endpoint that wants it."""
    endpoints = await unit.endpoints_of(fact.school_id)
    envelope = unit.cause
    if not endpoints or envelope is None:
        return
    for delivery in domain.when_said(endpoints, envelope, body_of(envelope), unit.now):
        await unit.deliver(delivery)


def body_of(envelope: Envelope) -> str:
    """The text of the webhook, as Standard Webhooks asks: its type, when it happened, and the fact."""
    body: dict[str, Any] = {
        "type": envelope.type,
        "timestamp": envelope.fact.occurred_at,
        "id": envelope.id,
        "cause": envelope.cause,
        "recorded_at": envelope.recorded_at,
        "data": envelope.fact,
    }
    return msgspec.json.encode(body).decode()


HEARS: Final[Hears] = {
    kind: on_fact
    for speaker, says in SPEAKERS.items()
    for kind in says
    if speaker != "hooks" and not kind.PLAN
}
"""Every fact but plans, which are what a service says to itself, and hooks' own."""
