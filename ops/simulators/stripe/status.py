"""What a subscription's status is once one of its invoices changed."""

from __future__ import annotations

from ops.simulators.store import Json
from ops.simulators.stripe.events import before, emit, emit_change
from ops.simulators.stripe.objects import aside, find, now, save
from ops.simulators.world import World

ENDED = frozenset({"canceled", "incomplete_expired"})
RENEW = "stripe.renew"
RETRY = "stripe.retry"


def refresh(world: World, subscription: Json) -> None:
    """active, past_due or unpaid, by the latest finalised invoice that is not void."""
    if subscription["status"] in ENDED | {"paused"}:
        return
    old = before(subscription)
    latest = _latest(world, subscription)
    subscription["status"] = _status(subscription["status"], latest)
    if subscription["status"] != old["status"]:
        save(world, subscription)
        emit_change(world, "customer.subscription.updated", old, subscription)


def _status(now_is: str, latest: Json | None) -> str:
    good = latest is None or latest["status"] in {"paid", "uncollectible"}
    if now_is == "incomplete":
        return "active" if latest is not None and good else "incomplete"
    if good:
        return "active"
    if now_is == "unpaid":
        return "unpaid"
    return "past_due" if latest is not None and latest["attempted"] else now_is


def _latest(world: World, subscription: Json) -> Json | None:
    for key in reversed(aside(world, subscription["id"]).get("invoices", [])):
        invoice = find(world, "invoice", key)
        if invoice is not None and invoice["status"] not in {"draft", "void"}:
            return invoice
    return None


def end(world: World, subscription: Json, *, reason: str, comment: str | None = None) -> None:
    """Cancel for good: no renewal, no automatic collection any more (customer.subscription.deleted)."""
    moment = now(world)
    subscription.update({"status": "canceled", "canceled_at": moment, "ended_at": moment})
    subscription["cancellation_details"].update({"reason": reason, "comment": comment})
    save(world, subscription)
    world.agenda.cancel(RENEW, subscription["id"])
    for key in aside(world, subscription["id"]).get("invoices", []):
        invoice = find(world, "invoice", key)
        if invoice is not None and invoice["status"] == "open" and invoice["auto_advance"]:
            old = before(invoice)
            invoice.update({"auto_advance": False, "next_payment_attempt": None})
            save(world, invoice)
            emit_change(world, "invoice.updated", old, invoice)
    emit(world, "customer.subscription.deleted", subscription)
