"""What a learning platform is told of a learner: the level now, and the next change with its instant.

A platform that keeps the next change can cut access to the second by itself (FR-33). ``version`` grows with
every message about a learner: an older one that arrives later is to be ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.access.domain.standing import standing
from services.access.domain.state import Learner
from shared.events.words import AccessLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level until its next change (aware UTC), ``None`` when none is known."""

    level: AccessLevel
    until: datetime | None
    then: AccessLevel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to a platform. Logging in is always allowed; nothing is ever to be deleted (F20, F29)."""

    school_id: str
    learner_id: str
    version: int
    decided_at: datetime
    overall: Level
    subscriptions: dict[str, Level]

    @property
    def id(self) -> str:
        """The same notice always has the same id: a platform takes it once."""
        return f"{self.school_id}/{self.learner_id}/{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TellPlatform:
    """The errand: which notice goes where."""

    url: str
    notice: Notice


def notice_of(learner: Learner, now: datetime) -> Notice:
    """What the platform is to know of ``learner`` at ``now``."""
    return Notice(
        school_id=learner.school_id,
        learner_id=learner.learner_id,
        version=learner.version,
        decided_at=now,
        overall=_level(learner, now, []),
        subscriptions={name: _level(learner, now, [name]) for name in sorted(learner.subscriptions)},
    )


def _level(learner: Learner, now: datetime, asked: list[str]) -> Level:
    stands = standing(learner, now, asked)
    return Level(level=stands.level, until=stands.until, then=stands.then)
