"""A suspended learner starts again by himself (seed F20-F22; T19-T22, R-F9, R-F10)."""

from __future__ import annotations

from datetime import datetime

from services.dunning.domain import mails, renewals
from services.dunning.domain.account import Learner
from services.dunning.domain.attempts import clear_in_flight
from services.dunning.domain.case import Case
from services.dunning.domain.parts import Submission
from services.dunning.domain.retries import ask, next_ordinal
from services.dunning.domain.reviews import mismatch
from services.dunning.domain.turn import Decision, Turn, World, nothing
from services.dunning.policies import dates
from services.dunning.policies.policy import Policy
from services.dunning.policies.remediation import SelfServiceRelaunch
from shared.declines import DeclineClass
from shared.events import dunning as facts
from shared.events import payments
from shared.events.words import AttemptKind, CaseState, ReviewReason, Template
from shared.money import Money


def why_no_relaunch(
    case: Case, policy: Policy, learner: Learner | None, *, path_id: str | None, submitted_at: datetime
) -> str | None:
    """Why a relaunch is refused before anything is charged (T22); ``None``: it may go on. Words for ``RelaunchRefused``."""
    if not isinstance(policy.remediation, SelfServiceRelaunch):
        return "not_offered"
    if case.state is not CaseState.SUSPENDED:
        return "not_suspended"
    if case.frozen:
        return "under_review"
    enrolment = learner.enrolment(path_id) if learner and path_id else None
    last = enrolment.re_enrolment_deadline if enrolment else None
    if not dates.may_re_enrol(policy, last, submitted_at=submitted_at):
        return "deadline_passed"
    return "in_flight" if case.in_flight is not None else None


def price_of(world: World, case: Case) -> Money:
    """The current price of one month, or the open invoice where the policy wants the arrears (R-F9)."""
    remediation = world.policy.remediation
    if isinstance(remediation, SelfServiceRelaunch) and remediation.arrears == "pay_open_invoice":
        return case.owed
    return world.account.current_price


def when_relaunch_requested(
    world: World, case: Case, fact: facts.RelaunchRequested, now: datetime, cause: str | None = None
) -> Decision:
    """The learner submits the relaunch; the submission is what the path's deadline is tested against (T19, T22)."""
    turn = Turn(world, case, now, cause)
    why = why_no_relaunch(
        case, world.policy, world.learner, path_id=fact.path_id, submitted_at=fact.occurred_at
    )
    if why is not None:
        turn.say(facts.RelaunchRefused, request=fact.request, why=why)
        turn.note("relaunch_refused", when=fact.occurred_at, why=why, path=fact.path_id)
        return turn.finish()
    turn.note("relaunch_requested", when=fact.occurred_at, path=fact.path_id)
    request_id = f"{case.case_id}/relaunch/{fact.request}"
    turn.set(
        submission=Submission(
            request_id=request_id,
            submitted_at=fact.occurred_at,
            path_id=fact.path_id or world.account.path_id,
        )
    )
    ask(
        turn,
        request_id,
        AttemptKind.RELAUNCH,
        next_ordinal(case),
        amount=price_of(world, case),
        on_session=True,
    )
    return turn.finish()


def when_paid(
    world: World, case: Case, fact: payments.AttemptSucceeded, now: datetime, cause: str | None = None
) -> Decision:
    """The relaunch is paid: access back, a new billing day, the failed month waived (T20)."""
    turn = Turn(world, case, now, cause)
    clear_in_flight(turn, fact)
    if case.state is not CaseState.SUSPENDED:
        return _paid_beside(turn, fact)
    owed = price_of(world, case)
    judged = world.policy.money.judge(owed, fact.amount)
    if judged != "exact":
        mismatch(turn, judged, fact, owed=owed, path_id=case.submission.path_id if case.submission else None)
        return turn.finish()
    path_id = _reopened(world, case, fact.occurred_at)
    complete(turn, fact.transaction_id, fact.amount, fact.occurred_at, path_id=path_id)
    return turn.finish()


def _paid_beside(turn: Turn, fact: payments.AttemptSucceeded) -> Decision:
    """A relaunch's money for a case that another success ended meanwhile: the same news, or a second payment."""
    if any(one.transaction_id == fact.transaction_id for one in turn.account.paid):
        return turn.finish()
    detail = f"{fact.amount} came for a relaunch of a case that is over"
    turn.flag(ReviewReason.DOUBLE_PAYMENT, fact.transaction_id, detail, amount=fact.amount)
    mails.review(turn, ReviewReason.DOUBLE_PAYMENT, fact.transaction_id, detail)
    return turn.finish()


def complete(
    turn: Turn,
    transaction_id: str,
    amount: Money,
    paid_at: datetime,
    *,
    path_id: str | None,
    by: str = "learner",
) -> None:
    """The relaunch is settled: the new billing day is its payment's day, or the old one as the policy says (R-F9)."""
    world, case = turn.world, turn.case
    remediation = world.policy.remediation
    if isinstance(remediation, SelfServiceRelaunch) and remediation.new_anchor == "unchanged":
        billing_day = world.account.billing_day
        today = dates.plain_day(world.policy, paid_at)
        next_on = next(day for day in dates.due_days(world.policy, case.period, billing_day) if day > today)
        period = case.period
    else:
        next_on, billing_day = dates.next_due_after_payment(world.policy, paid_at)
        period = dates.plain_day(world.policy, paid_at)
    turn.pays(transaction_id, amount, paid_at, period=period)
    turn.moves_billing_day(billing_day, price=world.account.current_price)
    renewals.await_on(turn, next_on)
    turn.say(
        facts.CaseRelaunched,
        when=paid_at,
        billing_day=billing_day,
        next_billing_on=next_on,
        amount=amount,
    )
    turn.say(facts.SubscriptionResumptionRequested, billing_day=billing_day, next_billing_on=next_on)
    turn.say(facts.AccessRestorationRequested, why="relaunched", reopen_path_id=path_id)
    mails.obsolete(turn, "relaunched", (Template.FR_SUSPENDED, Template.FR_RE_ENROLMENT_REMINDER))
    mails.tell(
        turn,
        "relaunched",
        by_charge=False,
        amount=amount,
        billing_day=billing_day,
        next_billing_on=next_on,
        paid_at=paid_at,
        transaction_id=transaction_id,
    )
    turn.note("relaunched", when=paid_at, billing_day=billing_day, next=next_on, amount=amount)
    turn.close(CaseState.RELAUNCHED, when=paid_at, by=by)


def _reopened(world: World, case: Case, paid_at: datetime) -> str | None:
    """The path that the relaunch opens again; submission counts, unless the policy tests the payment (R-F10)."""
    told = case.submission
    path_id = told.path_id if told is not None else world.account.path_id
    enrolment = world.learner.enrolment(path_id) if world.learner and path_id else None
    last = enrolment.re_enrolment_deadline if enrolment else None
    submitted = told.submitted_at if told is not None else paid_at
    opens = dates.may_re_enrol(world.policy, last, submitted_at=submitted, paid_at=paid_at)
    return path_id if opens else None


def is_being_paid(case: Case, path_id: str | None, last_instant: datetime) -> bool:
    """Whether a relaunch of that path was submitted in time and its payment still waits for the learner's bank."""
    told = case.submission
    if told is None or told.path_id != path_id or told.submitted_at >= last_instant:
        return False
    return case.in_flight is not None or case.has("relaunch_challenged")


def when_failed(
    world: World, case: Case | None, fact: payments.AttemptFailed, now: datetime, cause: str | None = None
) -> Decision:
    """A failed relaunch is a first payment: no case, no retry; the learner may try again (T21, R-F14)."""
    if case is None or not case.is_open:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    clear_in_flight(turn, fact)
    if fact.decline is DeclineClass.AUTHENTICATION_REQUIRED:
        turn.mark("relaunch_challenged")
    else:
        turn.unmark("relaunch_challenged")
    turn.note("relaunch_failed", when=fact.occurred_at, decline=fact.decline.value)
    return turn.finish()
