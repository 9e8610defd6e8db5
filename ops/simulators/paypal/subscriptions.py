"""PayPal subscriptions as resources: their shape, and how each status is reached and told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ops.simulators.clock import exact, zulu
from ops.simulators.paypal.events import emit
from ops.simulators.paypal.objects import amount, find, keep, link, load, stamp
from ops.simulators.store import Json
from ops.simulators.world import World

ATTEMPT = "paypal.attempt"
CLEAR = "paypal.clear"
END = "paypal.end"


def defaults(world: World) -> Json:
    """How subscriptions created through the API are billed (``POST /_sim/settings`` changes it)."""
    return {
        "retry_days": [5, 5],
        "ending": "threshold",
        "ending_after": 0,
        "billing_minute": 0,
        **(world.store.get("meta", "paypal_defaults") or {}),
    }


def new_subscription(
    world: World,
    *,
    plan: Json,
    price: int,
    currency: str,
    subscriber: Json,
    custom_id: str | None,
    start: datetime,
    **engine: Any,
) -> Json:
    """A subscription waiting for approval, and the engine's own notes about it; nothing is told."""
    key = world.ids.paypal_named("I", 12)
    subscription: Json = {
        "id": key,
        "plan_id": plan["id"],
        "status": "APPROVAL_PENDING",
        "status_update_time": stamp(world),
        "start_time": zulu(start),
        "quantity": "1",
        "shipping_amount": amount(0, currency),
        "subscriber": subscriber,
        "plan_overridden": False,
        "create_time": stamp(world),
        "update_time": stamp(world),
    }
    if custom_id:
        subscription["custom_id"] = custom_id
    world.store.put(
        "paypal.engine",
        key,
        {
            **defaults(world),
            "price": price,
            "currency": currency,
            "plan": plan["id"],
            "anchor": None,
            "cycle": 0,
            "ordinal": 0,
            "outstanding": 0,
            "failed_count": 0,
            "completed": 0,
            "last_payment": None,
            "last_failure": None,
            "next_billing": None,
            "token": world.ids.paypal_named("BA", 17),
            "quirks": [],
            **engine,
        },
    )
    return keep(world, "subscription", subscription)


def engine_of(world: World, key: str) -> Json:
    """The engine's notes about a subscription."""
    return world.store.table("paypal.engine")[key]


def keep_engine(world: World, key: str, **facts: Any) -> Json:
    """Change the engine's notes."""
    return world.store.put("paypal.engine", key, {**engine_of(world, key), **facts})


def billing_info(world: World, key: str, *, with_failure: bool) -> Json:
    """``billing_info``; the last failure is only shown where PayPal shows it."""
    engine = engine_of(world, key)
    status = load(world, "subscription", key)["status"]
    total = engine.get("total_cycles", 0)
    info: Json = {
        "outstanding_balance": amount(engine["outstanding"], engine["currency"]),
        "cycle_executions": [
            {
                "tenure_type": "REGULAR",
                "sequence": 1,
                "cycles_completed": engine["completed"],
                "cycles_remaining": max(0, total - engine["completed"]),
                "current_pricing_scheme_version": 1,
                "total_cycles": total,
            }
        ],
    }
    if engine["last_payment"]:
        info["last_payment"] = engine["last_payment"]
    if with_failure and engine["last_failure"]:
        info["last_failed_payment"] = engine["last_failure"]
    if engine["next_billing"] and status in {"ACTIVE", "SUSPENDED"}:
        info["next_billing_time"] = engine["next_billing"]
    info["failed_payments_count"] = engine["failed_count"]
    return info


def shown(world: World, subscription: Json, *, fields: frozenset[str] = frozenset()) -> Json:
    """The resource as GET answers it; ``fields`` may ask for ``last_failed_payment`` and ``plan``."""
    key, status = subscription["id"], subscription["status"]
    shape = dict(subscription)
    if status != "APPROVAL_PENDING":
        shape["billing_info"] = billing_info(world, key, with_failure="last_failed_payment" in fields)
    if "plan" in fields:
        shape["plan"] = find(world, "plan", subscription["plan_id"])
    shape["links"] = _links(world, key, status)
    return shape


def _links(world: World, key: str, status: str) -> list[Json]:
    path = f"/v1/billing/subscriptions/{key}"
    links = [link(world, path, "edit", "PATCH"), link(world, path, "self")]
    if status == "APPROVAL_PENDING":
        token = engine_of(world, key)["token"]
        links.insert(0, link(world, f"/webapps/billing/subscriptions?ba_token={token}", "approve"))
    actions = {"ACTIVE": ("suspend", "cancel", "capture"), "SUSPENDED": ("activate", "cancel", "capture")}
    return links + [link(world, f"{path}/{word}", word, "POST") for word in actions.get(status, ())]


def tell(world: World, kind: str, subscription: Json) -> None:
    """Say ``BILLING.SUBSCRIPTION.<kind>``."""
    quirks = tuple(engine_of(world, subscription["id"])["quirks"])
    resource = shown(world, subscription, fields=frozenset({"last_failed_payment"}))
    failure = resource.get("billing_info", {}).get("last_failed_payment", {})
    if "retry_date" in quirks and "next_payment_retry_time" in failure:
        renamed = {
            ("next_payment_retry_date" if name == "next_payment_retry_time" else name): value
            for name, value in failure.items()
        }
        resource["billing_info"]["last_failed_payment"] = renamed
    emit(
        world,
        f"BILLING.SUBSCRIPTION.{kind}",
        resource,
        resource_type="subscription",
        version="2.0",
        quirks=quirks,
    )


def move_to(world: World, subscription: Json, status: str, *, note: str | None = None) -> None:
    """Change the status; nothing is told yet."""
    subscription.update({"status": status, "status_update_time": stamp(world), "update_time": stamp(world)})
    if note:
        subscription["status_change_note"] = note[:128]
    keep(world, "subscription", subscription)


def stop(world: World, subscription: Json, status: str, *, note: str | None = None) -> None:
    """CANCELLED, SUSPENDED or EXPIRED: no further attempt, and the school is told."""
    key = subscription["id"]
    for kind in (ATTEMPT, END):
        world.agenda.cancel(kind, key)
    move_to(world, subscription, status, note=note)
    tell(world, status, subscription)


def at_billing_hour(day: datetime, minute: int) -> datetime:
    """10:00 UTC plus ``minute`` minutes on the day of ``day``: when PayPal charges."""
    hour = day.replace(hour=10, minute=0, second=0, microsecond=0)
    return hour + timedelta(minutes=minute)


def shown_billing_time(due: datetime) -> str:
    """``next_billing_time``: PayPal shows 10:00Z of the day, whenever within the window it charges."""
    ten = at_billing_hour(due, 0)
    return zulu(min(ten, due))


def plan_attempt(world: World, key: str, at: datetime, *, cycle: int, ordinal: int) -> None:
    """Let PayPal attempt the payment of ``cycle`` for the ``ordinal``-th time at ``at``."""
    world.agenda.cancel(ATTEMPT, key)
    if world.only_told:
        return
    world.agenda.plan(ATTEMPT, key, at, {"cycle": cycle, "ordinal": ordinal})
    keep_engine(world, key, attempt_at=exact(at))
