"""PayPal's side of a story: attempts, endings and money back that happen exactly as told."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from ops.simulators.clock import zulu
from ops.simulators.paypal import plans, sales
from ops.simulators.paypal.objects import amount, every, find, load, stamp
from ops.simulators.paypal.subscriptions import engine_of, keep_engine, move_to, new_subscription, tell
from ops.simulators.scripts import Outcome
from ops.simulators.store import Json
from ops.simulators.told import AttemptTold, CannotHappen, ChallengeTold, MoneyBackTold, StatusTold, Told
from ops.simulators.webhooks.outbox import Telling
from ops.simulators.world import World

BEARS = {
    "failed": ("BILLING.SUBSCRIPTION.PAYMENT.FAILED", "PAYMENT.SALE.DENIED"),
    "succeeded": ("PAYMENT.SALE.COMPLETED",),
    "pending": ("PAYMENT.SALE.PENDING",),
    "status": ("BILLING.SUBSCRIPTION.*",),
    "refund": ("PAYMENT.SALE.REFUNDED",),
    "chargeback": ("CUSTOMER.DISPUTE.CREATED",),
    "reversal": ("PAYMENT.SALE.REVERSED",),
}
"""The event that says it to the school, and so bears the id of the story."""

_NOTES = {"learner": "Cancelled by the buyer", "school": "Relance: cancelled by the school"}


def subscription_of(world: World, told: Told) -> Json:
    """The subscription it happened to; another one of the same buyer where the story names a new id."""
    known = find(world, "subscription", told.subscription)
    if known is not None:
        return known
    if told.like is None:
        raise CannotHappen(f"PayPal knows no {told.subscription}: set it up, or say whose it is")
    model, engine = load(world, "subscription", told.like), engine_of(world, told.like)
    plan = load(world, "plan", model["plan_id"])
    with world.ids.given({"paypal.I": told.subscription}):
        made = new_subscription(
            world,
            plan=plan,
            price=engine["price"],
            currency=engine["currency"],
            subscriber=dict(model["subscriber"]),
            custom_id=None,
            start=told.at,
            **plans.engine_facts(plan),
        )
    keep_engine(world, made["id"], anchor=zulu(told.at))
    move_to(world, made, "ACTIVE")
    return made


# --- attempts -------------------------------------------------------------------------------------


def attempt_happened(world: World, told: AttemptTold) -> Json:
    """One attempt by PayPal itself; nothing else changes in its books than what the story says."""
    subscription = subscription_of(world, told)
    key = subscription["id"]
    period = (told.period or told.at.date()).isoformat()
    start = told.at if told.period is None else datetime.combine(told.period, time(12), UTC)
    keep_engine(world, key, anchor=zulu(start), cycle=0)
    if told.next_billing is not None:
        keep_engine(world, key, next_billing=zulu(told.next_billing))
    if told.outcome != "pending":
        said = Outcome(decline=told.reason or "PAYMENT_DENIED" if told.outcome == "failed" else None)
        world.scripts.said([name for name in (key, subscription.get("custom_id")) if name], said)
    pending = find(world, "sale", told.transaction or "")
    if pending is not None:
        return _known_sale(world, subscription, pending, told, period)
    if told.outcome == "failed":
        return _failed(world, subscription, told, period)
    written, currency = told.amount_text, told.currency.upper()
    with world.ids.given({"paypal.sale": told.transaction}):
        if told.outcome == "pending":
            sale = sales.pending(world, subscription, told.amount, written=written, currency=currency)
        else:
            sale = sales.completed(
                world,
                subscription,
                told.amount,
                period=period,
                by="engine",
                written=written,
                currency=currency,
            )
            _note_payment(world, key, told)
    _lag(world, sale["id"], told)
    return {"transaction": sale["id"], "outcome": told.outcome}


def _lag(world: World, key: str, told: AttemptTold) -> None:
    """PayPal's list of transactions is no faster than its news: what arrives late is in it late."""
    if told.arrivals and min(told.arrivals) > told.at:
        sales.lags(world, key, min(told.arrivals))


def _known_sale(world: World, subscription: Json, sale: Json, told: AttemptTold, period: str) -> Json:
    """A sale of which the story spoke before: what was in the air came down, or it is said once more."""
    if told.outcome == "failed":
        sales.deny(world, sale["id"])
        _note_failure(world, subscription["id"], told)
    elif sale["state"] != "completed":
        sales.clear(world, sale["id"], subscription, period=period)
        _note_payment(world, subscription["id"], told)
    else:
        sales.tell_completed(world, sale)
    return {"transaction": sale["id"], "outcome": told.outcome}


def _failed(world: World, subscription: Json, told: AttemptTold, period: str) -> Json:
    reason = told.reason or "PAYMENT_DENIED"
    line = sales.declined(world, subscription, told.amount, period=period, reason=reason)
    _lag(world, line["id"], told)
    _note_failure(world, subscription["id"], told)
    tell(world, "PAYMENT.FAILED", subscription)
    return {"transaction": f"{subscription['id']}@{stamp(world)}", "outcome": "failed"}


def _note_failure(world: World, key: str, told: AttemptTold) -> None:
    failure: Json = {
        "amount": amount(told.amount, told.currency),
        "time": stamp(world),
        "reason_code": told.reason or "PAYMENT_DENIED",
    }
    if told.next_attempt is not None:
        failure["next_payment_retry_time"] = zulu(told.next_attempt)
    keep_engine(world, key, last_failure=failure)


def _note_payment(world: World, key: str, told: AttemptTold) -> None:
    paid = {"amount": amount(told.amount, told.currency), "time": stamp(world)}
    engine = engine_of(world, key)
    keep_engine(world, key, last_payment=paid, last_failure=None, completed=engine["completed"] + 1)


# --- the rest -------------------------------------------------------------------------------------


def status_changed(world: World, told: StatusTold) -> Json:
    """ACTIVE, SUSPENDED or CANCELLED; PayPal itself leaves no note when it cancels."""
    subscription = subscription_of(world, told)
    key = subscription["id"]
    engine = engine_of(world, key)
    changes: Json = {"failed_count": told.failed_payments}
    if told.outstanding is not None:
        changes["outstanding"] = told.outstanding
    if told.amount is not None:
        changes["last_payment"] = {"amount": amount(told.amount, engine["currency"]), "time": stamp(world)}
    if told.next_billing is not None:
        changes["next_billing"] = zulu(told.next_billing)
    if told.by == "gateway" and engine["last_failure"] is not None:
        gave_up = {n: v for n, v in engine["last_failure"].items() if not n.startswith("next_payment_retry")}
        changes["last_failure"] = gave_up
    keep_engine(world, key, **changes)
    status = {"active": "ACTIVE", "suspended": "SUSPENDED", "cancelled": "CANCELLED"}[told.status]
    if told.status == "cancelled" and told.by == "gateway" and engine["last_failure"] is None:
        status = "EXPIRED"
    move_to(world, subscription, status, note=_NOTES.get(told.by))
    tell(world, "ACTIVATED" if told.status == "active" else status, subscription)
    return {"subscription": key, "status": status}


def money_went_back(world: World, told: MoneyBackTold) -> Json:
    """A refund, a dispute of the buyer, or a sale taken back."""
    subscription = subscription_of(world, told)
    sale = _sale_of(world, subscription, told)
    if told.what == "reversal":
        return sales.reverse(world, sale["id"])
    if told.what == "refund":
        with world.ids.given({"paypal.refund": told.id}):
            return sales.refund(world, sale["id"], told.amount)
    with world.ids.given({"paypal.dispute": told.id}):
        return sales.dispute(world, sale["id"])


def _sale_of(world: World, subscription: Json, told: MoneyBackTold) -> Json:
    sale = find(world, "sale", told.transaction or "")
    if sale is not None:
        return sale
    paid = every(world, "sale", billing_agreement_id=subscription["id"], state="completed")
    if told.transaction is None and paid:
        return paid[-1]
    at = told.at - timedelta(days=31)
    with (
        world.outbox.telling(Telling(arrivals=())),
        world.clock.at(at),
        world.ids.given({"paypal.sale": told.transaction}),
    ):
        return sales.completed(world, subscription, told.amount, period=at.date().isoformat(), by="engine")


def challenge_ended(world: World, told: ChallengeTold) -> Json:
    """PayPal asks its buyers itself and tells nobody."""
    del world
    raise CannotHappen(f"PayPal shows no bank's question to {told.subscription}")
