"""Stripe's side of a story: attempts, endings and money back that happen exactly as told."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from ops.simulators.clock import from_unix, unix
from ops.simulators.scripts import Outcome
from ops.simulators.store import Json
from ops.simulators.stripe import flow, invoicing, payer, returns, status
from ops.simulators.stripe.events import before, emit, emit_change
from ops.simulators.stripe.objects import aside, every, find, load, now, save, set_aside
from ops.simulators.stripe.payments import SETTLE, attempt
from ops.simulators.stripe.subscriptions import new_subscription
from ops.simulators.told import AttemptTold, CannotHappen, ChallengeTold, MoneyBackTold, StatusTold, Told
from ops.simulators.webhooks.outbox import Telling
from ops.simulators.world import World

BEARS = {
    "failed": ("charge.failed",),
    "succeeded": ("invoice.paid",),
    "pending": ("payment_intent.processing",),
    "status": ("customer.subscription.*",),
    "refund": ("refund.created",),
    "chargeback": ("charge.dispute.created",),
    "passed": ("invoice.paid",),
    "failed_challenge": ("payment_intent.payment_failed",),
}
"""The event that says it to the school, and so bears the id of the story."""

_SAME_PERIOD = timedelta(days=27)
_ENDED_BECAUSE = {"gateway": "payment_failed", "learner": "cancellation_requested"}


def subscription_of(world: World, told: Told) -> Json:
    """The subscription it happened to; a second one for the same customer where the story names a new id."""
    known = find(world, "subscription", told.subscription)
    if known is not None:
        return known
    if told.like is None:
        raise CannotHappen(f"Stripe knows no {told.subscription}: set it up, or say whose it is")
    model = load(world, "subscription", told.like)
    items = [(item["price"], item["quantity"]) for item in model["items"]["data"]]
    with world.ids.given({"stripe.sub": told.subscription}):
        made = new_subscription(
            world, model["customer"], items=items, anchor=unix(told.at), start=unix(told.at)
        )
    made["default_payment_method"] = model["default_payment_method"]
    return save(world, made)


# --- attempts -------------------------------------------------------------------------------------


def attempt_happened(world: World, told: AttemptTold) -> Json:
    """One attempt on the period's invoice, by Stripe itself."""
    subscription = subscription_of(world, told)
    intent = _already_tried(world, told)
    if intent is not None and intent["status"] not in {"processing", "requires_payment_method"}:
        return _told_again(world, intent)
    fresh = intent is None
    if intent is None:
        invoice = _invoice_for(world, subscription, told)
        intent = invoicing.intent_of(world, invoice)
    else:
        invoice = load(world, "invoice", aside(world, intent["id"])["invoice"])
    method = _method(world, subscription, invoice, told)
    with world.ids.given({"stripe.ch": told.transaction} if fresh else {}):
        verdict = attempt(world, intent, method, off_session=True, by="engine", outcome=_outcome(told))
    world.agenda.cancel(SETTLE, intent["id"])
    invoice["next_payment_attempt"] = unix(told.next_attempt) if told.next_attempt else None
    if fresh:
        invoicing.settled(world, invoice, intent, verdict, automatic=True)
    else:
        flow.follow(world, intent, verdict)
    if told.next_billing is not None:
        for item in subscription["items"]["data"]:
            item["current_period_end"] = unix(told.next_billing)
        save(world, subscription)
    return {"invoice": invoice["id"], "transaction": intent["latest_charge"], "outcome": verdict.value}


def _already_tried(world: World, told: AttemptTold) -> Json | None:
    """The intent of a transaction that the story speaks of again."""
    charge = find(world, "charge", told.transaction or "")
    if charge is None:
        return None
    intent = load(world, "payment_intent", charge["payment_intent"])
    if charge["status"] == "failed" and told.outcome == "succeeded":
        charge["status"] = "pending"  # the same transaction, with another end
        save(world, charge)
    return intent


def _told_again(world: World, intent: Json) -> Json:
    """It happened once and is said twice, by another event."""
    invoice = load(world, "invoice", aside(world, intent["id"])["invoice"])
    charge = load(world, "charge", intent["latest_charge"])
    if charge["status"] == "succeeded":
        emit(world, "invoice.paid", invoice)
    else:
        emit(world, "charge.failed", charge)
    return {"invoice": invoice["id"], "transaction": charge["id"], "outcome": charge["status"]}


def _outcome(told: AttemptTold) -> Outcome:
    if told.outcome == "pending":
        return Outcome(pending=True, amount=told.amount)
    if told.outcome == "succeeded":
        return Outcome(amount=told.amount)
    return Outcome(
        decline=told.reason or "generic_decline",
        amount=told.amount,
        network_decline_code=told.network_code,
        network_advice_code=told.advice_code,
    )


def _method(world: World, subscription: Json, invoice: Json, told: AttemptTold) -> Json:
    method = invoicing.method_for(world, invoice)
    if method is None:
        raise CannotHappen(f"{subscription['id']} has no method to charge: set it up with a card")
    if told.card is not None and method["type"] == "card":
        method["card"]["fingerprint"] = told.card
        save(world, method)
    return method


def _covers_from(told: AttemptTold) -> datetime:
    """Noon of the period's first day is that day in every zone with a school in it."""
    return told.at if told.period is None else datetime.combine(told.period, time(12), UTC)


def _invoice_for(world: World, subscription: Json, told: AttemptTold) -> Json:
    """The open invoice of the period, or the one that is written for it now."""
    known = [find(world, "invoice", key) for key in aside(world, subscription["id"]).get("invoices", [])]
    for invoice in reversed([one for one in known if one is not None and one["status"] == "open"]):
        start = from_unix(invoice["lines"]["data"][0]["period"]["start"])
        same = (
            told.at - start < _SAME_PERIOD
            if told.period is None
            else start.date() == _covers_from(told).date()
        )
        if same and not told.first:
            return invoice
    return _new_invoice(world, subscription, told)


def _new_invoice(world: World, subscription: Json, told: AttemptTold) -> Json:
    start = unix(_covers_from(told))
    for item in subscription["items"]["data"]:
        item["current_period_start"] = start
        if item["current_period_end"] <= start:
            item["current_period_end"] = start + int(timedelta(days=30).total_seconds())
    reason = "subscription_create" if told.first else "subscription_cycle"
    invoice = invoicing.draft_for_period(world, subscription, reason=reason)
    invoice["currency"] = told.currency.lower()
    subscription["latest_invoice"] = invoice["id"]
    save(world, subscription)
    emit(world, "invoice.created", invoice)
    invoicing.finalise(world, invoice)
    return invoice


# --- the rest -------------------------------------------------------------------------------------


def status_changed(world: World, told: StatusTold) -> Json:
    """Cancelled, given up (Stripe says unpaid) or active again."""
    subscription = subscription_of(world, told)
    if told.next_billing is not None:
        for item in subscription["items"]["data"]:
            item["current_period_end"] = unix(told.next_billing)
    if told.status == "cancelled":
        if subscription["status"] in status.ENDED:
            emit(world, "customer.subscription.deleted", subscription)
        else:
            status.end(world, subscription, reason=_ENDED_BECAUSE.get(told.by, ""))
            subscription["cancellation_details"]["reason"] = _ENDED_BECAUSE.get(told.by)
    else:
        old = before(subscription)
        subscription["status"] = "unpaid" if told.status == "suspended" else "active"
        if old["status"] == subscription["status"]:
            old["status"] = "incomplete"
        emit_change(world, "customer.subscription.updated", old, subscription)
    save(world, subscription)
    return {"subscription": subscription["id"], "status": subscription["status"]}


def money_went_back(world: World, told: MoneyBackTold) -> Json:
    """A refund from the dashboard, or a dispute of the cardholder's bank."""
    subscription = subscription_of(world, told)
    charge = _charge_of(world, subscription, told)
    if told.what == "reversal":
        raise CannotHappen("Stripe takes no sale back: money goes back by a refund or a chargeback")
    if told.what == "refund":
        with world.ids.given({"stripe.re": told.id}):
            return returns.refund(world, charge, amount=told.amount, reason=None)
    with world.ids.given({"stripe.du": told.id}):
        return returns.dispute(world, {**charge, "amount": told.amount}, reason="fraudulent")


def _charge_of(world: World, subscription: Json, told: MoneyBackTold) -> Json:
    charge = find(world, "charge", told.transaction or "")
    if charge is not None:
        return charge
    paid = [
        one
        for one in every(world, "charge", status="succeeded")
        if aside(world, one["payment_intent"]).get("subscription") == subscription["id"]
    ]
    if told.transaction is None and paid:
        return paid[-1]
    return _of_old(world, subscription, told)


def _of_old(world: World, subscription: Json, told: MoneyBackTold) -> Json:
    """Money that was paid before the story began: the books have it, and nobody tells of it now."""
    paid = AttemptTold(
        gateway="stripe",
        subscription=subscription["id"],
        at=told.at - timedelta(days=31),
        what="attempt",
        outcome="succeeded",
        amount=told.amount,
        currency=told.currency,
        transaction=told.transaction,
    )
    with world.outbox.telling(Telling(arrivals=())), world.clock.at(paid.at):
        made = attempt_happened(world, paid)
    emit(world, "invoice.finalized", load(world, "invoice", made["invoice"]))
    return load(world, "charge", made["transaction"])


def challenge_ended(world: World, told: ChallengeTold) -> Json:
    """The payer answered the bank's question on the page of an open invoice."""
    subscription = subscription_of(world, told)
    invoice = load(world, "invoice", subscription["latest_invoice"] or "")
    intent = invoicing.intent_of(world, invoice)
    if intent["status"] != "requires_action":
        intent.update({"status": "requires_action", "payment_method": subscription["default_payment_method"]})
        set_aside(world, intent["id"], then="ok")
        save(world, intent)
    went = payer.answer_challenge(world, intent["id"], passed=told.state == "passed")
    return {"intent": intent["id"], "at": now(world), "refused": went.refused}
