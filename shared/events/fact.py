"""What a fact is: something that happened, said once, in the past tense, to whoever listens.

A fact's id is derived from its meaning (its type and its ``IDENTITY`` fields), so saying the same thing
twice is saying it once: journals and hearers drop the second.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID, uuid5

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
_identities: dict[type[Any], tuple[str, ...]] = {}


def name_of(kind: type[Fact]) -> str:
    """``dunning.CaseOpened`` for the class of that name in ``shared.events.dunning``."""
    name = _names.get(kind)
    if name is None:
        name = _names[kind] = f"{kind.__module__.rsplit('.', 1)[-1]}.{kind.__name__}"
    return name


def topic_of(kind: type[Fact]) -> str:
    """Each speaking service has one topic, ``<service>.events``."""
    return f"{name_of(kind).split('.', 1)[0]}.events"


def key_of(fact: Fact) -> str:
    """The value that decides the fact's partition and so its order."""
    return str(getattr(fact, fact.KEY))


def id_of(fact: Fact) -> str:
    """The id that the same meaning always gets."""
    kind = type(fact)
    identity = _identities.get(kind)
    if identity is None:
        identity = _identities[kind] = kind.IDENTITY or tuple(field.name for field in fields(kind))
    meaning = "|".join([str(getattr(fact, name)) for name in identity])
    return str(uuid5(NAMESPACE, f"{name_of(kind)}|{meaning}"))
