"""What learners, banks and gateways do of their own accord."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from ops.simulators.clock import zulu
from ops.simulators.control.models import Act, CardBody
from ops.simulators.http import Request
from ops.simulators.paypal import billing_api, orders, sales
from ops.simulators.paypal import objects as paypal
from ops.simulators.paypal.api import revoke_tokens
from ops.simulators.paypal.call import Call
from ops.simulators.paypal.subscriptions import keep_engine, stop
from ops.simulators.store import Json
from ops.simulators.stripe import objects as stripe
from ops.simulators.stripe import payer, returns, status
from ops.simulators.stripe.methods import renewed_by_bank
from ops.simulators.stripe.payer import TypedCard
from ops.simulators.world import World


class CannotAct(ValueError):
    """The act makes no sense here; the message says why."""


def target(world: World, act: Act) -> str:
    """The id an act is about; a learner stands for their subscription."""
    if act.id is not None:
        return act.id
    known = world.store.get("learner", act.learner or "")
    if known is None:
        raise CannotAct("name an id, or a learner that was set up")
    return str(known["subscription"])


def _obj(world: World, key: str) -> Json:
    obj = stripe.by_id(world, key)
    if obj is None:
        raise CannotAct(f"there is no {key} at Stripe")
    return obj


def _typed(card: CardBody | None) -> TypedCard:
    card = card or CardBody()
    return TypedCard(
        number=card.number, exp_month=card.exp_month, exp_year=card.exp_year, details=card.details()
    )


def update_card(world: World, act: Act) -> Json:
    """A learner types a card: on a checkout page (session), or on the portal (customer, subscription)."""
    obj = _obj(world, target(world, act))
    if obj["object"] == "checkout.session":
        if act.paypal_email is not None:
            return asdict(payer.choose_paypal(world, obj, act.paypal_email))
        return asdict(payer.type_card(world, obj, _typed(act.card)))
    customer = obj if obj["object"] == "customer" else stripe.load(world, "customer", obj["customer"])
    return asdict(payer.replace_card(world, customer, _typed(act.card)))


def pay_invoice(world: World, act: Act) -> Json:
    """A learner pays on the hosted invoice page, with a card or with the saved one."""
    obj = _obj(world, target(world, act))
    invoice = obj if obj["object"] == "invoice" else stripe.load(world, "invoice", obj["latest_invoice"])
    return asdict(payer.pay_invoice(world, invoice, _typed(act.card) if act.card else None))


def _challenge(world: World, act: Act) -> str:
    key = target(world, act)
    obj = _obj(world, key)
    return payer.challenge_of(world, obj["latest_invoice"] if obj["object"] == "subscription" else key)


def pass_3ds(world: World, act: Act) -> Json:
    """The one-time code was right."""
    return asdict(payer.answer_challenge(world, _challenge(world, act), passed=True))


def fail_3ds(world: World, act: Act) -> Json:
    """The one-time code was wrong."""
    return asdict(payer.answer_challenge(world, _challenge(world, act), passed=False))


def abandon_3ds(world: World, act: Act) -> Json:
    """The page was closed: the gateway never hears of it."""
    return {"challenge": _challenge(world, act), "refused": None}


def _charge_of(world: World, key: str) -> Json:
    obj = _obj(world, key)
    if obj["object"] == "subscription":
        obj = stripe.load(world, "invoice", obj["latest_invoice"] or "")
    if obj["object"] == "invoice":
        payment = stripe.load(world, "invoice_payment", stripe.aside(world, obj["id"]).get("payment", ""))
        obj = stripe.load(world, "payment_intent", payment["payment"]["payment_intent"])
    if obj["object"] == "payment_intent":
        obj = stripe.load(world, "charge", obj["latest_charge"] or "")
    if obj["object"] != "charge":
        raise CannotAct(f"{key} leads to no charge")
    return obj


def _sale_of(world: World, key: str) -> str | None:
    """The sale itself, or the last completed one of a PayPal subscription."""
    if paypal.find(world, "sale", key):
        return key
    made = [
        sale
        for sale in paypal.every(world, "sale", billing_agreement_id=key)
        if sale["state"] in {"completed", "partially_refunded"}
    ]
    return made[-1]["id"] if made else None


def refund(world: World, act: Act) -> Json:
    """The school gives money back from the gateway's own console."""
    key = target(world, act)
    if (sale := _sale_of(world, key)) is not None:
        return sales.refund(world, sale, act.amount)
    if paypal.find(world, "capture", key):
        return orders.refund_capture(world, _no_call(), key)[1] or {}
    return returns.refund(world, _charge_of(world, key), amount=act.amount, reason=act.reason)


def _no_call() -> Call:
    empty = Request(method="POST", path="", query="", headers={}, body=b"")
    return Call(body={}, args=empty.args(), raw=b"", full_representation=True)


def chargeback(world: World, act: Act) -> Json:
    """The cardholder's bank or PayPal opens a dispute."""
    key = target(world, act)
    if (sale := _sale_of(world, key)) is not None:
        return sales.dispute(world, sale)
    return returns.dispute(world, _charge_of(world, key), reason=act.reason or "fraudulent")


def close_dispute(world: World, act: Act) -> Json:
    """A Stripe dispute ends, won or lost."""
    record = _obj(world, target(world, act))
    if record["object"] != "dispute":
        raise CannotAct(f"{record['id']} is no dispute")
    return returns.close_dispute(world, record, won=act.won)


def reverse(world: World, act: Act) -> Json:
    """PayPal takes a sale back (PAYMENT.SALE.REVERSED)."""
    key = target(world, act)
    sale = _sale_of(world, key)
    if sale is None:
        raise CannotAct(f"{key} leads to no completed sale")
    return sales.reverse(world, sale)


def card_updater(world: World, act: Act) -> Json:
    """The bank renews a card and tells the network."""
    obj = _obj(world, target(world, act))
    key = obj["id"] if obj["object"] == "payment_method" else obj.get("default_payment_method")
    method = stripe.load(world, "payment_method", key or "")
    card = act.card or CardBody()
    last4 = card.number[-4:] if act.card and "number" in act.card.model_fields_set else None
    renewed_by_bank(world, method, exp_month=card.exp_month, exp_year=card.exp_year, last4=last4)
    return method


def _paypal_subscription(world: World, act: Act) -> Json:
    key = target(world, act)
    subscription = paypal.find(world, "subscription", key)
    if subscription is None:
        raise CannotAct(f"there is no subscription {key} at PayPal")
    return subscription


def approve(world: World, act: Act) -> Json:
    """A buyer agrees on PayPal's page (its id or its token), to a subscription or an order."""
    order = paypal.find(world, "order", act.id or "")
    if order is not None:
        orders.approve(world, order)
        return {"id": order["id"], "status": order["status"]}
    subscription = billing_api.by_token(world, act.id or "") or _paypal_subscription(world, act)
    billing_api.approve(world, subscription)
    if act.next_billing is not None:
        keep_engine(world, subscription["id"], next_billing=zulu(act.next_billing))
    return {"id": subscription["id"], "status": subscription["status"]}


def decline_approval(world: World, act: Act) -> Json:
    """A buyer walks away from PayPal's page: nobody is told."""
    return {"id": target(world, act), "status": "unchanged"}


def buyer_cancel(world: World, act: Act) -> Json:
    """The subscription is cancelled from inside the gateway: by the buyer, or in Stripe's console."""
    key = target(world, act)
    obj = stripe.by_id(world, key)
    if obj is not None and obj["object"] == "subscription":
        status.end(world, obj, reason=act.reason or "cancellation_requested")
        return {"id": key, "status": obj["status"]}
    subscription = _paypal_subscription(world, act)
    if subscription["status"] not in {"ACTIVE", "SUSPENDED"}:
        raise CannotAct(f"{key} is {subscription['status']}")
    stop(world, subscription, "CANCELLED", note=act.reason or "Cancelled by the buyer")
    return {"id": key, "status": subscription["status"]}


def buyer_suspend(world: World, act: Act) -> Json:
    """The subscription is suspended by hand inside PayPal, not because of a failure."""
    subscription = _paypal_subscription(world, act)
    if subscription["status"] != "ACTIVE":
        raise CannotAct(f"{subscription['id']} is {subscription['status']}")
    stop(world, subscription, "SUSPENDED", note=act.reason or "Suspended by hand")
    return {"id": subscription["id"], "status": subscription["status"]}


def revoke(world: World, act: Act) -> Json:
    """PayPal forgets every access token."""
    del act
    return {"revoked": revoke_tokens(world)}


ACTS: dict[str, Callable[[World, Act], Json]] = {
    "update_card": update_card,
    "pay_invoice": pay_invoice,
    "pass_3ds": pass_3ds,
    "fail_3ds": fail_3ds,
    "abandon_3ds": abandon_3ds,
    "refund": refund,
    "chargeback": chargeback,
    "close_dispute": close_dispute,
    "reverse": reverse,
    "card_updater": card_updater,
    "approve": approve,
    "decline_approval": decline_approval,
    "buyer_cancel": buyer_cancel,
    "buyer_suspend": buyer_suspend,
    "revoke_tokens": revoke,
}
