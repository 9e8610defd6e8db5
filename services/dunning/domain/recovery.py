"""The month is paid after all: everything that was held is given back, and nothing else moves (J13, J14, R-F8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from services.dunning.domain import mails, renewals
from services.dunning.domain.case import MONEY_REVIEWS
from services.dunning.domain.turn import Turn
from services.dunning.policies import dates
from shared.calendar import end_of_day
from shared.events import dunning as facts
from shared.events.words import CaseState, Template
from shared.money import Money

STALE_AFTER_RECOVERY: Final = (*mails.FAILURE_MAILS, Template.FR_SUSPENDED, Template.FR_RE_ENROLMENT_REMINDER)


def recover(
    turn: Turn,
    *,
    transaction_id: str,
    amount: Money,
    paid_at: datetime,
    late: bool = False,
    by: str = "system",
    silent: bool = False,
) -> None:
    """Close the case as recovered (T10, T23, T24); the billing day stays unless the policy says otherwise.

    Money that came beside the payment stays a question: nobody's money is forgotten because a month is settled.
    """
    case, policy = turn.case, turn.policy
    was_exhausted = case.exhausted_at is not None
    due, anchor = dates.next_due_after_recovery(policy, case.period, turn.account.billing_day, paid_at)
    for flag in case.flags:
        if flag.reason not in MONEY_REVIEWS or flag.about == transaction_id or by != "system":
            turn.settle_flag(flag.reason, flag.about, by=by, how="recovered")
    turn.pays(transaction_id, amount, paid_at)
    turn.say(
        facts.CaseRecovered,
        when=paid_at,
        transaction_id=transaction_id,
        amount=amount,
        next_billing_on=due,
        late=late,
    )
    turn.note("recovered", when=paid_at, transaction=transaction_id, amount=amount, next=due)
    _give_back(turn)
    turn.set(exhausted_at=None, cause=None)
    mails.obsolete(turn, "recovered", STALE_AFTER_RECOVERY)
    if not silent:
        mails.tell(
            turn,
            "recovered",
            at=paid_at,
            amount=amount,
            paid_at=paid_at,
            paid_on=dates.charge_day(policy, paid_at),
            transaction_id=transaction_id,
            next_billing_on=due,
            billing_day=anchor,
        )
    _end_if_asked(turn)
    turn.close(CaseState.RECOVERED, when=paid_at, by=by)
    moves = anchor != turn.account.billing_day
    if moves:
        turn.account = replace(turn.account, billing_day=anchor)
        renewals.await_on(turn, due)
    if policy.attempts.executor == "merchant" and (was_exhausted or moves):
        turn.say(facts.SubscriptionResumptionRequested, billing_day=anchor, next_billing_on=due)


def _give_back(turn: Turn) -> None:
    case, policy = turn.case, turn.policy
    if policy.credits.applies:
        if case.has("forfeited"):
            turn.say(facts.CreditRestorationRequested, why="recovered")
            turn.note("credits_restored")
        elif "hold_credits" in policy.on_failure:
            turn.say(facts.CreditReleaseRequested)
            turn.note("credits_released")
    if case.has("locked") and not _another_is_locked(turn):
        turn.say(facts.SelfPaymentOpened, why="nothing_to_pay")
    if case.watched and case.access_at is not None:
        turn.say(facts.AccessDeadlineSet, deadline_at=None)
    turn.set(access_at=None)
    turn.say(facts.AccessRestorationRequested, why="recovered")


def _another_is_locked(turn: Turn) -> bool:
    return any(other != turn.case.case_id for other in turn.account.open_cases)


def _end_if_asked(turn: Turn) -> None:
    """The learner cancelled while this attempt was in flight: it counts at the end of the paid period (X-13)."""
    if not turn.case.has("cancel_requested"):
        return
    period = dates.period_of(turn.policy, turn.case.period, turn.account.billing_day)
    ends = end_of_day(period.last, turn.policy.timezone)
    turn.say(facts.AccessEndRequested, at=ends)
    turn.say(facts.GatewayCancellationRequested)
    turn.note("ends_with_period", on=period.last)
