"""What goes in and out of the API of access, as its documentation shows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from services.access.domain import Learner, Limit, Why, standing
from shared.events.words import AccessLevel

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
Title = Annotated[str, StringConstraints(max_length=200)]


class EnrolmentIn(BaseModel):
    """A learner follows a path."""

    school_id: Id
    subscription_id: Id | None = Field(
        default=None, description="What pays for the path; all count if absent"
    )
    re_enrolment_deadline: date | None = Field(
        default=None,
        description="Last day to come back after a suspension, inclusive, in the school's zone (F22)",
    )
    title: Title = ""


class EnrolmentLine(EnrolmentIn):
    """One line of the list of enrolments."""

    learner_id: Id
    path_id: Id


class EnrolmentOut(BaseModel):
    learner_id: str
    path_id: str
    title: str
    subscription_id: str | None
    re_enrolment_deadline: date | None
    closes_at: datetime | None = Field(
        description="24:00 of the deadline as an instant; null without one, or while the school is not known here"
    )
    state: str = Field(description="open, or closed when the deadline passed without access")
    closed_at: datetime | None


class BecauseOut(BaseModel):
    case_id: str
    subscription_id: str
    level: AccessLevel
    since: datetime
    why: Why


class AccessOut(BaseModel):
    """What the learner may reach at ``at``. Logging in is always allowed and progress is kept (F20, F29)."""

    learner_id: str
    school_id: str
    at: datetime
    level: AccessLevel
    until: datetime | None = Field(
        description="The next instant at which the level changes, as far as is known"
    )
    then: AccessLevel | None
    why: list[BecauseOut] = Field(description="What holds the level down, strictest first")
    case_ids: list[str]
    login: bool = True
    progress_kept: bool = True
    subscriptions: dict[str, AccessLevel]
    paths: list[EnrolmentOut]


class PlatformIn(BaseModel):
    """Where a school's learning platform takes notices of levels; ``null`` when it asks instead."""

    url: Annotated[str, StringConstraints(max_length=500)] | None


class PlatformOut(BaseModel):
    url: str | None
    signing_secret: str


def access_of(learner: Learner, at: datetime, asked: list[str]) -> AccessOut:
    """The answer for ``at``."""
    stands = standing(learner, at, asked)
    return AccessOut(
        learner_id=learner.learner_id,
        school_id=learner.school_id,
        at=at,
        level=stands.level,
        until=stands.until,
        then=stands.then,
        why=[_because(limit) for limit in stands.because],
        case_ids=_cases(stands.because),
        subscriptions={name: standing(learner, at, [name]).level for name in sorted(learner.subscriptions)},
        paths=enrolments_of(learner),
    )


def _because(limit: Limit) -> BecauseOut:
    return BecauseOut(
        case_id=limit.case_id,
        subscription_id=limit.subscription_id,
        level=limit.level,
        since=limit.since,
        why=limit.why,
    )


def _cases(limits: Iterable[Limit]) -> list[str]:
    return list(dict.fromkeys(limit.case_id for limit in limits))


def enrolments_of(learner: Learner) -> list[EnrolmentOut]:
    """All paths of a learner."""
    return [enrolment_of(learner, path_id) for path_id in sorted(learner.paths)]


def enrolment_of(learner: Learner, path_id: str) -> EnrolmentOut:
    """One path of a learner."""
    path = learner.paths[path_id]
    return EnrolmentOut(
        learner_id=learner.learner_id,
        path_id=path.path_id,
        title=path.title,
        subscription_id=path.subscription_id,
        re_enrolment_deadline=path.re_enrolment_deadline,
        closes_at=path.closes_at,
        state="closed" if path.closed_at else "open",
        closed_at=path.closed_at,
    )
