"""Turns the many words of gateways and banks into the seven that a policy knows (seed F24).

The issuer's own word says more than the gateway's coarse one, so advice and network codes are read first. An
unknown code is a generic refusal; none is ever shown to a learner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import yaml

from shared.declines import DeclineClass
from shared.errors import Unreadable

Fault = Literal["payer", "school"]
"""Whose doing a refusal is; for the school's own fault a learner loses nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """A refusal understood: its class, whose fault it is, and by which line of the table."""

    decline: DeclineClass
    fault: Fault = "payer"
    by: str
    """Scheme and code that decided, ``stripe insufficient_funds``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    decline: DeclineClass
    fault: Fault
    since: date


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeclineTable:
    """The meaning of each code by scheme, newest line last; dated and overridable."""

    as_of: date
    lines: Mapping[tuple[str, str], tuple[_Line, ...]]

    def find(self, scheme: str, code: str | None, *, on: date | None = None) -> Decline | None:
        """What ``code`` means in that scheme on a day (by default by the newest line); ``None``: not listed."""
        if not code:
            return None
        found = [line for line in self.lines.get((scheme, code), ()) if on is None or line.since <= on]
        if not found:
            return None
        return Decline(decline=found[-1].decline, fault=found[-1].fault, by=f"{scheme} {code}")

    def with_overrides(self, overrides: Mapping[str, DeclineClass | str]) -> DeclineTable:
        """The same table with some codes read otherwise: ``{"stripe.do_not_honor": "hard_never_retry"}``."""
        lines = dict(self.lines)
        for key, word in overrides.items():
            scheme, _, code = key.partition(".")
            if not code:
                raise Unreadable(f'{key!r} names no code: write "<scheme>.<code>", as in stripe.do_not_honor')
            lines[scheme, code] = (_Line(decline=_class_of(word), fault="payer", since=date.min),)
        return DeclineTable(as_of=self.as_of, lines=lines)


@cache
def built_in_declines() -> DeclineTable:
    """The table of ``decline_codes.yaml``."""
    text = (files("shared") / "decline_codes.yaml").read_text(encoding="utf-8")
    return decline_table_from_data(yaml.safe_load(text))


def decline_table_from_data(data: Mapping[str, Any]) -> DeclineTable:
    """A table from the content of its file.

    Raises:
        Unreadable: a class is unknown or a code stands twice for one day.
    """
    lines: dict[tuple[str, str], list[_Line]] = {}
    for scheme, entries in data["schemes"].items():
        for entry in entries:
            since = date.fromisoformat(entry["from"]) if "from" in entry else date.min
            line = _Line(decline=_class_of(entry["class"]), fault=entry.get("fault", "payer"), since=since)
            for code in entry["codes"]:
                known = lines.setdefault((scheme, str(code)), [])
                if any(other.since == since for other in known):
                    raise Unreadable(f"{scheme} {code} has two meanings from the same day: keep one")
                known.append(line)
    for known in lines.values():
        known.sort(key=lambda line: line.since)
    return DeclineTable(
        as_of=date.fromisoformat(data["as_of"]), lines={key: tuple(known) for key, known in lines.items()}
    )


_UNKNOWN: Final = DeclineClass.GENERIC_OR_UNKNOWN


def stripe_decline(
    code: str,
    *,
    advice: str | None = None,
    network: str | None = None,
    network_code: str | None = None,
    network_advice: str | None = None,
    on: date | None = None,
    table: DeclineTable | None = None,
) -> Decline:
    """The class of a refusal that Stripe reports.

    ``code`` is ``decline_code``, else ``code``; ``advice`` is ``outcome.advice_code``; ``network`` the card's brand
    ("visa"); ``network_code`` and ``network_advice`` the issuer's own two-digit words.
    """
    rules = table or built_in_declines()
    own = rules.find("stripe", code, on=on)
    if own is not None and own.decline is DeclineClass.AUTHENTICATION_REQUIRED:
        return own
    issuer = rules.find("visa", network_code, on=on) if (network or "").lower() == "visa" else None
    issuer = issuer or rules.find("network", network_code, on=on)
    heard = (rules.find("advice", network_advice, on=on), rules.find("stripe_advice", advice, on=on), issuer)
    hard = [one for one in (*heard, own) if one is not None and one.decline is DeclineClass.HARD_NEVER_RETRY]
    if hard:
        return hard[0]
    if own is not None and own.decline is not _UNKNOWN:
        return own
    specific = [one for one in (issuer, *heard) if one is not None and one.decline is not _UNKNOWN]
    if specific:
        return specific[0]
    return own or Decline(decline=_UNKNOWN, by=f"stripe {code} (unknown)")


def paypal_decline(
    code: str, *, processor_code: str | None = None, on: date | None = None, table: DeclineTable | None = None
) -> Decline:
    """The class of a refusal that PayPal reports: a ``reason_code``, an issue word, and the processor's code."""
    rules = table or built_in_declines()
    own = rules.find("paypal", code, on=on)
    processor = rules.find("paypal_processor", processor_code or code, on=on)
    if own is not None and own.decline is not _UNKNOWN:
        return own
    return processor or own or Decline(decline=_UNKNOWN, by=f"paypal {code} (unknown)")


def _class_of(word: DeclineClass | str) -> DeclineClass:
    try:
        return DeclineClass(word)
    except ValueError as error:
        words = ", ".join(DeclineClass)
        raise Unreadable(f"{word!r} is no class of refusal: one of {words}") from error
