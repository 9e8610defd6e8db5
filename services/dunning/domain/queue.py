"""Who waits for the office, and from which morning: one learner after the other (seed J45; R-J5, JP-44)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from services.dunning.domain import mails
from services.dunning.domain.case import Case
from services.dunning.domain.turn import Decision, Turn, World, nothing
from services.dunning.policies import dates
from shared.events import dunning as facts
from shared.events.words import Audience, CaseState, ExhaustionCause, Template


def in_order(queue: Iterable[Case], at: datetime) -> tuple[Case, ...]:
    """Who waits for guidance at ``at``, first exhausted first (JP-44)."""
    due = [one for one in queue if one.guidance is not None and one.guidance.not_before <= at]
    return tuple(sorted(due, key=lambda one: (one.exhausted_at or one.opened_at, one.case_id)))


def is_due(case: Case, fact: facts.GuidanceFellDue) -> bool:
    """Whether the case still waits for guidance from that very hour on; a plan that moved is moot."""
    waits = case.state is CaseState.AWAITING_GUIDANCE and case.guidance is not None
    return waits and case.guidance is not None and case.guidance.not_before == fact.occurred_at


def when_office_opened(
    world: World, case: Case, waiting: Sequence[Case], now: datetime, cause: str | None = None
) -> Decision:
    """The office is told who waits, in order (J45): one mail a morning, however many cases came due.

    ``case`` is the first of ``waiting``.
    """
    turn = Turn(world, case, now, cause)
    mails.request(
        turn,
        Template.STAFF_GUIDANCE_QUEUE,
        audience=Audience.OFFICE,
        ignores_closures=True,
        extra={"queue": json.dumps([one.case_id for one in waiting])},
    )
    return turn.finish()


def when_closures_changed(world: World, case: Case, now: datetime, cause: str | None = None) -> Decision:
    """The office's days changed: who has not been guided yet is guided on the next day that counts (R-X5)."""
    guidance = case.guidance
    if case.state is not CaseState.AWAITING_GUIDANCE or guidance is None or case.exhausted_at is None:
        return nothing(world, case)
    by_charge = case.cause is ExhaustionCause.LAST_ATTEMPT_FAILED
    earliest = dates.guidance_earliest(world.policy, world.calendars, case.exhausted_at, by_charge=by_charge)
    if earliest.at == guidance.not_before or guidance.not_before <= now:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    turn.set(guidance=replace(guidance, not_before=earliest.at))
    turn.later(earliest.at, facts.GuidanceFellDue)
    turn.note("guidance_moved", not_before=earliest.at, because=earliest.because)
    return turn.finish()
