"""The subscription and its money: load, decide, record."""

from __future__ import annotations

from services.dunning import domain
from services.dunning.domain.case import case_id_of, reversal_case_id
from services.dunning.handlers.loading import Unit, account_of, case_and_world, each_open
from shared.events import dunning, payments
from shared.events.words import AttemptKind


async def on_subscription_registered(fact: payments.SubscriptionRegistered, unit: Unit) -> None:
    """The terms of a subscription; the newest registration holds, what was paid stays paid."""
    account = domain.account_registered(await unit.account(fact.subscription_id), fact)
    unit.keep_account(account)
    school = await unit.known_school(fact.school_id)
    if school is not None:
        policy, _ = await unit.rules(school)
        unit.say(*domain.await_first(account, policy, fact.occurred_at))


async def on_renewal_fell_due(fact: dunning.RenewalFellDue, unit: Unit) -> None:
    """A month should have been debited by now: if nothing was heard of it, somebody must look (JP-32)."""
    account = await unit.account(fact.subscription_id)
    if account is not None and await unit.case(fact.case_id) is None:
        opened = await unit.open_cases(account)
        world = await unit.world(account, month=fact.case_id)
        await unit.record(domain.when_renewal_fell_due(world, opened, fact, unit.now, unit.cause_id))


async def on_attempt_failed(fact: payments.AttemptFailed, unit: Unit) -> None:
    """A try failed: a new case, a number in an open one, or history (T1, T2, T6, T14, T15, T21)."""
    case, world = await case_and_world(fact, unit)
    await unit.record(domain.when_attempt_failed(world, case, fact, unit.now, unit.cause_id))


async def on_attempt_succeeded(fact: payments.AttemptSucceeded, unit: Unit) -> None:
    """Money came (T3, T10, T11, T20, T23, T24, T30, T33); a carried balance settles older months too."""
    case, world = await case_and_world(fact, unit)
    month = case_id_of(fact.subscription_id, fact.period)
    carried = domain.carried_months(world, case, fact, await unit.open_cases(world.account))
    if carried:
        for one in carried:
            world = await unit.world(await account_of(fact, unit), one)
            await unit.record(domain.when_carried_paid(world, one, fact, unit.now, unit.cause_id))
        if case is not None:
            return
        world = await unit.world(await account_of(fact, unit), month=month)
    over = domain.ended(await unit.open_cases(world.account)) if case is None else None
    if over is not None and fact.kind in {AttemptKind.RENEWAL, AttemptKind.LEARNER, AttemptKind.STAFF}:
        beside = await unit.world(world.account, over, month=month)
        await unit.record(domain.when_paid_beside(beside, over, fact, unit.now, unit.cause_id))
        return
    await unit.record(domain.when_attempt_succeeded(world, case, fact, unit.now, unit.cause_id))


async def on_attempt_pending(fact: payments.AttemptPending, unit: Unit) -> None:
    """An outcome is open (T13)."""
    case, world = await case_and_world(fact, unit)
    await unit.record(domain.when_attempt_pending(world, case, fact, unit.now, unit.cause_id))


async def on_attempt_unknown(fact: payments.AttemptUnknown, unit: Unit) -> None:
    """An outcome that nobody can tell."""
    case = await unit.case(fact.request_id.split("/", 1)[0])
    world = await unit.world(await account_of(fact, unit), case)
    await unit.record(domain.when_attempt_unknown(world, case, fact, unit.now, unit.cause_id))


async def on_method_updated(fact: payments.PaymentMethodUpdated, unit: Unit) -> None:
    """Another card or PayPal: every open month is charged at once, each behind its own attempt in flight (T7)."""
    account = domain.account_with_method(await account_of(fact, unit), fact)
    unit.keep_account(account)
    await each_open(fact, unit, domain.when_method_updated)


async def on_money_back(fact: payments.ChargebackOpened | payments.SaleReversed, unit: Unit) -> None:
    """Money was taken back: a review case of its own (T36)."""
    known = await unit.case(reversal_case_id(fact.subscription_id, fact.reversal_id))
    world = await unit.world(await account_of(fact, unit))
    await unit.record(domain.when_money_went_back(world, known, fact, unit.now, unit.cause_id))


async def on_refunded(fact: payments.PaymentRefunded, unit: Unit) -> None:
    """Money was given back: history (X-08)."""
    case = await unit.case(case_id_of(fact.subscription_id, fact.period)) if fact.period else None
    if case is not None:
        world = await unit.world(await account_of(fact, unit), case)
        await unit.record(domain.when_refunded(world, case, fact, unit.now, unit.cause_id))


async def on_temporary_payment(fact: payments.TemporaryPaymentReceived, unit: Unit) -> None:
    """Money by the temporary method (T26, T27)."""
    month = case_id_of(fact.subscription_id, fact.period)
    case = await unit.case(month)
    if case is None or not case.is_open:
        opened = [one for one in await unit.open_cases(await account_of(fact, unit)) if one.kind == "renewal"]
        case = opened[0] if opened else case
    world = await unit.world(await account_of(fact, unit), case, month=month)
    if case is None:
        await unit.record(domain.when_unplaced_payment(world, fact, unit.now, unit.cause_id))
        return
    await unit.record(domain.when_temporary_payment_received(world, case, fact, unit.now, unit.cause_id))
