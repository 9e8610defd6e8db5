"""Money that goes back: a refund changes nothing, a chargeback or reversal is a case of its own (R-X4; T36)."""

from __future__ import annotations

from datetime import datetime

from services.dunning.domain import mails
from services.dunning.domain.case import Case, reversal_case_id
from services.dunning.domain.turn import Decision, Turn, World, nothing
from services.dunning.policies import dates
from shared.events import dunning as facts
from shared.events import payments
from shared.events.words import AccessLevel, CaseState, ReviewReason

MoneyBack = payments.ChargebackOpened | payments.SaleReversed


def when_money_went_back(
    world: World, known: Case | None, fact: MoneyBack, now: datetime, cause: str | None = None
) -> Decision:
    """The payer's bank or PayPal took money back: staff review it, credits are held again, nobody is charged (X-10)."""
    if known is not None:
        return nothing(world, known)
    policy = world.policy
    reason = ReviewReason.CHARGEBACK if isinstance(fact, payments.ChargebackOpened) else ReviewReason.REVERSAL
    case = Case(
        case_id=reversal_case_id(fact.subscription_id, fact.reversal_id),
        school_id=fact.school_id,
        subscription_id=fact.subscription_id,
        learner_id=fact.learner_id,
        period=fact.period or dates.charge_day(policy, fact.occurred_at),
        kind="reversal",
        gateway=fact.gateway,
        amount=fact.amount,
        policy_id=policy.id,
        policy_version=policy.version,
        policy_hash=world.policy_hash,
        opened_at=fact.occurred_at,
        failed_at=fact.occurred_at,
        state=CaseState.UNDER_REVIEW,
    )
    turn = Turn(world, case, now, cause)
    turn.account = turn.account.with_case(case.case_id, is_open=True)
    turn.say(
        facts.CaseOpened,
        when=fact.occurred_at,
        kind="reversal",
        amount=fact.amount,
        policy_id=policy.id,
        policy_version=policy.version,
        policy_hash=world.policy_hash,
        gateway=fact.gateway,
    )
    turn.note("reversal_opened", when=fact.occurred_at, amount=fact.amount, reason=reason.value)
    if policy.credits.applies:
        turn.mark("held")
        turn.say(facts.CreditHoldRequested, hold="reversal")
        turn.note("credits_held")
    if policy.reversal.chargeback.access == "suspend":
        turn.say(facts.AccessSuspensionRequested, level=AccessLevel.NONE)
        turn.note("access_lowered", level=AccessLevel.NONE.value)
    detail = f"{fact.amount} of {fact.transaction_id or 'an unknown payment'} went back"
    turn.flag(reason, fact.reversal_id, detail)
    mails.review(turn, reason, fact.reversal_id, detail)
    return turn.finish()


def when_refunded(
    world: World, case: Case | None, fact: payments.PaymentRefunded, now: datetime, cause: str | None = None
) -> Decision:
    """The school gave money back: a line in the story, nothing reopens (X-08)."""
    if case is None:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    turn.note("refunded", when=fact.occurred_at, amount=fact.amount)
    return turn.finish()


def when_reversal_resolved(
    world: World, case: Case, fact: facts.ReversalResolved, now: datetime, cause: str | None = None
) -> Decision:
    """Staff settled the matter: access and credits are as they decide."""
    turn = Turn(world, case, now, cause)
    if case.state is not CaseState.UNDER_REVIEW:
        turn.note("act_refused", act="resolve", why="the case is not under review", by=fact.by)
        return turn.finish()
    for flag in case.flags:
        turn.settle_flag(flag.reason, flag.about, by=fact.by, how="resolved")
    if case.has("held"):
        if fact.release_credits:
            turn.say(facts.CreditReleaseRequested, hold="reversal")
            turn.note("credits_released")
        else:
            turn.say(facts.CreditForfeitRequested)
            turn.note("credits_forfeited")
    if fact.keep_access:
        turn.say(facts.AccessRestorationRequested, why="resolved")
    else:
        turn.say(facts.AccessEndRequested, at=fact.occurred_at)
    turn.note("resolved", when=fact.occurred_at, by=fact.by, note=fact.note or None)
    turn.close(CaseState.RESOLVED, when=fact.occurred_at, by=fact.by)
    return turn.finish()
