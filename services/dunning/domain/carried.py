"""A gateway that adds a failed month to the next one settles several with one payment (paypal-rest-outstanding)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.dunning.domain.case import Case
from services.dunning.domain.recovery import recover
from services.dunning.domain.turn import Decision, Turn, World
from shared.events import payments
from shared.events.words import AttemptKind, CaseState

_UNPAID: Final = frozenset({CaseState.RETRYING, CaseState.AWAITING_OUTCOME, CaseState.SUSPENDED})


def carried_months(
    world: World, case: Case | None, fact: payments.AttemptSucceeded, opened: Sequence[Case]
) -> tuple[Case, ...]:
    """The unpaid months that this one payment settles together; none where it is an ordinary payment."""
    if world.policy.arrears.mode != "carried_to_next_cycle" or fact.kind is not AttemptKind.RENEWAL:
        return ()
    unpaid = [one for one in opened if one.kind == "renewal" and one.state in _UNPAID and not one.frozen]
    if not unpaid or any(one.amount.currency != fact.amount.currency for one in unpaid):
        return ()
    outstanding = sum(one.owed.amount_minor for one in unpaid)
    month = 0 if case is not None and case in unpaid else world.account.price.amount_minor
    ordinary = case.owed.amount_minor if case is not None and case in unpaid else month
    if (
        fact.amount.amount_minor in {outstanding, outstanding + month}
        and fact.amount.amount_minor != ordinary
    ):
        return tuple(unpaid)
    return ()


def when_carried_paid(
    world: World, case: Case, fact: payments.AttemptSucceeded, now: datetime, cause: str | None = None
) -> Decision:
    """One of the months that the payment settled."""
    turn = Turn(world, case, now, cause)
    turn.note("carried", when=fact.occurred_at, amount=fact.amount)
    late = case.state is CaseState.SUSPENDED
    recover(turn, transaction_id=fact.transaction_id, amount=case.owed, paid_at=fact.occurred_at, late=late)
    return turn.finish()
