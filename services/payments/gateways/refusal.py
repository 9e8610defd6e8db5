"""How a webhook is turned away at the door: always a 400, always with the reason."""

from __future__ import annotations

from shared.errors import Refused


def refused(reason: str) -> Refused:
    """A webhook that is not taken in; ``reason`` finishes "because ..."."""
    return Refused(f"we could not accept the webhook because {reason}", status=400, code="webhook_refused")
