"""A learner asks to be forgotten: notifications loses name and address, stops writing, and tells the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from services.notifications import domain
from shared import erasing
from shared.events.notifications import LearnerErased
from shared.events.words import Audience
from shared.keys import PLACEHOLDER

FREE_TEXT: Final = frozenset({"reference", "detail", "reason"})
"""What a mail's data holds that a person or a machine wrote in its own words."""


async def on_learner_erased(fact: LearnerErased, unit: Any) -> None:
    """Lose the learner's key, drop what has not left, and empty the mail log of words about them."""
    people = await unit.erase_learner(fact.school_id, fact.learner_id)
    mails = 0
    for case in await unit.cases_of(fact.school_id, fact.learner_id):
        mails += len(case.mails)
        decision = domain.when_learner_erased(case, unit.now)
        await unit.record(case, replace(decision, case=without_words(decision.case)))
    await erasing.record(unit, fact, {"people": people, "mails": mails})


def without_words(case: domain.Correspondence) -> domain.Correspondence:
    """The mail log with its dates and reasons, and without what anybody wrote in their own words."""
    return case.but(
        mails=tuple(
            replace(
                mail,
                data={name: text for name, text in mail.data.items() if name not in FREE_TEXT},
                steps=tuple(
                    replace(step, detail=PLACEHOLDER)
                    if " " in step.detail or "sealed:" in step.detail
                    else step
                    for step in mail.steps
                ),
            )
            if mail.audience is not Audience.TEACHER
            else mail
            for mail in case.mails
        )
    )
