"""What the gateways will do later: renewals, retries, clearings and webhook deliveries, by due instant."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import datetime

from ops.simulators.clock import exact, instant
from ops.simulators.store import Json, Store

DELIVERY = "webhook.deliver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One thing to do at an instant: its kind, what it concerns, and a few facts."""

    id: str
    at: datetime
    number: int
    kind: str
    ref: str
    facts: Json

    def order(self) -> tuple[datetime, int]:
        """Earliest first, then in order of planning."""
        return (self.at, self.number)


class Agenda:
    """A queue by due instant, kept in the store. Deliveries wait in a lane of their own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lanes: dict[bool, list[tuple[datetime, int, str]]] = {True: [], False: []}
        self._about: dict[tuple[str, str], set[str]] = {}
        for key, row in store.table("agenda").items():
            self._push(key, row)

    def plan(self, kind: str, ref: str, at: datetime, facts: Json | None = None) -> str:
        """Do ``kind`` about ``ref`` at ``at``; answers the item's id."""
        number = self._store.count("agenda")
        key = f"due-{number}"
        row = {"at": exact(at), "number": number, "kind": kind, "ref": ref, "facts": facts or {}}
        self._store.put("agenda", key, row)
        self._push(key, row)
        return key

    def cancel(self, kind: str, ref: str) -> None:
        """Forget everything of this kind planned about ``ref``."""
        for key in list(self._about.get((kind, ref), ())):
            self.remove(key)

    def remove(self, key: str) -> None:
        """Forget one item: it is being done."""
        row = self._store.get("agenda", key)
        if row is not None:
            keys = self._about[row["kind"], row["ref"]]
            keys.discard(key)
            if not keys:
                del self._about[row["kind"], row["ref"]]
            self._store.drop("agenda", key)

    def next(self, *, deliveries_only: bool = False, prefix: str = "") -> Due | None:
        """The next item due, or None; ``prefix`` narrows it to kinds such as ``stripe.``."""
        if prefix:
            rows = self._store.table("agenda").items()
            found = [_due(key, row) for key, row in rows if row["kind"].startswith(prefix)]
            return min(found, key=Due.order, default=None)
        heads = [self._head(True)] if deliveries_only else [self._head(True), self._head(False)]
        return min((head for head in heads if head), key=Due.order, default=None)

    def clear(self) -> None:
        """Forget everything."""
        self._lanes = {True: [], False: []}
        self._about = {}

    def _push(self, key: str, row: Json) -> None:
        self._about.setdefault((row["kind"], row["ref"]), set()).add(key)
        heapq.heappush(self._lanes[row["kind"] == DELIVERY], (instant(row["at"]), row["number"], key))

    def _head(self, deliveries: bool) -> Due | None:
        lane = self._lanes[deliveries]
        while lane:
            row = self._store.get("agenda", lane[0][2])
            if row is not None:
                return _due(lane[0][2], row)
            heapq.heappop(lane)
        return None


def _due(key: str, row: Json) -> Due:
    return Due(
        id=key,
        at=instant(row["at"]),
        number=row["number"],
        kind=row["kind"],
        ref=row["ref"],
        facts=row["facts"],
    )
