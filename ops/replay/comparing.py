"""The rebuilt state beside the live one, row by row, fact by fact, errand by errand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ops.replay.past import Told
from ops.replay.rebuilding import Rebuilt
from shared.events import name_of, payments
from shared.shelf import Errand, Table

_encode = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """A row that is not what the facts say."""

    table: str
    key: str
    live: Any
    """``None``: it is not there."""
    rebuilt: Any
    """``None``: no fact tells of it."""

    @property
    def kind(self) -> str:
        """``missing``, ``different`` or ``untold``."""
        if self.live is None:
            return "missing"
        return "untold" if self.rebuilt is None else "different"

    def fields(self) -> list[str]:
        """Which fields differ."""
        if self.live is None or self.rebuilt is None:
            return []
        live, rebuilt = msgspec.to_builtins(self.live), msgspec.to_builtins(self.rebuilt)
        return sorted(
            name for name in {*live, *rebuilt} if _encode(live.get(name)) != _encode(rebuilt.get(name))
        )


@dataclass(slots=True, kw_only=True)
class Difference:
    """Everything in which one service is not what its facts say."""

    service: str
    facts: int
    rows: list[RowDifference] = field(default_factory=list)
    lost: list[Told] = field(default_factory=list)
    """Told, and never heard here."""
    unsaid: list[Told] = field(default_factory=list)
    """Decided, and not in the journal."""
    unexplained: list[Told] = field(default_factory=list)
    """In the journal, and decided by nothing that is there."""
    undone: list[Errand] = field(default_factory=list)
    """To be done outside, never asked for, and no fact tells that it was done."""
    follows: Counter[str] = field(default_factory=Counter)
    """Types of the facts that hearing the lost ones would make this service say."""
    follows_outside: Counter[str] = field(default_factory=Counter)
    """Kinds of errands that would ask for."""
    problems: list[str] = field(default_factory=list)
    unjudged: int = 0
    """Rows older than what the journals still tell."""
    since: Any = None

    @property
    def is_none(self) -> bool:
        """Nothing differs."""
        return not (self.rows or self.lost or self.unsaid or self.unexplained or self.undone or self.problems)


def compare(built: Rebuilt) -> Difference:
    """Find every difference."""
    past = built.past
    found = Difference(service=past.service.name, facts=past.facts, lost=list(past.lost), since=past.since)
    known = _known_from_the_start(built)
    for table in past.service.tables:
        if table.name not in built.edge.untold:
            _compare_rows(built, table, found, known)
    said = built.said()
    for fact_id, one in said.items():
        if fact_id not in past.said and not _is_retold_plan(one):
            found.unsaid.append(one)
    for fact_id, one in past.said.items():
        if fact_id not in said and not built.edge.is_at_edge(one.envelope) and past.since is None:
            found.unexplained.append(one)
    for errand_id, held in built.store.errands.items():
        if errand_id not in past.errands and not _has_ended(built, errand_id):
            found.undone.append(held.errand)
    found.problems = list(built.problems) if past.since is None else []
    return found


def _is_retold_plan(one: Told) -> bool:
    return bool(one.envelope.again)


def _has_ended(built: Rebuilt, errand_id: str) -> bool:
    return any(
        errand_id == one or (one.endswith("/") and errand_id.startswith(one))
        for one in _near(built, errand_id)
    )


def _near(built: Rebuilt, errand_id: str) -> set[str]:
    """The ends that may be this errand's: itself, and itself without the number of its try."""
    return {errand_id, errand_id.rpartition("/")[0] + "/"} & built.ended


def _compare_rows(built: Rebuilt, table: Table[Any], found: Difference, known: set[str] | None) -> None:
    live, rebuilt = built.past.rows[table.name], built.store.rows.get(table.name, {})
    left_out = built.edge.fields.get(table.name, frozenset())
    for key in sorted({*live, *rebuilt}):
        one, other = live.get(key), rebuilt.get(key)
        if one is not None and other is not None and (one == other or _same(one, other, left_out)):
            continue
        if known is not None and not _is_known(other if one is None else one, known):
            found.unjudged += 1
            continue
        found.rows.append(RowDifference(table=table.name, key=key, live=one, rebuilt=other))


def _same(one: Any, other: Any, left_out: frozenset[str]) -> bool:
    if not left_out:
        return _encode(one) == _encode(other)
    first, second = msgspec.to_builtins(one), msgspec.to_builtins(other)
    return all(_encode(first.get(name)) == _encode(second.get(name)) for name in {*first, *second} - left_out)


def _known_from_the_start(built: Rebuilt) -> set[str] | None:
    """Whose whole story the journals still tell: subscriptions whose registration is there; ``None``: everybody's."""
    if built.past.since is None:
        return None
    registered = name_of(payments.SubscriptionRegistered)
    return {
        one.envelope.fact.subscription_id  # type: ignore[attr-defined]  # a registration has one
        for _, one in built.past.heard
        if one.envelope.type == registered
    }


def _is_known(row: Any, known: set[str]) -> bool:
    return getattr(row, "subscription_id", None) in known
