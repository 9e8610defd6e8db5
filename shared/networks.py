"""How often a card may be tried: the networks fine whoever goes on, so one budget counts everybody's attempts.

Automatic, manual and the gateway's own attempts on one card all count (R-F11). The answer is "allowed", "wait
until" or "never with this card", with the rule in words; figures are dated data in ``networks.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import yaml

from shared.calendar.months import parse_exact
from shared.money import Money
from shared.reasons import Reason

Initiator = Literal["merchant", "learner"]
LiftedBy = Literal["another_card", "learner_present"]
_LIFTED: Final[tuple[LiftedBy, LiftedBy]] = ("another_card", "learner_present")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One earlier attempt on the card, whoever made it."""

    at: datetime
    amount: Money
    declined: bool
    """``False``: it went through, or its outcome is still open."""
    approved: bool = False
    network_code: str | None = None
    advice_code: str | None = None
    by: Initiator = "merchant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The attempt may be made; the reason tells how much of the tightest budget is used."""

    because: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitUntil:
    """Not before ``at`` (aware UTC)."""

    at: datetime
    because: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Never:
    """Not with this card; ``lifted_by`` says what would change that."""

    lifted_by: LiftedBy
    because: Reason


Verdict = Allowed | WaitUntil | Never


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many refused attempts fit into the window, from a day on."""

    since: date
    published: int
    applied: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A rolling limit of one network."""

    rule: str
    network: str
    window: timedelta
    same_amount: bool
    apart_by_initiator: bool
    limits: tuple[Limit, ...]

    def limit_on(self, day: date) -> Limit:
        """The figures that hold on that day."""
        held = [limit for limit in self.limits if limit.since <= day]
        return held[-1] if held else self.limits[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRule:
    """What one answer of an issuer forbids."""

    rule: str
    network: str
    """``any``, or the network that the rule belongs to."""
    since: date
    effect: Literal["never", "wait"]
    wait: timedelta
    until_new_mandate: bool
    """A payment that the learner makes himself is a new mandate and is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkRules:
    """Every rule, dated."""

    as_of: date
    budgets: tuple[Budget, ...]
    codes: Mapping[str, tuple[CodeRule, ...]]
    advice: Mapping[str, tuple[CodeRule, ...]]


@cache
def built_in_networks() -> NetworkRules:
    """The rules of ``networks.yaml``."""
    text = (files("shared") / "networks.yaml").read_text(encoding="utf-8")
    return network_rules_from_data(yaml.safe_load(text))


def network_rules_from_data(data: Mapping[str, Any]) -> NetworkRules:
    """Rules from the content of their file (``networks.yaml``, or a school's own)."""
    return NetworkRules(
        as_of=date.fromisoformat(data["as_of"]),
        budgets=tuple(_budget(entry) for entry in data["budgets"]),
        codes=_code_rules(data["codes"]),
        advice=_code_rules(data["advice"]),
    )


def network_verdict(
    history: Sequence[Tried],
    *,
    network: str | None,
    at: datetime,
    amount: Money,
    by: Initiator = "merchant",
    rules: NetworkRules | None = None,
) -> Verdict:
    """Whether the card of ``history`` may be tried at ``at`` (aware UTC).

    ``history`` holds every attempt on that one card; another card starts with an empty one. ``network`` is the
    card's brand; unknown, the strictest budget counts. An approved attempt ends what a refusal before it forbade.
    """
    known = rules or built_in_networks()
    brand = None if network is None else network.lower()
    past = sorted((one for one in history if one.at <= at), key=lambda one: one.at)
    forbidden = _by_code(past, known, brand, at, by)
    if isinstance(forbidden, Never):
        return forbidden
    full, tightest = _by_budget(past, known, brand, at, amount, by)
    waits = [one for one in (forbidden, full) if one is not None]
    if waits:
        return max(waits, key=lambda one: one.at)
    return Allowed(because=tightest)


def _by_code(
    past: Sequence[Tried], rules: NetworkRules, brand: str | None, at: datetime, by: Initiator
) -> Never | WaitUntil | None:
    since_approval = list(past)
    for index, one in enumerate(past):
        if one.approved:
            since_approval = list(past[index + 1 :])
    waiting: WaitUntil | None = None
    for one in since_approval:
        for rule, code in _rules_for(one, rules, brand):
            values: tuple[tuple[str, str | int], ...] = (
                ("network", brand or "card"),
                ("code", code),
                ("rule", rule.rule),
            )
            if rule.effect == "never":
                if rule.until_new_mandate and by == "learner":
                    continue
                lifted_by = _LIFTED[rule.until_new_mandate]
                return Never(
                    lifted_by=lifted_by, because=Reason(rule="network_never", source="R-F11", values=values)
                )
            until = one.at + rule.wait
            if by == "merchant" and until > at and (waiting is None or until > waiting.at):
                values = (*values, ("hours", int(rule.wait.total_seconds() // 3600)))
                waiting = WaitUntil(
                    at=until, because=Reason(rule="network_wait", source="R-F11", values=values)
                )
    return waiting


def _rules_for(one: Tried, rules: NetworkRules, brand: str | None) -> list[tuple[CodeRule, str]]:
    if not one.declined:
        return []
    day = one.at.astimezone(UTC).date()
    found: list[tuple[CodeRule, str]] = []
    for table, code in ((rules.advice, one.advice_code), (rules.codes, one.network_code)):
        held = (rule for rule in table.get(code or "", ()) if rule.since <= day)
        found.extend((rule, code or "") for rule in held if rule.network in {"any", brand})
    return found


def _by_budget(
    past: Sequence[Tried], rules: NetworkRules, brand: str | None, at: datetime, amount: Money, by: Initiator
) -> tuple[WaitUntil | None, Reason]:
    full: WaitUntil | None = None
    tightest, least_left = Reason(rule="network_free", source="R-F11"), None
    for budget in rules.budgets:
        if brand is not None and budget.network != brand:
            continue
        limit = budget.limit_on(at.astimezone(UTC).date())
        counted = [
            one
            for one in past
            if one.declined
            and one.at > at - budget.window
            and (not budget.same_amount or one.amount == amount)
            and (not budget.apart_by_initiator or one.by == by)
        ]
        used = len(counted)
        values = (
            ("network", budget.network),
            ("rule", budget.rule),
            ("used", used),
            ("limit", limit.applied),
            ("published", limit.published),
            ("hours", int(budget.window.total_seconds() // 3600)),
        )
        if used >= limit.applied:
            until = counted[used - limit.applied].at + budget.window
            if full is None or until > full.at:
                full = WaitUntil(
                    at=until, because=Reason(rule="network_budget_full", source="R-F11", values=values)
                )
        left = limit.applied - used
        if least_left is None or left < least_left:
            least_left, tightest = left, Reason(rule="network_allowed", source="R-F11", values=values)
    return full, tightest


def _budget(entry: Mapping[str, Any]) -> Budget:
    limits = [
        Limit(since=_since(limit), published=limit["published"], applied=limit["applied"])
        for limit in entry["limits"]
    ]
    return Budget(
        rule=entry["rule"],
        network=entry["network"],
        window=parse_exact(entry["window"]),
        same_amount="amount" in entry["per"],
        apart_by_initiator=entry["apart_by_initiator"],
        limits=tuple(sorted(limits, key=lambda limit: limit.since)),
    )


def _code_rules(entries: Sequence[Mapping[str, Any]]) -> dict[str, tuple[CodeRule, ...]]:
    found: dict[str, tuple[CodeRule, ...]] = {}
    for entry in entries:
        rule = CodeRule(
            rule=entry["rule"],
            network=entry.get("network", "any"),
            since=_since(entry),
            effect=entry["effect"],
            wait=parse_exact(entry["wait"]) if "wait" in entry else timedelta(),
            until_new_mandate=entry.get("until_new_mandate", False),
        )
        for code in entry["codes"]:
            found[str(code)] = (*found.get(str(code), ()), rule)
    return found


def _since(entry: Mapping[str, Any]) -> date:
    return date.fromisoformat(entry["from"]) if "from" in entry else date.min
