"""Payment intents: payments outside invoices, and those of an invoice confirmed by their payer."""

from __future__ import annotations

from ops.simulators.store import Json
from ops.simulators.stripe import flow
from ops.simulators.stripe.call import Call, page
from ops.simulators.stripe.errors import StripeError, bad, required, unexpected
from ops.simulators.stripe.events import emit
from ops.simulators.stripe.forms import merged_metadata
from ops.simulators.stripe.methods import usable
from ops.simulators.stripe.objects import aside, every, load, now, save, set_aside
from ops.simulators.stripe.payments import AUTHENTICATION, Verdict, attempt, card_error, new_intent
from ops.simulators.world import World

_OPEN = {"requires_payment_method", "requires_confirmation", "requires_action"}


def create(world: World, call: Call) -> Json:
    """POST /v1/payment_intents, confirmed at once with ``confirm=true``."""
    amount = call.number("amount")
    if amount is None:
        raise required("amount")
    if amount <= 0:
        raise bad("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    intent = new_intent(world, amount=amount, currency=call.need("currency").lower())
    _write(world, call, intent)
    emit(world, "payment_intent.created", intent)
    return _confirmed(world, call, intent) if call.flag("confirm") else intent


def _write(world: World, call: Call, intent: Json) -> None:
    if key := call.text("customer"):
        intent["customer"] = load(world, "customer", key, param="customer")["id"]
    if key := call.text("payment_method"):
        method = usable(world, key)
        if method["customer"] not in {None, intent["customer"]}:
            message = "The PaymentMethod is attached to another customer than the PaymentIntent's."
            raise StripeError(400, message, param="payment_method")
        intent["payment_method"] = method["id"]
        if intent["status"] == "requires_payment_method":
            intent["status"] = "requires_confirmation"
    if call.has("metadata"):
        intent["metadata"] = merged_metadata(intent["metadata"], call.params["metadata"])
    for name in ("description", "setup_future_usage", "receipt_email"):
        if call.has(name):
            intent[name] = call.text(name)
    if call.many("allowed_payment_method_types"):
        intent["payment_method_types"] = call.many("allowed_payment_method_types")
    save(world, intent)


def retrieve(world: World, call: Call, key: str) -> Json:
    """GET /v1/payment_intents/{id}."""
    del call
    return load(world, "payment_intent", key)


def index(world: World, call: Call) -> Json:
    """GET /v1/payment_intents."""
    return page(call, every(world, "payment_intent"), "customer")


def update(world: World, call: Call, key: str) -> Json:
    """POST /v1/payment_intents/{id}."""
    intent = load(world, "payment_intent", key)
    if call.has("amount") and "invoice" not in aside(world, key):
        intent["amount"] = call.number("amount")
    _write(world, call, intent)
    return intent


def confirm(world: World, call: Call, key: str) -> Json:
    """POST /v1/payment_intents/{id}/confirm."""
    intent = load(world, "payment_intent", key)
    if intent["status"] not in _OPEN:
        message = f"This PaymentIntent's status is {intent['status']}: it cannot be confirmed."
        raise StripeError(400, message, code="payment_intent_unexpected_state", payment_intent=intent)
    _write(world, call, intent)
    return _confirmed(world, call, intent)


def _confirmed(world: World, call: Call, intent: Json) -> Json:
    if intent["payment_method"] is None:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise StripeError(400, message, code="payment_intent_unexpected_state", payment_intent=intent)
    if address := call.text("return_url"):
        set_aside(world, intent["id"], return_url=address)
    method = load(world, "payment_method", intent["payment_method"])
    off_session = call.flag("off_session") or call.flag("error_on_requires_action")
    verdict = attempt(world, intent, method, off_session=off_session, by="api")
    flow.follow(world, intent, verdict)
    if verdict is Verdict.DECLINED or (verdict is Verdict.ACTION and off_session):
        raise card_error(intent, code=AUTHENTICATION if verdict is Verdict.ACTION else None)
    return intent


def cancel(world: World, call: Call, key: str) -> Json:
    """POST /v1/payment_intents/{id}/cancel; not for an invoice's default intent."""
    intent = load(world, "payment_intent", key)
    if intent["status"] not in _OPEN:
        message = f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}."
        raise StripeError(400, message, code="payment_intent_unexpected_state", payment_intent=intent)
    if "invoice" in aside(world, key):
        message = "This PaymentIntent belongs to an invoice: void the invoice instead."
        raise unexpected("payment_intent_unexpected_state", message)
    intent.update(
        {
            "status": "canceled",
            "canceled_at": now(world),
            "cancellation_reason": call.text("cancellation_reason"),
            "next_action": None,
        }
    )
    save(world, intent)
    emit(world, "payment_intent.canceled", intent)
    return intent
