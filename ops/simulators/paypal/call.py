"""One call to PayPal as the handlers read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ops.simulators.paypal.errors import malformed
from ops.simulators.store import Json

Answer = tuple[int, Json | None]
"""HTTP status and body; None is an empty body (204)."""

Handler = Callable[..., Answer]
"""``handler(world, call, **ids in the path)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Body, query and the headers that matter of one call. ``raw`` is the body as received."""

    body: Json
    args: dict[str, str]
    raw: bytes
    full_representation: bool

    def need(self, name: str) -> str:
        """A text of the body that must be there; 400 otherwise."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise malformed(name)
        return value
