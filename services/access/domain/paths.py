"""Paths that learners follow, and the last day on which a suspended learner may come back to one (F22, R-F10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from services.access.domain.reckoning import Cause, reckoned, reopened
from services.access.domain.state import Decided, Enrolment, Learner
from shared.calendar import end_of_day
from shared.events import Fact, Later
from shared.events.access import PathEnrolled


def when_enrolled(
    learner: Learner,
    *,
    path_id: str,
    title: str,
    subscription_id: str | None,
    deadline: date | None,
    zone: str | None,
    now: datetime,
) -> Decided:
    """Follow a path, or change what is known of it; the same again says nothing.

    ``deadline`` is inclusive: it ends at 24:00 in ``zone``. A deadline that is moved behind ``now`` opens a
    closed path again.
    """
    known = learner.paths.get(path_id)
    path = Enrolment(
        path_id=path_id,
        title=title,
        subscription_id=subscription_id,
        re_enrolment_deadline=deadline,
        closes_at=end_of_day(deadline, zone) if deadline and zone else None,
    )
    if known is not None:
        path = replace(path, closed_at=known.closed_at, reopened_at=known.reopened_at)
    if path == known:
        return Decided(learner=learner)
    news: list[Fact | Later] = []
    if known is None or _told(known) != _told(path):
        news.append(_enrolled(learner, path, now))
    after = replace(learner, paths={**learner.paths, path_id: path})
    if path.closed_at is not None and (path.closes_at is None or path.closes_at > now):
        after, more = reopened(after, path_id, "deadline_moved", now)
        news += more
    decided = reckoned(after, learner, Cause(at=now), now)
    return replace(decided, said=(*news, *decided.said))


def when_zone_known(learner: Learner, zone: str, now: datetime) -> Decided:
    """The school's zone came after its enrolments: their deadlines become instants."""
    paths = {
        path.path_id: replace(path, closes_at=end_of_day(path.re_enrolment_deadline, zone))
        if path.re_enrolment_deadline and path.closes_at is None
        else path
        for path in learner.paths.values()
    }
    return reckoned(replace(learner, paths=paths), learner, Cause(at=now), now)


def _told(path: Enrolment) -> tuple[str, str | None, date | None]:
    return path.title, path.subscription_id, path.re_enrolment_deadline


def _enrolled(learner: Learner, path: Enrolment, now: datetime) -> PathEnrolled:
    return PathEnrolled(
        school_id=learner.school_id,
        occurred_at=now,
        learner_id=learner.learner_id,
        path_id=path.path_id,
        subscription_id=path.subscription_id,
        re_enrolment_deadline=path.re_enrolment_deadline,
        title=path.title,
    )
