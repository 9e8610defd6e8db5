"""Money that goes back: refunds the school gives, disputes a bank decides. And the charges themselves."""

from __future__ import annotations

from ops.simulators.store import Json
from ops.simulators.stripe.call import Call, page
from ops.simulators.stripe.errors import StripeError, required
from ops.simulators.stripe.events import before, emit
from ops.simulators.stripe.forms import merged_metadata
from ops.simulators.stripe.objects import every, load, now, save
from ops.simulators.world import World

_WEEK = 7 * 86_400


def retrieve_charge(world: World, call: Call, key: str) -> Json:
    """GET /v1/charges/{id}."""
    del call
    return load(world, "charge", key)


def list_charges(world: World, call: Call) -> Json:
    """GET /v1/charges."""
    return page(call, every(world, "charge"), "customer", "payment_intent")


def create_refund(world: World, call: Call) -> Json:
    """POST /v1/refunds, by charge or payment_intent."""
    key = call.text("charge")
    if key is None:
        if not call.text("payment_intent"):
            raise required("charge")
        intent = load(world, "payment_intent", call.need("payment_intent"), param="payment_intent")
        key = intent["latest_charge"] or ""
    charge = load(world, "charge", key, param="charge")
    return refund(
        world,
        charge,
        amount=call.number("amount"),
        reason=call.text("reason"),
        metadata=merged_metadata({}, call.nested("metadata")),
    )


def refund(
    world: World, charge: Json, *, amount: int | None, reason: str | None, metadata: Json | None = None
) -> Json:
    """Give back ``amount`` minor units, or all that is left (charge.refunded, refund.created)."""
    left = charge["amount"] - charge["amount_refunded"]
    if charge["status"] != "succeeded" or left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise StripeError(400, message, code="charge_already_refunded")
    returned = left if amount is None else amount
    if not 0 < returned <= left:
        raise StripeError(
            400, f"Refund amount ({returned}) is greater than unrefunded amount on charge ({left})"
        )
    old = before(charge)
    charge["amount_refunded"] += returned
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    save(world, charge)
    record: Json = {
        "id": world.ids.stripe("re"),
        "object": "refund",
        "amount": returned,
        "balance_transaction": world.ids.stripe("txn"),
        "charge": charge["id"],
        "created": now(world),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": metadata or {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    save(world, record)
    world.ledger.returned(charge["id"], returned)
    previous = {name: old[name] for name in ("amount_refunded", "refunded") if old[name] != charge[name]}
    emit(world, "refund.created", record)
    emit(world, "charge.refunded", charge, previous=previous)
    return record


def retrieve_refund(world: World, call: Call, key: str) -> Json:
    """GET /v1/refunds/{id}."""
    del call
    return load(world, "refund", key)


def list_refunds(world: World, call: Call) -> Json:
    """GET /v1/refunds."""
    return page(call, every(world, "refund"), "charge", "payment_intent")


def dispute(world: World, charge: Json, *, reason: str) -> Json:
    """The cardholder's bank takes the money back (charge.dispute.created and .funds_withdrawn)."""
    if charge["disputed"]:
        raise StripeError(400, f"Charge {charge['id']} is already disputed.")
    charge["disputed"] = True
    save(world, charge)
    record: Json = {
        "id": world.ids.stripe("du"),
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now(world),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": now(world) + _WEEK,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "needs_response",
    }
    save(world, record)
    world.ledger.returned(charge["id"], charge["amount"])
    emit(world, "charge.dispute.created", record)
    emit(world, "charge.dispute.funds_withdrawn", record)
    return record


def close_dispute(world: World, record: Json, *, won: bool) -> Json:
    """The dispute ends (charge.dispute.closed; .funds_reinstated when the school won)."""
    record["status"] = "won" if won else "lost"
    save(world, record)
    if won:
        world.ledger.returned(record["charge"], -record["amount"])
        emit(world, "charge.dispute.funds_reinstated", record)
    emit(world, "charge.dispute.closed", record)
    return record


def retrieve_dispute(world: World, call: Call, key: str) -> Json:
    """GET /v1/disputes/{id}."""
    del call
    return load(world, "dispute", key)


def list_disputes(world: World, call: Call) -> Json:
    """GET /v1/disputes."""
    return page(call, every(world, "dispute"), "charge", "payment_intent")
