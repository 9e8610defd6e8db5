"""A learner is erased: every browser is signed out and every link is dead; the pages only ever had ids and dates."""

from __future__ import annotations

from typing import Any

from shared import erasing
from shared.events.notifications import LearnerErased


async def on_learner_erased(fact: LearnerErased, unit: Any) -> None:
    """End the learner's sessions and links."""
    links, sessions = await unit.doors_of(fact.school_id, fact.learner_id)
    unit.shut(links, sessions)
    await erasing.record(unit, fact, {"links": len(links), "sessions": len(sessions)})


async def holds(unit: Any, school_id: str, learner_id: str) -> dict[str, int]:
    """Sessions and links that would still open."""
    links, sessions = await unit.doors_of(school_id, learner_id)
    return {
        "links": sum(not one.why_not(unit.now) for one in links),
        "sessions": sum(one.is_good(unit.now) for one in sessions),
    }
