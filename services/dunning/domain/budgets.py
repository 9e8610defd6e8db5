"""What the card networks allow: one budget per card across automatic, manual and gateway attempts.

The figures are the policies' dated data; here is only the question a decision asks.
"""

from __future__ import annotations

from services.dunning.domain.turn import Turn
from shared.events.words import AttemptKind


def forbids(turn: Turn, kind: AttemptKind) -> tuple[str, str] | None:  # noqa: ARG001 - filled in with the networks
    """Why a network forbids an attempt of that kind now: a word and its detail; ``None`` allows it."""
    return None
