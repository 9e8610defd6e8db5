"""What the gateway does to the subscription itself: it ends, it is suspended, another one begins (T16, T25, T32)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from services.dunning.domain import mails, resume
from services.dunning.domain.account import Account
from services.dunning.domain.attempts import something_open
from services.dunning.domain.case import Case
from services.dunning.domain.exhaustion import exhaust_if_over
from services.dunning.domain.learner import cancel_now
from services.dunning.domain.reviews import duplicate
from services.dunning.domain.turn import Decision, Turn, World, nothing
from services.dunning.domain.watch import watch
from services.dunning.policies.remediation import GatewayCapture
from shared.events import payments
from shared.events.words import CancelledBy, CaseState, ReviewReason

BEFORE_GUIDANCE: Final = frozenset(
    {CaseState.RETRYING, CaseState.AWAITING_OUTCOME, CaseState.AWAITING_GUIDANCE}
)


def account_after(
    account: Account, fact: payments.GatewaySubscriptionCancelled | payments.GatewaySubscriptionSuspended
) -> Account:
    """The subscription's end is remembered even before any case knows of a failure (R-X1)."""
    if isinstance(fact, payments.GatewaySubscriptionCancelled):
        known = account.cancelled_at
        if known is not None and known <= fact.occurred_at:
            return account
        return replace(account, cancelled_at=fact.occurred_at, cancelled_by=fact.by.value)
    known = account.suspended_at
    if known is not None and known <= fact.occurred_at:
        return account
    return replace(account, suspended_at=fact.occurred_at)


def when_cancelled(
    world: World,
    case: Case,
    fact: payments.GatewaySubscriptionCancelled,
    now: datetime,
    cause: str | None = None,
) -> Decision:
    """The subscription is gone at the gateway: no attempt can come, and guidance may be sent (T16, T25)."""
    return _ended(world, case, now, cause, cancelled=fact)


def when_suspended(
    world: World,
    case: Case,
    fact: payments.GatewaySubscriptionSuspended,
    now: datetime,
    cause: str | None = None,
) -> Decision:
    """PayPal's other ending: suspended with a balance instead of cancelled (JP-06)."""
    return _ended(world, case, now, cause, suspended=fact)


def _ended(
    world: World,
    case: Case,
    now: datetime,
    cause: str | None,
    *,
    cancelled: payments.GatewaySubscriptionCancelled | None = None,
    suspended: payments.GatewaySubscriptionSuspended | None = None,
) -> Decision:
    if not case.is_open or case.kind != "renewal":
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    ended = case.gateway_end
    if cancelled is not None and (ended.cancelled_at is None or cancelled.occurred_at < ended.cancelled_at):
        ended = replace(ended, cancelled_at=cancelled.occurred_at, cancelled_by=cancelled.by)
        turn.note("gateway_cancelled", when=cancelled.occurred_at, by=cancelled.by.value)
    if suspended is not None and (ended.suspended_at is None or suspended.occurred_at < ended.suspended_at):
        ended = replace(ended, suspended_at=suspended.occurred_at)
        turn.note("gateway_suspended", when=suspended.occurred_at, failures=suspended.failed_payments)
    if ended == case.gateway_end:
        return nothing(world, case)
    turn.set(gateway_end=ended)
    if world.policy.attempts.executor == "merchant" and cancelled is not None:
        _gone(turn, cancelled)
    elif case.state in BEFORE_GUIDANCE:
        exhaust_if_over(turn)
    if suspended is not None and suspended.outstanding is not None and not suspended.outstanding.is_zero:
        turn.note("balance", amount=suspended.outstanding)
    watch(turn)
    return turn.finish()


def _gone(turn: Turn, fact: payments.GatewaySubscriptionCancelled) -> None:
    """The subscription that we debit ourselves was ended elsewhere: nobody who left is charged any more."""
    if turn.case.state not in {CaseState.RETRYING, CaseState.AWAITING_OUTCOME}:
        return
    if fact.by is CancelledBy.LEARNER:
        turn.mark("cancel_requested")
        if not something_open(turn.case):
            cancel_now(turn, fact.occurred_at)
        return
    turn.mark("subscription_gone")
    detail = f"the subscription {fact.gateway_subscription_id} was cancelled at the gateway while a month is unpaid"
    turn.flag(ReviewReason.UNPAID_BALANCE, fact.gateway_subscription_id, detail)
    mails.review(turn, ReviewReason.UNPAID_BALANCE, fact.gateway_subscription_id, detail)


def remember_end(turn: Turn) -> None:
    """A case that opens after the news of the subscription's end: the end is known already (R-X1)."""
    account, case = turn.account, turn.case
    ended = case.gateway_end
    if account.cancelled_at is not None and account.cancelled_at >= case.failed_at:
        by = CancelledBy(account.cancelled_by) if account.cancelled_by else CancelledBy.UNKNOWN
        ended = replace(ended, cancelled_at=account.cancelled_at, cancelled_by=by)
    if account.suspended_at is not None and account.suspended_at >= case.failed_at:
        ended = replace(ended, suspended_at=account.suspended_at)
    if ended != case.gateway_end:
        turn.set(gateway_end=ended)
        exhaust_if_over(turn)


def when_activated(
    world: World,
    case: Case,
    fact: payments.GatewaySubscriptionActivated,
    now: datetime,
    cause: str | None = None,
) -> Decision:
    """A new subscription: the announced one, or one that nobody expected (T30, T32)."""
    if case.kind != "renewal" or not (case.is_open or _another_than_resumed(case, fact)):
        return nothing(world, case)
    if resume.expects(case, fact.occurred_at):
        return resume.when_activated(world, case, fact, now, cause)
    turn = Turn(world, case, now, cause)
    if isinstance(world.policy.remediation, GatewayCapture):
        turn.note("gateway_reactivated", when=fact.occurred_at)
        return turn.finish()
    detail = f"the subscription {fact.gateway_subscription_id} began although none was expected"
    duplicate(
        turn,
        about=fact.gateway_subscription_id,
        detail=detail,
        at=fact.occurred_at,
        subscription=fact.gateway_subscription_id,
        amount=fact.amount,
    )
    return turn.finish()


def _another_than_resumed(case: Case, fact: payments.GatewaySubscriptionActivated) -> bool:
    """A further subscription after the procedure ended with one: nobody needs two (J31)."""
    ended = case.state is CaseState.RESUMED and case.resume is not None
    return ended and case.resume is not None and case.resume.activated_id != fact.gateway_subscription_id
