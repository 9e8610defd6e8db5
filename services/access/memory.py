"""The in-memory twin of a learning platform: keeps what it was told, and can be away or unwilling."""

from __future__ import annotations

from datetime import datetime

from services.access.domain import Notice
from shared.errors import Transient
from shared.events.words import AccessLevel


class MemoryPlatform:
    """Behaves as a well-made platform: one notice counts once, an older version changes nothing."""

    def __init__(self) -> None:
        self.calls: list[Notice] = []
        self.latest: dict[str, Notice] = {}
        self.away = False
        self.unwilling: Exception | None = None

    async def tell(self, url: str, notice: Notice, now: datetime) -> None:  # noqa: ARG002 - Platform's shape
        """See ``Platform``."""
        if self.away:
            raise Transient("the learning platform does not answer")
        if self.unwilling is not None:
            raise self.unwilling
        self.calls.append(notice)
        known = self.latest.get(notice.learner_id)
        if known is None or known.version < notice.version:
            self.latest[notice.learner_id] = notice

    def level(self, learner_id: str, at: datetime) -> AccessLevel:
        """What the platform itself would allow at ``at``, from the last notice alone."""
        overall = self.latest[learner_id].overall
        if overall.until is not None and overall.then is not None and at >= overall.until:
            return overall.then
        return overall.level
