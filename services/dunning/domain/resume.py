"""Step 4: on the announced day, and on no other, the learner pays from My Page and a new subscription begins.

Seeds J8, J25-J32; T28-T32, R-J9 to R-J11. The day counts by when the learner paid, not by when we heard of it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from services.dunning.domain import mails, renewals
from services.dunning.domain.case import Case
from services.dunning.domain.guidance import grant
from services.dunning.domain.parts import Resume
from services.dunning.domain.reviews import duplicate, reason_of
from services.dunning.domain.turn import Decision, Turn, World, nothing
from services.dunning.domain.unopened import month
from services.dunning.policies import dates
from services.dunning.policies.policy import Policy
from services.dunning.policies.remediation import StaffGuidedLumpSum
from shared.calendar import WallTime, instant
from shared.calendar.delivery import OPENING
from shared.events import dunning as facts
from shared.events import payments
from shared.events.words import CaseState, ReviewReason, Template

ANNOUNCES: Final = frozenset({CaseState.COVERED, CaseState.RESUME_OVERDUE, CaseState.RESUME_OPEN})
WAITS: Final = frozenset({CaseState.COVERED, CaseState.RESUME_OPEN, CaseState.RESUME_OVERDUE})


def why_no_date(case: Case, policy: Policy, *, day: date, at: datetime) -> str | None:
    """Why that day cannot be announced (T28, invariant 11); ``None``: it may."""
    if case.state not in {CaseState.COVERED, CaseState.RESUME_OVERDUE}:
        return "the two months are not settled, or the learner is paying today"
    if day < dates.plain_day(policy, at):
        return f"{day} is over: announce today or a later day"
    announced = case.resume.day if case.resume is not None and case.state is CaseState.COVERED else None
    kept = policy.consequences.told_dates == "never_earlier"
    if kept and announced is not None and day < announced:
        return f"the learner was told {announced}: a date that was told is never moved earlier (R-X5)"
    return None


def warnings_of(world: World, case: Case, day: date, at: datetime) -> tuple[str, ...]:
    """What staff are shown before they announce: closed office, days without cover, days paid twice (JP-48)."""
    guidance = case.guidance
    if guidance is None or guidance.proposed_on is None:
        return ()
    return dates.resume_conflicts(
        day,
        proposed=guidance.proposed_on,
        today=dates.plain_day(world.policy, at),
        calendar=dates.office_calendar(world.policy, world.calendars),
    )


def when_date_chosen(
    world: World, case: Case, fact: facts.ResumeDateChosen, now: datetime, cause: str | None = None
) -> Decision:
    """Staff announces the day: only the announced day counts, another may follow (T28)."""
    turn = Turn(world, case, now, cause)
    why = why_no_date(case, world.policy, day=fact.day, at=fact.occurred_at)
    window = dates.resume_window(world.policy, fact.day)
    if why is not None or window is None:
        turn.note("act_refused", act="resume_date", why=why or "this policy has no such step", by=fact.by)
        return turn.finish()
    count = case.resume.announcements + 1 if case.resume is not None else 1
    warnings = warnings_of(world, case, fact.day, fact.occurred_at)
    turn.set(
        resume=Resume(day=fact.day, opens_at=window.opens.at, closes_at=window.closes.at, announcements=count)
    )
    turn.say(
        facts.ResumeDateAnnounced,
        day=fact.day,
        opens_at=window.opens.at,
        closes_at=window.closes.at,
        by=fact.by,
        warnings=warnings,
        note=fact.note,
    )
    turn.note("resume_announced", day=fact.day, by=fact.by, warnings=" ".join(warnings) or None)
    if count > 1:
        mails.obsolete(
            turn, f"announced {fact.day} ({count})", (Template.JP_RESUME_DATE, Template.JP_RESUME_DAY)
        )
    mails.tell(turn, "lump_sum_settled", by_charge=False, ordinal=count)
    _remind(turn, fact.day, count)
    turn.later(window.opens.at, facts.ResumeDayBegan, ordinal=count, day=fact.day)
    turn.later(window.closes.at, facts.ResumeDayEnded, ordinal=count, day=fact.day)
    return turn.finish()


def _remind(turn: Turn, day: date, count: int) -> None:
    """The reminder of the day itself rolls back to the last business day before a closed one (JP-47)."""
    found = dates.resume_reminder(turn.policy, turn.world.calendars, day)
    if found is None or found.at <= turn.now:
        return
    for notice in turn.policy.notices.for_event("resume_day"):
        hour = notice.when if isinstance(notice.when, WallTime) else OPENING
        wanted = instant(day, hour, turn.policy.timezone)
        mails.request(turn, notice.template, ordinal=count, not_before=wanted, rolls_back=True)


def expects(case: Case, at: datetime) -> bool:
    """Whether a new subscription at ``at`` is the announced one: that day, even if we hear of it after its end."""
    resume = case.resume
    if resume is None or case.state not in WAITS or resume.activated_id is not None:
        return False
    return resume.opens_at <= at < resume.closes_at


def when_activated(
    world: World,
    case: Case,
    fact: payments.GatewaySubscriptionActivated,
    now: datetime,
    cause: str | None = None,
) -> Decision:
    """The new subscription is active (T30); it needs its payment to finish the procedure."""
    turn = Turn(world, case, now, cause)
    resume = case.resume
    if resume is None:
        return nothing(world, case)
    turn.set(
        resume=replace(
            resume,
            activated_id=fact.gateway_subscription_id,
            activated_at=fact.occurred_at,
            gateway_next_on=fact.next_billing_on or resume.gateway_next_on,
            paid=resume.paid or fact.amount,
            paid_at=resume.paid_at or (fact.occurred_at if fact.amount else None),
        )
    )
    _finish_if_whole(turn, fact.gateway_subscription_id)
    return turn.finish()


def when_paid(
    world: World,
    case: Case | None,
    fact: payments.AttemptSucceeded,
    now: datetime,
    cause: str | None = None,
) -> Decision:
    """The My Page payment (T30), or one that nobody announced (T32, JP-11)."""
    if case is None:
        about = month(world, fact.period, fact.occurred_at, gateway=fact.gateway, amount=fact.amount)
        turn = Turn(world, about, now, cause)
        _unannounced(turn, fact)
        return turn.finish().aside()
    turn = Turn(world, case, now, cause)
    resume = case.resume
    if not case.is_open:
        if resume is not None and _is_of_the_activation(case, fact):
            turn.set(resume=replace(resume, paid=fact.amount, transaction_id=fact.transaction_id))
            day = dates.plain_day(world.policy, fact.occurred_at)
            turn.pays(fact.transaction_id, fact.amount, fact.occurred_at, period=day)
        elif resume is None or resume.transaction_id != fact.transaction_id:
            _unannounced(turn, fact)
        return turn.finish()
    in_window = resume is not None and resume.opens_at <= fact.occurred_at < resume.closes_at
    if resume is None or case.state not in WAITS or not in_window:
        _unannounced(turn, fact)
        return turn.finish()
    if resume.transaction_id is not None:
        if resume.transaction_id != fact.transaction_id:
            turn.flag(
                ReviewReason.DOUBLE_PAYMENT, fact.transaction_id, f"{fact.amount} was paid twice that day"
            )
            mails.review(turn, ReviewReason.DOUBLE_PAYMENT, fact.transaction_id, str(fact.amount))
        return turn.finish()
    turn.set(
        resume=replace(
            resume,
            paid=fact.amount,
            paid_at=fact.occurred_at,
            transaction_id=fact.transaction_id,
            gateway_next_on=fact.next_billing_on or resume.gateway_next_on,
        )
    )
    turn.note("my_page_paid", when=fact.occurred_at, amount=fact.amount)
    _finish_if_whole(turn, fact.transaction_id)
    return turn.finish()


def _is_of_the_activation(case: Case, fact: payments.AttemptSucceeded) -> bool:
    """The activation told the amount and ended the case; here comes its own payment."""
    resume = case.resume
    return (
        case.state is CaseState.RESUMED
        and resume is not None
        and resume.transaction_id is None
        and resume.opens_at <= fact.occurred_at < resume.closes_at
        and resume.paid == fact.amount
    )


def _unannounced(turn: Turn, fact: payments.AttemptSucceeded) -> None:
    detail = f"{fact.amount} was paid from My Page although the day was not open"
    duplicate(turn, about=fact.transaction_id, detail=detail, at=fact.occurred_at, amount=fact.amount)


def when_payment_failed(
    world: World, case: Case | None, fact: payments.AttemptFailed, now: datetime, cause: str | None = None
) -> Decision:
    """The My Page payment was refused: the day stays open, the learner may try again; no case, no retry."""
    if case is None or not case.is_open:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    turn.note("my_page_failed", when=fact.occurred_at, decline=fact.decline.value)
    return turn.finish()


def _finish_if_whole(turn: Turn, about: str) -> None:
    resume = turn.case.resume
    if resume is None or resume.activated_id is None or resume.paid is None or resume.paid_at is None:
        return
    price = turn.account.current_price
    judged = turn.policy.money.judge(price, resume.paid)
    if judged != "exact":
        reason = reason_of(judged, price, resume.paid)
        detail = f"{price} is the price and {resume.paid} came"
        turn.flag(reason, about, detail, amount=resume.paid)
        mails.review(turn, reason, about, detail)
        return
    finish(turn, resume.activated_id, resume.paid_at)


def finish(turn: Turn, gateway_subscription_id: str, paid_at: datetime, *, by: str = "learner") -> None:
    """The new subscription runs: new billing day, the month's credits, the procedure is over (J27, J29)."""
    policy, resume = turn.policy, turn.case.resume
    remediation = policy.remediation
    next_on, billing_day = dates.next_due_after_payment(policy, paid_at)
    today = dates.plain_day(policy, paid_at)
    told = resume.gateway_next_on if resume is not None else None
    rules = remediation.resume if isinstance(remediation, StaffGuidedLumpSum) else None
    if rules is not None and rules.new_billing_day == "unchanged":
        billing_day = turn.account.billing_day
        next_on = next(day for day in dates.due_days(policy, turn.case.period, billing_day) if day > today)
    if (
        told is not None
        and told != next_on
        and (rules is None or rules.gateway_next_billing == "authoritative")
    ):
        detail = f"{next_on} was expected after a payment on {today} and the gateway says {told}"
        turn.flag(ReviewReason.BILLING_DAY_MISMATCH, gateway_subscription_id, detail)
        mails.review(turn, ReviewReason.BILLING_DAY_MISMATCH, gateway_subscription_id, detail)
        next_on, billing_day = told, told.day
    if resume is not None and resume.transaction_id is not None and resume.paid is not None:
        turn.pays(resume.transaction_id, resume.paid, paid_at, period=today)
    _grant_month(turn, today, paid_at)
    turn.moves_billing_day(billing_day, price=turn.account.current_price)
    renewals.await_on(turn, next_on)
    turn.say(
        facts.CaseResumed,
        when=paid_at,
        gateway_subscription_id=gateway_subscription_id,
        billing_day=billing_day,
        next_billing_on=next_on,
    )
    turn.note("resumed", when=paid_at, billing_day=billing_day, next=next_on)
    turn.say(facts.AccessRestorationRequested, why="resumed")
    turn.say(facts.SelfPaymentOpened, why="nothing_to_pay")
    mails.obsolete(
        turn, "resumed", (Template.JP_RESUME_DATE, Template.JP_RESUME_DAY, Template.JP_RESUME_MISSED)
    )
    mails.tell(
        turn,
        "resumed",
        by_charge=False,
        amount=turn.account.current_price,
        billing_day=billing_day,
        next_billing_on=next_on,
        paid_at=paid_at,
        paid_on=today,
    )
    turn.close(CaseState.RESUMED, when=paid_at, by=by)


def _grant_month(turn: Turn, first: date, paid_at: datetime) -> None:
    month = dates.period_of(turn.policy, first, first.day)
    if turn.case.guidance is not None and turn.policy.credits.applies:
        grant(turn, month.first, month.last, at=paid_at)
