"""Numbering what happened: an attempt counts once, and its number is its place in time (R-X1).

Gateways tell late, twice and in any order; the case keeps its attempts sorted by when they occurred and lets a
success win over every other news of the same transaction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from services.dunning.domain.case import Case
from services.dunning.domain.parts import Attempt
from services.dunning.domain.turn import Turn
from services.dunning.policies.policy import Policy
from shared.declines import DeclineClass
from shared.events import dunning as facts
from shared.events import payments
from shared.events.words import AttemptKind

Outcome = Literal["failed", "succeeded", "pending"]
Recorded = Literal["new", "changed", "known"]

AttemptNews = payments.AttemptFailed | payments.AttemptSucceeded | payments.AttemptPending

ATTEMPTS_KEPT: Final = 100
"""More attempts than any network allows on one month; what comes beyond is not kept."""

_BY_GATEWAY: Final = frozenset({AttemptKind.RENEWAL, AttemptKind.FIRST})
_STRENGTH: Final = {"pending": 0, "failed": 1, "succeeded": 2}


def outcome_of(fact: AttemptNews) -> Outcome:
    """The word for what the gateway said."""
    if isinstance(fact, payments.AttemptSucceeded):
        return "succeeded"
    return "failed" if isinstance(fact, payments.AttemptFailed) else "pending"


def attempt_of(fact: AttemptNews, policy: Policy) -> Attempt:
    """The attempt as the case keeps it."""
    decline = fact.decline if isinstance(fact, payments.AttemptFailed) else None
    by_gateway = policy.attempts.executor == "gateway"
    return Attempt(
        transaction_id=fact.transaction_id,
        outcome=outcome_of(fact),
        kind=fact.kind,
        occurred_at=fact.occurred_at,
        amount=fact.amount,
        decline=decline,
        request_id=fact.request_id,
        counts=decline is None or by_gateway or policy.attempts.rule_for(decline).counts,
    )


def record(turn: Turn, fact: AttemptNews) -> Recorded:
    """Add the attempt to the case in its place by time, once; say which number it has.

    ``known``: the same news again, or news that an earlier and stronger one of the same transaction overruled.
    """
    case = turn.case
    attempt = attempt_of(fact, turn.policy)
    before = next((one for one in case.attempts if one.transaction_id == attempt.transaction_id), None)
    if before is not None and _STRENGTH[before.outcome] >= _STRENGTH[attempt.outcome]:
        if before.outcome != attempt.outcome:
            turn.note(
                "history", when=fact.occurred_at, outcome=attempt.outcome, transaction=fact.transaction_id
            )
        return "known"
    others = [one for one in case.attempts if one is not before]
    attempts = tuple(sorted((*others, attempt), key=_by_time))[-ATTEMPTS_KEPT:]
    turn.set(attempts=attempts)
    ordinal = next((place for place, one in enumerate(attempts, start=1) if one is attempt), 0)
    turn.say(
        facts.AttemptRecorded,
        when=fact.occurred_at,
        transaction_id=attempt.transaction_id,
        outcome=attempt.outcome,
        kind=attempt.kind,
        ordinal=ordinal,
        amount=attempt.amount,
        decline=attempt.decline,
    )
    turn.note(
        f"attempt_{attempt.outcome}",
        when=attempt.occurred_at,
        ordinal=ordinal,
        kind=attempt.kind.value,
        amount=attempt.amount,
        decline=attempt.decline.value if attempt.decline else None,
        transaction=attempt.transaction_id,
    )
    return "new" if before is None else "changed"


def clear_in_flight(turn: Turn, fact: AttemptNews) -> bool:
    """The attempt in flight has its outcome; whether this news was about it."""
    flight = turn.case.in_flight
    if flight is None or fact.request_id != flight.request_id:
        return False
    if isinstance(fact, payments.AttemptPending):
        turn.set(in_flight=replace(flight, pending_since=flight.pending_since or fact.occurred_at))
    else:
        challenge = turn.case.challenge
        ended = challenge is not None and challenge.for_request == flight.request_id
        turn.set(in_flight=None, challenge=None if ended else challenge)
    return True


def pending(case: Case) -> Attempt | None:
    """An attempt whose outcome the gateway has not told yet."""
    return next((one for one in reversed(case.attempts) if one.outcome == "pending"), None)


def something_open(case: Case) -> bool:
    """Whether money may still move by itself: a request in flight, a pending attempt, an open challenge."""
    return case.in_flight is not None or case.challenge is not None or pending(case) is not None


def counted_failures(case: Case) -> tuple[Attempt, ...]:
    """The failures that use up a gateway's attempts, by time: its own, not the learner's or staff's."""
    return tuple(one for one in case.failures if one.counts and one.kind in _BY_GATEWAY)


def is_hard(policy: Policy, decline: DeclineClass | None) -> bool:
    """Whether that refusal forbids to try the same method again (R-F11)."""
    return decline is not None and policy.attempts.rule_for(decline).retry is False


def _by_time(attempt: Attempt) -> tuple[object, str]:
    return attempt.occurred_at, attempt.transaction_id
