"""Everything that happened at the gateways, and every yen and cent that really moved."""

from __future__ import annotations

from typing import Any

from ops.simulators.clock import SimClock, exact
from ops.simulators.store import Json, Store


class Journal:
    """A dated line per event, call, attempt and delivery, in order."""

    def __init__(self, store: Store, clock: SimClock) -> None:
        self._store = store
        self._clock = clock

    def note(self, kind: str, **facts: Any) -> None:
        """Write one line; ``kind`` is a word such as ``api.call`` or ``webhook.acknowledged``."""
        number = self._store.count("journal")
        line = {"n": number, "at": exact(self._clock.now()), "kind": kind, **facts}
        self._store.put("journal", str(number), line)

    @property
    def count(self) -> int:
        """How many lines there are: the same number twice, and nothing happened in between."""
        return len(self._store.table("journal"))

    def lines(self, *, since: int = 0, kind: str = "") -> list[Json]:
        """Lines after number ``since`` whose kind starts with ``kind``."""
        rows = self._store.table("journal").values()
        return [line for line in rows if line["n"] > since and line["kind"].startswith(kind)]


class Ledger:
    """Every attempt to take money, so that a test can prove that nobody paid twice."""

    def __init__(self, store: Store, clock: SimClock) -> None:
        self._store = store
        self._clock = clock

    def attempt(
        self,
        *,
        gateway: str,
        subscription: str | None,
        period: str | None,
        amount: int,
        currency: str,
        outcome: str,
        ref: str,
        by: str,
        reference: str | None = None,
        request: str | None = None,
    ) -> None:
        """Record one attempt.

        ``amount`` is in minor units; ``by`` says who started it (engine, api or payer); ``reference`` is the
        school's own id of what it is for; ``request`` the idempotency key of the call that asked for it.
        """
        number = self._store.count("charge")
        self._store.put(
            "charge_attempt",
            str(number),
            {
                "n": number,
                "at": exact(self._clock.now()),
                "gateway": gateway,
                "subscription": subscription,
                "period": period,
                "amount": amount,
                "currency": currency.upper(),
                "outcome": outcome,
                "ref": ref,
                "by": by,
                "reference": reference,
                "request": request,
                "returned": 0,
            },
        )

    def returned(self, ref: str, amount: int) -> None:
        """Money of charge ``ref`` went back (refund, reversal, lost dispute)."""
        for key, row in self._store.table("charge_attempt").items():
            if row["ref"] == ref and row["outcome"] == "succeeded":
                row["returned"] += amount
                self._store.put("charge_attempt", key, row)

    def attempts(self, *, subscription: str | None = None, succeeded_only: bool = True) -> list[Json]:
        """Attempts in order, of one subscription or of all."""
        return [
            row
            for row in self._store.table("charge_attempt").values()
            if (subscription is None or row["subscription"] == subscription)
            and (row["outcome"] == "succeeded" or not succeeded_only)
        ]

    def doubles(self) -> list[Json]:
        """Periods for which money was taken more than once and not given back."""
        periods: dict[tuple[str, str], list[Json]] = {}
        for row in self.attempts():
            if row["subscription"] and row["period"] and row["returned"] < row["amount"]:
                periods.setdefault((row["subscription"], row["period"]), []).append(row)
        return [
            {"subscription": subscription, "period": period, "refs": [row["ref"] for row in rows]}
            for (subscription, period), rows in periods.items()
            if len(rows) > 1
        ]
