"""What payments does when it hears a fact of dunning: load, decide, record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.payments import orders
from services.payments.domain import attempts, periods
from services.payments.domain.state import Invoice, Reference, Request, Role, School
from services.payments.handlers.books import Books
from services.payments.handlers.erasing import on_learner_erased
from shared.calendar.wall import start_of_day
from shared.events import dunning, notifications
from shared.service import Hears


async def on_school_registered(fact: dunning.SchoolRegistered, unit: Books) -> None:
    """Keep the zone, the roll-over and the white list."""
    unit.keep(
        School(
            school_id=fact.school_id,
            zone=fact.zone,
            service_day_rollover=fact.service_day_rollover,
            accepted_methods=fact.accepted_methods,
            site_url=fact.site_url,
            currency=fact.currency,
        )
    )


async def on_attempt_scheduled(fact: dunning.AttemptScheduled, unit: Books) -> None:
    """We are going to try again ourselves, so the gateway must not: take the invoice's clock over, once."""
    subscription = await unit.subscription(fact.subscription_id)
    invoice = await _invoice_for(fact, unit)
    if subscription is None or (invoice is not None and invoice.owned):
        return
    order = orders.own(subscription, fact.case_id, fact.period, invoice)
    unit.errand("own_clock", f"own/{fact.case_id}", fact.subscription_id, order)


async def on_attempt_requested(fact: dunning.AttemptRequested, unit: Books) -> None:
    """Charge, unless another attempt for the period is still in the air."""
    requests = await unit.requests_of(fact.subscription_id)
    asked = attempts.when_requested(fact, await unit.request(fact.request_id), requests)
    if asked is None:
        return
    unit.keep(asked.request)
    if asked.go:
        await ask_to_charge(asked.request, unit)


async def ask_to_charge(request: Request, unit: Books) -> None:
    """Write the errand with everything it needs to know, so that it asks nobody later."""
    subscription = await unit.subscription(request.subscription_id)
    if subscription is None:
        unit.keep(replace(request, state="ended", outcome="no such subscription"))
        return
    invoices = await unit.invoices_of(request.subscription_id)
    invoice = next((one for one in invoices if one.period == request.period and not one.one_off), None)
    known = await unit.transactions_for(invoice.invoice_id) if invoice else []
    order = orders.charge(subscription, request, invoice, known)
    unit.errand("charge", request.request_id, request.subscription_id, order)


async def on_cancellation_requested(fact: dunning.GatewayCancellationRequested, unit: Books) -> None:
    """Make sure that it is cancelled at the gateway (J19, R-J12)."""
    subscription = await unit.subscription(fact.subscription_id)
    if subscription is not None:
        unit.keep(replace(subscription, cancel_asked=True))
        unit.errand(
            "cancel",
            f"cancel/{fact.case_id}",
            fact.subscription_id,
            orders.cancel(subscription, fact.case_id),
        )


async def on_pause_requested(fact: dunning.SubscriptionPauseRequested, unit: Books) -> None:
    """Stop collecting (T17)."""
    subscription = await unit.subscription(fact.subscription_id)
    if subscription is not None:
        order = orders.pause(subscription, fact.case_id, fact.period, await _invoice_for(fact, unit))
        unit.errand("pause", f"pause/{fact.case_id}", fact.subscription_id, order)


async def on_resumption_requested(fact: dunning.SubscriptionResumptionRequested, unit: Books) -> None:
    """Collect again, with another billing day (R-F9)."""
    subscription = await unit.subscription(fact.subscription_id)
    school = await unit.school(fact.school_id)
    if subscription is None or school is None:
        return
    day = periods.service_day_of(fact.occurred_at, school)
    anchors = periods.re_anchored(subscription.anchors, day, fact.billing_day)
    unit.keep(replace(subscription, anchors=anchors))
    order = orders.resume(subscription, fact.case_id, start_of_day(fact.next_billing_on, school.zone))
    unit.errand("resume", f"resume/{fact.case_id}", fact.subscription_id, order)


async def on_reconciliation_requested(fact: dunning.ReconciliationRequested, unit: Books) -> None:
    """Read the gateway and tell what it says (watchdog, T37)."""
    subscription = await unit.subscription(fact.subscription_id)
    school = await unit.school(fact.school_id)
    if subscription is None or school is None:
        return
    order = orders.read(
        subscription, fact.period, start_of_day(fact.period, school.zone), await _invoice_for(fact, unit)
    )
    unit.errand("reconcile", f"reconcile/{fact.case_id}/{fact.about}", fact.subscription_id, order)


async def on_duplicate_adopted(fact: dunning.DuplicateAdopted, unit: Books) -> None:
    """Staff took an unexpected registration as the new subscription (JP-11)."""
    subscription = await unit.subscription(fact.subscription_id)
    if subscription is None:
        return
    anchors = periods.re_anchored(subscription.anchors, fact.day, fact.day.day)
    unit.keep(replace(subscription, gateway_subscription_id=fact.gateway_subscription_id, anchors=anchors))
    await unit.refer(
        Reference(
            key=f"{subscription.gateway}:{fact.gateway_subscription_id}",
            subscription_id=subscription.subscription_id,
            role=Role.SUBSCRIPTION,
        )
    )


async def on_self_payment_locked(fact: dunning.SelfPaymentLocked, unit: Books) -> None:
    """No page of the gateway is opened for a learner who must not pay by himself (R-J10, JP-10)."""
    subscription = await unit.subscription(fact.subscription_id)
    if subscription is not None:
        unit.keep(replace(subscription, locked=fact.why, opens_at=None, closes_at=None))


async def on_self_payment_opened(fact: dunning.SelfPaymentOpened, unit: Books) -> None:
    """From ``opens_at`` to ``closes_at`` the learner may pay."""
    subscription = await unit.subscription(fact.subscription_id)
    if subscription is not None:
        unit.keep(replace(subscription, locked=None, opens_at=fact.opens_at, closes_at=fact.closes_at))


async def _invoice_for(fact: Any, unit: Books) -> Invoice | None:
    invoices = await unit.invoices_of(fact.subscription_id)
    return next((one for one in invoices if one.period == fact.period and not one.one_off), None)


HEARS: Hears = {
    dunning.SchoolRegistered: on_school_registered,
    dunning.AttemptScheduled: on_attempt_scheduled,
    dunning.AttemptRequested: on_attempt_requested,
    dunning.GatewayCancellationRequested: on_cancellation_requested,
    dunning.SubscriptionPauseRequested: on_pause_requested,
    dunning.SubscriptionResumptionRequested: on_resumption_requested,
    dunning.ReconciliationRequested: on_reconciliation_requested,
    dunning.DuplicateAdopted: on_duplicate_adopted,
    dunning.SelfPaymentLocked: on_self_payment_locked,
    dunning.SelfPaymentOpened: on_self_payment_opened,
    notifications.LearnerErased: on_learner_erased,
}
