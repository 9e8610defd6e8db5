"""What another life decided otherwise, event for event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from ops.whatif.history import History
from shared.events import Envelope, Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One fact that only one life has, or that says something else in the other."""

    at: datetime
    case_id: str
    type: str
    what: str
    """``only there``, ``only here``, or the fields that differ."""


def decided(history: History, until: datetime) -> list[tuple[datetime, Envelope]]:
    """What dunning really decided up to ``until``, plans and people's acts left out."""
    return [
        (past.at, past.envelope)
        for past in history.facts
        if past.envelope.topic == "dunning.events"
        and past.envelope.cause is not None
        and not past.envelope.fact.PLAN
        and past.envelope.recorded_at <= until
    ]


def differences(
    really: Iterable[tuple[datetime, Envelope]],
    here: Iterable[tuple[datetime, Envelope]],
    *,
    beside: frozenset[str] = frozenset(),
) -> list[Difference]:
    """Each fact of one life that the other has not, in order of time; subscriptions ``beside`` are left out."""
    there = _by_id(really, beside)
    ours = _by_id(here, beside)
    found = []
    for id_ in {*there, *ours}:
        old, new = there.get(id_), ours.get(id_)
        if old is None and new is not None:
            found.append(_difference(*new, "only here"))
        elif new is None and old is not None:
            found.append(_difference(*old, "only really"))
        elif old is not None and new is not None and old[1] != new[1]:
            found.append(_difference(*new, _fields(old[1], new[1])))
    return sorted(found, key=lambda one: (one.at, one.case_id, one.type))


def _by_id(
    said: Iterable[tuple[datetime, Envelope]], beside: frozenset[str]
) -> Mapping[str, tuple[datetime, Fact]]:
    return {
        envelope.id: (at, envelope.fact)
        for at, envelope in said
        if envelope.topic == "dunning.events" and getattr(envelope.fact, "subscription_id", "") not in beside
    }


def _difference(at: datetime, fact: Fact, what: str) -> Difference:
    case_id = str(getattr(fact, "case_id", getattr(fact, "school_id", "")))
    return Difference(at=at, case_id=case_id, type=type(fact).__name__, what=what)


def _fields(old: Any, new: Any) -> str:
    different = [one.name for one in fields(new) if getattr(old, one.name) != getattr(new, one.name)]
    return ", ".join(f"{name}: {getattr(old, name)!s} -> {getattr(new, name)!s}" for name in different)


def counted(found: Iterable[Difference]) -> Counter[tuple[str, str]]:
    """How many differences of which kind: type and whether it is new, gone or changed."""
    return Counter((one.type, one.what if one.what.startswith("only") else "changed") for one in found)
