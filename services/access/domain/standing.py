"""What a learner may reach at an instant, why, and until when: the answer compares instants itself (FR-33)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from services.access.domain.state import Learner, Limit, Why, strictness
from shared.events.words import AccessLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The answer for one instant."""

    level: AccessLevel
    until: datetime | None
    """The next instant at which the level changes, as far as is known."""
    then: AccessLevel | None
    because: tuple[Limit, ...] = ()
    """The limits that count, strictest first and of those the oldest first."""


def standing(learner: Learner, at: datetime, asked: Collection[str] = ()) -> Standing:
    """The strictest of the ``asked`` subscriptions at ``at``; of all living ones when none is named.

    A subscription whose contract ended does not pull down one that lives (R-X2, Q-J8); when all have ended
    there is nothing left to reach.
    """
    because = _holding(learner, at, asked)
    level = _level(because)
    for instant in _changes(learner, at):
        then = _level(_holding(learner, instant, asked))
        if then != level:
            return Standing(level=level, until=instant, then=then, because=because)
    return Standing(level=level, until=None, then=None, because=because)


def first_without_access(
    learner: Learner, after: datetime, before: datetime, asked: Collection[str] = ()
) -> datetime | None:
    """The first instant from ``after`` to ``before`` (both included) at which nothing can be reached."""
    for instant in [after, *(change for change in _changes(learner, after) if change <= before)]:
        if instant <= before and _level(_holding(learner, instant, asked)) is AccessLevel.NONE:
            return instant
    return None


def _holding(learner: Learner, at: datetime, asked: Collection[str]) -> tuple[Limit, ...]:
    counting = [limit for limit in learner.limits if limit.holds(at) and not _is_renewed(learner, limit, at)]
    names = set(asked)
    if not names:
        ended = {limit.subscription_id for limit in counting if limit.why is Why.ENDED}
        known = set(learner.subscriptions) | {limit.subscription_id for limit in learner.limits}
        names = (known - ended) or known
    return tuple(
        sorted(
            (limit for limit in counting if limit.subscription_id in names),
            key=lambda limit: (-strictness(limit.level), limit.since, limit.case_id),
        )
    )


def _level(because: tuple[Limit, ...]) -> AccessLevel:
    return because[0].level if because else AccessLevel.FULL


def _changes(learner: Learner, after: datetime) -> list[datetime]:
    hours = [hour for limit in learner.limits for hour in (limit.since, limit.until)]
    hours += [subscription.registered_at for subscription in learner.subscriptions.values()]
    return sorted({hour for hour in hours if hour is not None and hour > after})


def _is_renewed(learner: Learner, limit: Limit, at: datetime) -> bool:
    """The contract ended, and one that starts later was registered under the same id since."""
    subscription = learner.subscriptions.get(limit.subscription_id)
    if limit.why is not Why.ENDED or subscription is None:
        return False
    registered_at, started_on = subscription.registered_at, subscription.started_on
    if registered_at is None or started_on is None:
        return False
    return limit.since < registered_at <= at and limit.since.date() <= started_on
