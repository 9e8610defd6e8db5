"""What learners and the office did, and which mails left: load, decide, record."""

from __future__ import annotations

from dataclasses import replace

from services.dunning import domain
from services.dunning.handlers.loading import Unit, decide_on, each_open, one_case
from shared.events import access, dunning, notifications
from shared.events.words import CaseState


async def on_path_enrolled(fact: access.PathEnrolled, unit: Unit) -> None:
    """A path and its re-enrolment deadline; a suspended learner is reminded of the new one (F22)."""
    learner = await unit.learner(fact.school_id, fact.learner_id)
    unit.keep_learner(domain.learner_enrolled(learner, fact))
    for case in await unit.cases_of_learner(fact.learner_id):
        account = await unit.account(case.subscription_id)
        if case.state is CaseState.SUSPENDED and case.school_id == fact.school_id and account is not None:
            world = await unit.world(account, case)
            await unit.record(domain.when_path_deadline_changed(world, case, unit.now, unit.cause_id))


async def on_mail_sent(fact: notifications.MailSent, unit: Unit) -> None:
    """A mail left: what waited for it may run (R-J16)."""
    case = await unit.case(fact.case_id)
    if case is not None:
        await decide_on(
            case, unit, lambda world: domain.when_mail_sent(world, case, fact, unit.now, unit.cause_id)
        )


async def on_cancellation_requested(fact: dunning.CancellationRequested, unit: Unit) -> None:
    """The learner ends the contract, in the middle of a case or without any (T34)."""
    account = await unit.account(fact.subscription_id)
    if account is None:
        return
    opened = [case for case in await unit.open_cases(account) if case.kind == "renewal"]
    if not opened:
        world = await unit.world(account)
        await unit.record(domain.end_without_case(world, fact, unit.now, unit.cause_id))
    await each_open(fact, unit, domain.when_cancellation_requested)


async def on_flag_settled(fact: dunning.FlagSettled, unit: Unit) -> None:
    """Staff looked at a question: of a case, or of a month that has none."""
    asked = await unit.asked(fact.case_id) if await unit.case(fact.case_id) is None else None
    if asked is None:
        await one_case(fact, unit, fact.case_id, domain.when_flag_settled)
        return
    await decide_on(
        asked, unit, lambda world: domain.when_question_settled(world, asked, fact, unit.now, unit.cause_id)
    )


async def on_guidance_fell_due(fact: dunning.GuidanceFellDue, unit: Unit) -> None:
    """The office opens and is told who waits, once that morning (J45)."""
    case, school = await unit.case(fact.case_id), await unit.known_school(fact.school_id)
    if case is None or school is None or not domain.is_due(case, fact):
        return
    if school.queue_told_at is not None and school.queue_told_at >= fact.occurred_at:
        return
    queue = await unit.cases_in(fact.school_id, [CaseState.AWAITING_GUIDANCE.value])
    waiting = domain.in_order(queue, fact.occurred_at)
    unit.keep_school(replace(school, queue_told_at=fact.occurred_at))
    await decide_on(
        waiting[0],
        unit,
        lambda world: domain.when_office_opened(world, waiting[0], waiting, unit.now, unit.cause_id),
    )
