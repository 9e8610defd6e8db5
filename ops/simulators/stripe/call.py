"""One API call as the handlers read it: parameters by type, and lists by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ops.simulators.store import Json
from ops.simulators.stripe.errors import bad, missing, required
from ops.simulators.stripe.forms import boolean, integer
from ops.simulators.stripe.objects import listing

Handler = Callable[..., Json]
"""``handler(world, call, **ids in the path)`` answers the object to render."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The parameters of one call, decoded from the query or the form."""

    path: str
    params: Json

    def has(self, name: str) -> bool:
        """Whether the parameter was sent at all, even empty."""
        return name in self.params

    def text(self, name: str) -> str | None:
        """A text, or None when absent or empty."""
        return self.params.get(name) or None

    def need(self, name: str) -> str:
        """A text that must be there; 400 parameter_missing otherwise."""
        value = self.params.get(name)
        if not value:
            raise required(name)
        return str(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        return boolean(self.params[name], name) if self.params.get(name) else default

    def number(self, name: str) -> int | None:
        """A whole number, or None."""
        return integer(self.params[name], name) if self.params.get(name) else None

    def nested(self, name: str) -> Json:
        """An object; {} when absent or empty."""
        value = self.params.get(name) or {}
        if not isinstance(value, dict):
            raise bad(f"Invalid object: {name}", param=name)
        return value

    def many(self, name: str) -> list[Any]:
        """A list; [] when absent or empty."""
        value = self.params.get(name) or []
        if not isinstance(value, list):
            raise bad(f"Invalid array: {name}", param=name)
        return value


def page(call: Call, objects: list[Json], *filters: str) -> Json:
    """A list newest first, filtered by parameters of the same name, by ``created`` and by cursor."""
    wanted = {name: call.text(name) for name in filters if call.text(name)}
    found = [obj for obj in objects if all(obj.get(name) == value for name, value in wanted.items())]
    found = [obj for obj in reversed(found) if _created_in(call, obj)]
    limit = call.number("limit") or 10
    if not 1 <= limit <= 100:
        raise bad("Invalid integer: limit must be between 1 and 100", param="limit")
    if after := call.text("starting_after"):
        found = found[_position(found, after, "starting_after") + 1 :]
        return listing(call.path, found[:limit], has_more=len(found) > limit)
    if until := call.text("ending_before"):
        found = found[: _position(found, until, "ending_before")]
        return listing(call.path, found[-limit:], has_more=len(found) > limit)
    return listing(call.path, found[:limit], has_more=len(found) > limit)


def _created_in(call: Call, obj: Json) -> bool:
    wanted = call.params.get("created")
    if not wanted:
        return True
    created = obj["created"]
    if not isinstance(wanted, dict):
        return bool(created == integer(wanted, "created"))
    tests = {
        "gt": lambda bound: created > bound,
        "gte": lambda bound: created >= bound,
        "lt": lambda bound: created < bound,
        "lte": lambda bound: created <= bound,
    }
    return all(tests[name](integer(bound, "created")) for name, bound in wanted.items() if name in tests)


def _position(found: list[Json], key: str, param: str) -> int:
    for index, obj in enumerate(found):
        if obj["id"] == key:
            return index
    raise missing("object", key, param)


def matches(query: str, obj: Json) -> bool:
    """Stripe's search language, as far as ``field:'value'`` and ``metadata['key']:'value'`` with AND."""
    for clause in query.split(" AND "):
        name, _, value = clause.strip().partition(":")
        value = value.strip("'\"")
        if name.startswith("metadata["):
            key = name.removeprefix("metadata[").rstrip("]").strip("'\"")
            if obj["metadata"].get(key) != value:
                return False
        elif str(obj.get(name)) != value:
            return False
    return True
