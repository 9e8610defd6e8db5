"""PayPal's own engine: one attempt at the due instant, its backup attempts, and how it gives up."""

from __future__ import annotations

from datetime import datetime, timedelta

from ops.simulators.agenda import Due
from ops.simulators.clock import duration, instant, interval_after, zulu
from ops.simulators.paypal import sales
from ops.simulators.paypal.objects import amount, find, load, stamp
from ops.simulators.paypal.subscriptions import (
    ATTEMPT,
    CLEAR,
    END,
    at_billing_hour,
    engine_of,
    keep_engine,
    move_to,
    plan_attempt,
    shown_billing_time,
    stop,
    tell,
)
from ops.simulators.scripts import Outcome, outcome_from, outcome_to
from ops.simulators.store import Json
from ops.simulators.world import World

_REASONS = frozenset(
    {
        "PAYMENT_DENIED",
        "INTERNAL_SERVER_ERROR",
        "PAYEE_ACCOUNT_RESTRICTED",
        "PAYER_ACCOUNT_RESTRICTED",
        "PAYER_CANNOT_PAY",
        "SENDING_LIMIT_EXCEEDED",
        "TRANSACTION_RECEIVING_LIMIT_EXCEEDED",
        "CURRENCY_MISMATCH",
    }
)
_ALIASES = {"insufficient_funds": "PAYER_CANNOT_PAY", "limit_exceeded": "SENDING_LIMIT_EXCEEDED"}


def reason_code(decline: str) -> str:
    """PayPal's reason code for a scripted decline; anything unknown is PAYMENT_DENIED."""
    wanted = _ALIASES.get(decline, decline)
    return wanted if wanted in _REASONS else "PAYMENT_DENIED"


def begin(world: World, subscription: Json, first_due: datetime, *, told: bool = True) -> None:
    """The buyer agreed: ACTIVE, and the first attempt of the first cycle at ``first_due``."""
    key = subscription["id"]
    move_to(world, subscription, "ACTIVE")
    keep_engine(world, key, anchor=zulu(first_due), cycle=0, next_billing=shown_billing_time(first_due))
    plan_attempt(world, key, first_due, cycle=0, ordinal=1)
    if told:
        tell(world, "ACTIVATED", subscription)


def begin_now(world: World, subscription: Json) -> None:
    """The buyer agreed and the start is not ahead: the first month is charged at once, the next at 10:00Z."""
    key, now = subscription["id"], world.clock.now()
    begin(world, subscription, now)
    world.agenda.cancel(ATTEMPT, key)
    first = at_billing_hour(now, engine_of(world, key)["billing_minute"])
    keep_engine(world, key, anchor=zulu(first))
    _attempt(world, subscription, cycle=0, ordinal=1, by="payer")


def cycle_due(engine: Json, cycle: int) -> datetime:
    """The due instant of a cycle, counted from the anchor so that the 31st stays the 31st."""
    return interval_after(instant(engine["anchor"]), engine.get("interval", "month"), cycle)


def run_attempt(world: World, due: Due) -> None:
    """An attempt fell due."""
    subscription = find(world, "subscription", due.ref)
    if subscription is not None and subscription["status"] == "ACTIVE":
        _attempt(world, subscription, cycle=due.facts["cycle"], ordinal=due.facts["ordinal"])


def _attempt(world: World, subscription: Json, *, cycle: int, ordinal: int, by: str = "engine") -> None:
    key = subscription["id"]
    engine = keep_engine(world, key, cycle=cycle, ordinal=ordinal)
    if ordinal == 1:
        following = shown_billing_time(cycle_due(engine, cycle + 1))
        carried = engine["outstanding"] if engine.get("auto_bill_outstanding") else 0
        engine = keep_engine(world, key, next_billing=following, billed=engine["price"] + carried)
    keys = [key, subscription.get("custom_id"), subscription["subscriber"].get("payer_id")]
    said = world.scripts.next([name for name in keys if name]) or Outcome()
    if said.pending:
        sale = sales.pending(world, subscription, engine["billed"])
        world.agenda.plan(
            CLEAR, key, world.clock.now() + said.wait, {"sale": sale["id"], "then": outcome_to(said.next)}
        )
    elif said.decline:
        _failed(world, subscription, said)
    else:
        taken = engine["billed"] if said.amount is None else said.amount
        sale = sales.completed(
            world, subscription, taken, period=period(engine), by=by, currency=said.currency
        )
        _paid(world, subscription, sale)


def period(engine: Json) -> str:
    """The period being billed, named by its due date (UTC)."""
    return cycle_due(engine, engine["cycle"]).date().isoformat()


def _paid(world: World, subscription: Json, sale: Json) -> None:
    key, engine = subscription["id"], engine_of(world, subscription["id"])
    keep_engine(
        world,
        key,
        last_payment={"amount": amount(sales.value_of(sale), engine["currency"]), "time": stamp(world)},
        last_failure=None,
        failed_count=0,
        completed=engine["completed"] + 1,
        outstanding=max(0, engine["outstanding"] - max(0, engine["billed"] - engine["price"])),
    )
    _plan_next_cycle(world, key)


def _plan_next_cycle(world: World, key: str) -> None:
    engine = engine_of(world, key)
    cycle = engine["cycle"] + 1
    if engine.get("total_cycles") and cycle >= engine["total_cycles"]:
        stop(world, load(world, "subscription", key), "EXPIRED")
        return
    due = cycle_due(engine, cycle)
    keep_engine(world, key, next_billing=shown_billing_time(due))
    plan_attempt(world, key, due, cycle=cycle, ordinal=1)


def _failed(world: World, subscription: Json, said: Outcome) -> None:
    key, engine = subscription["id"], engine_of(world, subscription["id"])
    reason = reason_code(said.decline or "")
    sales.declined(world, subscription, engine["billed"], period=period(engine), reason=reason)
    failure: Json = {
        "amount": amount(engine["billed"], engine["currency"]),
        "time": stamp(world),
        "reason_code": reason,
    }
    intervals = engine["retry_days"]
    ordinal = engine["ordinal"]
    if ordinal <= len(intervals):
        at = world.clock.now() + _pause(intervals[ordinal - 1])
        failure["next_payment_retry_time"] = zulu(at)
        keep_engine(world, key, last_failure=failure)
        plan_attempt(world, key, at, cycle=engine["cycle"], ordinal=ordinal + 1)
        tell(world, "PAYMENT.FAILED", subscription)
        return
    keep_engine(
        world,
        key,
        last_failure=failure,
        failed_count=engine["failed_count"] + 1,
        outstanding=engine["outstanding"] + engine["price"],
    )
    tell(world, "PAYMENT.FAILED", subscription)
    _give_up(world, subscription)


def _pause(interval: float | str) -> timedelta:
    return timedelta(days=interval) if not isinstance(interval, str) else duration(interval)


def _give_up(world: World, subscription: Json) -> None:
    key, engine = subscription["id"], engine_of(world, subscription["id"])
    ending = engine["ending"]
    if ending == "threshold":
        threshold = engine.get("threshold", 0)
        ending = "suspended" if 0 < threshold <= engine["failed_count"] else "none"
    if ending == "none":
        _plan_next_cycle(world, key)
    elif (after := duration(engine["ending_after"])) > timedelta(0):
        world.agenda.plan(END, key, world.clock.now() + after, {"ending": ending})
    else:
        stop(world, subscription, ending.upper())


def run_ending(world: World, due: Due) -> None:
    """PayPal ends a subscription some time after the last failure."""
    subscription = find(world, "subscription", due.ref)
    if subscription is not None and subscription["status"] == "ACTIVE":
        stop(world, subscription, due.facts["ending"].upper())


def run_clearing(world: World, due: Due) -> None:
    """A payment that was in the air comes down."""
    subscription = load(world, "subscription", due.ref)
    then = outcome_from(due.facts["then"])
    engine = engine_of(world, due.ref)
    by = "api" if due.facts.get("balance") else "engine"
    if then.decline:
        sales.deny(world, due.facts["sale"], by=by)
        if subscription["status"] == "ACTIVE" and not due.facts.get("balance"):
            _failed(world, subscription, then)
        return
    sale = sales.clear(world, due.facts["sale"], subscription, period=period(engine), by=by)
    if due.facts.get("balance"):
        reduce_balance(world, subscription, sales.value_of(sale))
    elif subscription["status"] == "ACTIVE":
        _paid(world, subscription, sale)


def reduce_balance(world: World, subscription: Json, value: int) -> None:
    """The outstanding balance was paid, in part or in full."""
    key, engine = subscription["id"], engine_of(world, subscription["id"])
    left = max(0, engine["outstanding"] - value)
    paid = {"amount": amount(value, engine["currency"]), "time": stamp(world)}
    count = engine["failed_count"] if left else 0
    keep_engine(world, key, outstanding=left, failed_count=count, last_payment=paid)


def resume(world: World, subscription: Json) -> None:
    """Active again after a suspension: the next cycle that lies ahead is billed."""
    key, engine = subscription["id"], engine_of(world, subscription["id"])
    cycle = engine["cycle"] + 1
    while cycle_due(engine, cycle) <= world.clock.now():
        cycle += 1
    due = cycle_due(engine, cycle)
    move_to(world, subscription, "ACTIVE")
    keep_engine(world, key, next_billing=shown_billing_time(due))
    plan_attempt(world, key, due, cycle=cycle, ordinal=1)
    tell(world, "RE-ACTIVATED" if "re_activated" in engine["quirks"] else "ACTIVATED", subscription)


DOERS = {ATTEMPT: run_attempt, CLEAR: run_clearing, END: run_ending}
