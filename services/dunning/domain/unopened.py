"""A month that has no case: speaking about it, and keeping what a person is asked about it (decision 0052)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from services.dunning.domain import mails
from services.dunning.domain.case import Case, case_id_of
from services.dunning.domain.turn import Decision, Turn, World
from services.dunning.policies import dates
from shared.events import dunning as facts
from shared.events import payments
from shared.events.words import CaseState, Gateway, ReviewReason
from shared.money import Money


def month(
    world: World,
    period: date,
    at: datetime,
    *,
    case_id: str | None = None,
    gateway: Gateway | None = None,
    amount: Money | None = None,
    state: CaseState = CaseState.RECOVERED,
) -> Case:
    """The month as a case to write on, with its questions and mails so far; no case opens by it.

    ``gateway`` and ``amount`` are the subscription's unless the news says otherwise, ``case_id`` is the month's.
    """
    account, policy = world.account, world.policy
    name = case_id or case_id_of(account.subscription_id, period)
    if world.asked is not None and world.asked.case_id == name:
        return replace(world.asked, state=state)
    return Case(
        case_id=name,
        school_id=account.school_id,
        subscription_id=account.subscription_id,
        learner_id=account.learner_id,
        period=period,
        gateway=gateway or account.gateway,
        amount=amount or account.price,
        policy_id=policy.id,
        policy_version=policy.version,
        policy_hash=world.policy_hash,
        opened_at=at,
        failed_at=at,
        state=state,
    )


def news_came(asked: Case) -> Case:
    """The month of which something was heard: what silence asked is answered."""
    return replace(
        asked, flags=tuple(flag for flag in asked.flags if flag.reason is not ReviewReason.WATCHDOG)
    )


def month_of(world: World, fact: payments.PaymentReviewRaised) -> str:
    """The id that a case of the month has in which that day falls."""
    return case_id_of(fact.subscription_id, dates.charge_day(world.policy, fact.occurred_at))


def when_review_without_case(
    world: World, fact: payments.PaymentReviewRaised, now: datetime, cause: str | None = None
) -> Decision:
    """Payments saw something only a person can settle and no month is unpaid: a question on the day's month."""
    day = dates.charge_day(world.policy, fact.occurred_at)
    turn = Turn(world, month(world, day, fact.occurred_at), now, cause)
    turn.flag(fact.reason, fact.about, fact.detail)
    if turn.said:
        mails.review(turn, fact.reason, fact.about, fact.detail)
    return turn.finish().aside()


def when_question_settled(
    world: World, asked: Case, fact: facts.FlagSettled, now: datetime, cause: str | None = None
) -> Decision:
    """Staff looked at a question about a month that has no case: nothing else follows."""
    turn = Turn(world, asked, now, cause)
    turn.settle_flag(fact.reason, fact.about, by=fact.by, how=fact.note or "settled")
    return turn.finish().aside()
