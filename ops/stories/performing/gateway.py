"""What happens at a gateway by itself, and how its news travels."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ops.stories.cast import SubscriptionCast
from ops.stories.engine import (
    Answer,
    AttemptHappened,
    ChallengeHappened,
    MoneyWentBack,
    SubscriptionChanged,
)
from ops.stories.model import acts
from ops.stories.stage import Stage
from ops.stories.writing import Moment


async def attempt(line: acts.Attempt, stage: Stage) -> Answer | None:
    """The gateway tried to take money."""
    subscription = stage.cast.subscription(line.subscription)
    transaction = line.transaction or _transaction(line, stage, subscription)
    at = stage.engine.now()
    if line.attempt == "pending":
        stage.pending[subscription.id] = transaction
    else:
        stage.pending.pop(subscription.id, None)
    if line.attempt == "succeeded":
        stage.transactions[subscription.id] = transaction
    amount = stage.money(line.amount, subscription) if line.amount else subscription.price
    await stage.engine.happens(
        AttemptHappened(
            **_common(line, stage, subscription, f"{transaction}-{line.attempt}"),
            outcome=line.attempt,
            transaction_id=transaction,
            amount=amount,
            amount_text=line.amount_text,
            reason=line.reason if line.attempt == "failed" else "",
            first=line.first,
            period=line.period.day if line.period else None,
            next_attempt_at=stage.instant(line.next_attempt, subscription) if line.next_attempt else None,
            next_billing_at=stage.instant(line.next_billing, subscription) if line.next_billing else None,
            network_code=line.network_code,
            advice_code=line.advice_code,
            card=line.card,
        ),
        arrivals(line, stage, at),
    )
    return None


def _transaction(line: acts.Attempt, stage: Stage, subscription: SubscriptionCast) -> str:
    waiting = stage.pending.get(subscription.id)
    if waiting is not None and line.attempt != "pending":
        return waiting
    return f"tx-{subscription.id}-{stage.number(f'tx-{subscription.id}')}"


async def at_gateway(line: acts.AtGateway, stage: Stage) -> Answer | None:
    """The subscription stands differently."""
    subscription = stage.cast.subscription(line.subscription)
    by = line.by or ("gateway" if line.at_gateway == "cancelled" else "unknown")
    named = line.gateway_subscription
    if line.at_gateway == "activated" and named is None:
        named = f"I-{subscription.id}-{stage.number('activated') + 1}"
    common = {
        **_common(line, stage, subscription, f"{subscription.id}-{line.at_gateway}"),
        "gateway_subscription_id": named,
    }
    await stage.engine.happens(
        SubscriptionChanged(
            **common,
            status=line.at_gateway,
            by=by,
            failed_payments=line.failed_payments,
            outstanding=stage.money(line.outstanding, subscription) if line.outstanding else None,
            amount=stage.money(line.amount, subscription) if line.amount else None,
            next_billing_at=stage.instant(line.next_billing, subscription) if line.next_billing else None,
        ),
        arrivals(line, stage, stage.engine.now()),
    )
    return None


async def money_back(line: acts.MoneyBack, stage: Stage) -> Answer | None:
    """Money went back."""
    subscription = stage.cast.subscription(line.subscription)
    name = line.id or f"{line.money_back}-{stage.number(line.money_back)}"
    await stage.engine.happens(
        MoneyWentBack(
            **_common(line, stage, subscription, name),
            what=line.money_back,
            reversal_id=name,
            transaction_id=line.transaction or await _last_success(stage, subscription),
            amount=stage.money(line.amount, subscription) if line.amount else subscription.price,
        ),
        arrivals(line, stage, stage.engine.now()),
    )
    return None


async def _last_success(stage: Stage, subscription: SubscriptionCast) -> str | None:
    """The last successful attempt in the gateways' own books, ours or theirs."""
    seen = await stage.engine.seen()
    paid = [
        one
        for one in seen.money
        if one.subscription_id == subscription.id
        and one.outcome == "succeeded"
        and one.at <= stage.engine.now()
    ]
    return paid[-1].transaction_id if paid else stage.transactions.get(subscription.id)


async def challenge(line: acts.Challenge, stage: Stage) -> Answer | None:
    """The payer's bank asks for a proof."""
    subscription = stage.cast.subscription(line.subscription)
    name = line.id
    if name is None and line.challenge == "started":
        name = f"challenge-{stage.number('challenge')}"
    name = name or stage.challenges.get(subscription.id) or f"challenge-{stage.number('challenge')}"
    stage.challenges[subscription.id] = name
    await stage.engine.happens(
        ChallengeHappened(
            **_common(line, stage, subscription, f"{name}-{line.challenge}"),
            challenge_id=name,
            state=line.challenge,
        ),
        arrivals(line, stage, stage.engine.now()),
    )
    return None


async def bank(line: acts.Bank, stage: Stage) -> Answer | None:
    """What our own charges are answered from now on."""
    subscription = stage.cast.subscription(line.subscription)
    await stage.engine.bank_will_say(
        subscription.id,
        stage.answers(line.bank, subscription),
        otherwise=stage.answer(line.otherwise, subscription) if line.otherwise else None,
        next=line.next,
    )
    return None


def _common(line: Any, stage: Stage, subscription: SubscriptionCast, event: str) -> dict[str, Any]:
    return {
        "subscription_id": subscription.id,
        "gateway": subscription.gateway,
        "at": stage.engine.now(),
        "event_id": line.event or f"ev-{event}-{stage.number('event')}",
        "gateway_subscription_id": line.gateway_subscription,
    }


def arrivals(line: Any, stage: Stage, at: datetime) -> list[datetime]:
    """When the news reaches us; a relative arrival counts from when it happened."""
    if line.arrives is None:
        return [at]
    subscription = stage.cast.subscription(line.subscription)
    return [one.at(subscription.school.zone, at) for one in line.arrives if isinstance(one, Moment)]


PERFORM: Final[dict[type[Any], Any]] = {
    acts.Attempt: attempt,
    acts.AtGateway: at_gateway,
    acts.MoneyBack: money_back,
    acts.Challenge: challenge,
    acts.Bank: bank,
}
