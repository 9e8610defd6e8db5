"""What hooks says: which receiver of webhooks had to be given up, and what it never got."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from shared.events.fact import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutEndpoint(Fact):
    KEY: ClassVar[str] = "endpoint_id"

    endpoint_id: str
    because: str
    """What the receiver last answered, or why it could not be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryGivenUp(_AboutEndpoint):
    """A receiver never took a fact: the last try failed; a person can send it once more."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("endpoint_id", "fact_id", "tries")

    fact_id: str
    fact_type: str
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointDisabled(_AboutEndpoint):
    """A receiver took nothing for days: it gets nothing more until somebody enables it again."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("endpoint_id", "failing_since")

    failing_since: datetime


SAYS: tuple[type[Fact], ...] = (DeliveryGivenUp, EndpointDisabled)
