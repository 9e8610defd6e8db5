"""After every change the same reckoning: whose level moved, which path closed, when to look again.

Dunning asks for a suspension at the very instant of a deadline. Our own look comes a minute later, so that a
deadline which is held open at its last instant (T13) is never announced as missed; answers compare instants
and do not wait for either (FR-33).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.access.domain.standing import Standing, first_without_access, standing
from services.access.domain.state import Decided, Learner, Subscription, strictness
from shared.events import Fact, Later
from shared.events.access import (
    AccessDeadlineFellDue,
    AccessRestored,
    AccessSuspended,
    EnrolmentClosed,
    EnrolmentReopened,
)

LOOK_AFTER: Final = timedelta(minutes=1)
"""How long after an announced instant access looks by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What made the reckoning necessary: an instant and, when there is one, the case behind it."""

    at: datetime
    case_id: str = ""


def reckoned(learner: Learner, before: Learner, cause: Cause, now: datetime) -> Decided:
    """Say what differs between what was last said of the learner and what holds at ``now``."""
    said: list[Fact | Later] = []
    subscriptions: dict[str, Subscription] = {}
    names = sorted(set(learner.subscriptions) | {limit.subscription_id for limit in learner.limits})
    for name in names:
        known = learner.subscriptions.get(name) or Subscription(subscription_id=name)
        subscriptions[name], news = _level_of(learner, known, cause, now)
        said += news
    learner = replace(learner, subscriptions=subscriptions)
    learner, closed = _close_paths(learner, now)
    said += closed
    said += _looks(learner, before, cause, now)
    tell = subscriptions != before.subscriptions and _shown(learner) != _shown(before)
    if tell:
        learner = replace(learner, version=learner.version + 1)
    return Decided(learner=learner, said=tuple(said), tell_platform=tell)


def reopened(learner: Learner, path_id: str, why: str, at: datetime) -> tuple[Learner, list[Fact | Later]]:
    """Open a path again from ``at`` on; said only when it had been said to be closed."""
    path = learner.paths.get(path_id)
    if path is None:
        return learner, []
    news: list[Fact | Later] = []
    if path.closed_at is not None:
        news.append(
            EnrolmentReopened(
                school_id=learner.school_id,
                occurred_at=max(at, path.closed_at),
                learner_id=learner.learner_id,
                path_id=path_id,
                why=why,
            )
        )
    open_again = replace(path, closed_at=None, reopened_at=at)
    return replace(learner, paths={**learner.paths, path_id: open_again}), news


def _level_of(
    learner: Learner, known: Subscription, cause: Cause, now: datetime
) -> tuple[Subscription, list[Fact | Later]]:
    stands = standing(learner, now, [known.subscription_id])
    news: list[Fact | Later] = []
    since = known.level_since
    if strictness(stands.level) > strictness(known.level):
        since = _latest(stands.because[0].since, since)
        news.append(_suspended(learner, known, stands, since))
    elif stands.level is not known.level:
        since = _latest(cause.at, since)
        news.append(_restored(learner, known, stands, since, cause))
    return replace(known, level=stands.level, level_since=since, until=stands.until), news


def _suspended(learner: Learner, known: Subscription, stands: Standing, since: datetime) -> AccessSuspended:
    return AccessSuspended(
        school_id=learner.school_id,
        occurred_at=since,
        learner_id=learner.learner_id,
        subscription_id=known.subscription_id,
        level=stands.level,
        because_of=tuple(dict.fromkeys(limit.case_id for limit in stands.because)),
    )


def _restored(
    learner: Learner, known: Subscription, stands: Standing, since: datetime, cause: Cause
) -> AccessRestored:
    return AccessRestored(
        school_id=learner.school_id,
        occurred_at=since,
        learner_id=learner.learner_id,
        subscription_id=known.subscription_id,
        level=stands.level,
        case_id=cause.case_id,
    )


def _close_paths(learner: Learner, now: datetime) -> tuple[Learner, list[Fact | Later]]:
    """A learner who cannot reach anything after a path's deadline cannot come back to it (F22)."""
    news: list[Fact | Later] = []
    paths = dict(learner.paths)
    for path in learner.paths.values():
        if path.closed_at is not None or path.closes_at is None:
            continue
        since = _latest(path.closes_at, path.reopened_at)
        asked = [path.subscription_id] if path.subscription_id else []
        closed_at = first_without_access(learner, since, now, asked)
        if closed_at is None:
            continue
        paths[path.path_id] = replace(path, closed_at=closed_at)
        news.append(
            EnrolmentClosed(
                school_id=learner.school_id,
                occurred_at=closed_at,
                learner_id=learner.learner_id,
                path_id=path.path_id,
            )
        )
    return replace(learner, paths=paths), news


def _looks(learner: Learner, before: Learner, cause: Cause, now: datetime) -> list[Fact | Later]:
    """Plans for every instant that this change brought: limits that begin or end, paths that close."""
    hours = [
        (limit.since, f"case/{limit.case_id}/{limit.why}")
        for limit in learner.limits
        if limit not in before.limits and limit.until is None
    ]
    # Whoever let go may have a clock that is ahead of ours.
    hours += [
        (limit.until, f"end/{limit.case_id}/{limit.why}")
        for limit in learner.limits
        if limit not in before.limits and limit.until is not None
    ]
    hours += [
        (path.closes_at, f"path/{path.path_id}")
        for path in learner.paths.values()
        if path.closes_at is not None and _closes_at(before, path.path_id) != path.closes_at
    ]
    return [
        Later(
            at=hour + LOOK_AFTER,
            fact=AccessDeadlineFellDue(
                school_id=learner.school_id,
                occurred_at=hour + LOOK_AFTER,
                learner_id=learner.learner_id,
                about=about,
                set_at=cause.at,
            ),
        )
        for hour, about in hours
        if hour > now
    ]


def _closes_at(learner: Learner, path_id: str) -> datetime | None:
    path = learner.paths.get(path_id)
    return path.closes_at if path else None


def _shown(learner: Learner) -> dict[str, tuple[str, datetime | None]]:
    return {name: (known.level, known.until) for name, known in learner.subscriptions.items()}


def _latest(one: datetime, other: datetime | None) -> datetime:
    return one if other is None else max(one, other)
