"""Step 3: the office guides, two months come together by another way, and both are covered (J23, J24; T25-T27)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from services.dunning.domain import mails
from services.dunning.domain.case import Case
from services.dunning.domain.parts import Guidance, Receipt
from services.dunning.domain.recovery import recover
from services.dunning.domain.reviews import reason_of
from services.dunning.domain.turn import Decision, Turn, World, because_of, nothing
from services.dunning.domain.unopened import month
from services.dunning.policies import dates
from services.dunning.policies.policy import Policy
from services.dunning.policies.remediation import StaffGuidedLumpSum
from shared.calendar import end_of_day, start_of_day
from shared.events import dunning as facts
from shared.events import payments
from shared.events.words import CaseState, ReviewReason
from shared.keys import SEALED
from shared.money import Money


def why_no_guidance(
    case: Case, policy: Policy, *, amount: Money | None, note: str, now: datetime
) -> str | None:
    """Why guidance cannot be sent yet (T25); ``None``: it may."""
    guidance = case.guidance
    if case.state is not CaseState.AWAITING_GUIDANCE or guidance is None:
        return "the case does not wait for guidance"
    if policy.attempts.executor == "gateway" and case.gateway_end.cancelled_at is None:
        return "the old subscription is not confirmed as cancelled at the gateway yet (J24): wait for it or cancel it there"
    begins = dates.plain_day(policy, guidance.not_before)
    if dates.plain_day(policy, now) < begins:
        return f"guidance begins on {begins.isoformat()}, the next business day (J45): wait until then"
    if amount is not None and amount != guidance.amount and not note:
        return f"another amount than {guidance.amount} needs a note that says why"
    return None


def when_guidance_confirmed(
    world: World, case: Case, fact: facts.GuidanceConfirmed, now: datetime, cause: str | None = None
) -> Decision:
    """Staff confirms the temporary method: the learner is told how to pay the months together (T25)."""
    turn = Turn(world, case, now, cause)
    why = why_no_guidance(case, world.policy, amount=fact.amount, note=fact.note, now=fact.occurred_at)
    guidance = case.guidance
    if why is not None or guidance is None or guidance.amount is None:
        turn.note("act_refused", act="guidance", why=why or "nothing is asked for", by=fact.by)
        return turn.finish()
    amount = fact.amount or guidance.amount
    periods = dates.covered_periods(world.policy, case.period, world.account.billing_day)
    covered = tuple((period.first, period.last) for period in periods) or (_own_period(world, case),)
    turn.set(
        guidance=replace(
            guidance,
            amount=amount,
            method=fact.method,
            reference=fact.reference,
            due_on=fact.due_on,
            sent_at=fact.occurred_at,
            covered=covered,
        )
    )
    turn.becomes(CaseState.AWAITING_LUMP_SUM)
    turn.say(
        facts.GuidanceSent,
        method=fact.method,
        amount=amount,
        reference=fact.reference,
        due_on=fact.due_on,
        by=fact.by,
    )
    turn.note("guidance_sent", method=fact.method, amount=amount, by=fact.by)
    mails.tell(turn, "exhausted", by_charge=False, ordinal=1)
    return turn.finish()


def _own_period(world: World, case: Case) -> tuple[date, date]:
    period = dates.period_of(world.policy, case.period, world.account.billing_day)
    return period.first, period.last


def when_temporary_payment_received(
    world: World,
    case: Case,
    fact: payments.TemporaryPaymentReceived,
    now: datetime,
    cause: str | None = None,
) -> Decision:
    """Money by the temporary method: exactly what is missing settles it, anything else waits (T26, T27, R-J15)."""
    turn = Turn(world, case, now, cause)
    guidance = case.guidance
    if case.state is not CaseState.AWAITING_LUMP_SUM or guidance is None or guidance.amount is None:
        return _unexpected(turn, fact)
    if any(receipt.receipt_id == fact.receipt_id for receipt in guidance.receipts):
        return nothing(world, case)
    if fact.amount.currency != guidance.amount.currency:
        _review(
            turn,
            ReviewReason.CURRENCY_MISMATCH,
            fact,
            f"{guidance.amount} was asked for and {fact.amount} came",
        )
        return turn.finish()
    receipt = Receipt(receipt_id=fact.receipt_id, amount=fact.amount, received_at=fact.occurred_at)
    guidance = replace(guidance, receipts=(*guidance.receipts, receipt))
    turn.set(guidance=guidance)
    received = received_of(guidance)
    asked = guidance.amount or received
    turn.say(
        facts.LumpSumCounted,
        when=fact.occurred_at,
        receipt_id=fact.receipt_id,
        received=fact.amount,
        outstanding=asked - received,
    )
    turn.note("lump_sum_counted", when=fact.occurred_at, amount=fact.amount, outstanding=asked - received)
    judged = world.policy.money.judge(asked, received)
    if judged == "exact":
        for flag in case.flags:
            if flag.reason in {ReviewReason.PARTIAL_PAYMENT, ReviewReason.AMOUNT_MISMATCH}:
                turn.settle_flag(flag.reason, flag.about, by="system", how="the rest came")
        settle(turn, fact.occurred_at)
        return turn.finish()
    reason = reason_of(judged, asked, received)
    _review(turn, reason, fact, f"{asked} was asked for and {received} came")
    if judged == "partial":
        mails.tell(turn, "lump_sum_partial", by_charge=False)
        _open_first_month(turn, fact.occurred_at)
    return turn.finish()


def when_unplaced_payment(
    world: World, fact: payments.TemporaryPaymentReceived, now: datetime, cause: str | None = None
) -> Decision:
    """Money by the temporary method for a month that has no case: a person looks where it belongs."""
    turn = Turn(world, month(world, fact.period, fact.occurred_at, amount=fact.amount), now, cause)
    _review(turn, ReviewReason.OVERPAYMENT, fact, f"{fact.amount} came by {_named(fact)} without a case")
    return turn.finish().aside()


def _unexpected(turn: Turn, fact: payments.TemporaryPaymentReceived) -> Decision:
    case, policy = turn.case, turn.policy
    early = case.state in {
        CaseState.RETRYING,
        CaseState.AWAITING_OUTCOME,
        CaseState.SUSPENDED,
        CaseState.AWAITING_GUIDANCE,
    }
    if early and policy.attempts.executor == "none" and policy.money.judge(case.owed, fact.amount) == "exact":
        recover(turn, transaction_id=fact.receipt_id, amount=fact.amount, paid_at=fact.occurred_at)
        return turn.finish()
    _review(
        turn,
        ReviewReason.OVERPAYMENT,
        fact,
        f"{fact.amount} came by {_named(fact)} and nothing was asked for",
    )
    return turn.finish()


def _named(fact: payments.TemporaryPaymentReceived) -> str:
    """How the office finds the receipt: what stood on the statement, or its id where that is sealed."""
    return f"receipt {fact.receipt_id}" if fact.reference.startswith(SEALED) else fact.reference


def _review(turn: Turn, reason: ReviewReason, fact: payments.TemporaryPaymentReceived, detail: str) -> None:
    turn.flag(reason, fact.receipt_id, detail, amount=fact.amount)
    mails.review(turn, reason, fact.receipt_id, detail)


def received_of(guidance: Guidance) -> Money:
    """What came by the temporary method so far."""
    currency = guidance.amount.currency if guidance.amount else "EUR"
    return Money(sum(one.amount.amount_minor for one in guidance.receipts), currency)


def _open_first_month(turn: Turn, at: datetime) -> None:
    """R-J15, the other reading: what came already opens the first month alone."""
    remediation, guidance = turn.policy.remediation, turn.case.guidance
    if (
        not isinstance(remediation, StaffGuidedLumpSum)
        or guidance is None
        or remediation.partial != "open_month_1"
    ):
        return
    if received_of(guidance).amount_minor >= turn.account.current_price.amount_minor and not guidance.granted:
        grant(turn, *guidance.covered[0], at=at)


def settle(turn: Turn, at: datetime, *, by: str = "system") -> None:
    """Both months are paid: credits for each at its start, and a day proposed for step 4 (T26, R-J9)."""
    case, policy, account = turn.case, turn.policy, turn.account
    guidance = case.guidance
    if guidance is None:
        return
    if not isinstance(policy.remediation, StaffGuidedLumpSum):
        recover(
            turn, transaction_id=_last_receipt(guidance), amount=case.amount, paid_at=at, late=True, by=by
        )
        return
    proposal = dates.resume_proposal(policy, case.period, account.billing_day, paid_at=at)
    proposed = proposal.day if proposal else guidance.covered[-1][1]
    turn.set(guidance=replace(guidance, proposed_on=proposed))
    turn.becomes(CaseState.COVERED)
    turn.say(
        facts.CoverageSettled,
        when=at,
        periods=guidance.covered,
        proposed_resume_on=proposed,
        because=because_of(proposal.because if proposal else None),
    )
    turn.note("covered", when=at, proposed=proposed, because=proposal.because if proposal else None)
    amount = turn.account.current_price
    for first, _ in guidance.covered:
        turn.pays(f"{_last_receipt(guidance)}", amount, at, period=first)
    turn.say(facts.AccessRestorationRequested, why="covered")
    ends = end_of_day(guidance.covered[-1][1], policy.timezone)
    turn.say(facts.AccessDeadlineSet, deadline_at=ends)
    turn.set(access_at=ends, watched=True)
    for first, last in guidance.covered:
        starts = start_of_day(first, policy.timezone)
        if starts <= turn.now:
            grant(turn, first, last, at=turn.now)
        else:
            turn.later(starts, facts.CoverageBegan, covers_from=first, covers_until=last)


def _last_receipt(guidance: Guidance) -> str:
    return guidance.receipts[-1].receipt_id if guidance.receipts else "accepted"


def grant(turn: Turn, first: date, last: date, *, at: datetime) -> None:
    """One covered month's credits, once (J24, JP-07)."""
    guidance = turn.case.guidance
    if guidance is None or first in guidance.granted:
        return
    turn.set(guidance=replace(guidance, granted=(*guidance.granted, first)))
    if turn.policy.credits.applies:
        turn.say(facts.CreditGrantRequested, when=at, covers_from=first, covers_until=last)
        turn.note("credits_granted", when=at, first=first, last=last)


def when_coverage_began(
    world: World, case: Case, fact: facts.CoverageBegan, now: datetime, cause: str | None = None
) -> Decision:
    """A covered month starts: its credits are granted, wherever the procedure stands (JP-07)."""
    guidance = case.guidance
    given_up = case.state in {CaseState.CLOSED_BY_STAFF, CaseState.CANCELLED_BY_LEARNER}
    if guidance is None or given_up or (fact.covers_from, fact.covers_until) not in guidance.covered:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    grant(turn, fact.covers_from, fact.covers_until, at=fact.occurred_at)
    return turn.finish()
