"""What a service is to the machinery around it: a name, its Unit, what it hears, what it does outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.events import Envelope, Fact, topic_of
from shared.shelf import Errand, Shelf, Table
from shared.unit import Unit

Handler = Callable[[Any, Any], Awaitable[None]]
"""``async (fact, unit) -> None``: load, decide, record."""

Hears = Mapping[type[Fact], Handler]

Run = Callable[[Errand, Any, datetime], Awaitable[Any]]
"""``async (errand, hands, now) -> result``, outside any transaction; raises Transient to be tried later."""

Finish = Callable[[Errand, Any, Any], Awaitable[None]]
"""``async (errand, result, unit) -> None``: record what came of it, in the transaction that ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """One kind of errand: what is done outside, what is recorded of it, and what if it can never be done."""

    run: Run
    finish: Finish
    give_up: Callable[[Errand, Exception, Any], Awaitable[None]] | None = None
    """Called in place of ``finish`` when ``run`` raised something that trying again cannot mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The plaque that workers, the memory engine, replay and tests all work from."""

    name: str
    unit: Callable[[Shelf, datetime], Unit]
    hears: Hears
    tables: Sequence[Table[Any]]
    errands: Mapping[str, Doing] = field(default_factory=dict)
    prefetch: Callable[[Sequence[Envelope], Any], Awaitable[None]] | None = None
    """Loads what a batch will need in a few statements."""

    waits: Mapping[str, str] = field(default_factory=dict)
    """What else waits in this service: a word, and SQL that gives ``since`` of each such thing due by $1, the oldest
    first. Every service has facts untold, errands undone and messages parked."""

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics this service listens to, from what it hears."""
        return tuple(sorted({topic_of(kind) for kind in self.hears}))
