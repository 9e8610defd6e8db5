"""What only a person can settle: amounts that do not match, money that came twice, news that fits nowhere (T11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from services.dunning.domain import mails
from services.dunning.domain.case import Case
from services.dunning.domain.turn import Decision, Turn, World
from services.dunning.domain.watch import watch
from services.dunning.policies.policy import Judgement
from shared.events import payments
from shared.events.words import ReviewReason
from shared.money import Money

SLIP: Final = 20
"""A difference below one twentieth is a slip of the amount; a larger shortfall is a part of the payment."""


def mismatch(
    turn: Turn,
    judged: Judgement,
    fact: payments.AttemptSucceeded,
    *,
    owed: Money | None = None,
    path_id: str | None = None,
) -> None:
    """A success of another amount or currency settles nothing; the suspension is frozen meanwhile (T11, X-20, X-21)."""
    expected = owed or turn.case.owed
    reason = reason_of(judged, expected, fact.amount)
    detail = f"{expected} was owed and {fact.amount} came"
    kept = fact.amount if fact.amount.currency == expected.currency else None
    turn.flag(
        reason,
        fact.transaction_id,
        detail,
        amount=kept,
        happened_at=fact.occurred_at,
        kind=fact.kind,
        path_id=path_id,
    )
    mails.review(turn, reason, fact.transaction_id, detail)


def reason_of(judged: Judgement, owed: Money, received: Money) -> ReviewReason:
    """The word for a payment that does not match."""
    if judged == "wrong_currency":
        return ReviewReason.CURRENCY_MISMATCH
    if abs(received.amount_minor - owed.amount_minor) * SLIP < owed.amount_minor:
        return ReviewReason.AMOUNT_MISMATCH
    return ReviewReason.PARTIAL_PAYMENT if judged == "partial" else ReviewReason.OVERPAYMENT


def duplicate(
    turn: Turn,
    *,
    about: str,
    detail: str,
    at: datetime,
    subscription: str | None = None,
    amount: Money | None = None,
) -> None:
    """An unexpected registration and the money that came with it are one question, whichever is heard first (JP-11)."""
    reason = ReviewReason.DUPLICATE_REGISTRATION
    known = next((flag for flag in turn.case.flags if flag.reason is reason), None)
    if known is not None and (known.subscription is None or subscription is None):
        merged = replace(
            known,
            subscription=known.subscription or subscription,
            amount=known.amount or amount,
            happened_at=min(known.happened_at or at, at),
        )
        turn.set(flags=tuple(merged if flag is known else flag for flag in turn.case.flags))
        turn.note("unexpected", when=at, about=about, detail=detail)
        return
    turn.flag(reason, about, detail, amount=amount)
    flags = turn.case.flags
    if flags and flags[-1].about == about:
        turn.set(flags=(*flags[:-1], replace(flags[-1], subscription=subscription, happened_at=at)))
    mails.review(turn, reason, about, detail)


def when_review_raised(
    world: World, case: Case, fact: payments.PaymentReviewRaised, now: datetime, cause: str | None = None
) -> Decision:
    """Payments saw something only a person can settle; it is a question on the case it belongs to."""
    turn = Turn(world, case, now, cause)
    turn.flag(fact.reason, fact.about, fact.detail)
    if turn.said:
        mails.review(turn, fact.reason, fact.about, fact.detail)
    watch(turn)
    return turn.finish()
