"""The bank's page and the gateway's own subscription: load, decide, record."""

from __future__ import annotations

from services.dunning import domain
from services.dunning.domain.case import case_id_of
from services.dunning.handlers.loading import Unit, account_of, each_open, one_case
from shared.events import payments


async def on_authentication_started(fact: payments.AuthenticationStarted, unit: Unit) -> None:
    """The learner is on the bank's page (T8)."""
    await one_case(
        fact, unit, case_id_of(fact.subscription_id, fact.period), domain.when_authentication_started
    )


async def on_authentication_passed(fact: payments.AuthenticationPassed, unit: Unit) -> None:
    """The bank said yes (T8)."""
    await one_case(
        fact, unit, case_id_of(fact.subscription_id, fact.period), domain.when_authentication_passed
    )


async def on_authentication_failed(fact: payments.AuthenticationFailed, unit: Unit) -> None:
    """The bank said no (T14)."""
    await one_case(
        fact, unit, case_id_of(fact.subscription_id, fact.period), domain.when_authentication_failed
    )


async def on_gateway_activated(fact: payments.GatewaySubscriptionActivated, unit: Unit) -> None:
    """A new subscription began at the gateway (T30, T32)."""
    account = await unit.account(fact.subscription_id)
    if account is not None and not account.open_cases:
        newest = await unit.newest_case(fact.subscription_id)
        if newest is not None:
            await one_case(fact, unit, newest.case_id, domain.when_activated)
        return
    await each_open(fact, unit, domain.when_activated)


async def on_gateway_cancelled(fact: payments.GatewaySubscriptionCancelled, unit: Unit) -> None:
    """The subscription is gone (T16, T25)."""
    unit.keep_account(domain.account_ended(await account_of(fact, unit), fact))
    await each_open(fact, unit, domain.when_cancelled)


async def on_gateway_suspended(fact: payments.GatewaySubscriptionSuspended, unit: Unit) -> None:
    """PayPal's other ending (T16)."""
    unit.keep_account(domain.account_ended(await account_of(fact, unit), fact))
    await each_open(fact, unit, domain.when_suspended)


async def on_review_raised(fact: payments.PaymentReviewRaised, unit: Unit) -> None:
    """Payments saw something only a person can settle: shown on the open cases, or on the day's month.

    Raises:
        Unreadable: the subscription is not known here.
    """
    account = await account_of(fact, unit)
    if account.open_cases:
        await each_open(fact, unit, domain.when_review_raised)
        return
    month = domain.month_of(await unit.world(account), fact)
    if await unit.case(month) is not None:
        await one_case(fact, unit, month, domain.when_review_raised)
        return
    world = await unit.world(account, month=month)
    await unit.record(domain.when_review_without_case(world, fact, unit.now, unit.cause_id))
