"""The vocabulary: every fact that travels between services, one module per speaking service."""

from __future__ import annotations

from typing import Final

from shared.events import access, credits, dunning, hooks, notifications, payments
from shared.events.fact import Envelope, Fact, Later, id_of, key_of, name_of, topic_of

SPEAKERS: Final = {
    "payments": payments.SAYS,
    "dunning": dunning.SAYS,
    "access": access.SAYS,
    "credits": credits.SAYS,
    "notifications": notifications.SAYS,
    "hooks": hooks.SAYS,
}

VOCABULARY: Final[dict[str, type[Fact]]] = {
    name_of(kind): kind for says in SPEAKERS.values() for kind in says
}

TOPICS: Final = tuple(f"{service}.events" for service in SPEAKERS)

__all__ = [
    "SPEAKERS",
    "TOPICS",
    "VOCABULARY",
    "Envelope",
    "Fact",
    "Later",
    "access",
    "credits",
    "dunning",
    "hooks",
    "id_of",
    "key_of",
    "name_of",
    "notifications",
    "payments",
    "topic_of",
]
