"""The in-memory twin of all receivers: keeps what it was sent, and can be away or unwilling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.hooks.carrier import Unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One message as it came."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class MemoryChannel:
    """Answers 200 at every address, or what ``answers`` says; ``None`` is no answer."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.answers: dict[str, int | None] = {}

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """See ``Channel``."""
        self.posted.append(Posted(url=url, headers=dict(headers), body=body))
        answer = self.answers.get(url, 200)
        if answer is None:
            raise Unreachable("the connection failed: ConnectError")
        return answer
