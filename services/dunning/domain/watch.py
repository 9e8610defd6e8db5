"""Telling access until when: it compares instants itself, so no late timer ever keeps or takes a lesson (FR-33)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from services.dunning.domain.attempts import pending
from services.dunning.domain.case import Case
from services.dunning.domain.turn import Turn
from services.dunning.policies import dates
from services.dunning.policies.policy import Policy
from shared.events import dunning as facts
from shared.events.words import CaseState

LAST_HOUR: Final = timedelta(hours=1)
"""A request this close to the deadline counts as open before anything was heard of it."""

_WATCHED: Final = frozenset({CaseState.RETRYING, CaseState.AWAITING_OUTCOME})


def watch(turn: Turn) -> None:
    """Tell access the case's deadline whenever it became another one; ``None`` lifts it."""
    case = turn.case
    if case.state not in _WATCHED or case.clock.grace_at is None:
        return
    wanted = deadline_for_access(case, turn.policy)
    if case.watched and wanted == case.access_at:
        return
    turn.set(watched=True, access_at=wanted)
    turn.say(facts.AccessDeadlineSet, deadline_at=wanted, steps=case.clock.steps)


def deadline_for_access(case: Case, policy: Policy) -> datetime | None:
    """When access is cut if nothing more happens: the deadline, or the end of the hold beyond it."""
    clock = case.clock
    if (
        case.frozen
        or case.has("access_granted")
        or clock.notice_hold_since is not None
        or clock.grace_at is None
    ):
        return None
    held = hold_end(case, policy, clock.grace_at)
    return clock.grace_at if held is None else max(held, clock.grace_at)


def hold_end(case: Case, policy: Policy, deadline: datetime) -> datetime | None:
    """Until when an open outcome holds the suspension (T13); ``None``: nothing is open that counts."""
    ends = []
    flight = case.in_flight
    waits = pending(case) is not None or (flight is not None and flight.pending_since is not None)
    asked = flight is not None and (
        flight.requested_at >= deadline - LAST_HOUR or case.state is CaseState.AWAITING_OUTCOME
    )
    if waits or asked:
        hold = dates.pending_hold_end(policy, deadline)
        ends.append(hold.at if hold else None)
    challenge = case.challenge
    counts = policy.authentication.challenge_started_before_deadline_counts
    if challenge is not None and counts and challenge.started_at < deadline < challenge.expires_at:
        ends.append(challenge.expires_at)
    return max((end for end in ends if end is not None), default=None)
