"""What the office does with a case: each act is one fact, heard once, refused at once where the rules forbid it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from services.dunning.api.common import (
    CaseId,
    Done,
    Id,
    Instant,
    MoneyIn,
    Note,
    Opened,
    about,
    its_world,
    refuse,
    the_case,
    the_case_or_month,
)
from services.dunning.domain import guidance, resume, staff
from services.dunning.domain.case import Case
from services.dunning.policies.policy import Policy
from services.dunning.store import DunningUnit
from shared.events import dunning as facts
from shared.events.words import CaseState, ReviewReason
from shared.web import Keyed

Person = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@\-]{1,64}$")]
Word = Annotated[str, StringConstraints(max_length=100)]


class Act(BaseModel):
    """Who does it, and why. ``act`` is the click's own id: the second click is the same act."""

    by: Person = "office"
    note: Note = ""
    act: Id | None = None


class GuidanceIn(Act):
    method: Word = Field(description="The temporary method, as the policy's temporary_methods list them")
    reference: Word
    amount: MoneyIn | None = Field(default=None, description="Another amount than the policy's needs a note")
    due_on: date | None = None


class ResumeDateIn(Act):
    day: date


class FlagIn(Act):
    reason: ReviewReason
    about: Word | None = Field(default=None, description="The only one of that reason when absent")


class DeadlineIn(Act):
    deadline_at: Instant


class ReversalIn(Act):
    keep_access: bool = True
    release_credits: bool = True


class AdoptionIn(Act):
    gateway_subscription_id: Word | None = Field(default=None, description="The flagged one when absent")
    day: date | None = Field(default=None, description="The day it was paid; becomes the billing day")


def build_router() -> APIRouter:
    """The office's acts, behind an API key."""
    router = APIRouter(prefix="/cases/{case_id}", dependencies=[Keyed], tags=["staff"])
    router.post("/guidance", status_code=202)(send_guidance)
    router.get("/resume-date")(preview_resume_date)
    router.post("/resume-date", status_code=202)(announce_resume_date)
    router.post("/accept-difference", status_code=202)(accept_difference)
    router.post("/settle-flag", status_code=202)(settle_flag)
    router.post("/close", status_code=202)(close_case)
    router.post("/extend", status_code=202)(extend_deadline)
    router.post("/grant-access", status_code=202)(grant_access)
    router.post("/attempt", status_code=202)(attempt_now)
    router.post("/resolve", status_code=202)(resolve_reversal)
    router.post("/adopt", status_code=202)(adopt_registration)
    router.post("/restore-credits", status_code=202)(restore_credits)
    return router


async def _say(unit: DunningUnit, case: Case, body: Act, kind: Any, **fields: Any) -> Done:
    act = body.act or uuid4().hex
    note = await unit.sealed(case.school_id, case.learner_id, body.note)
    unit.say(kind(**about(case, unit.now), act=act, by=body.by, note=note, **fields))
    return Done(case_id=case.case_id, act=act, state=case.state.value)


async def send_guidance(case_id: CaseId, body: GuidanceIn, opened: Opened) -> Done:
    """Confirm the temporary method and send the guidance (T25)."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        policy = (await its_world(unit, case)).policy
        amount = body.amount.to_money() if body.amount else None
        why = guidance.why_no_guidance(case, policy, amount=amount, note=body.note, now=unit.now)
        refuse("send the guidance", why or _unknown_method(policy, body.method))
        return await _say(
            unit,
            case,
            body,
            facts.GuidanceConfirmed,
            method=body.method,
            reference=body.reference,
            amount=amount,
            due_on=body.due_on,
        )


def _unknown_method(policy: Policy, method: str) -> str | None:
    known = policy.accepted_methods.temporary_methods
    if not known or method in known:
        return None
    return f"{method} is no temporary method of this school: it has {', '.join(known)}"


async def preview_resume_date(
    case_id: CaseId, opened: Opened, day: Annotated[date | None, Query()] = None
) -> dict[str, Any]:
    """What staff are shown before they announce: the proposal, and what is odd about another day (JP-48)."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        world = await its_world(unit, case)
        now = unit.now
    proposed = case.guidance.proposed_on if case.guidance else None
    chosen = day or proposed
    why = (
        "no day is proposed yet"
        if chosen is None
        else resume.why_no_date(case, world.policy, day=chosen, at=now)
    )
    warnings = resume.warnings_of(world, case, chosen, now) if chosen is not None else ()
    return {
        "proposed_on": proposed,
        "day": chosen,
        "allowed": why is None,
        "why_not": why,
        "warnings": list(warnings),
        "covered": [[first, last] for first, last in case.guidance.covered] if case.guidance else [],
        "announced_on": case.resume.day if case.resume else None,
    }


async def announce_resume_date(case_id: CaseId, body: ResumeDateIn, opened: Opened) -> Done:
    """Announce the day on which the learner pays from My Page (T28)."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        policy = (await its_world(unit, case)).policy
        refuse("announce that day", resume.why_no_date(case, policy, day=body.day, at=unit.now))
        return await _say(unit, case, body, facts.ResumeDateChosen, day=body.day)


async def accept_difference(case_id: CaseId, body: Act, opened: Opened) -> Done:
    """Take a wrong, partial or over-paid amount as settling the case (T11, T26)."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        refuse(
            "accept a difference",
            None
            if case.is_open and staff.money_flags(case)
            else "no amount of this case waits for a decision",
        )
        return await _say(unit, case, body, facts.DifferenceAccepted)


async def settle_flag(case_id: CaseId, body: FlagIn, opened: Opened) -> Done:
    """Settle one question of a case."""
    async with opened() as unit:
        case = await the_case_or_month(unit, case_id)
        found = [
            flag for flag in case.flags if flag.reason is body.reason and body.about in {None, flag.about}
        ]
        refuse("settle that question", None if found else "none of that kind is open on this case")
        refuse("settle that question", None if len(found) == 1 else "several are open: name what it is about")
        return await _say(unit, case, body, facts.FlagSettled, reason=body.reason, about=found[0].about)


async def close_case(case_id: CaseId, body: Act, opened: Opened) -> Done:
    """Close a case: left the school, written off, opened in error."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        refuse("close the case", None if case.is_open else "it is over")
        return await _say(unit, case, body, facts.CaseClosureChosen)


async def extend_deadline(case_id: CaseId, body: DeadlineIn, opened: Opened) -> Done:
    """Give more time, never less (invariant 11)."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        policy = (await its_world(unit, case)).policy
        why = staff.why_no_extension(case, policy, deadline_at=body.deadline_at, now=unit.now)
        refuse("move the deadline", why)
        return await _say(unit, case, body, facts.DeadlineExtended, deadline_at=body.deadline_at)


async def grant_access(case_id: CaseId, body: Act, opened: Opened) -> Done:
    """Restore access with a reason."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        refuse("grant access", None if case.is_open else "the case is over and holds nothing back")
        return await _say(unit, case, body, facts.AccessGranted)


async def attempt_now(case_id: CaseId, body: Act, opened: Opened) -> Done:
    """Ask for one more attempt now; refused where the gateway alone decides (J16)."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        policy = (await its_world(unit, case)).policy
        refuse("ask for an attempt", staff.why_no_manual_attempt(case, policy))
        return await _say(unit, case, body, facts.ManualAttemptChosen)


async def resolve_reversal(case_id: CaseId, body: ReversalIn, opened: Opened) -> Done:
    """Settle a chargeback's or reversal's case."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        refuse("resolve it", None if case.state is CaseState.UNDER_REVIEW else "the case is not under review")
        return await _say(
            unit,
            case,
            body,
            facts.ReversalResolved,
            keep_access=body.keep_access,
            release_credits=body.release_credits,
        )


async def adopt_registration(case_id: CaseId, body: AdoptionIn, opened: Opened) -> Done:
    """Take an unexpected registration as the new subscription (JP-11)."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        world = await its_world(unit, case)
        flagged = staff.duplicates(case)
        refuse("adopt a registration", None if case.is_open and flagged else "none is waiting on this case")
        waiting = [one.subscription or one.about for one in flagged]
        name = body.gateway_subscription_id or waiting[-1]
        known = name in {*waiting, *(one.about for one in flagged)}
        refuse("adopt a registration", None if known else f"{name} is not one that waits on this case")
        day = body.day or staff.day_of_duplicate(case, world.policy)
        return await _say(unit, case, body, facts.DuplicateAdopted, gateway_subscription_id=name, day=day)


async def restore_credits(case_id: CaseId, body: Act, opened: Opened) -> Done:
    """Give back what the case forfeited, as goodwill (Q-J10)."""
    async with opened() as unit:
        case = await the_case(unit, case_id)
        refuse("restore credits", None if case.has("forfeited") else "this case forfeited none")
        return await _say(unit, case, body, facts.CreditRestorationChosen)
