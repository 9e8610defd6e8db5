"""What hooks expects of whatever carries its messages, and how it says that nobody answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Channel(Protocol):
    """Hands one message over."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The receiver's status code, whatever it is.

        Raises:
            Unreachable: nobody answered, or the address is one that we do not go to.
        """
        ...


class Unreachable(Exception):
    """No answer; the message finishes "it could not be reached because"."""
