"""A service's state built anew beside the live one, in memory, by the service's own handlers; nothing outside is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from ops.replay.edges import EDGES, Edge
from ops.replay.past import Past, Told
from shared.clock import HandClock
from shared.errors import RelanceError
from shared.hearing import hear
from shared.memory import MemoryStore
from shared.shelf import Message

_TOGETHER: Final = 500
_NO_LIMIT: Final = 1_000_000_000
"""A replay parks as much as it has to, and says so."""


@dataclass(slots=True, kw_only=True)
class Rebuilt:
    """A state built from facts alone, and what could not be."""

    past: Past
    edge: Edge
    store: MemoryStore
    clock: HandClock
    problems: list[str] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    """Errands whose end some fact tells: none of them is ever asked for again."""

    def said(self) -> dict[str, Told]:
        """What it says, by id."""
        return {
            one.envelope.id: Told(
                envelope=one.envelope,
                value=b"",
                at=one.tell_at,
                seq=number,
                told=one.tell_at <= self.past.now,
            )
            for number, one in enumerate(self.store.journal)
        }


async def rebuild(past: Past) -> Rebuilt:
    """Hear everything again that ``past.service`` heard, at the instants at which it did, over an empty memory."""
    edge = EDGES[past.service.name]
    first = past.heard[0][0] if past.heard else past.now
    built = Rebuilt(past=past, edge=edge, store=MemoryStore(), clock=HandClock(first))
    for name, rows in edge.seed(past).items():
        built.store.rows.setdefault(name, {}).update(rows)
    for at, steps in groupby(in_one_order(past, edge), key=lambda step: (step[0], step[1])):
        built.clock.move_to(at[0])
        together = [one for _, _, one in steps]
        if at[1]:
            for one in together:
                await _retake(built, one)
        else:
            for start in range(0, len(together), _TOGETHER):
                await listen(built, together[start : start + _TOGETHER])
    for one in past.own:
        errand = edge.ends(one.envelope.fact)
        if errand is not None and one.told:
            built.ended.add(errand)
    built.problems += [f"{parked.id}: {parked.reason}" for parked in built.store.parked.values()]
    built.clock.move_to(past.now)
    return built


async def listen(built: Rebuilt, facts: list[Told]) -> None:
    """Hear facts at the clock's instant."""
    messages = [
        Message(topic=one.envelope.topic, partition=0, offset=one.seq, key=None, value=one.value)
        for one in facts
    ]
    await hear(built.past.service, built.store, built.clock, messages, parked_limit=_NO_LIMIT)


def in_one_order(past: Past, edge: Edge) -> Iterator[tuple[datetime, bool, Told]]:
    """What was heard and what came from outside, in one order.

    Of one instant, what came from outside comes before the first fact whose consequences were written after it, and
    never before the fact that asked for it: two that were asked for at once may end in the other order.
    """
    written: dict[str, int] = {}
    for one in past.own:
        if one.envelope.cause is not None:
            written.setdefault(one.envelope.cause, one.seq)
    outside = [
        one for one in past.own if type(one.envelope.fact) in edge.retakes and edge.is_at_edge(one.envelope)
    ]
    outside.sort(key=lambda one: (one.envelope.recorded_at, one.seq))
    to_be_heard = {one.envelope.id for _, one in past.heard}
    waiting = iter([*outside, None])
    following = next(waiting)
    for at, one in past.heard:
        anchor = written.get(one.envelope.id)
        while following is not None:
            recorded = following.envelope.recorded_at
            if recorded > at or (
                recorded == at
                and (anchor is None or following.seq > anchor or following.envelope.cause in to_be_heard)
            ):
                break
            yield recorded, True, following
            following = next(waiting)
        yield at, False, one
        to_be_heard.discard(one.envelope.id)
    while following is not None:
        yield following.envelope.recorded_at, True, following
        following = next(waiting)


async def _retake(built: Rebuilt, one: Told) -> None:
    """Bring back what came from outside, in a transaction of its own."""
    past, fact = built.past, one.envelope.fact
    try:
        async with built.store.transaction() as shelf:
            unit: Any = past.service.unit(shelf, built.clock.now())
            unit.cause_id = one.envelope.cause
            await built.edge.retakes[type(fact)](fact, unit, past)
            await unit.write()
    except RelanceError as error:
        built.problems.append(f"{one.envelope.type} {one.envelope.id}: {error}")
