"""Which facts are meant: by key, type, time and offset, and how a range that does not exist is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ops.stack.plan import TOPICS
from shared.errors import Refused
from shared.events import TOPICS as SPOKEN
from shared.events import VOCABULARY, Envelope

_OFFSETS: Final = re.compile(r"(\d+):(\d+)?(\.\.)?(\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offsets:
    """Some messages of one partition, both ends included; ``last`` is ``None`` for as far as there are any."""

    partition: int
    first: int
    last: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants to see."""

    topics: tuple[str, ...]
    key: str | None = None
    types: frozenset[str] = frozenset()
    since: datetime | None = None
    """Said at this instant or later (aware UTC)."""
    until: datetime | None = None
    """Said before this instant (aware UTC)."""
    offsets: Offsets | None = None
    limit: int = 500

    def wants(self, envelope: Envelope, at: datetime) -> bool:
        """Whether a fact said at ``at`` is asked for."""
        return (
            (self.key is None or envelope.key == self.key)
            and (not self.types or envelope.type in self.types)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )


def said_at(envelope: Envelope) -> datetime:
    """When a fact was said, as far as its message tells: a plan is said at its hour, anything else when recorded."""
    if envelope.fact.PLAN:
        return max(envelope.recorded_at, envelope.fact.occurred_at)
    return envelope.recorded_at


def topic_named(name: str) -> str:
    """``dunning`` and ``dunning.events`` are the same topic.

    Raises:
        Refused: there is none of that name.
    """
    topic = name if name.endswith(".events") else f"{name}.events"
    if topic not in TOPICS:
        raise Refused(
            f"we could not look at {name!r} because no topic is called so: there are {', '.join(TOPICS)}"
        )
    return topic


def types_named(names: Sequence[str]) -> frozenset[str]:
    """Full names of facts; ``CaseOpened`` is enough where only one service says it.

    Raises:
        Refused: no fact is called so.
    """
    found: set[str] = set()
    for name in names:
        known = [full for full in VOCABULARY if name in (full, full.partition(".")[2])]
        if not known:
            raise Refused(
                f"we could not look for {name!r} because no fact is called so: "
                "write it as in the vocabulary, dunning.CaseOpened"
            )
        found.update(known)
    return frozenset(found)


def instant_of(text: str | None) -> datetime | None:
    """An ISO instant with its zone, or a day, which begins at midnight UTC.

    Raises:
        Refused: it is neither.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise _no_instant(text) from error
    if at.tzinfo is None:
        if len(text) > len("2026-04-15"):
            raise _no_instant(text)
        at = at.replace(tzinfo=UTC)
    return at.astimezone(UTC)


def asked_of(
    *,
    topic: str | None,
    key: str | None,
    types: Sequence[str],
    since: str | None,
    until: str | None,
    offset: str | None,
    limit: int,
) -> Asked:
    """What a command line asks for; without a ``topic``, of all.

    Raises:
        Refused: something of it cannot be read, or offsets are asked for without a topic.
    """
    offsets = offsets_of(offset)
    if offsets is not None and topic is None:
        raise Refused("--offset needs a topic: each has offsets of its own", code="unreadable", status=422)
    return Asked(
        topics=(topic_named(topic),) if topic else SPOKEN,
        key=key,
        types=types_named(types),
        since=instant_of(since),
        until=instant_of(until),
        offsets=offsets,
        limit=limit,
    )


def offsets_of(text: str | None) -> Offsets | None:
    """``3:40..95``, ``3:40`` for one message, ``3:40..`` from there on.

    Raises:
        Refused: it is none of these.
    """
    if text is None:
        return None
    found = _OFFSETS.fullmatch(text)
    if found is None or (found[2] is None and found[3] is None):
        raise Refused(
            f"we could not read the offsets {text!r}: write PARTITION:FIRST..LAST as in 3:40..95, "
            "PARTITION:OFFSET for one message"
        )
    first = int(found[2] or 0)
    last = (int(found[4]) if found[4] else None) if found[3] else first
    if last is not None and last < first:
        raise Refused(f"we could not look at offsets {text} because they end before they begin: swap them")
    return Offsets(partition=int(found[1]), first=first, last=last)


def _no_instant(text: str) -> Refused:
    return Refused(
        f"we could not tell which time {text!r} is: write an instant with its zone (2026-04-15T09:00:00Z) or a day (2026-04-15)"
    )
