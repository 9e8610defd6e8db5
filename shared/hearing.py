"""How a service hears: many messages in one transaction, each fact once in effect, the unreadable set aside.

A batch is decoded, checked against what was heard, handled fact by fact in memory and written at once. A fact
whose handler fails is taken back alone and parked with its reason; trouble outside (database, network) is
raised, so that nothing is acknowledged and the whole batch comes again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from shared.clock import Clock
from shared.errors import Transient, Unreadable
from shared.events import Envelope
from shared.events.wire import from_bytes
from shared.logs import logger
from shared.metrics import BATCH_SECONDS, BATCH_SIZE, FACTS_HEARD, FACTS_PARKED
from shared.retention import LATEST, is_too_old
from shared.scrubbing import scrubbed
from shared.service import Service
from shared.shelf import Message, Parked, Planned, Shelf, Store
from shared.subject import set_subject
from shared.tallying import tally
from shared.tracing import Way, is_on, span, traceparent
from shared.unit import Unit

log = logger("hearing")

_TOO_OLD: Final = (
    f"it is older than {LATEST.days} days, and ids are not known that long: look whether its effects are there, "
    "then settle it"
)


class TooManyParked(Exception):
    """So much was unreadable at once that the fault is ours: stop instead of parking everything."""


@dataclass(slots=True)
class Heard:
    """What became of a batch."""

    handled: int = 0
    duplicates: int = 0
    early: int = 0
    parked: list[Parked] = field(default_factory=list)
    types: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What became of how many facts of each type."""
    reasons: Counter[str] = field(default_factory=Counter)
    said: list[Planned] = field(default_factory=list)


async def hear(
    service: Service, store: Store, clock: Clock, messages: Sequence[Message], *, parked_limit: int = 50
) -> Heard:
    """Hear ``messages`` in order, in one transaction where possible.

    Raises:
        Transient, OSError and the database driver's errors: nothing was recorded; hear the same batch again.
        TooManyParked: more than ``parked_limit`` of this batch could not be handled; nothing was recorded.
    """
    try:
        return await _hear_together(service, store, clock, messages, parked_limit)
    except _NotTogether:
        total = Heard()
        for message in messages:
            one = await _hear_alone(service, store, clock, message)
            total.handled += one.handled
            total.duplicates += one.duplicates
            total.early += one.early
            total.parked += one.parked
            _check(total, parked_limit, service)
        return total


class _NotTogether(Exception):
    """The batch could not be written as one although nothing outside is wrong."""


async def _hear_together(
    service: Service, store: Store, clock: Clock, messages: Sequence[Message], limit: int
) -> Heard:
    heard = Heard()
    began = time.perf_counter()
    envelopes = _readable(service, messages, heard)
    _check(heard, limit, service)
    now = clock.now()
    try:
        with _following(messages):
            async with store.transaction() as shelf:
                await _handle(service, shelf, now, envelopes, heard)
                _check(heard, limit, service)
                await shelf.park(heard.parked, now)
    finally:
        set_subject(None)
    _count(service, heard, len(messages), time.perf_counter() - began, now)
    for parked in heard.parked:
        log.warning("fact_parked", id=parked.id, reason=parked.reason)
    return heard


def _count(service: Service, heard: Heard, messages: int, seconds: float, now: datetime) -> None:
    """What was committed; a batch that comes again is counted when it is."""
    name = service.name
    BATCH_SIZE.add(name, value=messages)
    BATCH_SECONDS.add(name, value=seconds)
    for (kind, outcome), count in heard.types.items():
        FACTS_HEARD.add(name, kind, outcome, by=count)
    for reason, count in heard.reasons.items():
        FACTS_PARKED.add(name, reason, by=count)
    tally(heard.said, now)


async def _hear_alone(service: Service, store: Store, clock: Clock, message: Message) -> Heard:
    try:
        return await _hear_together(service, store, clock, [message], 1)
    except _NotTogether as error:
        reason = scrubbed(f"its effects could not be written: {error.__cause__!r}")
        parked = Parked(message=message, reason=reason, remembered=True)
        async with store.transaction() as shelf:
            await shelf.remember([from_bytes(message.value)], clock.now())
            await shelf.park([parked], clock.now())
        FACTS_PARKED.add(service.name, "not_written")
        log.exception("fact_parked", id=parked.id, reason=parked.reason)
        return Heard(parked=[parked])


def _readable(service: Service, messages: Sequence[Message], heard: Heard) -> list[tuple[Message, Envelope]]:
    envelopes = []
    for message in messages:
        try:
            envelope = from_bytes(message.value)
        except Unreadable as error:
            heard.parked.append(Parked(message=message, reason=scrubbed(str(error))))
            heard.reasons["unreadable"] += 1
            continue
        if type(envelope.fact) in service.hears:
            envelopes.append((message, envelope))
    return envelopes


async def _handle(
    service: Service, shelf: Shelf, now: datetime, envelopes: list[tuple[Message, Envelope]], heard: Heard
) -> None:
    if not envelopes:
        return
    unit = service.unit(shelf, now)
    fresh = await shelf.remember([e for _, e in envelopes], now)
    if service.prefetch is not None:
        await service.prefetch([e for _, e in envelopes if e.id in fresh], unit)
    for message, envelope in envelopes:
        if envelope.id not in fresh:
            heard.types[envelope.type, "duplicate"] += 1
            heard.duplicates += 1
            continue
        fresh.discard(envelope.id)
        if is_too_old(envelope, now):
            heard.parked.append(Parked(message=message, reason=_TOO_OLD, remembered=True))
            heard.reasons["too_old"] += 1
            continue
        if _is_early(envelope, now):
            unit.plan_again(envelope, _after(envelope, now), trace=message.trace)
            heard.early += 1
            heard.types[envelope.type, "early"] += 1
            continue
        await _handle_one(service, unit, message, envelope, heard)
    try:
        await unit.write()
    except shelf.DATA_ERRORS as error:
        raise _NotTogether from error
    heard.said = unit.said


async def _handle_one(
    service: Service, unit: Unit, message: Message, envelope: Envelope, heard: Heard
) -> None:
    unit.begin(envelope)
    set_subject(envelope)
    handler = service.hears[type(envelope.fact)]
    try:
        if is_on():
            with _deciding(message, envelope, unit.now):
                await handler(envelope.fact, unit)
        else:
            await handler(envelope.fact, unit)
        heard.handled += 1
        heard.types[envelope.type, "handled"] += 1
    except Exception as error:  # whatever else a handler raises belongs to this one fact: it is parked
        if isinstance(error, (Transient, OSError, unit.shelf.OUTAGES)):
            raise
        unit.take_back()
        log.exception("handler_failed", type=envelope.type, id=envelope.id)
        reason = scrubbed(f"{envelope.type} could not be handled: {error!r}")
        heard.parked.append(Parked(message=message, reason=reason, remembered=True))
        heard.reasons["not_handled"] += 1


def _following(messages: Sequence[Message]) -> AbstractContextManager[Way]:
    """The batch's own span: it links to every message's."""
    links = [message.trace for message in messages] if is_on() else ()
    return span("hear", kind="consumer", root=True, links=links, messages=len(messages))


def _deciding(message: Message, envelope: Envelope, now: datetime) -> AbstractContextManager[Way]:
    """One fact's span goes on where the fact was said, and links to the batch that it was heard with."""
    return span(
        f"decide {envelope.type}",
        kind="consumer",
        follows=message.trace,
        waited=now - envelope.recorded_at,
        links=(traceparent(),),
        fact=envelope.type,
        fact_id=envelope.id,
        cause=envelope.cause,
        case=getattr(envelope.fact, "case_id", None),
        subscription=getattr(envelope.fact, "subscription_id", None),
    )


def _is_early(envelope: Envelope, now: datetime) -> bool:
    return envelope.fact.PLAN and envelope.fact.occurred_at > now


def _after(envelope: Envelope, now: datetime) -> datetime:
    """When a plan that was heard too early is told again.

    Whoever told it has a clock that is ahead; as far as can be seen from here, by what is left until the hour. By
    that clock the hour is so much later. Should that not be enough, it is put off by twice as much each time, so
    that a dozen tellings outlast any difference and never fill the topic.
    """
    hour = envelope.fact.occurred_at
    further = timedelta(seconds=min(2**envelope.again / 10, 300)) if envelope.again else timedelta()
    return hour + (hour - now) + further


def _check(heard: Heard, limit: int, service: Service) -> None:
    if len(heard.parked) > limit:
        raise TooManyParked(
            f"{service.name} could not handle {len(heard.parked)} messages of one batch, the last because "
            f"{heard.parked[-1].reason}: the fault is likely here, so nothing was acknowledged"
        )
