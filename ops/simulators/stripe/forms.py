"""Reading the brackets of Stripe's form encoding: ``items[0][price]=...`` is a list of objects."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

from ops.simulators.store import Json
from ops.simulators.stripe.errors import bad

_BRACKETS = re.compile(r"\[([^\]]*)\]")


def decode(encoded: str) -> Json:
    """A form body or a query as nested objects and lists; every leaf is text, an empty one unsets."""
    tree: Json = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        head, *_ = name.split("[", 1)
        path = [head, *_BRACKETS.findall(name)]
        node = tree
        for step, following in pairwise(path):
            key = _position(node, step)
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                raise bad(
                    f"Invalid parameter: {name} ({following}) is both a value and an object", param=head
                )
        node[_position(node, path[-1])] = value
    return {name: _lists(value) for name, value in tree.items()}


def _position(node: Json, step: str) -> str:
    return step or str(len(node))


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _lists(child) for key, child in value.items()}


def boolean(value: Any, param: str) -> bool:
    """``"true"`` or ``"false"``."""
    if value in {"true", True}:
        return True
    if value in {"false", False}:
        return False
    raise bad(f"Invalid boolean: {value}", param=param)


def integer(value: Any, param: str) -> int:
    """A whole number in text."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise bad(f"Invalid integer: {value}", param=param, code="parameter_invalid_integer") from None


def merged_metadata(old: Json, change: Any) -> Json:
    """Metadata after an update: a key with an empty value goes, an empty ``metadata=`` clears all."""
    if change in ("", None):
        return {}
    kept = {**old, **change}
    return {key: value for key, value in kept.items() if value != ""}
