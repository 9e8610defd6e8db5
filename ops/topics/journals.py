"""What topics no longer have, the journals of the speakers do: told facts stay there for 800 days (decision 0020)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ops.topics.asking import Asked
from ops.topics.reading import Found
from shared.errors import Refused
from shared.events.wire import from_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when to when a journal has told facts, ``None`` when it has none."""

    first: datetime | None
    last: datetime | None


def speaker_of(topic: str) -> str:
    """Whose journal a topic is told from; also the schema it lies in."""
    return topic.removesuffix(".events")


async def read_journals(pool: Any, asked: Asked, known: Iterable[str], until: datetime | None) -> list[Found]:
    """What is asked for and told, but not among the ids ``known``, in the order in which it was told.

    ``until`` is where the topics' own answer ends; nothing later is looked for.
    """
    found: list[Found] = []
    for topic in asked.topics:
        rows = await pool.fetch(
            f"""select tell_at, value from {speaker_of(topic)}.journal j
                where told_at is not null and ($1::text is null or key = $1)
                and (cardinality($2::text[]) = 0 or type = any($2))
                and ($3::timestamptz is null or tell_at >= $3) and ($4::timestamptz is null or tell_at < $4)
                and ($5::timestamptz is null or tell_at <= $5)
                and not exists (select 1 from unnest($6::text[]) as k(id) where k.id = j.id)
                order by tell_at, seq limit $7""",
            asked.key,
            sorted(asked.types),
            asked.since,
            asked.until,
            until,
            list(known),
            asked.limit,
        )
        found += [Found(at=row["tell_at"], envelope=from_bytes(row["value"]), message=None) for row in rows]
    found.sort(key=lambda one: one.at)
    return found


async def spans(pool: Any, topics: Iterable[str]) -> Mapping[str, Span]:
    """From when to when each topic's journal has told facts."""
    found = {}
    for topic in topics:
        row = await pool.fetchrow(
            f"select min(tell_at) as first, max(tell_at) as last from {speaker_of(topic)}.journal where told_at is not null"
        )
        found[topic] = Span(first=row["first"], last=row["last"])
    return found


def refuse_outside(asked: Asked, held: Mapping[str, Span]) -> None:
    """Say which time exists when the time asked for does not.

    Raises:
        Refused: nothing was said in that time, anywhere.
    """
    if asked.since is None and asked.until is None:
        return
    firsts = [span.first for span in held.values() if span.first is not None]
    lasts = [span.last for span in held.values() if span.last is not None]
    if not firsts or not lasts:
        raise Refused(
            f"we could not look at that time because nothing was said yet on {', '.join(asked.topics)}"
        )
    first, last = min(firsts), max(lasts)
    if (asked.since is not None and asked.since > last) or (asked.until is not None and asked.until <= first):
        raise Refused(
            f"we could not look at that time because what was said on {', '.join(asked.topics)} reaches "
            f"from {first:%Y-%m-%dT%H:%M:%SZ} to {last:%Y-%m-%dT%H:%M:%SZ}: ask for a time in between"
        )
