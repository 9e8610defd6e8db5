"""The announced day begins and ends: My Page takes the payment between, and at no other time (T29, T31; R-J10)."""

from __future__ import annotations

from datetime import datetime

from services.dunning.domain import mails
from services.dunning.domain.case import Case
from services.dunning.domain.resume import WAITS
from services.dunning.domain.turn import Decision, Turn, World, nothing
from shared.events import dunning as facts
from shared.events.words import CaseState


def when_day_began(
    world: World, case: Case, fact: facts.ResumeDayBegan, now: datetime, cause: str | None = None
) -> Decision:
    """00:00 of the announced day: My Page takes the payment (T29)."""
    resume = case.resume
    if (
        resume is None
        or resume.announcements != fact.ordinal
        or case.state not in WAITS - {CaseState.RESUME_OPEN}
    ):
        return nothing(world, case)
    if now >= resume.closes_at:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    turn.becomes(CaseState.RESUME_OPEN)
    turn.say(facts.SelfPaymentOpened, why="resume_day", opens_at=resume.opens_at, closes_at=resume.closes_at)
    turn.note("resume_open", when=resume.opens_at, day=resume.day)
    return turn.finish()


def when_day_ended(
    world: World, case: Case, fact: facts.ResumeDayEnded, now: datetime, cause: str | None = None
) -> Decision:
    """24:00, unpaid: locked again; staff announces another day (T31, Q-J5)."""
    resume = case.resume
    waits = case.state in {CaseState.RESUME_OPEN, CaseState.COVERED}
    if resume is None or resume.announcements != fact.ordinal or not waits:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    turn.becomes(CaseState.RESUME_OVERDUE)
    turn.say(facts.SelfPaymentLocked, why="resume_day_over")
    turn.say(facts.ResumeMissed, day=resume.day)
    turn.note("resume_missed", when=resume.closes_at, day=resume.day)
    mails.tell(turn, "resume_missed", by_charge=False, ordinal=resume.announcements)
    return turn.finish()
