"""A learner is erased: what they wrote and what was typed about them goes, the case's dates and amounts stay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.dunning.domain.case import Case
from shared import erasing
from shared.events.notifications import LearnerErased
from shared.keys import PLACEHOLDER, SEALED, subject_of


async def on_learner_erased(fact: LearnerErased, unit: Any) -> None:
    """Lose the learner's key; blank reports, and notes that an older version kept in the clear."""
    await unit.keys.erase(subject_of(fact.school_id, fact.learner_id))
    gone = {"reports": 0, "notes": 0}
    for case in await _cases(unit, fact.school_id, fact.learner_id):
        gone["notes"] += _noted(case)
        for report in await unit.reports(case.case_id):
            gone["reports"] += bool(report.text)
            unit.blank_report(report)
        without = _without_clear_words(case)
        if without != case:
            unit.keep_case(without)
    await erasing.record(unit, fact, gone)


async def holds(unit: Any, school_id: str, learner_id: str) -> dict[str, int]:
    """What the learner wrote, and staff's notes on their cases."""
    if await unit.keys.is_erased(subject_of(school_id, learner_id)):
        return {}
    cases = await _cases(unit, school_id, learner_id)
    reports = [one for case in cases for one in await unit.reports(case.case_id)]
    return {"reports": sum(bool(one.text) for one in reports), "notes": sum(_noted(case) for case in cases)}


async def _cases(unit: Any, school_id: str, learner_id: str) -> list[Case]:
    return [case for case in await unit.cases_of_learner(learner_id) if case.school_id == school_id]


def _noted(case: Case) -> int:
    return sum(bool(note.params.get("note")) for note in case.notes)


def _without_clear_words(case: Case) -> Case:
    notes = tuple(
        replace(note, params={**note.params, "note": PLACEHOLDER})
        if "note" in note.params and not note.params["note"].startswith(SEALED)
        else note
        for note in case.notes
    )
    return case if notes == case.notes else replace(case, notes=notes)
