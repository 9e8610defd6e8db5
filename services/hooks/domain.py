"""What becomes of a fact that somebody wants as a webhook: who gets it, when it is tried again, when it is given up."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from shared.events import Envelope, Fact
from shared.events.hooks import DeliveryGivenUp, EndpointDisabled

PAUSES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Between one try and the next: 5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 hours; three days and some hours in all."""
DISABLED_AFTER: Final = timedelta(days=5)
"""How long an endpoint may take nothing at all before it gets nothing more."""
KEPT: Final = timedelta(days=30)
"""How long a delivery that ended can be looked at and sent once more."""


class State(StrEnum):
    """Of a delivery."""

    WAITING = "waiting"
    """It is tried now, or again at ``next_at``."""
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    """Every try failed, or its endpoint went; a person may send it once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where one school wants some facts to go."""

    endpoint_id: str
    school_id: str
    url: str
    types: tuple[str, ...]
    """Names as on the topics (``dunning.CaseRecovered``)."""
    made_at: datetime
    generation: int = 1
    """Which secret is the present one."""
    rotated_until: datetime | None = None
    """Until then messages are signed with the secret before as well."""
    failing_since: datetime | None = None
    """The first failure after the last success."""
    disabled_at: datetime | None = None
    removed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it gets anything."""
        return self.disabled_at is None and self.removed_at is None

    def generations(self, now: datetime) -> tuple[int, ...]:
        """The secrets that a message is signed with, the newest first."""
        rotating = self.rotated_until is not None and now < self.rotated_until
        return (self.generation, self.generation - 1) if rotating else (self.generation,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One fact for one endpoint."""

    endpoint_id: str
    school_id: str
    fact_id: str
    """The ``webhook-id``: the same at every try."""
    fact_type: str
    body: str
    """The exact text that is signed and sent."""
    made_at: datetime
    state: State = State.WAITING
    tries: int = 0
    asked: int = 1
    """How many errands there were for it: only the newest one is done."""
    next_at: datetime | None = None
    last_tried_at: datetime | None = None
    last_status: int | None = None
    last_error: str = ""
    ended_at: datetime | None = None

    @property
    def delivery_id(self) -> str:
        """Endpoint and fact: one of each."""
        return f"{self.endpoint_id}/{self.fact_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What an errand is about. ``number`` is the delivery's ``asked``: an older errand has nothing to do any more."""

    endpoint_id: str
    fact_id: str
    number: int

    @property
    def delivery_id(self) -> str:
        """See ``Delivery``."""
        return f"{self.endpoint_id}/{self.fact_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a try came to. ``at`` is aware UTC; no ``status``: nobody answered."""

    at: datetime
    status: int | None
    error: str = ""

    @property
    def is_taken(self) -> bool:
        """Answered 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What is to be recorded of a try."""

    endpoint: Endpoint
    delivery: Delivery
    said: tuple[Fact, ...] = ()


def secret_of(master: bytes, endpoint_id: str, generation: int) -> str:
    """A receiver's secret, as Standard Webhooks writes it; derived, so that none is stored."""
    key = hmac.new(master, f"webhook {endpoint_id} {generation}".encode(), sha256).digest()
    return "whsec_" + base64.b64encode(key).decode()


def when_said(endpoints: Iterable[Endpoint], envelope: Envelope, body: str, now: datetime) -> list[Delivery]:
    """A delivery for each open endpoint of the fact's school that chose facts of its type."""
    return [
        Delivery(
            endpoint_id=endpoint.endpoint_id,
            school_id=endpoint.school_id,
            fact_id=envelope.id,
            fact_type=envelope.type,
            body=body,
            made_at=now,
            next_at=now,
        )
        for endpoint in endpoints
        if endpoint.is_open and envelope.type in endpoint.types
    ]


def when_tried(endpoint: Endpoint, delivery: Delivery, outcome: Outcome) -> Tried:
    """Delivered, to be tried again after a longer pause, or given up; an endpoint silent for days is disabled."""
    tried = replace(
        delivery,
        tries=delivery.tries + 1,
        last_tried_at=outcome.at,
        last_status=outcome.status,
        last_error=outcome.error,
    )
    if outcome.is_taken:
        done = replace(tried, state=State.DELIVERED, next_at=None, ended_at=outcome.at)
        return Tried(endpoint=replace(endpoint, failing_since=None), delivery=done)
    failing = replace(endpoint, failing_since=endpoint.failing_since or outcome.at)
    about = {"school_id": endpoint.school_id, "occurred_at": outcome.at, "endpoint_id": endpoint.endpoint_id}
    because = outcome.error or f"it answered {outcome.status}"
    said: list[Fact] = []
    since = failing.failing_since
    if failing.is_open and since is not None and outcome.at - since >= DISABLED_AFTER:
        failing = replace(failing, disabled_at=outcome.at)
        said.append(EndpointDisabled(**about, because=because, failing_since=since))  # type: ignore[arg-type]  # about is of mixed values
    if tried.tries <= len(PAUSES) and failing.is_open and outcome.status != 410:
        at = outcome.at + pause_after(tried)
        return Tried(
            endpoint=failing, delivery=replace(tried, state=State.WAITING, next_at=at, asked=tried.asked + 1)
        )
    said.append(
        DeliveryGivenUp(
            **about,  # type: ignore[arg-type]  # as above
            because=because,
            fact_id=delivery.fact_id,
            fact_type=delivery.fact_type,
            tries=tried.tries,
        )
    )
    over = replace(tried, state=State.GIVEN_UP, next_at=None, ended_at=outcome.at)
    return Tried(endpoint=failing, delivery=over, said=tuple(said))


def pause_after(delivery: Delivery) -> timedelta:
    """The pause behind this try, up to a tenth longer by the delivery's own id: many do not come back at once."""
    pause = PAUSES[min(delivery.tries, len(PAUSES)) - 1]
    share = sha256(delivery.delivery_id.encode()).digest()[0] / 2550
    return pause * (1 + share)


def closed(delivery: Delivery, now: datetime) -> Delivery:
    """Its endpoint was disabled or removed before it could be tried."""
    return replace(
        delivery,
        state=State.GIVEN_UP,
        next_at=None,
        ended_at=now,
        last_error="its endpoint gets nothing any more",
    )
