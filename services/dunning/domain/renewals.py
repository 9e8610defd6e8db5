"""A month that should be debited and of which nobody hears: the gateway is read, then the office is told (JP-32, T37).

After a registration, and after every month that was heard of, the next one is awaited. Each wait is one plan that the
news of its month makes moot; one that ends in silence awaits no further month, so that nobody is told twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from services.dunning.domain import mails
from services.dunning.domain.account import Account
from services.dunning.domain.case import Case, case_id_of
from services.dunning.domain.turn import Decision, Turn, World
from services.dunning.domain.unopened import month
from services.dunning.policies import Policy, dates
from shared.calendar import days_in_month
from shared.events import Fact, Later, payments
from shared.events import dunning as facts
from shared.events.words import Audience, CaseState, ReviewReason, Template

READING: Final = timedelta(hours=1)
"""How long payments has to read the gateway before the office is told that nothing was found."""
TOLD: Final = "the gateway told"
ASK: Final = 1
TELL: Final = 2

_NOT_BILLED: Final = frozenset(CaseState) - {CaseState.RETRYING, CaseState.AWAITING_OUTCOME}
"""While an earlier month's case is in one of these states, its gateway collects nothing."""


def await_first(account: Account, policy: Policy, registered_at: datetime) -> tuple[Later, ...]:
    """Await the first month that falls due after the day of the registration."""
    today = dates.plain_day(policy, registered_at)
    if account.started_on > today:
        return _await(account, policy, account.started_on)
    following = dates.due_days(policy, account.started_on, account.billing_day)
    return _await(account, policy, next(day for day in following if day > today))


def await_next(account: Account, policy: Policy, heard: date) -> tuple[Later, ...]:
    """Await the month after the one that was heard of."""
    return _await(account, policy, dates.due_after(policy, heard, account.billing_day))


def await_on(turn: Turn, due: date) -> None:
    """The subscription goes on under new terms: its next month is due on that day (R-F9, R-J11)."""
    turn.said += _await(turn.account, turn.policy, due)


def _await(account: Account, policy: Policy, due: date) -> tuple[Later, ...]:
    watch = dates.due_watchdog(policy, due)
    return () if watch is None else (_plan(_about(account, due), watch.at, ASK),)


def _plan(about: dict[str, Any], at: datetime, ordinal: int) -> Later:
    return Later(at, facts.RenewalFellDue(**{**about, "occurred_at": at}, ordinal=ordinal))


def _about(account: Account, period: date) -> dict[str, Any]:
    return {
        "school_id": account.school_id,
        "subscription_id": account.subscription_id,
        "learner_id": account.learner_id,
        "case_id": case_id_of(account.subscription_id, period),
        "period": period,
    }


# --- news ------------------------------------------------------------------------------------------------


def heard(
    world: World, fact: payments.AttemptFailed | payments.AttemptSucceeded, now: datetime
) -> tuple[Account, tuple[Fact | Later, ...]]:
    """The first outcome of a month: an alarm about it is over, and the next month is awaited."""
    account = world.account
    said: tuple[Fact | Later, ...] = _alarm_over(world, fact.period, now)
    said += await_next(account, world.policy, fact.period)
    if fact.period in {*account.silent, *account.pending}:
        account = replace(
            account,
            silent=_without(account.silent, fact.period),
            pending=_without(account.pending, fact.period),
        )
    return account, said


def heard_open(world: World, period: date, now: datetime) -> tuple[Account, tuple[Fact | Later, ...]]:
    """An outcome that is still open is heard of too: it comes by itself (T13)."""
    account = world.account
    if period in account.pending or account.payment_of(period) is not None:
        return account, ()
    said: tuple[Fact | Later, ...] = _alarm_over(world, period, now)
    said += await_next(account, world.policy, period)
    silent = _without(account.silent, period)
    return replace(account, silent=silent, pending=(*account.pending, period)), said


def _alarm_over(world: World, period: date, now: datetime) -> tuple[Fact, ...]:
    """News of a month of which the office was told that nothing is heard."""
    if period not in world.account.silent:
        return ()
    about = {**_about(world.account, period), "occurred_at": now}
    asked = world.asked.flags if world.asked is not None else ()
    settled = tuple(
        facts.CaseFlagSettled(**about, reason=flag.reason, about=flag.about, settled_by="system", how=TOLD)
        for flag in asked
        if flag.reason is ReviewReason.WATCHDOG
    )
    return (facts.MailsObsoleted(**about, templates=(Template.STAFF_WATCHDOG,), because=TOLD), *settled)


def _question(period: date) -> str:
    return f"renewal/{period.isoformat()}"


def _without(months: tuple[date, ...], gone: date) -> tuple[date, ...]:
    return tuple(one for one in months if one != gone)


# --- silence ---------------------------------------------------------------------------------------------


def when_renewal_fell_due(
    world: World,
    opened: Sequence[Case],
    fact: facts.RenewalFellDue,
    now: datetime,
    cause: str | None = None,
) -> Decision:
    """Nothing was heard of a month that should be debited: payments reads, and after silence the office is told.

    Never taken for a failure. Moot when the month was heard of, when the subscription ended or has another billing
    day, and while an earlier month's case keeps the gateway from collecting.
    """
    account, policy = world.account, world.policy
    watch = dates.due_watchdog(policy, fact.period)
    if watch is None or _is_moot(account, opened, fact.period):
        return Decision(case=None, account=account)
    turn = Turn(world, month(world, fact.period, fact.occurred_at), now, cause)
    if fact.ordinal == ASK:
        turn.say(facts.ReconciliationRequested, about=_question(fact.period))
        turn.said.append(_plan(_about(account, fact.period), now + READING, TELL))
    elif fact.period not in account.silent:
        detail = f"nothing was heard of the charge due on {fact.period}, and the gateway's books have none"
        turn.account = replace(account, silent=(*account.silent, fact.period))
        turn.flag(ReviewReason.WATCHDOG, _question(fact.period), detail)
        mails.request(
            turn,
            Template.STAFF_WATCHDOG,
            ordinal=1,
            audience=Audience.OFFICE,
            ignores_closures=True,
            extra={
                "reason": ReviewReason.WATCHDOG.value,
                "attempt": 1,
                "due_on": fact.period,
                "window_first": fact.period,
                "window_last": fact.period,
                "detail": detail,
            },
        )
    return turn.finish().aside()


def _is_moot(account: Account, opened: Sequence[Case], period: date) -> bool:
    if account.payment_of(period) is not None or period in account.pending:
        return True
    if _has_ended(account):
        return True
    if period.day != min(account.billing_day, days_in_month(period.year, period.month)):
        return True
    return any(one.kind == "renewal" and one.state in _NOT_BILLED for one in opened)


def _has_ended(account: Account) -> bool:
    """Whether the gateway said that it ended; one that was suspended and paid again goes on."""
    newest = max((one.paid_at for one in account.paid), default=None)
    suspended = account.suspended_at
    return account.cancelled_at is not None or (
        suspended is not None and (newest is None or suspended >= newest)
    )
