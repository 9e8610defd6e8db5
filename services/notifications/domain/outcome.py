"""What can come of handing a mail to the channel once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The provider has it: accepted now, or found there from an attempt whose answer was lost."""

    at: datetime
    language: str
    message_id: str
    found: bool = False
    """It was already there: nothing was sent this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedForGood:
    """The address does not exist, the message is not wanted, or it could not be written."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNow:
    """The provider is away or busy, or its answer was lost: decide again later."""

    reason: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """Looked at once more just before sending, it must not leave now."""

    reason: str


Outcome = Delivered | RefusedForGood | NotNow | Withheld
