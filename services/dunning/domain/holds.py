"""Waiting with a suspension while money may still move by itself: never longer than the policy says (T13)."""

from __future__ import annotations

from dataclasses import replace

from services.dunning.domain.turn import Turn
from services.dunning.domain.watch import hold_end
from shared.events import dunning as facts
from shared.events.words import CaseState


def hold_for_outcome(turn: Turn) -> bool:
    """Hold the suspension while money may still move by itself, within the policy's bound; whether it does."""
    ends = turn.case.clock.ends_at
    if ends is None:
        return False
    before = turn.case.state
    turn.becomes(CaseState.AWAITING_OUTCOME)
    until = hold_end(turn.case, turn.policy, ends)
    if until is None or until <= ends:
        turn.becomes(before)
        return False
    turn.set(clock=replace(turn.case.clock, hold_until=until))
    turn.say(facts.OutcomeAwaited, until=until)
    turn.later(until, facts.HoldFellDue)
    turn.note("outcome_awaited", until=until)
    return True


def rehold(turn: Turn) -> None:
    """What is open changed while the suspension is held: wait for the new thing, never shorter than told."""
    clock = turn.case.clock
    if turn.case.state is not CaseState.AWAITING_OUTCOME or clock.hold_until is None or clock.ends_at is None:
        return
    until = hold_end(turn.case, turn.policy, clock.ends_at)
    if until is not None and until > clock.hold_until:
        turn.set(clock=replace(clock, hold_until=until))
        turn.say(facts.OutcomeAwaited, until=until)
        turn.later(until, facts.HoldFellDue)
