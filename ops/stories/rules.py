"""A story's policy as data: a preset with keys or readings changed, and the file it makes; what a month costs."""

from __future__ import annotations

import copy
from typing import Any, Final

import yaml

from services.dunning.policies.policy import SCHEMA_VERSION
from services.dunning.policies.readings import keys_of_reading
from shared.errors import Unreadable
from shared.money import Money

_PRICES: Final = {"EUR": "75.00", "JPY": "12800", "USD": "75.00"}


def usual_price(currency: str) -> Money:
    """What a month costs in a story that does not say.

    Raises:
        Unreadable: there is no usual price in that currency.
    """
    usual = _PRICES.get(currency)
    if usual is None:
        raise Unreadable(f"lacks `price`: there is no usual one in {currency}")
    return Money.parse(usual, currency)


def changed(base: dict[str, Any], changes: dict[str, Any], refused: Any) -> dict[str, Any]:
    """A policy's data with some keys changed: dotted keys, or a reading's code with one of its alternatives."""
    data = copy.deepcopy(base)
    for key, value in changes.items():
        chosen = keys_of_reading(key, value)
        for dotted, wanted in (chosen if chosen is not None else {key: value}).items():
            _put(data, dotted, wanted, refused)
    return data


def policy_text(data: dict[str, Any]) -> str:
    """A policy's file; times of day in quotes, as policy files want them."""
    body = {"schema_version": SCHEMA_VERSION, **data}
    return yaml.dump(body, Dumper=_Quoting, allow_unicode=True, sort_keys=False, width=110)


class _Quoting(yaml.SafeDumper):
    """Quotes every text with a colon: an unquoted 09:00 is a number to YAML 1.1."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if ":" in text else None)


_Quoting.add_representer(str, _quoted)


def _put(data: Any, dotted: str, value: Any, refused: Any) -> None:
    *steps, last = [int(step) if step.isdigit() else step for step in dotted.split(".")]
    for step in steps:
        if isinstance(data, dict):
            if data.get(step) is None:
                data[step] = {}
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            raise refused(
                f"a policy has nothing at {dotted!r}: write the keys of the policy file, joined by dots"
            )
    try:
        data[last] = value
    except (TypeError, IndexError) as error:
        raise refused(f"a policy has nothing at {dotted!r}") from error
