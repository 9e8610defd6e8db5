"""Setup intents: saving a card for later debits, with 3-D Secure when its bank wants it."""

from __future__ import annotations

from ops.simulators.scripts import Outcome, outcome_from, outcome_to
from ops.simulators.store import Json
from ops.simulators.stripe import flow, shapes
from ops.simulators.stripe.call import Call, page
from ops.simulators.stripe.cards import card_of
from ops.simulators.stripe.declines import decline_facts
from ops.simulators.stripe.errors import StripeError
from ops.simulators.stripe.events import emit
from ops.simulators.stripe.forms import merged_metadata
from ops.simulators.stripe.methods import attach_to, usable
from ops.simulators.stripe.objects import aside, every, find, load, now, save, set_aside
from ops.simulators.stripe.payments import AUTHENTICATION
from ops.simulators.world import World

_OPEN = {"requires_payment_method", "requires_confirmation", "requires_action"}


def new_setup(world: World, *, customer: str | None, metadata: Json) -> Json:
    """A setup intent, told as setup_intent.created."""
    key = world.ids.stripe("seti")
    intent = shapes.setup_intent(key, now(world), secret=world.ids.secret(key))
    intent.update({"customer": customer, "metadata": metadata})
    save(world, intent)
    emit(world, "setup_intent.created", intent)
    return intent


def create(world: World, call: Call) -> Json:
    """POST /v1/setup_intents, confirmed at once with ``confirm=true``."""
    if key := call.text("customer"):
        load(world, "customer", key, param="customer")
    metadata = merged_metadata({}, call.nested("metadata"))
    intent = new_setup(world, customer=call.text("customer"), metadata=metadata)
    _write(world, call, intent)
    return _confirmed(world, call, intent) if call.flag("confirm") else intent


def _write(world: World, call: Call, intent: Json) -> None:
    if key := call.text("payment_method"):
        intent["payment_method"] = usable(world, key)["id"]
        intent["status"] = "requires_confirmation"
    if call.has("metadata"):
        intent["metadata"] = merged_metadata(intent["metadata"], call.params["metadata"])
    if usage := call.text("usage"):
        intent["usage"] = usage
    if call.has("description"):
        intent["description"] = call.text("description")
    save(world, intent)


def retrieve(world: World, call: Call, key: str) -> Json:
    """GET /v1/setup_intents/{id}."""
    del call
    return load(world, "setup_intent", key)


def index(world: World, call: Call) -> Json:
    """GET /v1/setup_intents."""
    return page(call, every(world, "setup_intent"), "customer", "payment_method")


def update(world: World, call: Call, key: str) -> Json:
    """POST /v1/setup_intents/{id}."""
    intent = load(world, "setup_intent", key)
    _write(world, call, intent)
    return intent


def confirm(world: World, call: Call, key: str) -> Json:
    """POST /v1/setup_intents/{id}/confirm."""
    intent = load(world, "setup_intent", key)
    if intent["status"] not in _OPEN:
        message = f"This SetupIntent has a status of {intent['status']} and cannot be confirmed."
        raise StripeError(400, message, code="setup_intent_unexpected_state", setup_intent=intent)
    _write(world, call, intent)
    return _confirmed(world, call, intent)


def cancel(world: World, call: Call, key: str) -> Json:
    """POST /v1/setup_intents/{id}/cancel."""
    intent = load(world, "setup_intent", key)
    if intent["status"] not in _OPEN:
        message = f"You cannot cancel this SetupIntent because it has a status of {intent['status']}."
        raise StripeError(400, message, code="setup_intent_unexpected_state", setup_intent=intent)
    intent.update({"status": "canceled", "cancellation_reason": call.text("cancellation_reason")})
    save(world, intent)
    emit(world, "setup_intent.canceled", intent)
    return intent


def _confirmed(world: World, call: Call, intent: Json) -> Json:
    if intent["payment_method"] is None:
        message = "You cannot confirm this SetupIntent because it's missing a payment method."
        raise StripeError(400, message, code="setup_intent_unexpected_state", setup_intent=intent)
    if address := call.text("return_url"):
        set_aside(world, intent["id"], return_url=address)
    save_card(world, intent)
    if intent["status"] == "requires_payment_method":
        raise setup_error(intent)
    return intent


def save_card(world: World, intent: Json) -> None:
    """Ask the bank whether the intent's card may be saved: it succeeds, asks for 3-D Secure or declines."""
    method = load(world, "payment_method", intent["payment_method"])
    intent["latest_attempt"] = world.ids.stripe("setatt")
    said = _bank(world, intent, method)
    if said.decline == AUTHENTICATION:
        address = f"{world.settings.base_url}/stripe/hosted/3ds/{intent['id']}"
        back = aside(world, intent["id"]).get("return_url")
        intent["status"] = "requires_action"
        intent["next_action"] = {
            "redirect_to_url": {"return_url": back, "url": address},
            "type": "redirect_to_url",
        }
        set_aside(world, intent["id"], then=outcome_to(said.next))
        save(world, intent)
        emit(world, "setup_intent.requires_action", intent)
    else:
        _finish(world, intent, said, authenticated=False)


def _bank(world: World, intent: Json, method: Json) -> Outcome:
    keys = [key for key in (intent["id"], method["id"], intent["customer"]) if key]
    scripted = world.scripts.next(keys, purpose="setup")
    if scripted is not None:
        return scripted
    card = card_of(aside(world, method["id"]).get("number", ""))
    if card.authentication != "never":
        return Outcome(decline=AUTHENTICATION)
    return Outcome(decline=card.decline) if card.at_attach else Outcome()


def answer_authentication(world: World, intent: Json, *, passed: bool) -> None:
    """The payer passed or failed 3-D Secure while saving a card."""
    if intent["status"] != "requires_action":
        raise StripeError(400, "This SetupIntent is not waiting for an action.")
    if passed:
        said = outcome_from(aside(world, intent["id"]).get("then") or "ok")
        _finish(world, intent, said, authenticated=True)
        return
    facts = {
        "code": "setup_intent_authentication_failure",
        "message": "We are unable to authenticate your payment method. Please choose a different one.",
    }
    _fail(world, intent, facts)


def _finish(world: World, intent: Json, said: Outcome, *, authenticated: bool) -> None:
    method = load(world, "payment_method", intent["payment_method"])
    if said.decline:
        _fail(world, intent, decline_facts(said))
        return
    set_aside(world, method["id"], set_up=authenticated)
    intent.update({"status": "succeeded", "next_action": None, "last_setup_error": None})
    save(world, intent)
    if intent["customer"]:
        attach_to(world, method, intent["customer"])
    emit(world, "setup_intent.succeeded", intent)
    session = find(world, "checkout.session", aside(world, intent["id"]).get("session", ""))
    if session is not None:
        flow.complete(world, session, payment_status="no_payment_required")


def _fail(world: World, intent: Json, facts: Json) -> None:
    method = load(world, "payment_method", intent["payment_method"])
    error = {**facts, "payment_method": dict(method), "type": "card_error"}
    intent.update(
        {
            "status": "requires_payment_method",
            "payment_method": None,
            "next_action": None,
            "last_setup_error": {name: value for name, value in error.items() if value is not None},
        }
    )
    save(world, intent)
    emit(world, "setup_intent.setup_failed", intent)


def setup_error(intent: Json) -> StripeError:
    """The 402 of a card that could not be saved."""
    last = intent["last_setup_error"] or {"message": "Your card was declined."}
    facts = {name: value for name, value in last.items() if name not in {"type", "message"}}
    return StripeError(402, last["message"], kind="card_error", setup_intent=intent, **facts)
