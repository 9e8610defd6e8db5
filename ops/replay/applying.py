"""Mending what differs, and nothing else: rows, then what the journal lost, then errands, then facts never heard.

Each step is a transaction of the live service and harmless a second time: a row is only put in the place of the very
row that was compared, facts and errands have the ids of their meaning, and a fact is heard once. What is killed in
between is begun again by whoever applies next.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

import msgspec

from ops.replay.comparing import Difference, RowDifference
from ops.replay.edges import EDGES
from ops.replay.past import Told
from shared.clock import Clock
from shared.database import OvertakenError, PgStore
from shared.hearing import hear
from shared.retention import LATEST
from shared.service import Service
from shared.shelf import Errand, Message, Planned, Table

_TOGETHER: Final = 100
FRESH: Final = timedelta(hours=20)
"""Gateways know an idempotency key for a day: what should have been done outside before that, a person looks at."""


@dataclass(slots=True, kw_only=True)
class Applied:
    """What was mended, and what was left to a person."""

    service: str
    rows: int = 0
    moved: int = 0
    """Rows that changed while they were compared: the next replay sees them as they are then."""
    said: int = 0
    too_old: int = 0
    """Facts too old to be told again: hearers would set them aside."""
    errands: int = 0
    for_a_person: int = 0
    """Errands whose time is over: whether they were done cannot be told for sure."""
    heard: int = 0
    parked: int = 0

    def in_words(self) -> str:
        """One line."""
        words = [
            f"{self.rows} rows restored or put right",
            f"{self.said} facts said",
            f"{self.errands} errands asked for",
            f"{self.heard} lost facts heard",
        ]
        if self.moved:
            words.append(f"{self.moved} rows moved meanwhile (replay again)")
        if self.too_old:
            words.append(f"{self.too_old} facts are too old to be told again")
        if self.for_a_person:
            words.append(f"{self.for_a_person} errands are left to a person")
        if self.parked:
            words.append(f"{self.parked} facts were parked")
        return f"{self.service}: {', '.join(words)}"


async def apply(service: Service, store: PgStore, clock: Clock, found: Difference, *, by: str) -> Applied:
    """Mend ``found`` in the live service."""
    done = Applied(service=service.name)
    tables = {table.name: table for table in service.tables}
    wanted = [one for one in found.rows if one.rebuilt is not None]
    for name, some in groupby(wanted, key=lambda one: one.table):
        chunk = list(some)
        for start in range(0, len(chunk), _TOGETHER):
            await _rows(store, tables[name], chunk[start : start + _TOGETHER], done, clock, by)
    await _say(store, found.unsaid, done, clock, by)
    await _ask(store, found.undone, done, clock, by)
    await _hear(service, store, found.lost, done, clock, by)
    return done


async def _rows(
    store: PgStore, table: Table[Any], chunk: Sequence[RowDifference], done: Applied, clock: Clock, by: str
) -> None:
    try:
        await _rows_together(store, table, chunk, done, clock, by)
    except OvertakenError:
        if len(chunk) == 1:
            done.moved += 1
            return
        for one in chunk:
            await _rows(store, table, [one], done, clock, by)


async def _rows_together(
    store: PgStore, table: Table[Any], chunk: Sequence[RowDifference], done: Applied, clock: Clock, by: str
) -> None:
    async with store.transaction() as shelf:
        live = await shelf.load(table, [one.key for one in chunk])
        good = {
            one.key: _complete(store.schema, table, one) for one in chunk if live.get(one.key) == one.live
        }
        if good:
            await shelf.save({table: good}, {})
            await _note(shelf, store.schema, clock, by, "rows", {table.name: sorted(good)})
    done.rows += len(good)
    done.moved += len(chunk) - len(good)


def _complete(schema: str, table: Table[Any], one: RowDifference) -> Any:
    """The rebuilt row, with what no fact tells taken from the live one."""
    left_out = EDGES[schema].fields.get(table.name)
    if not left_out or one.live is None:
        return one.rebuilt
    live, rebuilt = msgspec.to_builtins(one.live), msgspec.to_builtins(one.rebuilt)
    return msgspec.convert({**rebuilt, **{name: live[name] for name in left_out}}, table.kind)


async def _say(store: PgStore, facts: Sequence[Told], done: Applied, clock: Clock, by: str) -> None:
    young = [one for one in facts if one.at > clock.now() - LATEST]
    done.too_old = len(facts) - len(young)
    if not young:
        return
    async with store.transaction() as shelf:
        await shelf.plan([Planned(tell_at=one.at, envelope=one.envelope) for one in young])
        await _note(shelf, store.schema, clock, by, "said", [one.envelope.id for one in young])
    done.said = len(young)


async def _ask(store: PgStore, errands: Sequence[Errand], done: Applied, clock: Clock, by: str) -> None:
    fresh = [one for one in errands if one.due_at > clock.now() - FRESH]
    done.for_a_person = len(errands) - len(fresh)
    if not fresh:
        return
    async with store.transaction() as shelf:
        await shelf.send_out(fresh)
        await _note(shelf, store.schema, clock, by, "errands", [one.id for one in fresh])
    done.errands = len(fresh)


async def _hear(
    service: Service, store: PgStore, facts: Sequence[Told], done: Applied, clock: Clock, by: str
) -> None:
    for start in range(0, len(facts), _TOGETHER):
        some = facts[start : start + _TOGETHER]
        heard = await hear(service, store, clock, [message_of(one) for one in some])
        done.heard += heard.handled
        done.parked += len(heard.parked)
        async with store.transaction() as shelf:
            await _note(shelf, store.schema, clock, by, "heard", [one.envelope.id for one in some])


def message_of(one: Told) -> Message:
    """A fact of a journal as a message; its place is that of the journal, so that it is parked under its own name."""
    return Message(
        topic=f"{one.envelope.topic}.journal",
        partition=0,
        offset=one.seq,
        key=one.envelope.key.encode(),
        value=one.value,
    )


async def _note(shelf: Any, schema: str, clock: Clock, by: str, what: str, detail: Any) -> None:
    await shelf.connection.execute(
        f"insert into {schema}.replay_acts (at, who, what, detail) values ($1, $2, $3, $4)",
        clock.now(),
        by,
        what,
        json.dumps(detail),
    )
