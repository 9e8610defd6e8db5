"""The recorded months out of the services' journals in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import asyncpg

from ops.whatif.history import History, in_order
from ops.whatif.observed import OUTCOMES
from services.dunning.app import SERVICE as DUNNING
from services.notifications.app import SERVICE as NOTIFICATIONS
from shared.errors import Refused
from shared.events import SPEAKERS, Envelope, credits, dunning, name_of
from shared.events.wire import from_bytes

_WANTED: Final = tuple(
    sorted(
        {
            name_of(kind)
            for kind in (
                *DUNNING.hears, *NOTIFICATIONS.hears, *dunning.SAYS, *OUTCOMES,
                credits.LessonBooked, credits.LessonCancelledByLearner,
            )
        }
    )
)  # fmt: skip

_JOURNAL: Final = """
    select coalesce(h.heard_at, j.told_at) as at, j.told_at, j.seq, j.id, j.cause, j.value, h.place
    from {service}.journal j left join dunning.heard h on h.id = j.id
    where j.told_at is not null and j.type = any($1)
"""


async def read_history(dsn: str, *, school_id: str | None = None) -> History:
    """Every told fact that matters to dunning or its mails, of one school or of all.

    Raises:
        Refused: nothing was told there yet, or not at that school.
    """
    connection = await asyncpg.connect(dsn)
    try:
        rows: list[Any] = []
        for service in SPEAKERS:
            rows += await connection.fetch(_JOURNAL.format(service=service), _WANTED)
    finally:
        await connection.close()
    told = _in_causal_order(rows)
    kept = [one for one in told if school_id is None or one[1].fact.school_id == school_id]
    if not kept:
        where = f"at the school {school_id!r}" if school_id else "there"
        raise Refused(
            f"nothing was told {where} yet: look at the id, or wait for a first case",
            code="no_history", status=404,
        )  # fmt: skip
    return in_order(kept)


def _in_causal_order(rows: list[Any]) -> list[tuple[datetime, Envelope]]:
    """By the hour; within one instant causes first, then as dunning noted what it heard.

    A virtual clock stands still while many things happen, and each journal counts for itself.
    """
    by_id = {row["id"]: row for row in rows}
    depths: dict[str, int] = {}

    def depth(row: Any) -> int:
        if row["id"] not in depths:
            cause = by_id.get(row["cause"])
            together = cause is not None and cause["told_at"] == row["told_at"]
            depths[row["id"]] = depth(cause) + 1 if together else 0
        return depths[row["id"]]

    def place(row: Any) -> tuple[int, int]:
        return (0, row["place"]) if row["place"] is not None else (1, row["seq"])

    rows.sort(key=lambda row: (row["at"], row["told_at"], depth(row), place(row)))
    return [(row["at"], from_bytes(row["value"])) for row in rows]
