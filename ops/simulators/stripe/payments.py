"""One attempt to take money from a method: what the bank said, and what that makes of the intent."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

from ops.simulators.clock import from_unix
from ops.simulators.scripts import Outcome, outcome_from, outcome_to
from ops.simulators.store import Json
from ops.simulators.stripe import shapes
from ops.simulators.stripe.cards import bank_answer, card_of
from ops.simulators.stripe.declines import decline_facts
from ops.simulators.stripe.errors import StripeError
from ops.simulators.stripe.events import emit
from ops.simulators.stripe.objects import aside, find, load, now, save, set_aside
from ops.simulators.world import World

AUTHENTICATION = "authentication_required"
SETTLE = "stripe.settle"


class Verdict(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    ACTION = "requires_action"
    PROCESSING = "processing"


def new_intent(world: World, *, amount: int, currency: str, **facts: Any) -> Json:
    """A payment intent, kept but not told yet; ``facts`` overwrite its fields."""
    key = world.ids.stripe("pi")
    intent = shapes.payment_intent(
        key, now(world), amount=amount, currency=currency, secret=world.ids.secret(key)
    )
    return save(world, {**intent, **facts})


def attempt(
    world: World,
    intent: Json,
    method: Json,
    *,
    off_session: bool,
    by: str,
    outcome: Outcome | None = None,
    authenticated: bool = False,
) -> Verdict:
    """Ask the bank once and tell what it said (charge.* and payment_intent.* events).

    ``outcome`` overrides script and card: what follows a pending payment or a passed 3-D Secure.
    """
    said = outcome or _bank(world, intent, method, off_session=off_session, authenticated=authenticated)
    if world.only_told:
        world.scripts.said(_script_keys(world, intent, method), said)
    intent.update({"payment_method": method["id"], "next_action": None, "last_payment_error": None})
    set_aside(world, intent["id"], off_session=off_session, by=by)
    if said.pending:
        verdict = _in_the_air(world, intent, method, said)
    elif said.decline == AUTHENTICATION and (not off_session or "invoice" in aside(world, intent["id"])):
        verdict = _asks_for_authentication(world, intent, method, said, off_session=off_session)
    elif said.decline:
        verdict = _declined(world, intent, method, said)
    else:
        verdict = _succeeded(world, intent, method, said)
    known = aside(world, intent["id"])
    world.ledger.attempt(
        gateway="stripe",
        subscription=known.get("subscription"),
        period=known.get("period"),
        amount=_amount_of(said, intent),
        currency=_currency_of(said, intent),
        outcome=verdict.value,
        ref=intent["latest_charge"] or intent["id"],
        by=by,
        reference=intent["metadata"].get("reference") or intent["metadata"].get("subscription_id"),
        request=world.cause.idempotency_key,
    )
    return verdict


def answer_authentication(world: World, intent: Json, *, passed: bool) -> Verdict:
    """The payer passed or failed 3-D Secure for an intent that asked for it."""
    if intent["status"] != Verdict.ACTION:
        raise StripeError(400, "This PaymentIntent is not waiting for an action.")
    known = aside(world, intent["id"])
    method = load(world, "payment_method", intent["payment_method"])
    if passed:
        scripted = world.scripts.queued(_script_keys(world, intent, method)) if world.only_told else None
        then = scripted or outcome_from(known.get("then") or "ok")
        return attempt(world, intent, method, off_session=False, by="payer", outcome=then, authenticated=True)
    error = _error(
        {
            "code": "payment_intent_authentication_failure",
            "message": "We are unable to authenticate your payment method. Please choose a different one.",
        },
        method,
    )
    intent.update(
        {
            "status": "requires_payment_method",
            "next_action": None,
            "payment_method": None,
            "last_payment_error": error,
        }
    )
    save(world, intent)
    emit(world, "payment_intent.payment_failed", intent)
    return Verdict.DECLINED


def settle(world: World, intent: Json) -> Verdict | None:
    """A payment that was in the air comes down; None when it no longer is."""
    if intent["status"] != Verdict.PROCESSING:
        return None
    known = aside(world, intent["id"])
    method = load(world, "payment_method", intent["payment_method"])
    then = outcome_from(known.get("then") or "ok")
    return attempt(world, intent, method, off_session=known["off_session"], by=known["by"], outcome=then)


def card_error(intent: Json, *, code: str | None = None, message: str | None = None) -> StripeError:
    """The 402 of a declined attempt, with the intent and the method in it."""
    last = intent["last_payment_error"] or {"type": "card_error", "message": "Your card was declined."}
    facts = {name: value for name, value in last.items() if name not in {"type", "message", "code"}}
    return StripeError(
        402,
        message or last["message"],
        kind="card_error",
        code=code or last.get("code"),
        payment_intent=intent,
        **facts,
    )


def _bank(world: World, intent: Json, method: Json, *, off_session: bool, authenticated: bool) -> Outcome:
    scripted = world.scripts.next(_script_keys(world, intent, method))
    if scripted is not None:
        return scripted
    if method["type"] != "card":
        return Outcome()
    if _expired(world, method["card"]):
        return Outcome(decline="expired_card")
    secret = aside(world, method["id"])
    return bank_answer(
        card_of(secret.get("number", "")),
        set_up=bool(secret.get("set_up")),
        on_session=not off_session,
        authenticated=authenticated,
    )


def _script_keys(world: World, intent: Json, method: Json) -> list[str]:
    """Under which ids a story may have written down what the bank says."""
    known = aside(world, intent["id"])
    candidates = [
        known.get("invoice"),
        intent["id"],
        known.get("subscription"),
        intent["metadata"].get("reference"),
        intent["metadata"].get("subscription_id"),
        method["id"],
        intent["customer"],
    ]
    return [key for key in candidates if key]


def _expired(world: World, card: Json) -> bool:
    today = from_unix(now(world)) - timedelta(hours=14)  # valid until the month ended everywhere on earth
    return (today.year, today.month) > (card["exp_year"], card["exp_month"])


def _amount_of(said: Outcome, intent: Json) -> int:
    return intent["amount"] if said.amount is None else said.amount


def _currency_of(said: Outcome, intent: Json) -> str:
    currency: str = said.currency or intent["currency"]
    return currency.lower()


def _new_charge(world: World, intent: Json, method: Json, said: Outcome) -> Json:
    pending = find(world, "charge", intent["latest_charge"] or "")
    if pending is not None and pending["status"] == "pending":
        return pending
    key = world.ids.stripe("ch")
    charge = shapes.charge(key, now(world), intent=intent, method=method, amount=_amount_of(said, intent))
    charge["currency"] = _currency_of(said, intent)
    intent["latest_charge"] = key
    return charge


def _error(facts: Json, method: Json, charge: str | None = None) -> Json:
    code = facts["code"]
    error = {
        **facts,
        "charge": charge,
        "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
        "payment_method": dict(method),
        "type": "card_error",
    }
    return {name: value for name, value in sorted(error.items()) if value is not None}


def _refused_charge(world: World, intent: Json, method: Json, said: Outcome) -> Json:
    facts = decline_facts(said)
    charge = _new_charge(world, intent, method, said)
    blocked = facts["decline_code"] == "highest_risk_level"
    charge.update(
        {
            "status": "failed",
            "failure_code": facts["code"],
            "failure_message": facts["message"],
            "outcome": shapes.outcome(
                "blocked" if blocked else "issuer_declined",
                reason=facts["decline_code"],
                network_status="not_sent_to_network" if blocked else "declined_by_network",
                advice_code=facts["advice_code"],
                network_advice_code=facts["network_advice_code"],
                network_decline_code=facts["network_decline_code"],
                seller_message=f"The bank returned the decline code `{facts['decline_code']}`.",
            ),
        }
    )
    save(world, charge)
    intent["last_payment_error"] = _error(facts, method, charge["id"])
    return charge


def _declined(world: World, intent: Json, method: Json, said: Outcome) -> Verdict:
    charge = _refused_charge(world, intent, method, said)
    intent.update({"status": "requires_payment_method", "payment_method": None})
    save(world, intent)
    emit(world, "charge.failed", charge)
    emit(world, "payment_intent.payment_failed", intent)
    return Verdict.DECLINED


def _asks_for_authentication(
    world: World, intent: Json, method: Json, said: Outcome, *, off_session: bool
) -> Verdict:
    charge = _refused_charge(world, intent, method, said) if off_session else None
    address = f"{world.settings.base_url}/stripe/hosted/3ds/{intent['id']}"
    back = aside(world, intent["id"]).get("return_url")
    intent["status"] = "requires_action"
    intent["next_action"] = (
        {"redirect_to_url": {"return_url": back, "url": address}, "type": "redirect_to_url"}
        if back
        else {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"stripe_js": address, "type": "three_d_secure_redirect"},
        }
    )
    set_aside(world, intent["id"], then=outcome_to(said.next))
    save(world, intent)
    if charge is not None:
        emit(world, "charge.failed", charge)
    emit(world, "payment_intent.requires_action", intent)
    return Verdict.ACTION


def _in_the_air(world: World, intent: Json, method: Json, said: Outcome) -> Verdict:
    charge = save(world, _new_charge(world, intent, method, said))
    intent["status"] = "processing"
    set_aside(world, intent["id"], then=outcome_to(said.next))
    save(world, intent)
    world.agenda.plan(SETTLE, intent["id"], world.clock.now() + said.wait)
    emit(world, "charge.pending", charge)
    emit(world, "payment_intent.processing", intent)
    return Verdict.PROCESSING


def _succeeded(world: World, intent: Json, method: Json, said: Outcome) -> Verdict:
    amount = _amount_of(said, intent)
    charge = _new_charge(world, intent, method, said)
    charge.update(
        {
            "amount": amount,
            "amount_captured": amount,
            "captured": True,
            "paid": True,
            "status": "succeeded",
            "failure_code": None,
            "balance_transaction": world.ids.stripe("txn"),
            "receipt_url": f"{world.settings.base_url}/stripe/hosted/receipts/{charge['id']}",
            "outcome": shapes.outcome(
                "authorized",
                network_status="approved_by_network",
                seller_message="Payment complete.",
            ),
        }
    )
    save(world, charge)
    intent.update({"status": "succeeded", "amount_received": amount})
    save(world, intent)
    emit(world, "charge.succeeded", charge)
    emit(world, "payment_intent.succeeded", intent)
    return Verdict.SUCCEEDED
