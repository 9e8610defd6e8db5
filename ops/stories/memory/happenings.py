"""What happens at a gateway by itself, as the webhook that tells of it."""

from __future__ import annotations

from ops.stories import engine as verbs
from ops.stories.memory.gateway import MemoryGateway
from ops.stories.memory.webhooks import Webhook
from services.payments import news
from shared.events.words import CancelledBy


def webhook_of(gateway: MemoryGateway, happening: verbs.Happening) -> Webhook:
    """Into the gateway's books, and the webhook.

    Raises:
        NotConfirmed: the gateway has no such subscription.
    """
    match happening:
        case verbs.AttemptHappened():
            told = gateway.attempt(happening)
            return gateway.webhook("attempt", happening.event_id, told, amount_text=happening.amount_text)
        case verbs.SubscriptionChanged():
            return gateway.webhook("subscription", happening.event_id, _changed(gateway, happening))
        case verbs.MoneyWentBack():
            return gateway.webhook("money_back", happening.event_id, _money_back(gateway, happening))
        case verbs.ChallengeHappened():
            return gateway.webhook("challenge", happening.event_id, _challenge(gateway, happening))
        case _:
            raise TypeError(happening)


def _changed(gateway: MemoryGateway, happening: verbs.SubscriptionChanged) -> news.SubscriptionNews:
    known = gateway.of(happening.subscription_id, happening.gateway_subscription_id)
    named = happening.gateway_subscription_id or known.id
    status = "active" if happening.status == "activated" else happening.status
    if named == known.id:
        known.status = status  # type: ignore[assignment]  # the model admits these words alone
    return news.SubscriptionNews(
        gateway=happening.gateway,
        occurred_at=happening.at,
        refs=(named,),
        subscription_id=happening.subscription_id if named != known.id else None,
        gateway_subscription_id=named,
        status=status,  # type: ignore[arg-type]  # as above
        by=CancelledBy(happening.by),
        failed_payments=happening.failed_payments,
        outstanding=happening.outstanding,
        amount=happening.amount,
        next_billing_at=happening.next_billing_at,
    )


def _money_back(gateway: MemoryGateway, happening: verbs.MoneyWentBack) -> news.MoneyBackNews:
    return news.MoneyBackNews(
        gateway=happening.gateway,
        occurred_at=happening.at,
        refs=(_gateway_id(gateway, happening),),
        what=happening.what,  # type: ignore[arg-type]  # the model admits these words alone
        reversal_id=happening.reversal_id,
        transaction_id=happening.transaction_id,
        amount=happening.amount,
    )


def _challenge(gateway: MemoryGateway, happening: verbs.ChallengeHappened) -> news.ChallengeNews:
    return news.ChallengeNews(
        gateway=happening.gateway,
        occurred_at=happening.at,
        refs=(_gateway_id(gateway, happening),),
        challenge_id=happening.challenge_id,
        state=happening.state,  # type: ignore[arg-type]  # the model admits these words alone
    )


def _gateway_id(gateway: MemoryGateway, happening: verbs.Happening) -> str:
    return gateway.of(happening.subscription_id, happening.gateway_subscription_id).id
