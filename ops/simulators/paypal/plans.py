"""Products and plans: what a month costs and how often PayPal may fail."""

from __future__ import annotations

from typing import Any

from ops.simulators.paypal.call import Answer, Call
from ops.simulators.paypal.errors import malformed, status_invalid
from ops.simulators.paypal.objects import every, keep, link, load, read_amount, stamp
from ops.simulators.store import Json
from ops.simulators.world import World


def create_product(world: World, call: Call) -> Answer:
    """POST /v1/catalogs/products."""
    body = call.body
    product = {
        "id": body.get("id") or world.ids.paypal_named("PROD", 17),
        "name": call.need("name"),
        "type": body.get("type", "SERVICE"),
        "create_time": stamp(world),
        "update_time": stamp(world),
    }
    return 201, keep(world, "product", product)


def get_product(world: World, call: Call, key: str) -> Answer:
    """GET /v1/catalogs/products/{id}."""
    del call
    return 200, load(world, "product", key)


def new_plan(
    world: World, *, product: str, name: str, cycles: list[Json], preferences: Json, status: str = "ACTIVE"
) -> Json:
    """A plan, active unless told otherwise."""
    plan: Json = {
        "id": world.ids.paypal_named("P", 24),
        "product_id": product,
        "name": name,
        "status": status,
        "usage_type": "LICENSED",
        "billing_cycles": cycles,
        "payment_preferences": {
            "service_type": "PREPAID",
            "auto_bill_outstanding": True,
            "setup_fee_failure_action": "CANCEL",
            "payment_failure_threshold": 0,
            **preferences,
        },
        "quantity_supported": False,
        "create_time": stamp(world),
        "update_time": stamp(world),
    }
    plan["links"] = [link(world, f"/v1/billing/plans/{plan['id']}", "self")]
    return keep(world, "plan", plan)


def monthly(value: Json) -> Json:
    """One regular monthly billing cycle without end."""
    return {
        "pricing_scheme": {"version": 1, "fixed_price": value},
        "frequency": {"interval_unit": "MONTH", "interval_count": 1},
        "tenure_type": "REGULAR",
        "sequence": 1,
        "total_cycles": 0,
    }


def price_of(plan: Json) -> tuple[int, str]:
    """Minor units and currency of a plan's regular cycle."""
    for cycle in plan["billing_cycles"]:
        if cycle["tenure_type"] == "REGULAR":
            return read_amount(cycle["pricing_scheme"]["fixed_price"], "billing_cycles")
    raise malformed("billing_cycles", "There is no regular billing cycle.")


def engine_facts(plan: Json) -> dict[str, Any]:
    """What a plan tells the billing engine."""
    regular = next(cycle for cycle in plan["billing_cycles"] if cycle["tenure_type"] == "REGULAR")
    preferences = plan["payment_preferences"]
    return {
        "interval": regular["frequency"]["interval_unit"].lower(),
        "auto_bill_outstanding": preferences["auto_bill_outstanding"],
        "threshold": preferences["payment_failure_threshold"],
        "total_cycles": int(regular.get("total_cycles", 0)),
    }


def create_plan(world: World, call: Call) -> Answer:
    """POST /v1/billing/plans."""
    cycles = call.body.get("billing_cycles")
    if not cycles:
        raise malformed("billing_cycles")
    plan = new_plan(
        world,
        product=load(world, "product", call.need("product_id"))["id"],
        name=call.need("name"),
        cycles=cycles,
        preferences=call.body.get("payment_preferences") or {},
        status=call.body.get("status", "ACTIVE"),
    )
    price_of(plan)
    return 201, plan


def list_plans(world: World, call: Call) -> Answer:
    """GET /v1/billing/plans."""
    found = every(world, "plan")
    if product := call.args.get("product_id"):
        found = [plan for plan in found if plan["product_id"] == product]
    return 200, {"plans": found, "links": [link(world, "/v1/billing/plans", "self")]}


def get_plan(world: World, call: Call, key: str) -> Answer:
    """GET /v1/billing/plans/{id}."""
    del call
    return 200, load(world, "plan", key)


def activate_plan(world: World, call: Call, key: str) -> Answer:
    """POST /v1/billing/plans/{id}/activate."""
    return _switch(world, call, key, "ACTIVE", "activate")


def deactivate_plan(world: World, call: Call, key: str) -> Answer:
    """POST /v1/billing/plans/{id}/deactivate."""
    return _switch(world, call, key, "INACTIVE", "deactivate")


def _switch(world: World, call: Call, key: str, status: str, action: str) -> Answer:
    del call
    plan = load(world, "plan", key)
    if plan["status"] == status:
        raise status_invalid(action, "another one")
    plan.update({"status": status, "update_time": stamp(world)})
    keep(world, "plan", plan)
    return 204, None
