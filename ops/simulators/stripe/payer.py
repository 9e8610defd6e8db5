"""What a learner does on Stripe's pages: types a card, pays, passes or fails 3-D Secure, walks away."""

from __future__ import annotations

from dataclasses import dataclass, field

from ops.simulators.store import Json
from ops.simulators.stripe import checkout, flow, invoicing, setups, status
from ops.simulators.stripe.customers import price_from
from ops.simulators.stripe.errors import StripeError
from ops.simulators.stripe.events import before, emit, emit_change
from ops.simulators.stripe.forms import integer, merged_metadata
from ops.simulators.stripe.methods import attach_to, new_card, new_paypal
from ops.simulators.stripe.objects import aside, by_id, load, now, save, set_aside
from ops.simulators.stripe.payments import Verdict, answer_authentication, attempt, new_intent
from ops.simulators.stripe.renewals import plan_renewal
from ops.simulators.stripe.shapes import customer as customer_shape
from ops.simulators.stripe.subscriptions import new_subscription
from ops.simulators.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedCard:
    """A card as typed on a page."""

    number: str = "4242424242424242"
    exp_month: int = 12
    exp_year: int = 2039
    details: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """What came of it: ``intent`` to authenticate, or the reason of a refusal, or neither (done)."""

    challenge: str | None = None
    refused: str | None = None


def type_card(world: World, session: Json, card: TypedCard) -> Went:
    """Submit a checkout page."""
    if checkout.is_over(world, session):
        raise StripeError(400, "This Checkout Session is no longer active.")
    return _submit(world, session, _saved(world, card))


def choose_paypal(world: World, session: Json, email: str) -> Went:
    """Submit a checkout page with a PayPal account in place of a card."""
    if checkout.is_over(world, session):
        raise StripeError(400, "This Checkout Session is no longer active.")
    return _submit(world, session, new_paypal(world, email))


def _submit(world: World, session: Json, method: Json) -> Went:
    if session["mode"] == "setup":
        return _set_up(world, session, method)
    if session["mode"] == "payment":
        return _pay_once(world, session, method)
    return _subscribe(world, session, method)


def _saved(world: World, card: TypedCard) -> Json:
    return new_card(
        world, card.number, exp_month=card.exp_month, exp_year=card.exp_year, details=card.details
    )


def _set_up(world: World, session: Json, method: Json) -> Went:
    data = aside(world, session["id"])["data"]
    intent = setups.new_setup(
        world, customer=session["customer"], metadata=merged_metadata({}, data.get("metadata") or {})
    )
    intent.update({"payment_method": method["id"], "description": data.get("description")})
    session["setup_intent"] = intent["id"]
    save(world, session)
    set_aside(world, intent["id"], session=session["id"])
    setups.save_card(world, intent)
    return _setup_went(intent)


def _setup_went(intent: Json) -> Went:
    if intent["status"] == "requires_action":
        return Went(challenge=intent["id"])
    if intent["status"] == "requires_payment_method":
        return Went(refused=intent["last_setup_error"]["message"])
    return Went()


def _pay_once(world: World, session: Json, method: Json) -> Went:
    data = aside(world, session["id"])["data"]
    intent = new_intent(
        world,
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        description=data.get("description"),
        metadata=merged_metadata({}, data.get("metadata") or {}),
        setup_future_usage=data.get("setup_future_usage"),
    )
    emit(world, "payment_intent.created", intent)
    session["payment_intent"] = intent["id"]
    save(world, session)
    set_aside(world, intent["id"], session=session["id"])
    verdict = attempt(world, intent, method, off_session=False, by="payer")
    flow.follow(world, intent, verdict)
    return _payment_went(intent, verdict)


def _payment_went(intent: Json, verdict: Verdict) -> Went:
    if verdict is Verdict.ACTION:
        return Went(challenge=intent["id"])
    if verdict is Verdict.DECLINED:
        return Went(refused=intent["last_payment_error"]["message"])
    return Went()


def _subscribe(world: World, session: Json, method: Json) -> Went:
    known = aside(world, session["id"])
    if session["subscription"] is not None:
        _forget_first_try(world, session)
    if session["customer"] is None:
        customer = save(world, customer_shape(world.ids.stripe("cus"), now(world)))
        customer["email"] = session["customer_email"]
        session["customer"] = save(world, customer)["id"]
        emit(world, "customer.created", customer)
    attach_to(world, method, session["customer"])
    items = [
        (
            price_from(world, line["price_data"])
            if "price_data" in line
            else load(world, "price", line["price"]),
            integer(line.get("quantity") or 1, "quantity"),
        )
        for line in known["lines"]
    ]
    subscription = new_subscription(
        world, session["customer"], items=items, anchor=now(world), start=now(world)
    )
    subscription.update({"default_payment_method": method["id"], "status": "incomplete"})
    subscription["metadata"] = merged_metadata({}, known["data"].get("metadata") or {})
    plan_renewal(world, subscription, cycle=1)
    invoice = invoicing.draft_for_period(world, subscription, reason="subscription_create")
    subscription["latest_invoice"] = invoice["id"]
    session.update({"subscription": subscription["id"], "invoice": invoice["id"]})
    save(world, session)
    emit(world, "customer.subscription.created", subscription)
    emit(world, "invoice.created", invoice)
    invoicing.finalise(world, invoice)
    intent = invoicing.intent_of(world, invoice)
    set_aside(world, intent["id"], session=session["id"])
    verdict = attempt(world, intent, method, off_session=False, by="payer")
    flow.follow(world, intent, verdict)
    if verdict is Verdict.DECLINED:
        invoicing.close_unpaid(world, invoice, "void")
        status.end(world, subscription, reason="payment_failed")
    return _payment_went(intent, verdict)


def _forget_first_try(world: World, session: Json) -> None:
    """The first card did not do: its invoice and its subscription go before another card is tried."""
    invoice = load(world, "invoice", session["invoice"])
    if invoice["status"] == "open":
        invoicing.close_unpaid(world, invoice, "void")
    subscription = load(world, "subscription", session["subscription"])
    if subscription["status"] not in status.ENDED:
        status.end(world, subscription, reason="payment_failed")


def pay_invoice(world: World, invoice: Json, card: TypedCard | None) -> Went:
    """Pay on the hosted invoice page, with a new card or the saved one."""
    if invoice["status"] not in {"open", "uncollectible"}:
        raise StripeError(400, f"This invoice is {invoice['status']}.")
    method = invoicing.method_for(world, invoice)
    if card is not None:
        method = attach_to(world, _saved(world, card), invoice["customer"])
    verdict, intent = invoicing.collect(
        world, invoice, method, off_session=False, by="payer", automatic=False
    )
    return _payment_went(intent, verdict)


def replace_card(world: World, customer: Json, card: TypedCard, *, portal: Json | None = None) -> Went:
    """Replace the card on the portal page: it becomes the default of customer and subscriptions."""
    method = _saved(world, card)
    intent = setups.new_setup(world, customer=customer["id"], metadata={})
    intent["payment_method"] = method["id"]
    set_aside(world, intent["id"], portal=portal["id"] if portal else None, default_for=customer["id"])
    setups.save_card(world, intent)
    _make_default(world, intent)
    return _setup_went(intent)


def _make_default(world: World, intent: Json) -> None:
    owner = aside(world, intent["id"]).get("default_for")
    if owner is None or intent["status"] != "succeeded":
        return
    customer = load(world, "customer", owner)
    old = before(customer)
    customer["invoice_settings"]["default_payment_method"] = intent["payment_method"]
    save(world, customer)
    emit_change(world, "customer.updated", old, customer)
    for subscription in world.store.table("stripe.subscription").values():
        if subscription["customer"] == owner and subscription["status"] not in status.ENDED:
            was = before(subscription)
            subscription["default_payment_method"] = intent["payment_method"]
            save(world, subscription)
            emit_change(world, "customer.subscription.updated", was, subscription)


def answer_challenge(world: World, key: str, *, passed: bool) -> Went:
    """The one-time code was right (or not) for a payment or a setup intent."""
    intent = by_id(world, key)
    if intent is None:
        raise StripeError(404, f"No such intent: {key}")
    if intent["object"] == "setup_intent":
        setups.answer_authentication(world, intent, passed=passed)
        _make_default(world, intent)
        return _setup_went(intent)
    verdict = answer_authentication(world, intent, passed=passed)
    flow.follow(world, intent, verdict)
    return _payment_went(intent, verdict)


def challenge_of(world: World, key: str) -> str:
    """The intent behind an invoice, a session or the intent itself."""
    obj = by_id(world, key)
    if obj is None:
        raise StripeError(404, f"No such object: {key}")
    if obj["object"] == "invoice":
        return str(invoicing.intent_of(world, obj)["id"])
    if obj["object"] == "checkout.session":
        return str(obj["setup_intent"] or obj["payment_intent"] or _session_invoice_intent(world, obj))
    return key


def _session_invoice_intent(world: World, session: Json) -> str:
    invoice = load(world, "invoice", session["invoice"] or "")
    return str(invoicing.intent_of(world, invoice)["id"])
