"""What happened to one service, from the journals: what it heard and when, what it said, how it stands now.

Everything is read at one instant. Facts that it heard are replayed at the very instants at which it heard them, so a
rebuilt row is the live row to the microsecond, or something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.database import row_from
from shared.errors import Unreadable
from shared.events import Envelope, topic_of
from shared.events.wire import from_bytes
from shared.retention import LATEST
from shared.service import Service
from shared.shelf import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A fact of a journal."""

    envelope: Envelope
    value: bytes
    at: datetime
    """When it was told, or is to be (aware UTC)."""
    seq: int
    told: bool


@dataclass(slots=True, kw_only=True)
class Past:
    """One service at one instant."""

    service: Service
    now: datetime
    heard: list[tuple[datetime, Told]]
    """What it heard and acted upon, in that order, with the instant."""
    lost: list[Told]
    """What was told and concerns it, and that it never heard."""
    aside: int
    """How many facts it parked and nobody retried: they have no effect here either."""
    own: list[Told]
    """Everything it ever said, plans included, in the order of writing."""
    rows: dict[str, dict[str, Any]]
    """Table -> key -> row, as they stand."""
    errands: set[str]
    """Ids of everything it was ever asked to do outside, as far as that is kept."""
    since: datetime | None
    """From when on the journals can tell; ``None``: from the beginning."""
    said: dict[str, Told] = field(init=False)

    def __post_init__(self) -> None:
        self.said = {one.envelope.id: one for one in self.own}

    @property
    def facts(self) -> int:
        """How many facts a replay goes through."""
        return len(self.heard) + len(self.own)


@dataclass(slots=True)
class Reader:
    """Reads the past of services in one transaction; a journal that several hear is read once."""

    connection: Any
    now: datetime
    _journals: dict[str, list[Told]] = field(default_factory=dict)

    async def journal(self, speaker: str) -> list[Told]:
        """Everything a service said that its journal still has, in the order of writing."""
        if speaker not in self._journals:
            rows = await self.connection.fetch(
                f"select seq, tell_at, told_at is not null as told, value from {speaker}.journal order by seq"
            )
            self._journals[speaker] = [
                Told(
                    envelope=from_bytes(row["value"]),
                    value=row["value"],
                    at=row["tell_at"],
                    seq=row["seq"],
                    told=row["told"],
                )
                for row in rows
            ]
        return self._journals[speaker]

    async def past(self, service: Service, *, grace: timedelta = timedelta()) -> Past:
        """Everything about one service; what was told within ``grace`` and not heard is on its way, not lost."""
        speakers = sorted({topic_of(kind).removesuffix(".events") for kind in service.hears})
        wanted: dict[str, Told] = {}
        for speaker in speakers:
            for one in await self.journal(speaker):
                if one.told and type(one.envelope.fact) in service.hears:
                    wanted[one.envelope.id] = one
        heard, aside = await self._heard(service.name, wanted)
        known = {one.envelope.id for _, one in heard} | aside
        forgotten, lost = self._unheard(wanted, known)
        heard = _in_order([*heard, *forgotten])
        own = await self.journal(service.name)
        return Past(
            service=service,
            now=self.now,
            heard=heard,
            lost=[one for one in lost if one.at <= self.now - grace],
            aside=len(aside),
            own=own,
            rows={table.name: await self.rows(service.name, table) for table in service.tables},
            errands={
                row["id"] for row in await self.connection.fetch(f"select id from {service.name}.errands")
            },
            since=await self._since([*speakers, service.name]),
        )

    async def rows(self, schema: str, table: Table[Any]) -> dict[str, Any]:
        """One table as it stands."""
        found = await self.connection.fetch(f"select key, body from {schema}.{table.name}")
        return {row["key"]: row_from(table, row["body"]) for row in found}

    async def _heard(
        self, schema: str, wanted: Mapping[str, Told]
    ) -> tuple[list[tuple[datetime, Told]], set[str]]:
        """What was heard, in order (of one instant: in the order of writing), and what was only set aside."""
        aside: set[str] = set()
        retried: dict[str, datetime] = {}
        for row in await self.connection.fetch(
            f"select coalesce(fixed, value) as value, settled_at, how from {schema}.parked"
        ):
            envelope = _readable(row["value"])
            if envelope is None:
                continue
            if row["how"] is not None and row["how"].startswith("retried"):
                retried[envelope.id] = row["settled_at"]
            elif not (row["how"] or "").startswith("found"):
                aside.add(envelope.id)
        rows = await self.connection.fetch(
            f"select id, heard_at from {schema}.heard order by heard_at, place"
        )
        found = [
            (retried.get(row["id"], row["heard_at"]), wanted[row["id"]])
            for row in rows
            if row["id"] in wanted and row["id"] not in aside
        ]
        return found, aside

    def _unheard(
        self, wanted: Mapping[str, Told], known: set[str]
    ) -> tuple[list[tuple[datetime, Told]], list[Told]]:
        """What is too old for anybody to remember hearing it, and what was lost."""
        forgotten, lost = [], []
        for one in wanted.values():
            if one.envelope.id in known:
                continue
            if one.at < self.now - LATEST:
                forgotten.append((one.at, one))
            else:
                lost.append(one)
        return forgotten, sorted(lost, key=lambda one: (one.at, one.seq))

    async def _since(self, journals: Iterable[str]) -> datetime | None:
        """From when on every journal still has everything; ``None``: nothing was ever forgotten."""
        found = [
            await self.connection.fetchval(f"select until from {name}.forgotten where name = 'journal'")
            for name in sorted(set(journals))
        ]
        return max((at for at in found if at is not None), default=None)


def _in_order(heard: list[tuple[datetime, Told]]) -> list[tuple[datetime, Told]]:
    """By the instant of hearing; Python's sort keeps the order of writing within one."""
    return sorted(heard, key=lambda pair: pair[0])


def _readable(value: bytes | None) -> Envelope | None:
    try:
        return from_bytes(value)
    except Unreadable:
        return None
