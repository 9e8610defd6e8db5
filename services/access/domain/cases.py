"""What a case does to a learner's access: announce, step down, cut, give back, end (F18-F20, R-F5, R-X2).

Facts about one case come in order; those of the learner's other cases may come in between and never touch it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.access.domain.reckoning import Cause, reckoned, reopened
from services.access.domain.state import Decided, Learner, Limit, Subscription, Why
from shared.events import Fact, Later
from shared.events.access import AccessDeadlineFellDue
from shared.events.dunning import (
    AccessDeadlineSet,
    AccessEndRequested,
    AccessRestorationRequested,
    AccessSuspensionRequested,
)
from shared.events.payments import SubscriptionRegistered
from shared.events.words import AccessLevel

_ANNOUNCED: Final = frozenset({Why.DEADLINE, Why.STEP})
_RECOVERED: Final = "recovered"
"""The failed month itself was paid: the suspension is undone, also for paths (R-F10 speaks of relaunches)."""


def when_subscription_registered(learner: Learner, fact: SubscriptionRegistered, now: datetime) -> Decided:
    """Know the subscription; a later start under the same id is a new contract, with access (T34)."""
    name = fact.subscription_id
    known = learner.subscriptions.get(name) or Subscription(subscription_id=name)
    if known.started_on != fact.started_on:
        known = replace(known, started_on=fact.started_on, registered_at=fact.occurred_at)
    after = replace(learner, subscriptions={**learner.subscriptions, name: known})
    return reckoned(after, learner, Cause(at=fact.occurred_at, case_id=_last_case(learner, name)), now)


def when_deadline_set(learner: Learner, fact: AccessDeadlineSet, now: datetime) -> Decided:
    """Replace what this case announced: steps and the instant at which access ends; ``None`` lifts it."""
    hours = [(at, level, Why.STEP) for at, level in fact.steps]
    if fact.deadline_at is not None:
        hours.append((fact.deadline_at, AccessLevel.NONE, Why.DEADLINE))
    announced = [_limit(fact, level, why, since) for since, level, why in hours]

    def again(limit: Limit) -> bool:
        return limit.why in _ANNOUNCED and limit not in announced

    kept = _closed(learner.limits, fact.case_id, again, fact.occurred_at)
    return _changed(learner, [*kept, *(limit for limit in announced if limit not in kept)], fact, now)


def when_suspension_requested(learner: Learner, fact: AccessSuspensionRequested, now: datetime) -> Decided:
    """Cut to ``level`` from ``occurred_at`` on; it takes the place of what the case had come to by then."""
    cut = _limit(fact, fact.level, Why.SUSPENDED, fact.occurred_at)
    if cut in learner.limits:
        return Decided(learner=learner)

    def replaced(limit: Limit) -> bool:
        return limit.why is not Why.ENDED and limit.since <= fact.occurred_at

    return _changed(
        learner, [*_closed(learner.limits, fact.case_id, replaced, fact.occurred_at), cut], fact, now
    )


def when_restoration_requested(learner: Learner, fact: AccessRestorationRequested, now: datetime) -> Decided:
    """The case lets go from ``occurred_at`` on; a later end of the contract stays announced (T34).

    A relaunch that was submitted in time opens its path again even when the payment passed after midnight
    (FR-37).
    """

    def lets_go(limit: Limit) -> bool:
        return limit.why is not Why.ENDED or limit.since <= fact.occurred_at

    limits = tuple(_closed(learner.limits, fact.case_id, lets_go, fact.occurred_at))
    after, news = replace(learner, limits=limits), list[Fact | Later]()
    for path_id in _to_reopen(learner, fact):
        after, more = reopened(after, path_id, fact.why, fact.occurred_at)
        news += more
    decided = reckoned(after, learner, Cause(at=fact.occurred_at, case_id=fact.case_id), now)
    return replace(decided, said=(*news, *decided.said))


def when_end_requested(learner: Learner, fact: AccessEndRequested, now: datetime) -> Decided:
    """The contract ends at ``at``: now, or at the end of the period that is paid (T34, X-13)."""
    end = _limit(fact, AccessLevel.NONE, Why.ENDED, fact.at)
    others = [
        limit for limit in learner.limits if limit.case_id != fact.case_id or limit.why is not Why.ENDED
    ]
    return _changed(learner, [*others, end], fact, now)


def when_deadline_fell_due(learner: Learner, fact: AccessDeadlineFellDue, now: datetime) -> Decided:
    """Look again; whatever was lifted meanwhile answers with nothing."""
    return reckoned(learner, learner, Cause(at=fact.occurred_at), now)


_AboutCase = AccessDeadlineSet | AccessSuspensionRequested | AccessRestorationRequested | AccessEndRequested


def _changed(learner: Learner, limits: Iterable[Limit], fact: _AboutCase, now: datetime) -> Decided:
    after = replace(learner, limits=tuple(limits))
    return reckoned(after, learner, Cause(at=fact.occurred_at, case_id=fact.case_id), now)


def _limit(fact: _AboutCase, level: AccessLevel, why: Why, since: datetime) -> Limit:
    return Limit(
        case_id=fact.case_id, subscription_id=fact.subscription_id, level=level, why=why, since=since
    )


def _closed(
    limits: Iterable[Limit], case_id: str, which: Callable[[Limit], bool], at: datetime
) -> list[Limit]:
    """The limits once those of the case that ``which`` picks have given way at ``at``."""
    after: list[Limit] = []
    for limit in limits:
        rest = limit.closed(at) if limit.case_id == case_id and which(limit) else limit
        if rest is not None:
            after.append(rest)
    return after


def _to_reopen(learner: Learner, fact: AccessRestorationRequested) -> list[str]:
    asked = [fact.reopen_path_id] if fact.reopen_path_id else []
    if fact.why != _RECOVERED:
        return asked
    return asked + [
        path.path_id
        for path in learner.paths.values()
        if path.closed_at is not None
        and path.path_id != fact.reopen_path_id
        and path.subscription_id in {None, fact.subscription_id}
    ]


def _last_case(learner: Learner, subscription_id: str) -> str:
    cases = [limit.case_id for limit in learner.limits if limit.subscription_id == subscription_id]
    return cases[-1] if cases else ""
