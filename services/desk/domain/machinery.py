"""How the services stand, as the page for it says: from what each of them tells of itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SERVICES: Final = ("payments", "dunning", "access", "credits", "notifications", "portal", "desk", "hooks")
THINGS: Final = ("untold", "errand", "webhook", "webhook_failed", "parked")
_LATE: Final = 300.0
"""Seconds after which what should happen by itself is late (as the alert rules have it)."""
_UNSEEN: Final = 45.0
"""A worker says that it lives every ten seconds."""
_FOR_A_PERSON: Final = frozenset({"parked", "webhook_failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What of one kind waits."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One service: ``state`` is ``good``, ``late``, ``person`` (somebody must look), ``idle`` (nobody works for it) or
    ``silent`` (it does not answer).
    """

    service: str
    state: str
    things: Mapping[str, Thing] = field(default_factory=dict)
    workers: int = 0
    seen_seconds: float = 0.0
    lag: Mapping[str, int] = field(default_factory=dict)
    """Messages not heard yet, by topic."""


def standing(service: str, told: Mapping[str, Any] | None) -> Standing:
    """What an owner's ``/standing`` means; ``None`` when it said nothing."""
    if told is None:
        return Standing(service=service, state="silent")
    things = {
        one["what"]: Thing(count=int(one["count"]), seconds=float(one["oldest_seconds"]))
        for one in told["waiting"]
    }
    alive = [one for one in told["workers"] if one["seen_seconds"] <= _UNSEEN]
    lag: dict[str, int] = {}
    for one in alive:
        for place, behind in one["lag"].items():
            topic = place.rpartition("/")[0]
            lag[topic] = lag.get(topic, 0) + int(behind)
    if not alive:
        state = "idle"
    elif any(one.seconds > _LATE for what, one in things.items() if what not in _FOR_A_PERSON):
        state = "late"
    elif any(things[what].count for what in _FOR_A_PERSON & things.keys()):
        state = "person"
    else:
        state = "good"
    seen = min((float(one["seen_seconds"]) for one in told["workers"]), default=0.0)
    return Standing(
        service=service, state=state, things=things, workers=len(alive), seen_seconds=seen, lag=lag
    )
