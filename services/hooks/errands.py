"""The errand of hooks: one try of one delivery, signed, at its pace, recorded whatever came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from standardwebhooks import Webhook

from services.hooks import domain
from services.hooks.carrier import Channel, Unreachable
from services.hooks.domain import Ask, Delivery, Endpoint, Outcome, State, secret_of
from services.hooks.store import POST, HooksUnit
from shared.errors import Transient
from shared.logs import logger
from shared.service import Doing
from shared.shelf import Errand
from shared.transactions import Transactions

log = logger("hooks")

AT_ONCE: Final = 4
"""Tries of one endpoint side by side; one, as long as it does not answer."""


class Busy(Transient):
    """The endpoint has enough to do; nothing was tried."""

    def __init__(self, message: str, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Pace:
    """Keeps one endpoint from taking the hands that the others need.

    A worker has a few dozen hands. An endpoint that answers gets four of them; one that has just failed three times in a
    row gets one, and its other deliveries wait outside without a hand.
    """

    def __init__(self) -> None:
        self._now: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()

    @contextmanager
    def turn(self, endpoint_id: str) -> Iterator[None]:
        """One try.

        Raises:
            Busy: not now.
        """
        silent = self._failed[endpoint_id] >= 3
        if self._now[endpoint_id] >= (1 if silent else AT_ONCE):
            raise Busy("its endpoint is being tried already", timedelta(seconds=20 if silent else 1))
        self._now[endpoint_id] += 1
        try:
            yield
        finally:
            self._now[endpoint_id] -= 1
            if not self._now[endpoint_id]:
                del self._now[endpoint_id]

    def note(self, endpoint_id: str, *, is_taken: bool) -> None:
        """How a try ended."""
        if is_taken:
            self._failed.pop(endpoint_id, None)
        else:
            self._failed[endpoint_id] += 1


@dataclass(slots=True, kw_only=True)
class Hands:
    """What hooks works with outside; ``opened`` reads its own tables at the last moment."""

    channel: Channel
    master: bytes
    opened: Transactions | None = None
    pace: Pace = field(default_factory=Pace)


async def post(errand: Errand, hands: Hands, now: datetime) -> Outcome | None:
    """Try once; ``None`` when there is nothing to try any more."""
    ask = _ask(errand)
    assert hands.opened is not None  # noqa: S101 - given before the first errand is claimed (app.loops)
    async with hands.opened.looking() as unit:
        found = await _found(unit, ask)
    if found is None:
        return None
    endpoint, delivery = found
    if not endpoint.is_open or delivery.state is not State.WAITING or delivery.asked != ask.number:
        return None
    with hands.pace.turn(endpoint.endpoint_id):
        outcome = await _try(endpoint, delivery, hands, now)
    hands.pace.note(endpoint.endpoint_id, is_taken=outcome.is_taken)
    return outcome


async def was_tried(errand: Errand, result: Outcome | None, unit: HooksUnit) -> None:
    """Record the try, and plan the next one if it has to be."""
    ask = _ask(errand)
    found = await _found(unit, ask)
    if found is None:
        return
    endpoint, delivery = found
    if result is None:
        if delivery.state is State.WAITING and not endpoint.is_open:
            unit.keep_delivery(domain.closed(delivery, unit.now))
        return
    tried = domain.when_tried(endpoint, delivery, result)
    unit.record(tried, endpoint)
    if tried.endpoint.disabled_at is not None and endpoint.disabled_at is None:
        log.error(
            "endpoint_disabled", endpoint=endpoint.endpoint_id, reason=result.error or str(result.status)
        )
    elif tried.delivery.state is State.GIVEN_UP:
        log.warning("delivery_given_up", endpoint=endpoint.endpoint_id, fact=delivery.fact_id)


async def _try(endpoint: Endpoint, delivery: Delivery, hands: Hands, now: datetime) -> Outcome:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Relance",
        "webhook-id": delivery.fact_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signatures(endpoint, delivery, hands.master, now),
    }
    try:
        status = await hands.channel.post(endpoint.url, headers, delivery.body.encode())
    except Unreachable as error:
        return Outcome(at=now, status=None, error=str(error))
    return Outcome(at=now, status=status, error="" if 200 <= status < 300 else f"it answered {status}")


def signatures(endpoint: Endpoint, delivery: Delivery, master: bytes, now: datetime) -> str:
    """Standard Webhooks: one signature per secret that is valid now, the newest first."""
    return " ".join(
        Webhook(secret_of(master, endpoint.endpoint_id, generation)).sign(
            delivery.fact_id, now, delivery.body
        )
        for generation in endpoint.generations(now)
    )


async def _found(unit: Any, ask: Ask) -> tuple[Endpoint, Delivery] | None:
    endpoint = await unit.endpoint(ask.endpoint_id)
    delivery = await unit.delivery(ask.delivery_id)
    return (endpoint, delivery) if endpoint is not None and delivery is not None else None


def _ask(errand: Errand) -> Ask:
    return msgspec.json.decode(errand.body, type=Ask)


ERRANDS: Final = {POST: Doing(run=post, finish=was_tried)}
