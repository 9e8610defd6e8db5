"""What a learner does himself, through the school's pages: report, relaunch, cancel, pay on the announced day."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from services.dunning.api.common import (
    CaseId,
    Done,
    Id,
    InPath,
    MoneyOut,
    Opened,
    about,
    money_out,
    newest_open_case,
    refuse,
    the_case,
)
from services.dunning.domain.account import Account
from services.dunning.domain.allowed import SelfPayment, self_payment
from services.dunning.domain.case import Case
from services.dunning.domain.relaunch import price_of, why_no_relaunch
from services.dunning.domain.reports import Report
from services.dunning.policies.policy import Policy
from services.dunning.policies.remediation import StaffGuidedLumpSum
from services.dunning.store import DunningUnit
from shared.errors import NotFound
from shared.events import dunning as facts
from shared.events.words import CancelledBy, CaseState, MethodKind
from shared.web import Keyed

_REFUSALS = {
    "not_offered": "this school has no relaunch: write to its support",
    "not_suspended": "the subscription is not suspended: there is nothing to relaunch",
    "under_review": "an amount is being looked at by the office: wait for its answer",
    "deadline_passed": "the re-enrolment deadline of the path has passed: choose another path or write to support",
    "in_flight": "a relaunch is being paid right now: wait for its result",
}


class ReportIn(BaseModel):
    """The learner's own words stay here; facts carry only the report's id."""

    report_id: Id | None = None
    text: Annotated[str, StringConstraints(max_length=4000)] = ""


class RelaunchIn(BaseModel):
    request: Id | None = Field(default=None, description="The click's own id: the same click is one relaunch")
    path_id: Id | None = Field(
        default=None, description="The path to re-enrol in; the subscription's when absent"
    )
    method: MethodKind = MethodKind.CARD


class RelaunchOut(Done):
    request_id: str = Field(description="The attempt that payments will be asked for")
    price: MoneyOut | None


class CancelIn(BaseModel):
    request: Id | None = None
    by: CancelledBy = CancelledBy.LEARNER


class SelfPaymentOut(BaseModel):
    """Whether My Page may take a payment now (J31, J44)."""

    allowed: bool
    reason: str = Field(description="open_today, no_open_case, wait_for_announcement, wait_for_day, day_over")
    case_id: str | None
    announced_day: str | None
    opens_at: datetime | None
    closes_at: datetime | None
    price: MoneyOut | None


def build_router() -> APIRouter:
    """The learner's acts, behind an API key (the portal shows it)."""
    router = APIRouter(dependencies=[Keyed], tags=["learners"])
    router.post("/cases/{case_id}/report", status_code=202)(report)
    router.post("/subscriptions/{subscription_id}/report", status_code=202)(report_on_subscription)
    router.post("/subscriptions/{subscription_id}/relaunch", status_code=202)(relaunch)
    router.post("/subscriptions/{subscription_id}/cancel", status_code=202)(cancel)
    router.get("/subscriptions/{subscription_id}/self-payment")(read_self_payment)
    return router


async def report(case_id: CaseId, body: ReportIn, opened: Opened) -> Done:
    """The learner says that the problem is solved, ready for the next attempt (J11, J39)."""
    async with opened() as unit:
        return await _report(unit, await the_case(unit, case_id), body)


async def report_on_subscription(subscription_id: InPath, body: ReportIn, opened: Opened) -> Done:
    """The same, for whatever case of the subscription is open."""
    async with opened() as unit:
        case = await newest_open_case(unit, await _account(unit, subscription_id))
        if case is None:
            raise NotFound("we could not keep the report because no payment of this subscription is missing")
        return await _report(unit, case, body)


async def _report(unit: DunningUnit, case: Case, body: ReportIn) -> Done:
    refuse("keep the report", None if case.is_open else "the case is over")
    name = body.report_id or uuid4().hex
    text = await unit.sealed(case.school_id, case.learner_id, body.text)
    await unit.keep_report(Report(case_id=case.case_id, report_id=name, at=unit.now, text=text))
    unit.say(
        facts.LearnerReported(
            **about(case, unit.now), report_id=name, sealed_text=f"reports/{name}" if body.text else ""
        )
    )
    return Done(case_id=case.case_id, act=name, state=case.state.value)


async def relaunch(subscription_id: InPath, body: RelaunchIn, opened: Opened) -> RelaunchOut:
    """The suspended learner starts again; refused at once after the path's re-enrolment deadline (T19, T22)."""
    async with opened() as unit:
        account = await _account(unit, subscription_id)
        case = await _suspended(unit, account)
        world = await unit.world(account, case)
        path_id = body.path_id or account.path_id
        why = why_no_relaunch(case, world.policy, world.learner, path_id=path_id, submitted_at=unit.now)
        refuse("relaunch the subscription", _REFUSALS.get(why, why) if why else None, code=why or "refused")
        name = body.request or uuid4().hex
        unit.say(
            facts.RelaunchRequested(
                **about(case, unit.now), request=name, path_id=path_id, method=body.method
            )
        )
        return RelaunchOut(
            case_id=case.case_id,
            act=name,
            state=case.state.value,
            request_id=f"{case.case_id}/relaunch/{name}",
            price=money_out(price_of(world, case)),
        )


async def cancel(subscription_id: InPath, body: CancelIn, opened: Opened) -> Done:
    """The learner ends the contract; an attempt in flight comes first (T34, X-13)."""
    async with opened() as unit:
        account = await _account(unit, subscription_id)
        case = await newest_open_case(unit, account)
        name = body.request or uuid4().hex
        unit.say(
            facts.CancellationRequested(
                school_id=account.school_id,
                occurred_at=unit.now,
                subscription_id=subscription_id,
                learner_id=account.learner_id,
                request=name,
                by=body.by,
            )
        )
        state = case.state.value if case is not None else None
        return Done(case_id=case.case_id if case is not None else None, act=name, state=state)


async def read_self_payment(subscription_id: InPath, opened: Opened) -> SelfPaymentOut:
    """Whether the learner may pay from My Page now: only on the announced day (J8, J25, J31, J44)."""
    async with opened() as unit:
        account = await _account(unit, subscription_id)
        opened_cases = await unit.open_cases(account)
        policy = (await unit.world(account, opened_cases[-1] if opened_cases else None)).policy
        found: SelfPayment = self_payment(opened_cases, unit.now, warn_only=_warns_only(policy))
    return SelfPaymentOut(
        allowed=found.allowed,
        reason=found.reason,
        case_id=found.case.case_id if found.case else None,
        announced_day=found.resume.day.isoformat() if found.resume else None,
        opens_at=found.resume.opens_at if found.resume else None,
        closes_at=found.resume.closes_at if found.resume else None,
        price=money_out(account.current_price),
    )


def _warns_only(policy: Policy) -> bool:
    remediation = policy.remediation
    return isinstance(remediation, StaffGuidedLumpSum) and remediation.resume.before_window == "warn"


async def _account(unit: DunningUnit, subscription_id: str) -> Account:
    account = await unit.account(subscription_id)
    if account is None:
        raise NotFound(
            f"we could not find the subscription {subscription_id} because payments told nothing of it: register it"
        )
    return account


async def _suspended(unit: DunningUnit, account: Account) -> Case:
    opened = [case for case in await unit.open_cases(account) if case.kind == "renewal"]
    suspended = [case for case in opened if case.state is CaseState.SUSPENDED]
    if not suspended and not opened:
        raise NotFound("we could not relaunch the subscription because nothing of it is suspended")
    return suspended[0] if suspended else opened[-1]
