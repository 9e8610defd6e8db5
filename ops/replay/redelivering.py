"""Letting a service hear a range once more: safe, because it knows the ids of what it heard; said before it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ops.replay.running import service_called
from ops.topics.asking import Asked
from ops.topics.command import looked_at
from ops.topics.place import Place, database
from ops.topics.reading import Found
from shared.clock import Clock
from shared.database import PgStore
from shared.events.wire import to_bytes
from shared.hearing import hear
from shared.retention import is_too_old
from shared.shelf import Message

_TOGETHER: Final = 200


@dataclass(slots=True, kw_only=True)
class Redelivery:
    """What hearing a range once more would come to."""

    service: str
    new: list[Found] = field(default_factory=list)
    known: int = 0
    """Heard already, or set aside: they change nothing."""
    too_old: int = 0
    """Older than ids are remembered: they would be set aside for a person."""
    not_heard_here: int = 0
    """Of types that the service does not listen to."""
    unreadable: int = 0
    note: str = ""

    def in_words(self) -> str:
        """One line."""
        return (
            f"{self.service} would hear {len(self.new)} new facts; {self.known} are heard already and change nothing, "
            f"{self.not_heard_here} do not concern it, {self.too_old} are too old and would be set aside, "
            f"{self.unreadable} cannot be read ({self.note})"
        )


async def look_ahead(place: Place, service: str, asked: Asked) -> Redelivery:
    """What of a range is new to ``service``.

    Raises:
        Refused: the range does not exist.
    """
    found, note = await looked_at(place, asked)
    ahead = Redelivery(service=service, note=note)
    hears = service_called(service).hears
    wanted: dict[str, Found] = {}
    for one in found:
        if one.envelope is None:
            ahead.unreadable += 1
        elif type(one.envelope.fact) not in hears:
            ahead.not_heard_here += 1
        else:
            wanted.setdefault(one.envelope.id, one)
    async with database(place) as pool:
        known = await pool.fetch(f"select id from {service}.heard where id = any($1)", list(wanted))
    for row in known:
        del wanted[row["id"]]
    ahead.known = len(known)
    now = place.clock.now()
    for one in wanted.values():
        if one.envelope is not None and is_too_old(one.envelope, now):
            ahead.too_old += 1
        else:
            ahead.new.append(one)
    return ahead


async def redeliver(pool: Any, clock: Clock, service: str, ahead: Redelivery, *, by: str) -> str:
    """Let the service hear what is new; what somebody else delivered meanwhile is heard once all the same."""
    store = PgStore(pool, service)
    handled = duplicates = parked = 0
    for start in range(0, len(ahead.new), _TOGETHER):
        some = ahead.new[start : start + _TOGETHER]
        heard = await hear(service_called(service), store, clock, [_message(one) for one in some])
        handled += heard.handled
        duplicates += heard.duplicates
        parked += len(heard.parked)
        await pool.execute(
            f"insert into {service}.replay_acts (at, who, what, detail) values ($1, $2, 'redelivered', $3)",
            clock.now(),
            by,
            " ".join(one.envelope.id for one in some if one.envelope is not None),
        )
    return f"{service} heard {handled} facts; {duplicates} were known meanwhile, {parked} were parked"


def _message(one: Found) -> Message:
    if one.message is not None:
        return one.message
    if one.envelope is None:
        raise AssertionError("what comes from a journal can be read")
    return Message(
        topic=f"{one.envelope.topic}.journal:{one.envelope.id}",  # what is parked is parked under a name of its own
        partition=0,
        offset=0,
        key=one.envelope.key.encode(),
        value=to_bytes(one.envelope),
    )
