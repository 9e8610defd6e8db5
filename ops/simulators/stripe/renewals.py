"""The engine of a subscription: each period is invoiced and charged at its due instant."""

from __future__ import annotations

from datetime import datetime

from ops.simulators.agenda import Due
from ops.simulators.clock import from_unix, interval_after, unix
from ops.simulators.store import Json
from ops.simulators.stripe import flow, invoicing, status
from ops.simulators.stripe.events import before, emit, emit_change
from ops.simulators.stripe.objects import aside, find, save, set_aside
from ops.simulators.stripe.payments import Verdict, settle
from ops.simulators.world import World

EXPIRE = "stripe.expire_incomplete"

_NEVER_EXECUTED = frozenset(
    # Stripe goes on counting but charges nothing until the method changes (gateways.md 1.5).
    {
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "stolen_card",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "authentication_required",
        "highest_risk_level",
        "transaction_not_allowed",
    }
)


def period_end(subscription: Json, cycle: int) -> datetime:
    """The end of period number ``cycle``, counted from the anchor so that the 31st stays the 31st."""
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    anchor = from_unix(subscription["billing_cycle_anchor"])
    return interval_after(anchor, recurring["interval"], recurring["interval_count"] * cycle)


def plan_renewal(world: World, subscription: Json, *, cycle: int) -> None:
    """Let period number ``cycle`` be the current one and be renewed at its end."""
    end = period_end(subscription, cycle)
    set_aside(world, subscription["id"], cycle=cycle)
    for item in subscription["items"]["data"]:
        item["current_period_end"] = unix(end)
    save(world, subscription)
    world.agenda.cancel(status.RENEW, subscription["id"])
    if not world.only_told:
        world.agenda.plan(status.RENEW, subscription["id"], end)


def renew(world: World, due: Due) -> None:
    """A period ended: the next one begins, is invoiced, finalised at once and charged."""
    subscription = find(world, "subscription", due.ref)
    if subscription is None or subscription["status"] in status.ENDED | {"paused"}:
        return
    if subscription["cancel_at_period_end"]:
        status.end(world, subscription, reason="cancellation_requested")
        return
    old = before(subscription)
    for item in subscription["items"]["data"]:
        item["current_period_start"] = item["current_period_end"]
    plan_renewal(world, subscription, cycle=aside(world, due.ref)["cycle"] + 1)
    invoice = invoicing.draft_for_period(world, subscription, reason="subscription_cycle")
    subscription["latest_invoice"] = invoice["id"]
    save(world, subscription)
    emit_change(world, "customer.subscription.updated", old, subscription)
    emit(world, "invoice.created", invoice)
    pause = subscription["pause_collection"]
    if subscription["status"] == "unpaid" or (pause and pause["behavior"] == "keep_as_draft"):
        invoice["auto_advance"] = False
        save(world, invoice)
        return
    invoicing.finalise(world, invoice)
    if pause:
        invoicing.close_unpaid(world, invoice, pause["behavior"].removeprefix("mark_"))
    elif invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        _collect(world, subscription, invoice)


def _collect(world: World, subscription: Json, invoice: Json) -> None:
    method = invoicing.method_for(world, invoice)
    verdict, _ = invoicing.collect(world, invoice, method, off_session=True, by="engine", automatic=True)
    if verdict is Verdict.DECLINED:
        end_if_exhausted(world, subscription, invoice)


def end_if_exhausted(world: World, subscription: Json, invoice: Json) -> None:
    """The account's end state once Stripe's own retries are used up (none by default)."""
    known = aside(world, subscription["id"])
    if not known.get("retries") or invoice["next_payment_attempt"] is not None:
        return
    ending = known.get("ending", "past_due")
    if ending == "cancel":
        status.end(world, subscription, reason="payment_failed")
    elif ending == "unpaid":
        old = before(subscription)
        subscription["status"] = "unpaid"
        save(world, subscription)
        emit_change(world, "customer.subscription.updated", old, subscription)


def retry(world: World, due: Due) -> None:
    """Stripe's own next attempt, on accounts that left retries to Stripe."""
    invoice = find(world, "invoice", due.ref)
    if invoice is None or invoice["status"] != "open" or not invoice["auto_advance"]:
        return
    subscription = find(world, "subscription", aside(world, invoice["id"]).get("subscription", ""))
    if subscription is None or subscription["status"] in status.ENDED:
        return
    intent = invoicing.intent_of(world, invoice)
    error = intent["last_payment_error"] or {}
    method = invoicing.method_for(world, invoice)
    same_card = method is not None and (error.get("payment_method") or {}).get("id") == method["id"]
    if same_card and error.get("decline_code") in _NEVER_EXECUTED:
        invoicing.count_without_charging(world, invoice)
        end_if_exhausted(world, subscription, invoice)
    else:
        _collect(world, subscription, invoice)


def come_down(world: World, due: Due) -> None:
    """A payment that was in the air settles."""
    intent = find(world, "payment_intent", due.ref)
    verdict = settle(world, intent) if intent is not None else None
    if intent is not None and verdict is not None:
        flow.follow(world, intent, verdict)


def expire_incomplete(world: World, due: Due) -> None:
    """A first payment nobody completed within 23 hours."""
    subscription = find(world, "subscription", due.ref)
    if subscription is None or subscription["status"] != "incomplete":
        return
    old = before(subscription)
    subscription["status"] = "incomplete_expired"
    save(world, subscription)
    world.agenda.cancel(status.RENEW, subscription["id"])
    invoice = find(world, "invoice", subscription["latest_invoice"] or "")
    if invoice is not None and invoice["status"] == "open":
        invoicing.close_unpaid(world, invoice, "void")
    emit_change(world, "customer.subscription.updated", old, subscription)


DOERS = {
    status.RENEW: renew,
    status.RETRY: retry,
    "stripe.settle": come_down,
    EXPIRE: expire_incomplete,
}
