"""How much comes back: tallies of cases by month, reason and currency, kept while facts are heard. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final
from zlib import crc32

from services.desk.domain.case import Case
from shared.events.words import CaseState

SHARDS: Final = 8
"""A tally is kept in parts, so that several workers do not wait for one row."""
WON: Final = frozenset({CaseState.RECOVERED, CaseState.RELAUNCHED, CaseState.RESUMED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Cases of one school that opened in one month for one reason."""

    key: str
    school_id: str
    month: str
    """``2026-04``, of the failed period."""
    reason: str
    currency: str
    opened: int = 0
    opened_minor: int = 0
    won: dict[str, int] = field(default_factory=dict)
    """Cases by how they were won: ``attempt 2``, ``relaunched``, ``resumed``."""
    won_minor: int = 0
    hours: int = 0
    """Hours from opening to winning, all won cases together."""
    days: dict[str, int] = field(default_factory=dict)
    """Won cases by the day on which they were: ``0`` the same day, ``1`` the next ..."""
    lost: dict[str, int] = field(default_factory=dict)
    lost_minor: int = 0

    @property
    def at_risk_minor(self) -> int:
        """What is neither won nor lost yet."""
        return self.opened_minor - self.won_minor - self.lost_minor


def tally_key(case: Case) -> str:
    """Where a case is counted; the same for its opening and its end."""
    reason = case.first_decline.value if case.first_decline else "unknown"
    currency = case.amount.currency if case.amount else "---"
    shard = crc32(case.subscription_id.encode()) % SHARDS
    return f"{case.school_id}/{case.period:%Y-%m}/{reason}/{currency}/{shard}"


def new_tally(key: str) -> Tally:
    """An empty one."""
    school_id, month, reason, currency, _ = key.split("/")
    return Tally(key=key, school_id=school_id, month=month, reason=reason, currency=currency)


def counted(tally: Tally, before: Case, after: Case) -> Tally:
    """The tally after a case changed: counted at its opening and at its end, once each."""
    minor = after.amount.amount_minor if after.amount else 0
    if after.kind != "renewal":
        return tally
    if before.opened_at is None and after.opened_at is not None:
        tally = replace(tally, opened=tally.opened + 1, opened_minor=tally.opened_minor + minor)
        ended = after.state is not None and after.state.is_terminal
    else:
        ended = before.is_open and not after.is_open
    if not ended or after.opened_at is None or after.state is None or after.closed_at is None:
        return tally
    if after.state not in WON:
        return replace(tally, lost=_more(tally.lost, after.state.value), lost_minor=tally.lost_minor + minor)
    took = after.closed_at - after.opened_at
    how = (
        f"attempt {after.recovered_by or len(after.tries)}"
        if after.state is CaseState.RECOVERED
        else after.state.value
    )
    return replace(
        tally,
        won=_more(tally.won, how),
        won_minor=tally.won_minor + minor,
        hours=tally.hours + max(0, round(took.total_seconds() / 3600)),
        days=_more(tally.days, str(max(0, took.days))),
    )


def _more(counts: dict[str, int], word: str) -> dict[str, int]:
    return {**counts, word: counts.get(word, 0) + 1}


def merged(tallies: Iterable[Tally], *by: str) -> dict[tuple[Any, ...], Tally]:
    """Tallies added up by some of their fields (``month``, ``reason``, ``currency``), in order."""
    found: dict[tuple[Any, ...], Tally] = {}
    for one in sorted(tallies, key=lambda one: one.key):
        name = tuple(getattr(one, word) for word in by)
        sum_ = found.get(name)
        found[name] = one if sum_ is None else _sum(sum_, one)
    return found


def _sum(one: Tally, other: Tally) -> Tally:
    return replace(
        one,
        opened=one.opened + other.opened,
        opened_minor=one.opened_minor + other.opened_minor,
        won=_added(one.won, other.won),
        won_minor=one.won_minor + other.won_minor,
        hours=one.hours + other.hours,
        days=_added(one.days, other.days),
        lost=_added(one.lost, other.lost),
        lost_minor=one.lost_minor + other.lost_minor,
    )


def _added(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {word: one.get(word, 0) + other.get(word, 0) for word in sorted({*one, *other})}


def months_before(day: date, count: int) -> list[str]:
    """``count`` months up to that of ``day``, oldest first, as ``2026-04``."""
    number = day.year * 12 + day.month - 1
    return [f"{(number - back) // 12:04d}-{(number - back) % 12 + 1:02d}" for back in reversed(range(count))]
