"""What access decides, as pure functions over one learner: no clock, no database, no chance."""

from __future__ import annotations

from services.access.domain.cases import (
    when_deadline_fell_due,
    when_deadline_set,
    when_end_requested,
    when_restoration_requested,
    when_subscription_registered,
    when_suspension_requested,
)
from services.access.domain.paths import when_enrolled, when_zone_known
from services.access.domain.standing import Standing, standing
from services.access.domain.state import (
    Decided,
    Enrolment,
    Learner,
    Limit,
    School,
    Subscription,
    Why,
    strictness,
)
from services.access.domain.telling import Level, Notice, TellPlatform, notice_of

__all__ = [
    "Decided",
    "Enrolment",
    "Learner",
    "Level",
    "Limit",
    "Notice",
    "School",
    "Standing",
    "Subscription",
    "TellPlatform",
    "Why",
    "notice_of",
    "standing",
    "strictness",
    "when_deadline_fell_due",
    "when_deadline_set",
    "when_end_requested",
    "when_enrolled",
    "when_restoration_requested",
    "when_subscription_registered",
    "when_suspension_requested",
    "when_zone_known",
]
