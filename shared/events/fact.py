"""What a fact is: something that happened, said once, in the past tense, to whoever listens.

A fact's id is derived from its meaning (its type and its ``IDENTITY`` fields), so saying the same thing
twice is saying it once: journals and hearers drop the second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha1
from operator import attrgetter
from typing import Any, ClassVar, Final
from uuid import UUID

NAMESPACE: Final = UUID("6f3c1c52-8d0e-5d0b-9a39-0d1f5e3f7a10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """The root of the vocabulary. ``occurred_at`` is aware UTC: when it happened, not when we heard of it."""

    KEY: ClassVar[str] = "subscription_id"
    """The field whose value orders facts: one key, one partition."""
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    """The fields that make this fact this one; empty means all of them."""

    PLAN: ClassVar[bool] = False
    """Whether this is a plan that its own service hears when it falls due, never before ``occurred_at``."""

    school_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A fact on its way: what it is called, where it comes from, when it was written down."""

    id: str
    type: str
    """Service and class, ``dunning.CaseOpened``."""
    topic: str
    key: str
    cause: str | None
    """The id of the fact that made this one be said; ``None`` at the edge of the system."""
    recorded_at: datetime
    fact: Fact
    again: int = 0
    """How many times a plan was heard before its hour and put back."""


@dataclass(frozen=True, slots=True)
class Later:
    """A plan: ``fact`` is to be said at ``at`` (aware UTC). A plan that became moot answers with nothing."""

    at: datetime
    fact: Fact


_names: dict[type[Any], str] = {}
_topics: dict[type[Any], str] = {}
_meanings: dict[type[Any], Callable[[Fact], tuple[Any, ...]]] = {}


def name_of(kind: type[Fact]) -> str:
    """``dunning.CaseOpened`` for the class of that name in ``shared.events.dunning``."""
    name = _names.get(kind)
    if name is None:
        name = _names[kind] = f"{kind.__module__.rsplit('.', 1)[-1]}.{kind.__name__}"
    return name


def topic_of(kind: type[Fact]) -> str:
    """Each speaking service has one topic, ``<service>.events``."""
    topic = _topics.get(kind)
    if topic is None:
        topic = _topics[kind] = f"{name_of(kind).split('.', 1)[0]}.events"
    return topic


def key_of(fact: Fact) -> str:
    """The value that decides the fact's partition and so its order."""
    return str(getattr(fact, fact.KEY))


def id_of(fact: Fact) -> str:
    """The id that the same meaning always gets: the UUID of version 5 of the type's name and the identity's values.

    Written out, because ``uuid.uuid5`` takes five times as long and every fact said needs one.
    """
    kind = type(fact)
    values_of = _meanings.get(kind)
    if values_of is None:
        names = kind.IDENTITY or tuple(field.name for field in fields(kind))
        # One more than is needed, because of a single name attrgetter would make no tuple.
        values_of = _meanings[kind] = attrgetter("KEY", *names)
    meaning = "|".join([name_of(kind), *map(str, values_of(fact)[1:])])
    digest = sha1(NAMESPACE.bytes + meaning.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
