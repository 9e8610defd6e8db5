"""Stripe's own way to move time: a test clock. Here there is one time for everybody, so it moves all accounts."""

from __future__ import annotations

from ops.simulators.agenda import Due
from ops.simulators.clock import from_unix
from ops.simulators.store import Json
from ops.simulators.stripe.call import Call, page
from ops.simulators.stripe.errors import bad, required
from ops.simulators.stripe.events import emit
from ops.simulators.stripe.objects import every, find, load, now, save
from ops.simulators.world import World

KIND = "test_helpers.test_clock"
READY = "stripe.test_clock_ready"


def create(world: World, call: Call) -> Json:
    """POST /v1/test_helpers/test_clocks."""
    frozen = call.number("frozen_time")
    if frozen is None:
        raise required("frozen_time")
    clock: Json = {
        "id": world.ids.stripe("clock"),
        "object": KIND,
        "created": now(world),
        "deletes_after": frozen + 30 * 86_400,
        "frozen_time": frozen,
        "livemode": False,
        "name": call.text("name"),
        "status": "ready",
        "status_details": {},
    }
    save(world, clock)
    emit(world, f"{KIND}.created", clock)
    return clock


def advance(world: World, call: Call, key: str) -> Json:
    """POST /v1/test_helpers/test_clocks/{id}/advance: answers at once, ready follows as an event."""
    clock = load(world, KIND, key)
    frozen = call.number("frozen_time")
    if frozen is None:
        raise required("frozen_time")
    if frozen < now(world):
        raise bad("The frozen time must be after the current one.", param="frozen_time")
    clock.update({"status": "advancing", "status_details": {"advancing": {"target_frozen_time": frozen}}})
    save(world, clock)
    emit(world, f"{KIND}.advancing", clock)
    world.agenda.plan(READY, key, from_unix(frozen))
    world.wanted.append(from_unix(frozen))
    return clock


def ready(world: World, due: Due) -> None:
    """The clock arrived (test_helpers.test_clock.ready)."""
    clock = find(world, KIND, due.ref)
    if clock is not None:
        clock.update({"status": "ready", "status_details": {}, "frozen_time": now(world)})
        save(world, clock)
        emit(world, f"{KIND}.ready", clock)


def retrieve(world: World, call: Call, key: str) -> Json:
    """GET /v1/test_helpers/test_clocks/{id}."""
    del call
    return load(world, KIND, key)


def index(world: World, call: Call) -> Json:
    """GET /v1/test_helpers/test_clocks."""
    return page(call, every(world, KIND))


DOERS = {READY: ready}
