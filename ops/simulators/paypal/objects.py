"""Where PayPal's objects are kept, and how it writes money, links and times."""

from __future__ import annotations

from typing import Any

from ops.simulators.clock import zulu
from ops.simulators.money import DecimalsRefused, minor, text
from ops.simulators.paypal.errors import malformed, not_found, refused
from ops.simulators.store import Json
from ops.simulators.world import World


def keep(world: World, kind: str, obj: Json) -> Json:
    """Keep an object of this kind."""
    return world.store.put(f"paypal.{kind}", obj["id"], obj)


def find(world: World, kind: str, key: str) -> Json | None:
    """An object, or None."""
    return world.store.get(f"paypal.{kind}", key)


def load(world: World, kind: str, key: str) -> Json:
    """An object; 404 otherwise."""
    obj = find(world, kind, key)
    if obj is None:
        raise not_found(key)
    return obj


def every(world: World, kind: str, **wanted: Any) -> list[Json]:
    """All objects of a kind whose top-level fields equal the wanted ones, oldest first."""
    return [
        obj
        for obj in world.store.table(f"paypal.{kind}").values()
        if all(obj.get(name) == value for name, value in wanted.items())
    ]


def stamp(world: World) -> str:
    """Now, as PayPal writes it."""
    return zulu(world.clock.now())


def amount(value: int, currency: str) -> Json:
    """Money in v2 resources."""
    return {"currency_code": currency, "value": text(value, currency)}


def read_amount(value: Any, field: str) -> tuple[int, str]:
    """Minor units and currency of a v2 amount; 422 DECIMALS_NOT_SUPPORTED for yen with decimals."""
    if not isinstance(value, dict) or "value" not in value or "currency_code" not in value:
        raise malformed(field)
    currency = str(value["currency_code"])
    try:
        return minor(str(value["value"]), currency), currency
    except DecimalsRefused as error:
        raise refused("DECIMALS_NOT_SUPPORTED", "Currency does not support decimals.") from error
    except ValueError as error:
        raise malformed(field, str(error)) from error


def fee(value: int, currency: str) -> int:
    """What PayPal keeps of a payment."""
    return value * 36 // 1000 + (40 if currency == "JPY" else 35)


def link(world: World, path: str, rel: str, method: str = "GET") -> Json:
    """One HATEOAS link."""
    return {"href": f"{world.settings.base_url}/paypal{path}", "rel": rel, "method": method}
