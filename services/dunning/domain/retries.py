"""Trying again: at most one attempt of ours a day, on the days that count, never two at once (seed F15, R-F3).

The chain of retries is held by its plans: each one that falls due plans the next, whatever became of it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from services.dunning.domain.attempts import pending
from services.dunning.domain.budgets import Forbidden, forbids
from services.dunning.domain.case import Case
from services.dunning.domain.parts import InFlight
from services.dunning.domain.turn import Decision, Turn, World, because_of, nothing
from services.dunning.policies import dates
from shared.events import dunning as facts
from shared.events.words import AttemptKind, CaseState
from shared.money import Money

STALE_FLIGHT: Final = timedelta(hours=2)
"""An attempt in flight for longer is looked up at the gateway."""


def plan_retries(turn: Turn) -> None:
    """Lay down our own retries from the first failure and plan the first one that is still to come."""
    turn.set(plan=dates.retry_plan(turn.policy, turn.world.calendars, turn.case.day_zero).numbered)
    plan_next(turn, after=0)


def plan_next(turn: Turn, *, after: int) -> None:
    """Plan the first retry behind ordinal ``after`` whose day is not over yet, with its reason."""
    today = dates.plain_day(turn.policy, turn.now)
    found = next(
        ((n, at) for n, at in turn.case.plan if n > after and dates.plain_day(turn.policy, at) >= today), None
    )
    if found is None:
        return
    ordinal, at = found
    because = dates.retry_plan(turn.policy, turn.world.calendars, turn.case.day_zero).because(at)
    turn.say(facts.AttemptScheduled, ordinal=ordinal, at=at, because=because_of(because))
    turn.later(at, facts.AttemptFellDue, ordinal=ordinal)
    turn.note("retry_planned", ordinal=ordinal, on=at, because=because)


def when_attempt_fell_due(
    world: World, case: Case, fact: facts.AttemptFellDue, now: datetime, cause: str | None = None
) -> Decision:
    """The hour of a retry has come: try, or say why not, and plan the next one (T4, T5)."""
    if case.state is not CaseState.RETRYING:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    scheduled = any(n == fact.ordinal and at == fact.occurred_at for n, at in case.plan)
    challenge = case.challenge
    today = dates.plain_day(world.policy, now)
    if challenge is not None and dates.plain_day(world.policy, challenge.expires_at) == today:
        turn.later(challenge.expires_at, facts.AttemptFellDue, ordinal=fact.ordinal)
        turn.note("retry_waits_for_challenge", ordinal=fact.ordinal, until=challenge.expires_at)
        return turn.finish()
    reason = why_not(turn, fact)
    if reason is None:
        if scheduled:
            turn.set(technical_tries=0)
        ask(
            turn,
            retry_id(turn.case, fact.ordinal, turn.case.technical_tries),
            AttemptKind.RENEWAL,
            fact.ordinal,
        )
    else:
        skip(turn, fact.ordinal, reason)
    if scheduled:
        plan_next(turn, after=fact.ordinal)
    return turn.finish()


def why_not(turn: Turn, fact: facts.AttemptFellDue) -> Forbidden | None:
    """Why this retry must not run now: a word and its detail; ``None`` lets it run."""
    case, policy = turn.case, turn.policy
    today = dates.plain_day(policy, turn.now)
    if dates.plain_day(policy, fact.occurred_at) != today:
        return Forbidden("day_passed", fact.occurred_at.isoformat())
    pauses = policy.authentication.on_soft_decline_auth_required == "pause_retries"
    flying = case.in_flight is not None or pending(case) is not None or case.challenge is not None
    reasons = (
        (case.frozen, Forbidden("under_review")),
        (case.has("subscription_gone"), Forbidden("subscription_gone")),
        (case.has("cancel_requested"), Forbidden("cancel_requested")),
        (flying, Forbidden("in_flight", case.in_flight.request_id if case.in_flight else "")),
        (case.has("hard_decline"), Forbidden("hard_decline")),
        (case.has("auth_needed") and pauses, Forbidden("authentication_needed")),
        (_had_its_attempt(turn, today), Forbidden("daily_limit")),
    )
    return next((why for forbids_it, why in reasons if forbids_it), None) or forbids(
        turn, AttemptKind.RENEWAL
    )


def _had_its_attempt(turn: Turn, today: date) -> bool:
    """Whether the day's automatic attempt was made and judged by the bank (invariant 3)."""
    policy = turn.policy
    tried = [
        one
        for one in turn.case.attempts
        if one.kind is AttemptKind.RENEWAL
        and one.counts
        and dates.plain_day(policy, one.occurred_at) == today
    ]
    return len(tried) >= policy.attempts.max_automatic_per_local_day


def skip(turn: Turn, ordinal: int, why: Forbidden) -> None:
    """A planned attempt does not run; the clock goes on (R-F11)."""
    turn.say(facts.AttemptSkipped, ordinal=ordinal, reason=why.word, detail=why.detail)
    turn.note(
        "retry_skipped",
        ordinal=ordinal,
        reason=why.word,
        detail=why.detail or None,
        because=why.because,
    )
    flight = turn.case.in_flight
    if why.word == "in_flight" and flight is not None and turn.now - flight.requested_at >= STALE_FLIGHT:
        turn.say(facts.ReconciliationRequested, about=flight.request_id)


def ask(
    turn: Turn,
    request_id: str,
    kind: AttemptKind,
    ordinal: int,
    *,
    amount: Money | None = None,
    on_session: bool = False,
    fallback: bool = False,
) -> None:
    """Ask payments for one attempt; from here on it is in flight and nothing else is asked."""
    asked = amount or turn.case.owed
    flight = InFlight(request_id=request_id, kind=kind, ordinal=ordinal, requested_at=turn.now)
    turn.set(in_flight=flight)
    turn.say(
        facts.AttemptRequested,
        request_id=request_id,
        ordinal=ordinal,
        kind=kind,
        amount=asked,
        on_session=on_session,
        fallback=fallback,
    )
    turn.note("attempt_requested", kind=kind.value, ordinal=ordinal, amount=asked)


def retry_same_day(turn: Turn, failed_at: datetime, ordinal: int) -> bool:
    """Plan the same attempt again today after a technical error; whether there is room for it."""
    last = turn.case.failures[-1] if turn.case.failures else None
    if last is None or last.decline is None:
        return False
    found = dates.same_day_retry(
        turn.policy,
        turn.world.calendars,
        failed_at,
        decline=last.decline,
        tries_that_day=turn.case.technical_tries,
    )
    if found is None:
        return False
    turn.set(technical_tries=turn.case.technical_tries + 1)
    turn.later(max(found.at, turn.now), facts.AttemptFellDue, ordinal=ordinal)
    turn.note("retry_same_day", ordinal=ordinal, on=found.at, because=found.because)
    return True


def run_queued(turn: Turn) -> bool:
    """Run the learner's attempt that waited behind the one in flight (FR-46); whether there was one."""
    update = turn.case.queued
    if update is None:
        return False
    turn.set(queued=None)
    ask(turn, learner_id(turn.case, update), AttemptKind.LEARNER, next_ordinal(turn.case), on_session=True)
    return True


def next_ordinal(case: Case) -> int:
    """The number of the next attempt among all of the period."""
    return len(case.attempts) + 1


def retry_id(case: Case, ordinal: int, tries: int = 0) -> str:
    """``<case>/attempt/<n>``, with the try behind it after technical errors: the meaning of an idempotency key."""
    return f"{case.case_id}/attempt/{ordinal}" + (f".{tries}" if tries else "")


def learner_id(case: Case, update: str) -> str:
    """``<case>/learner/<update>``."""
    return f"{case.case_id}/learner/{update}"
