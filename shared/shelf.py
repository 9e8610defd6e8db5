"""Where a service keeps its state: one shelf, of PostgreSQL or of memory, behind every Unit.

A service declares its tables once (``Table``); each row is one frozen dataclass under one text key, with the
few columns that pages search by. The same Unit works on both shelves, so the memory twin of a service is
the service itself (docs/decisions/0002).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from shared.events import Envelope

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table(Generic[T]):
    """One kind of row. ``columns`` project what must be searched by (SQL type, value of a row)."""

    name: str
    kind: type[T]
    key: Callable[[T], str]
    columns: Mapping[str, tuple[str, Callable[[T], Any]]] = field(default_factory=dict)
    indexed: bool = True
    """Each column gets an index of its own; ``False`` where migrations make the few that lists walk along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Something to do outside (charge, cancel, send): done at least once, in effect once by its id.

    ``id`` is the idempotency key; ``body`` a frozen dataclass the service's runner understands, as JSON.
    """

    id: str
    kind: str
    key: str
    due_at: datetime
    body: bytes
    tries: int = 0
    cause: str | None = None
    trace: str | None = None
    """The traceparent of what asked for it, while traces are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An envelope with the hour at which it is to be said."""

    tell_at: datetime
    envelope: Envelope
    trace: str | None = None
    """The traceparent of what says it, while traces are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What came from a topic, as it came."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    trace: str | None = None
    """The traceparent of whoever said it, from its Kafka header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A message nobody here can act upon, kept with the reason until a person fixes, retries or discards it."""

    message: Message
    reason: str
    remembered: bool = False
    """Its id was noted as heard when it was parked: whoever retries it must not take that for its effects."""

    @property
    def id(self) -> str:
        """Topic, partition and offset: the same message is parked once."""
        return f"{self.message.topic}/{self.message.partition}/{self.message.offset}"


class Shelf(Protocol):
    """What a Unit needs of a place that keeps state, inside one transaction."""

    DATA_ERRORS: tuple[type[Exception], ...]
    """Raised when what is written does not fit: the fault of one fact, not of the place."""
    OUTAGES: tuple[type[Exception], ...]
    """Raised when the place does not answer: nobody's fault, try again."""

    async def load(self, table: Table[T], keys: Sequence[str]) -> dict[str, T]:
        """The rows of those keys that exist, locked until the transaction ends."""
        ...

    async def find(self, table: Table[T], column: str, values: Sequence[Any]) -> list[T]:
        """The rows whose ``column`` has one of ``values``, in order of key."""
        ...

    async def save(
        self, rows: Mapping[Table[Any], Mapping[str, Any]], gone: Mapping[Table[Any], Iterable[str]]
    ) -> None:
        """Write changed rows and remove gone ones, one statement per table."""
        ...

    async def plan(self, planned: Sequence[Planned]) -> None:
        """Write facts and plans into the journal; one that is there already stays as it is."""
        ...

    async def send_out(self, errands: Sequence[Errand]) -> None:
        """Add errands; one that is there already stays as it is."""
        ...

    async def remember(self, heard: Sequence[Envelope], now: datetime) -> set[str]:
        """Note facts as heard; the ids that were not heard before (each counts once)."""
        ...

    async def park(self, parked: Sequence[Parked], now: datetime) -> None:
        """Keep unreadable messages with their reasons."""
        ...

    async def end_errand(self, errand: Errand, outcome: str, now: datetime) -> bool:
        """Mark an errand as done; ``False`` when it was done already or its lease is another's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which rows a list shows: those whose columns are ``where``, in order of one column and of the key.

    ``order`` names a column that is never null in the rows wanted, or is empty for the order of keys.
    """

    where: Mapping[str, Any] = field(default_factory=dict)
    order: str = ""
    since: Any = None
    """Only rows whose ``order`` is this or more."""
    before: Any = None
    """Only rows whose ``order`` is less."""
    after: tuple[Any, str] | None = None
    """The last row that was shown: its ``order`` (its key where there is none) and its key. The page goes on behind."""
    newest_first: bool = False
    limit: int = 50


class Lists(Protocol):
    """What a list page needs of a shelf, beside ``Shelf``: some rows in order, and a count with an end."""

    async def page(self, table: Table[T], page: Page) -> list[T]:
        """The rows of one page; nothing is locked."""
        ...

    async def count(self, table: Table[Any], where: Mapping[str, Any], *, most: int) -> int:
        """How many rows there are, counted up to ``most``."""
        ...


class Store(Protocol):
    """The place itself: gives transactions and hands out errands."""

    def transaction(self, *, locking: bool = True) -> AbstractAsyncContextManager[Shelf]:
        """A shelf whose changes are kept when the block ends well, and forgotten when it raises.

        ``locking=False`` is for reading: rows are not kept from others.
        """
        ...

    async def claim_errands(self, now: datetime, *, limit: int, lease: timedelta) -> list[Errand]:
        """Errands due by ``now`` that nobody holds, leased to the caller."""
        ...

    async def postpone_errand(self, errand: Errand, *, until: datetime, error: str) -> None:
        """Give a claimed errand back, to be tried again at ``until``."""
        ...
