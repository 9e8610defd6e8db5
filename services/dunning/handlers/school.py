"""The school itself, its policy and its closures: load, decide, record."""

from __future__ import annotations

from functools import partial

from services.dunning import domain
from services.dunning.domain.account import School
from services.dunning.handlers.loading import Unit, decide_on
from shared.events import dunning
from shared.events.words import CaseState


async def on_school_registered(fact: dunning.SchoolRegistered, unit: Unit) -> None:
    """The school as its API registered it; also how a replay learns of it."""
    school = domain.school_registered(await unit.known_school(fact.school_id), fact)
    unit.keep_school(school)
    await _plan_heads_up(school, unit)


async def on_policy_adopted(fact: dunning.PolicyAdopted, unit: Unit) -> None:
    """Cases that open from now on use this version (R-X5); a replay reads the document from the fact."""
    school = await unit.known_school(fact.school_id)
    if school is None:
        return
    content_hash = await unit.keep_policy(fact.text, fact.policy_id)
    school = domain.school_adopted(
        school, policy_id=fact.policy_id, version=fact.version, content_hash=content_hash
    )
    unit.keep_school(school)
    await _plan_heads_up(school, unit)


async def on_closure_announced(fact: dunning.ClosureAnnounced, unit: Unit) -> None:
    """The office will be closed: mails follow, and learners concerned are told before (J37, J38)."""
    school = await unit.known_school(fact.school_id)
    if school is not None:
        school = domain.closure_announced(school, fact)
        unit.keep_school(school)
        await _plan_heads_up(school, unit)
        await _move_guidance(school, unit)


async def on_closure_withdrawn(fact: dunning.ClosureWithdrawn, unit: Unit) -> None:
    """The office is open after all."""
    school = await unit.known_school(fact.school_id)
    if school is not None:
        school = domain.closure_withdrawn(school, fact)
        unit.keep_school(school)
        await _move_guidance(school, unit)


async def _move_guidance(school: School, unit: Unit) -> None:
    for case in await unit.cases_in(school.school_id, [CaseState.AWAITING_GUIDANCE.value]):
        await decide_on(
            case, unit, partial(domain.when_closures_changed, case=case, now=unit.now, cause=unit.cause_id)
        )


async def _plan_heads_up(school: School, unit: Unit) -> None:
    policy, calendars = await unit.rules(school)
    unit.say(*domain.heads_up(school, policy, calendars, unit.now))


async def on_closure_approached(fact: dunning.ClosureApproached, unit: Unit) -> None:
    """The last business day before a closure: whoever is billed or awaits an attempt in it is told (J38)."""
    school = await unit.known_school(fact.school_id)
    if school is None or not domain.still_closes(*await unit.rules(school), fact):
        return
    billed = await unit.accounts_billed_on(fact.school_id, domain.billing_days(fact))
    accounts = {account.subscription_id: account for account in billed}
    for case in await unit.cases_in(fact.school_id, [CaseState.RETRYING.value]):
        account = await unit.account(case.subscription_id)
        if account is not None and domain.attempt_falls_in(case, fact):
            accounts[account.subscription_id] = account
    for _, account in sorted(accounts.items()):
        opened = [case for case in await unit.open_cases(account) if case.kind == "renewal"]
        case_or_none = opened[0] if opened else None
        world = await unit.world(account, case_or_none)
        await unit.record(domain.when_closure_approached(world, case_or_none, fact, unit.now, unit.cause_id))
