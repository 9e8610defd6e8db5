"""The life of an invoice: drafted, finalised, collected, and what each answer of the bank makes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ops.simulators.clock import from_unix, unix
from ops.simulators.store import Json
from ops.simulators.stripe import invoice_shapes, status
from ops.simulators.stripe.errors import StripeError, bad
from ops.simulators.stripe.events import before, emit, emit_change
from ops.simulators.stripe.objects import aside, find, load, now, save, set_aside
from ops.simulators.stripe.payments import Verdict, attempt, new_intent
from ops.simulators.world import World


def draft(world: World, customer: Json, *, currency: str, reason: str, **facts: Any) -> Json:
    """A draft invoice, told as invoice.created."""
    key = world.ids.stripe("in")
    invoice = invoice_shapes.invoice(
        key, now(world), customer=customer, currency=currency, reason=reason, **facts
    )
    return save(world, invoice)


def draft_for_period(world: World, subscription: Json, *, reason: str) -> Json:
    """The draft for the current period of a subscription, with one line per item."""
    items = subscription["items"]["data"]
    start, end = items[0]["current_period_start"], items[0]["current_period_end"]
    details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
    invoice = draft(
        world,
        load(world, "customer", subscription["customer"]),
        currency=subscription["currency"],
        reason=reason,
        collection_method=subscription["collection_method"],
        parent={
            "quote_details": None,
            "subscription_details": details,
            "type": "subscription_details",
        },
        period_start=start,
        period_end=start,
    )
    for item in items:
        _add_period_line(world, invoice, item, start=start, end=end)
    total(invoice)
    save(world, invoice)
    period = from_unix(start).date().isoformat()
    set_aside(world, invoice["id"], subscription=subscription["id"], period=period)
    invoices = [*aside(world, subscription["id"]).get("invoices", []), invoice["id"]]
    set_aside(world, subscription["id"], invoices=invoices)
    return invoice


def _add_period_line(world: World, invoice: Json, item: Json, *, start: int, end: int) -> None:
    price = item["price"]
    amount = price["unit_amount"] * item["quantity"]
    line = invoice_shapes.line_item(
        world.ids.stripe("il"),
        invoice=invoice["id"],
        amount=amount,
        currency=invoice["currency"],
        start=start,
        end=end,
    )
    line["quantity"] = item["quantity"]
    line["parent"] = {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": item["subscription"],
            "subscription_item": item["id"],
        },
        "type": "subscription_item_details",
    }
    line["pricing"] = {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
    }
    invoice["lines"]["data"].append(line)


def total(invoice: Json) -> None:
    """Sum the lines."""
    lines = invoice["lines"]
    lines["total_count"] = len(lines["data"])
    amount = sum(line["amount"] for line in lines["data"])
    for name in ("amount_due", "subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"):
        invoice[name] = amount
    invoice["amount_remaining"] = amount - invoice["amount_paid"]


def finalise(world: World, invoice: Json) -> None:
    """Open an invoice for payment: number, hosted page, payment intent (invoice.finalized)."""
    if invoice["status"] != "draft":
        raise StripeError(
            400, "This invoice is already finalized, you can't re-finalize a non-draft invoice."
        )
    customer = load(world, "customer", invoice["customer"])
    invoice["number"] = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    save(world, customer)
    page = f"{world.settings.base_url}/stripe/hosted/invoices/{invoice['id']}"
    invoice.update({"status": "open", "effective_at": now(world)})
    invoice.update({"hosted_invoice_url": page, "invoice_pdf": f"{page}.pdf"})
    invoice["status_transitions"]["finalized_at"] = now(world)
    save(world, invoice)
    if invoice["amount_remaining"]:
        intent_of(world, invoice)
    emit(world, "invoice.finalized", invoice)
    if not invoice["amount_remaining"]:
        _close_as_paid(world, invoice)


def intent_of(world: World, invoice: Json) -> Json:
    """The intent that pays what remains of an open invoice; a new one when the last is spent."""
    payment = find(world, "invoice_payment", aside(world, invoice["id"]).get("payment", ""))
    if payment is not None:
        intent = load(world, "payment_intent", payment["payment"]["payment_intent"])
        if intent["status"] not in {"succeeded", "canceled"}:
            return intent
        payment["is_default"] = False
        save(world, payment)
    known = aside(world, invoice["id"])
    metadata = ((invoice["parent"] or {}).get("subscription_details") or invoice)["metadata"] or {}
    intent = new_intent(
        world,
        amount=invoice["amount_remaining"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        description="Subscription update" if known.get("subscription") else f"Invoice {invoice['number']}",
        metadata=dict(metadata),
        payment_details={"customer_reference": None, "order_reference": invoice["id"][:25]},
    )
    facts = {name: known[name] for name in ("subscription", "period") if name in known}
    set_aside(world, intent["id"], invoice=invoice["id"], **facts)
    payment = invoice_shapes.invoice_payment(
        world.ids.stripe("inpay"), now(world), invoice=invoice, intent=intent["id"]
    )
    save(world, payment)
    set_aside(world, invoice["id"], payment=payment["id"])
    emit(world, "payment_intent.created", intent)
    return intent


def method_for(world: World, invoice: Json) -> Json | None:
    """The default method: the invoice's, then the subscription's, then the customer's."""
    subscription = find(world, "subscription", aside(world, invoice["id"]).get("subscription", ""))
    customer = load(world, "customer", invoice["customer"])
    for key in (
        invoice["default_payment_method"],
        subscription and subscription["default_payment_method"],
        customer["invoice_settings"]["default_payment_method"],
    ):
        method = find(world, "payment_method", key or "")
        if method is not None and method["customer"] == invoice["customer"]:
            return method
    return None


def collect(
    world: World, invoice: Json, method: Json | None, *, off_session: bool, by: str, automatic: bool
) -> tuple[Verdict, Json]:
    """Attempt to collect an open invoice; ``automatic`` is Stripe's own doing, not a call of ours."""
    intent = intent_of(world, invoice)
    if intent["status"] == "processing":
        raise bad(
            "This invoice has a payment that is still processing.", code="payment_intent_unexpected_state"
        )
    if method is None:
        if not automatic:
            message = "There is no default payment method set on this Customer or Invoice."
            raise StripeError(400, message, code="missing")
        settled(world, invoice, intent, Verdict.DECLINED, automatic=True)
        return Verdict.DECLINED, intent
    verdict = attempt(world, intent, method, off_session=off_session, by=by)
    settled(world, invoice, intent, verdict, automatic=automatic)
    return verdict, intent


def settled(world: World, invoice: Json, intent: Json, verdict: Verdict, *, automatic: bool) -> None:
    """What an attempt's end makes of the invoice and its subscription (invoice.* events)."""
    old = before(invoice)
    invoice["attempted"] = True
    if verdict is not Verdict.ACTION and (automatic or invoice["attempt_count"] == 0):
        invoice["attempt_count"] += 1
    if verdict is Verdict.SUCCEEDED:
        _receive(world, invoice, intent, old)
    elif verdict is Verdict.PROCESSING:
        save(world, invoice)
        emit_change(world, "invoice.updated", old, invoice)
    else:
        _plan_automatic_retry(world, invoice, automatic=automatic)
        save(world, invoice)
        if verdict is Verdict.ACTION:
            emit(world, "invoice.payment_action_required", invoice)
        emit(world, "invoice.payment_failed", invoice)
        emit_change(world, "invoice.updated", old, invoice)
    if verdict is not Verdict.PROCESSING:  # in the air is neither paid nor past due
        refresh_subscription(world, invoice)


def refresh_subscription(world: World, invoice: Json) -> None:
    """Let the subscription of an invoice follow it."""
    subscription = find(world, "subscription", aside(world, invoice["id"]).get("subscription", ""))
    if subscription is not None:
        status.refresh(world, subscription)


def _receive(world: World, invoice: Json, intent: Json, old: Json) -> None:
    received = intent["amount_received"]
    invoice["amount_paid"] += received
    over = invoice["amount_paid"] - invoice["amount_due"]
    invoice["amount_overpaid"] = max(over, 0)
    invoice["amount_remaining"] = max(-over, 0)
    payment = load(world, "invoice_payment", aside(world, invoice["id"])["payment"])
    payment.update({"status": "paid", "amount_paid": received})
    payment["status_transitions"]["paid_at"] = now(world)
    save(world, payment)
    emit(world, "invoice_payment.paid", payment)
    if invoice["amount_remaining"]:
        save(world, invoice)
        emit_change(world, "invoice.updated", old, invoice)
        return
    _close_as_paid(world, invoice, old)
    emit(world, "invoice.payment_succeeded", invoice)
    if over > 0:
        emit(world, "invoice.overpaid", invoice)


def _close_as_paid(world: World, invoice: Json, old: Json | None = None) -> None:
    old = old or before(invoice)
    invoice.update({"status": "paid", "attempted": True, "auto_advance": False, "next_payment_attempt": None})
    invoice["status_transitions"]["paid_at"] = now(world)
    save(world, invoice)
    world.agenda.cancel(status.RETRY, invoice["id"])
    emit_change(world, "invoice.updated", old, invoice)
    emit(world, "invoice.paid", invoice)


def close_out_of_band(world: World, invoice: Json) -> None:
    """Paid outside Stripe: invoice.paid without any charge, and without invoice.payment_succeeded."""
    invoice.update({"amount_paid": invoice["amount_due"], "amount_remaining": 0})
    invoice["amount_paid_off_stripe"] = invoice["amount_due"]
    _close_as_paid(world, invoice)
    refresh_subscription(world, invoice)


def close_unpaid(world: World, invoice: Json, how: str, *, reason: str | None = None) -> None:
    """Void an open invoice or give it up (``how``: void or uncollectible)."""
    old = before(invoice)
    event, moment = {
        "void": ("invoice.voided", "voided_at"),
        "uncollectible": ("invoice.marked_uncollectible", "marked_uncollectible_at"),
    }[how]
    invoice.update({"status": how, "auto_advance": False, "next_payment_attempt": None})
    invoice["status_transitions"][moment] = now(world)
    if reason:
        invoice["status_details"] = {"uncollectible": {"reason": reason}}
    save(world, invoice)
    world.agenda.cancel(status.RETRY, invoice["id"])
    emit(world, event, invoice)
    emit_change(world, "invoice.updated", old, invoice)
    refresh_subscription(world, invoice)


def _plan_automatic_retry(world: World, invoice: Json, *, automatic: bool) -> None:
    """Stripe's own schedule, when the account has one; off by default: the school owns its retries."""
    known = aside(world, invoice["id"])
    schedule = aside(world, known.get("subscription", "")).get("retries") or []
    if not automatic or not invoice["auto_advance"] or not schedule:
        return
    done = known.get("automatic_failures", 0)
    set_aside(world, invoice["id"], automatic_failures=done + 1)
    if done < len(schedule):
        at = world.clock.now() + timedelta(days=schedule[done])
        invoice["next_payment_attempt"] = unix(at)
        world.agenda.plan(status.RETRY, invoice["id"], at)
    else:
        invoice["next_payment_attempt"] = None


def count_without_charging(world: World, invoice: Json) -> None:
    """What Stripe does after a hard decline: it counts and plans on, and never asks the bank."""
    old = before(invoice)
    invoice["attempt_count"] += 1
    _plan_automatic_retry(world, invoice, automatic=True)
    save(world, invoice)
    emit_change(world, "invoice.updated", old, invoice)
