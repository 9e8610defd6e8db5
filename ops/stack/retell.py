"""After a broker that forgets: what was told but not heard by everyone is told again from the journals.

The embedded broker keeps topics in memory. Hearers know what they heard, so telling a fact again to those who
did is harmless, and telling it to those who did not is the point.
"""

from __future__ import annotations

import asyncpg

from ops.stack.children import app_of
from ops.stack.plan import SERVICES
from shared.events import name_of, topic_of
from shared.retention import LATEST


def interests() -> dict[tuple[str, str], list[str]]:
    """(speaking schema, hearing schema) -> the types that the second hears of the first."""
    found: dict[tuple[str, str], list[str]] = {}
    for hearer in SERVICES:
        for kind in app_of(hearer).SERVICE.hears:
            speaker = topic_of(kind).removesuffix(".events")
            found.setdefault((speaker, hearer), []).append(name_of(kind))
    return found


def unheard(speaker: str, hearer: str) -> str:
    """A condition on a speaker's ``journal j``: told, wanted ($1: types) and not yet heard by ``hearer``.

    What is older than hearers remember is left alone: they would set it aside (decision 0020).
    """
    return (
        f"j.told_at > (select max(told_at) from {speaker}.journal) - interval '{LATEST.days} days' "
        f"and j.type = any($1) "
        f"and not exists (select 1 from {hearer}.heard h where h.id = j.id)"
    )


async def retell_unheard(dsn: str) -> int:
    """Mark what some hearer has not heard as not told; how many facts that are."""
    connection = await asyncpg.connect(dsn)
    count = 0
    try:
        for (speaker, hearer), types in sorted(interests().items()):
            done = await connection.execute(
                f"update {speaker}.journal j set told_at = null where {unheard(speaker, hearer)}", types
            )
            count += int(done.rsplit(" ", 1)[-1])
    finally:
        await connection.close()
    return count
