"""The letter box's table in the stand-in database: the production ``Inbox`` runs over it with its own statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ops.simulation.database import SimStore, Transaction
from services.payments import inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One webhook's row."""

    dedupe_key: str
    gateway: str
    kind: str
    received_at: datetime
    body: bytes
    state: str = "new"
    reason: str = ""
    attempts: int = 0
    waits_for: tuple[str, ...] = ()
    flagged_at: datetime | None = None
    leased_by: Any = None
    due_at: datetime


class SimPool:
    """What ``services.payments.inbox.Inbox`` needs of a pool; each statement is a transaction of its own."""

    def __init__(self, store: SimStore) -> None:
        self._store = store
        self.rows: dict[str, Kept] = {}

    async def fetch(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        """One statement that returns rows."""
        return await self._alone(sql, arguments)

    async def execute(self, sql: str, *arguments: Any) -> None:
        """One statement."""
        if not sql.startswith("notify"):
            await self._alone(sql, arguments)

    async def run(self, transaction: Transaction, sql: str, arguments: Sequence[Any]) -> list[dict[str, Any]]:
        """One statement in a transaction."""
        if sql == inbox._INSERT:  # noqa: SLF001 - its statements are what the stand-in understands
            return await self._insert(transaction, *arguments)
        if sql == inbox._CLAIM:  # noqa: SLF001 - as above
            return await self._claim(transaction, *arguments)
        if sql == inbox._SETTLE:  # noqa: SLF001 - as above
            return await self._settle(transaction, *arguments)
        if sql == inbox._WAKE:  # noqa: SLF001 - as above
            return self._wake(transaction, *arguments)
        message = f"the stand-in's letter box knows no statement like {sql.split(maxsplit=3)[:3]}"
        raise NotImplementedError(message)

    async def _alone(self, sql: str, arguments: Sequence[Any]) -> list[dict[str, Any]]:
        store = self._store
        what = next((n.lower() for n in ("_INSERT", "_CLAIM", "_SETTLE") if sql == getattr(inbox, n)), "wake")
        await store.world.before(f"webhooks{what}")
        transaction = store.database.begin()
        rows = await self.run(transaction, sql, arguments)
        await store.database.commit(transaction, f"webhooks{what}")
        return rows

    async def _insert(
        self,
        transaction: Transaction,
        keys: list[str],
        gateways: list[str],
        kinds: list[str],
        _transmissions: list[str | None],
        received: list[datetime],
        bodies: list[bytes],
        _traces: list[str | None],
        _sealed_with: list[str],
    ) -> list[dict[str, Any]]:
        fresh: list[Kept] = []
        for key, gateway, kind, received_at, body in zip(
            keys, gateways, kinds, received, bodies, strict=True
        ):
            await transaction.lock(("webhook", key))
            if key not in self.rows and key not in {one.dedupe_key for one in fresh}:
                fresh.append(
                    Kept(
                        dedupe_key=key,
                        gateway=gateway,
                        kind=kind,
                        received_at=received_at,
                        body=body,
                        due_at=self._now(),
                    )
                )
        transaction.changes.append(lambda: self._keep(fresh))
        return [{"dedupe_key": one.dedupe_key} for one in fresh]

    async def _claim(
        self, transaction: Transaction, limit: int, lease: timedelta, holder: Any
    ) -> list[dict[str, Any]]:
        now = self._now()
        due = [
            row
            for row in self.rows.values()
            if row.state in {"new", "waiting"}
            and (row.due_at <= now or self._store.database.is_free(row.due_at, row.leased_by))
            and ("webhook", row.dedupe_key) not in self._store.database.locks
        ]
        claimed = [
            replace(row, due_at=now + lease, leased_by=holder, attempts=row.attempts + 1)
            for row in sorted(due, key=lambda row: (row.due_at, row.dedupe_key))[:limit]
        ]
        for row in claimed:
            await transaction.lock(("webhook", row.dedupe_key))
        transaction.changes.append(lambda: self._keep(claimed))
        names = ("dedupe_key", "gateway", "kind", "received_at", "body", "state", "attempts", "flagged_at")
        return [{**{name: getattr(row, name) for name in names}, "trace": None} for row in claimed]

    async def _settle(self, transaction: Transaction, *columns: Any) -> list[dict[str, Any]]:
        settled = list(zip(*columns, strict=True))
        for key, *_ in settled:
            await transaction.lock(("webhook", key))

        def apply() -> None:
            for key, state, reason, pause, flagged_at, waits_for, *_ in settled:
                row = self.rows[key]
                if row.state in {"new", "waiting"}:
                    changed = replace(
                        row,
                        state=state,
                        reason=reason,
                        leased_by=None,
                        due_at=self._now() + pause,
                        flagged_at=row.flagged_at or flagged_at,
                        waits_for=tuple(waits_for.split()),
                    )
                    self._keep([changed])

        transaction.changes.append(apply)
        return []

    def _wake(self, transaction: Transaction, references: list[str]) -> list[dict[str, Any]]:
        woken = [
            replace(row, due_at=self._now())
            for row in self.rows.values()
            if row.state == "waiting" and set(row.waits_for) & set(references)
        ]
        transaction.changes.append(lambda: self._keep(woken))
        return []

    def _keep(self, rows: Sequence[Kept]) -> None:
        self.rows.update({row.dedupe_key: row for row in rows})
        if rows:
            self._store.kept.notify("inbox")

    def _now(self) -> datetime:
        return self._store.world.now()

    def next_due(self) -> datetime | None:
        """When the next webhook can be taken up."""
        return min(
            (row.due_at for row in self.rows.values() if row.state in {"new", "waiting"}), default=None
        )
