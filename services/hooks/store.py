"""Where hooks keeps endpoints and deliveries: two tables behind one Unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.hooks.domain import KEPT, Ask, Delivery, Endpoint, State, Tried
from shared.events import Envelope
from shared.shelf import Table
from shared.unit import Unit

POST: Final = "post"

ENDPOINTS: Final[Table[Endpoint]] = Table(
    name="endpoints",
    kind=Endpoint,
    key=lambda row: row.endpoint_id,
    columns={"school_id": ("text", lambda row: row.school_id)},
)
DELIVERIES: Final[Table[Delivery]] = Table(
    name="deliveries",
    kind=Delivery,
    key=lambda row: row.delivery_id,
    columns={
        "endpoint_id": ("text", lambda row: row.endpoint_id),
        "given_up": ("text", lambda row: row.endpoint_id if row.state is State.GIVEN_UP else None),
        "expires_at": ("timestamptz", lambda row: row.ended_at + KEPT if row.ended_at else None),
    },
)

TABLES: Final = (ENDPOINTS, DELIVERIES)


class HooksUnit(Unit):
    """One transaction of hooks."""

    _of_school: dict[str, list[Endpoint]] | None = None

    async def endpoints_of(self, school_id: str) -> Sequence[Endpoint]:
        """A school's endpoints, disabled and removed ones too."""
        if self._of_school is None or school_id not in self._of_school:
            await self.know_endpoints({school_id})
        assert self._of_school is not None  # noqa: S101 - just known
        return self._of_school[school_id]

    async def know_endpoints(self, schools: set[str]) -> None:
        """Load the endpoints of a batch's schools in one statement."""
        known = self._of_school = {**(self._of_school or {}), **{school: [] for school in schools}}
        for endpoint in await self.find(ENDPOINTS, "school_id", *sorted(schools)):
            known[endpoint.school_id].append(endpoint)

    async def endpoint(self, endpoint_id: str) -> Endpoint | None:
        return await self.get(ENDPOINTS, endpoint_id)

    async def delivery(self, delivery_id: str) -> Delivery | None:
        return await self.get(DELIVERIES, delivery_id)

    async def deliveries_of(self, endpoint_id: str) -> list[Delivery]:
        return await self.find(DELIVERIES, "endpoint_id", endpoint_id)

    async def given_up_by(self, endpoint_id: str) -> list[Delivery]:
        return await self.find(DELIVERIES, "given_up", endpoint_id)

    def keep(self, endpoint: Endpoint) -> None:
        self.put(ENDPOINTS, endpoint)

    def keep_delivery(self, delivery: Delivery) -> None:
        self.put(DELIVERIES, delivery)

    async def deliver(self, delivery: Delivery) -> None:
        """Ask for a delivery, unless the fact was asked for before."""
        if await self.delivery(delivery.delivery_id) is None:
            self.keep_delivery(delivery)
            self._ask(delivery)

    def record(self, tried: Tried, before: Endpoint) -> None:
        """Keep what a try came to, and plan the next one."""
        if tried.endpoint != before:
            self.keep(tried.endpoint)
        self.keep_delivery(tried.delivery)
        self.say(*tried.said)
        if tried.delivery.state is State.WAITING:
            self._ask(tried.delivery)

    def ask_again(self, delivery: Delivery) -> None:
        """Try at its hour, in place of what was planned before."""
        self.keep_delivery(delivery)
        self._ask(delivery)

    def _ask(self, delivery: Delivery) -> None:
        self.errand(
            POST,
            f"{delivery.delivery_id}/{delivery.asked}",
            delivery.endpoint_id,
            Ask(endpoint_id=delivery.endpoint_id, fact_id=delivery.fact_id, number=delivery.asked),
            due_at=delivery.next_at,
        )


async def prefetch(envelopes: Sequence[Envelope], unit: HooksUnit) -> None:
    """The endpoints of a batch's schools; most schools have none, and then nothing else is read."""
    await unit.know_endpoints({envelope.fact.school_id for envelope in envelopes})
