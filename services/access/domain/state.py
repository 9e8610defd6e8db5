"""What access knows of one learner: what each case takes away from when to when, and the paths followed.

Everything is kept by the hour at which it happened, so that an answer about any instant, past or coming, is
the same whatever order the news came in.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from shared.events import Fact, Later
from shared.events.words import ACCESS_ORDER, AccessLevel


class Why(StrEnum):
    """What kind of limit holds a level down."""

    DEADLINE = "deadline"
    """The announced end of the grace (R-F5)."""
    STEP = "step"
    """Full becomes read-only within the grace (``grace-then-readonly``)."""
    SUSPENDED = "suspended"
    """Dunning asked for it (F18)."""
    ENDED = "ended"
    """The contract ended (T34); a new contract is another matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One case allows at most ``level`` from ``since`` on and, when it gave way, until ``until`` (aware UTC)."""

    case_id: str
    subscription_id: str
    level: AccessLevel
    why: Why
    since: datetime
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it counts at ``at``: from ``since`` on, to the second (FR-33)."""
        return self.since <= at and (self.until is None or at < self.until)

    def closed(self, at: datetime) -> Limit | None:
        """This limit as far as it counts when it gives way at ``at``; ``None`` when it never counted."""
        if self.until is not None and self.until <= at:
            return self
        return replace(self, until=at) if self.since < at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What is known of a subscription, and what was last said of its level."""

    subscription_id: str
    started_on: date | None = None
    registered_at: datetime | None = None
    """When this start was registered: a contract that ended before, for a start behind it, is another one."""
    level: AccessLevel = AccessLevel.FULL
    """As last said."""
    level_since: datetime | None = None
    until: datetime | None = None
    """The next change that the platform was told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A learner follows a path; past ``closes_at`` a suspended learner cannot come back to it (F22, R-F10)."""

    path_id: str
    title: str = ""
    subscription_id: str | None = None
    """The subscription that pays for it; without one, all of the learner's count."""
    re_enrolment_deadline: date | None = None
    """Last day on which a relaunch may be submitted, inclusive."""
    closes_at: datetime | None = None
    """24:00 of that day in the school's zone; ``None`` without a deadline or while the zone is unknown."""
    closed_at: datetime | None = None
    reopened_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """One learner of one school; the aggregate that every decision of access works on."""

    school_id: str
    learner_id: str
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    paths: dict[str, Enrolment] = field(default_factory=dict)
    version: int = 0
    """Counts what the platform is told, so that it can ignore older news."""

    @property
    def waits_for_zone(self) -> bool:
        """A deadline is known but not yet the school's zone that gives it an instant."""
        return any(path.re_enrolment_deadline and path.closes_at is None for path in self.paths.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a decision of access comes to: the learner from now on, what is said, who else must be told."""

    learner: Learner
    said: tuple[Fact | Later, ...] = ()
    tell_platform: bool = False


def strictness(level: AccessLevel) -> int:
    """0 for full access, growing as less is allowed."""
    return ACCESS_ORDER.index(level)


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """What access needs of a school: the zone that its deadlines end in, and its learning platform."""

    school_id: str
    zone: str | None = None
    platform_url: str | None = None
