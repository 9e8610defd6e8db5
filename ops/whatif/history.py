"""What really happened, in the order in which dunning heard of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.events import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One fact that was told."""

    at: datetime
    """When dunning heard it; when it was told, for what dunning does not hear (aware UTC)."""
    order: int
    """Among facts of one instant."""
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class History:
    """Facts of all services, oldest first."""

    facts: Sequence[Past]

    @property
    def until(self) -> datetime | None:
        """The last instant that anything is known of."""
        return self.facts[-1].at if self.facts else None


def in_order(told: Iterable[tuple[datetime, Envelope]]) -> History:
    """The history of facts with the instants at which they were told or heard, in that order.

    Dunning decides by the clock at which it hears. What it decided carries that instant, so that it is taken from
    there where a fact had consequences: a process that was down heard later than it was told.
    """
    known = list(told)
    decided: dict[str, datetime] = {}
    for _, envelope in known:
        if envelope.type.startswith("dunning.") and envelope.cause is not None:
            decided.setdefault(envelope.cause, envelope.recorded_at)
    pasts = [
        Past(at=decided.get(envelope.id, at), order=order, envelope=envelope)
        for order, (at, envelope) in enumerate(known)
    ]
    return History(sorted(pasts, key=lambda past: (past.at, past.order)))
