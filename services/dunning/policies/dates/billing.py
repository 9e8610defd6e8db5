"""Which days a subscription is due, what a month covers, and when it is charged (seeds F14, J24, J27-J29; R-F8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import count

from services.dunning.policies.dates.days import charge_day, plain_day
from services.dunning.policies.dates.forecasts import charge_window
from services.dunning.policies.policy import Policy
from shared.calendar import Calendars, Counted, Interval, add_interval, instant
from shared.reasons import Dated, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What one payment covers: from its due day to the day before the next one, both included."""

    first: date
    last: date


def due_after(policy: Policy, due: date, anchor_day: int, times: int = 1) -> date:
    """The due day ``times`` intervals after ``due``; a short month clamps and the anchor stays (R-F8)."""
    return add_interval(due, policy.billing.interval, times, anchor_day=anchor_day)


def due_days(policy: Policy, due: date, anchor_day: int) -> Iterator[date]:
    """Every due day after ``due``, without end."""
    return (due_after(policy, due, anchor_day, times) for times in count(1))


def period_of(policy: Policy, due: date, anchor_day: int) -> Period:
    """What the payment due on ``due`` covers."""
    return _period(policy.billing.interval, due, anchor_day)


@lru_cache(maxsize=2048)
def _period(interval: Interval, due: date, anchor_day: int) -> Period:
    return Period(first=due, last=add_interval(due, interval, anchor_day=anchor_day) - timedelta(days=1))


def charge_at(policy: Policy, calendars: Calendars, due: date) -> Dated:
    """When the charge due on ``due`` is made, or may be made at the earliest (J28).

    It is not moved off Sundays and holidays unless the policy says so.
    """
    billing = policy.billing
    counted = Counted(day=due, counted=(), skipped=())
    if not billing.charge_on_any_day and billing.charge_calendar is not None:
        counted = calendars.named(billing.charge_calendar).from_day_on(due)
    window = billing.charge_window
    if billing.charge_local_time is None and window is not None:
        at = charge_window(policy, counted.day)[0]
    else:
        at = instant(counted.day, billing.charge_time, policy.timezone)
    because = Reason(
        rule="charge",
        source="seed F14" if window is None else "seed J28",
        calendar=billing.charge_calendar,
        skipped=counted.skipped,
        values=(("due", due.isoformat()),),
    )
    return Dated(at=at, because=because)


def next_due_after_recovery(
    policy: Policy, failed_due: date, anchor_day: int, recovered_at: datetime
) -> tuple[date, int]:
    """The next due day and its anchor after a late success: unchanged, unless the policy re-anchors (R-F8, R-J13).

    With several periods behind, it is the first due day after the recovery.
    """
    if policy.billing.after_late_recovery == "re_anchor":
        day = charge_day(policy, recovered_at)
        return due_after(policy, day, day.day), day.day
    return due_after(policy, failed_due, anchor_day), anchor_day


def next_due_after_payment(policy: Policy, paid_at: datetime) -> tuple[date, int]:
    """The next due day and the new billing day after a relaunch or a My Page payment (R-F9, R-J11).

    The learner acts, so the plain calendar date counts, never the service day.
    """
    day = plain_day(policy, paid_at)
    return due_after(policy, day, day.day), day.day
