"""What the card networks allow: one budget per card across automatic, manual and gateway attempts (R-F11).

The figures are dated data of ``shared.networks``; here is the card's history and the question a decision asks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from services.dunning.domain.account import Card, card_key
from services.dunning.domain.attempts import AttemptNews
from services.dunning.domain.turn import Turn
from shared.declines import DeclineClass
from shared.events import payments
from shared.events.words import AttemptKind
from shared.networks import Initiator, Never, Tried, WaitUntil, network_verdict
from shared.reasons import Reason

TRIED_KEPT: Final = 60
"""More than any network's 30 days hold."""


class Forbidden(NamedTuple):
    """Why an attempt must not run now: a word, its detail, and the rule behind it."""

    word: str
    detail: str = ""
    because: Reason | None = None


def card_after(known: Card | None, fact: AttemptNews) -> Card:
    """The card's history with this attempt, once."""
    card = known or Card(key=card_key(fact.school_id, fact.card or ""))
    decline = fact.decline if isinstance(fact, payments.AttemptFailed) else None
    one = Tried(
        at=fact.occurred_at,
        amount=fact.amount,
        declined=decline is not None and decline is not DeclineClass.TECHNICAL_ERROR,
        approved=isinstance(fact, payments.AttemptSucceeded),
        network_code=fact.network_code if isinstance(fact, payments.AttemptFailed) else None,
        advice_code=fact.advice_code if isinstance(fact, payments.AttemptFailed) else None,
        by="learner" if fact.kind in _BY_LEARNER else "merchant",
    )
    if one in card.tried:
        return card
    tried = sorted((*card.tried, one), key=lambda each: each.at)
    return replace(card, tried=tuple(tried[-TRIED_KEPT:]))


_BY_LEARNER: Final = frozenset(
    {AttemptKind.LEARNER, AttemptKind.RELAUNCH, AttemptKind.FIRST, AttemptKind.RESUME}
)


def forbids(turn: Turn, kind: AttemptKind) -> Forbidden | None:
    """Why a network forbids an attempt of that kind now; ``None`` allows it."""
    card = turn.world.card
    if card is None or not card.tried:
        return None
    by: Initiator = "learner" if kind in _BY_LEARNER else "merchant"
    verdict = network_verdict(card.tried, network=None, at=turn.now, amount=turn.case.owed, by=by)
    if isinstance(verdict, Never):
        if turn.policy.attempts.rule_for(DeclineClass.HARD_NEVER_RETRY).retry is not False:
            return None
        return Forbidden("network_never", verdict.lifted_by, verdict.because)
    if isinstance(verdict, WaitUntil):
        return Forbidden("network_wait", verdict.at.isoformat(), verdict.because)
    return None
