"""Who hears which fact, from each service's own table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ops.stack.children import app_of
from ops.stack.plan import SERVICES
from shared.events import Fact, name_of
from shared.service import Service


@cache
def hearers() -> Mapping[str, tuple[str, ...]]:
    """A fact's name -> the services that act upon it, in the order of the plan."""
    found: dict[str, list[str]] = {}
    for name in SERVICES:
        service: Service = app_of(name).SERVICE
        for kind in service.hears:
            found.setdefault(name_of(kind), []).append(name)
    return {name: tuple(services) for name, services in found.items()}


def hearers_of(kind: type[Fact]) -> tuple[str, ...]:
    """Those of one fact; its own speaker among them when it is a plan."""
    return hearers().get(name_of(kind), ())
