"""Who cares that an intent ended: its invoice, or the checkout page that asked for it."""

from __future__ import annotations

from ops.simulators.clock import zulu
from ops.simulators.store import Json
from ops.simulators.stripe import invoicing
from ops.simulators.stripe.events import emit
from ops.simulators.stripe.methods import attach_to
from ops.simulators.stripe.objects import aside, find, load, save
from ops.simulators.stripe.payments import Verdict
from ops.simulators.world import World


def follow(world: World, intent: Json, verdict: Verdict) -> None:
    """Let the invoice or the checkout session of an intent follow what became of it."""
    known = aside(world, intent["id"])
    if "invoice" in known:
        invoicing.settled(world, load(world, "invoice", known["invoice"]), intent, verdict, automatic=False)
    if intent["setup_future_usage"] and verdict is Verdict.SUCCEEDED and intent["customer"]:
        method = load(world, "payment_method", intent["payment_method"])
        attach_to(world, method, intent["customer"])
    session = find(world, "checkout.session", known.get("session", ""))
    if session is not None and verdict is Verdict.SUCCEEDED:
        complete(world, session, payment_status="paid")


def complete(world: World, session: Json, *, payment_status: str) -> None:
    """The payer finished a checkout page (checkout.session.completed)."""
    if session["status"] != "open":
        return
    session.update({"status": "complete", "payment_status": payment_status, "url": None})
    save(world, session)
    world.journal.note("stripe.checkout_completed", session=session["id"], when=zulu(world.clock.now()))
    emit(world, "checkout.session.completed", session)
