"""What people typed about a learner, as the audit keeps it: sealed, opened for whoever may look, gone with the learner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from services.desk.domain.audit import Deed
from shared import erasing
from shared.events.notifications import LearnerErased
from shared.keys import PLACEHOLDER, Keys, subject_of

TYPED: Final = frozenset({"reference"})
"""Fields of an act that hold somebody's own words; dates, amounts and choices stay readable for the books."""


async def sealed(keys: Keys, deed: Deed) -> Deed:
    """The deed as it is kept; what is typed about nobody in particular stays as it is."""
    if not deed.learner_id:
        return deed
    subject = subject_of(deed.school_id, deed.learner_id)

    async def seal(words: str) -> str:
        return await keys.seal(subject, words) or (PLACEHOLDER if words else "")

    async def each(values: Mapping[str, str]) -> dict[str, str]:
        return {name: await seal(value) if name in TYPED else value for name, value in values.items()}

    return replace(
        deed,
        note=await seal(deed.note),
        why=await seal(deed.why),
        before=await each(deed.before),
        after=await each(deed.after),
    )


async def opened(keys: Keys, deed: Deed) -> Deed:
    """The deed as people read it."""
    if not deed.learner_id:
        return deed
    subject = subject_of(deed.school_id, deed.learner_id)
    told = {"note": deed.note, "why": deed.why, "before": deed.before, "after": deed.after}
    return replace(deed, **await keys.reveal(subject, told))


async def on_learner_erased(fact: LearnerErased, unit: Any) -> None:
    """Lose the learner's key: what was typed about them reads as erased, who did what and when stays."""
    deeds = await unit.deeds_about(fact.school_id, fact.learner_id)
    await unit.keys.erase(subject_of(fact.school_id, fact.learner_id))
    await erasing.record(unit, fact, {"notes": sum(map(_has_words, deeds))})


async def holds(unit: Any, school_id: str, learner_id: str) -> dict[str, int]:
    """Acts about the learner with somebody's own words."""
    if await unit.keys.is_erased(subject_of(school_id, learner_id)):
        return {}
    return {"notes": sum(map(_has_words, await unit.deeds_about(school_id, learner_id)))}


def _has_words(deed: Deed) -> bool:
    return bool(deed.note or deed.why or TYPED & {*deed.before, *deed.after})
