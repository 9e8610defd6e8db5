"""Until when a learner keeps the lessons, and when a case ends (seeds F16-F19; R-F4, R-F5, R-F6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from services.dunning.policies.dates.days import failure_day
from services.dunning.policies.grace import (
    BusinessDaysLength,
    CalendarDaysLength,
    UntilExhausted,
    access_level,
)
from services.dunning.policies.policy import Policy
from shared.calendar import Calendar, Calendars, Counted, WallTime, end_of_day, instant, zone
from shared.events.words import ACCESS_ORDER, AccessLevel
from shared.reasons import Dated, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange:
    """From this instant on access is this level, as far as the plan goes."""

    level: AccessLevel
    when: Dated


def deadline(policy: Policy, calendars: Calendars, failed_at: datetime) -> Dated | None:
    """When the grace ends: the first instant without it, 24:00 of the last day (R-F5).

    ``None`` where access lasts until the attempts are exhausted. With ``ends_at: after_last_attempt`` it is the
    latest end: the failure of the last retry ends it before (``ends_with_last_failure``).

    Raises:
        CalendarHorizon: the calendar does not know a day on the way.
    """
    length = policy.grace.length
    if isinstance(length, UntilExhausted):
        return None
    rule = "deadline_after_last_attempt" if ends_with_last_failure(policy) else "deadline"
    return _end(
        policy, calendars, length, failed_at, rule=rule, same_time=policy.grace.ends_at == "same_time"
    )


def ends_with_last_failure(policy: Policy) -> bool:
    """Whether the failure of the last retry ends the case by itself (R-F5, the other reading)."""
    return (
        policy.grace.ends_at == "after_last_attempt"
        or "last_attempt_failed" in policy.attempts.exhausted_when
    )


def collection_deadline(policy: Policy, calendars: Calendars, failed_at: datetime) -> Dated | None:
    """When the case ends where that is not the end of the grace; ``None`` where the policy names none."""
    length = policy.collection_deadline
    if length is None:
        return None
    return _end(policy, calendars, length, failed_at, rule="collection_deadline", same_time=False)


def case_end(policy: Policy, calendars: Calendars, failed_at: datetime) -> Dated | None:
    """When an unpaid case is exhausted by time alone: the collection deadline, else the grace's."""
    if "deadline" not in policy.attempts.exhausted_when and not ends_with_last_failure(policy):
        return None
    return collection_deadline(policy, calendars, failed_at) or deadline(policy, calendars, failed_at)


def last_day(policy: Policy, calendars: Calendars, failed_at: datetime) -> Counted | None:
    """The last whole day of the grace, with the days counted to it."""
    length = policy.grace.length
    if isinstance(length, UntilExhausted):
        return None
    calendar = calendars.named(length.calendar) if isinstance(length, BusinessDaysLength) else None
    return _counted(length, calendar, failure_day(policy, failed_at))


def access_steps(policy: Policy, calendars: Calendars, failed_at: datetime) -> tuple[AccessChange, ...]:
    """How access falls while nothing is paid: at the failure, at each step, at the grace's end.

    A level is never given back by a later step, and each is strictly later than the one before.
    """
    start = AccessChange(
        level=access_level(policy.grace.access),
        when=Dated(at=failed_at, because=Reason(rule="access_at_failure", source="R-F6, R-J6")),
    )
    changes = [start]
    day = failure_day(policy, failed_at)
    for step in policy.grace.steps:
        at = end_of_day(day + timedelta(days=step.after_days), policy.timezone)
        because = Reason(rule="access_step", source="policy", values=(("days", step.after_days),))
        changes.append(AccessChange(level=access_level(step.access), when=Dated(at=at, because=because)))
    end = deadline(policy, calendars, failed_at)
    if end is not None:
        changes.append(AccessChange(level=AccessLevel.NONE, when=end))
    return tuple(_falling(changes))


def pending_hold_end(policy: Policy, deadline_at: datetime) -> Dated | None:
    """Until when a suspension waits for an attempt whose outcome is open; ``None``: it does not wait (FR-35)."""
    hold = policy.grace.pending_hold_max
    if hold is None:
        return None
    hours = int(hold.total_seconds() // 3600)
    return Dated(
        at=deadline_at + hold, because=Reason(rule="pending_hold", source="T13", values=(("hours", hours),))
    )


def challenge_end(policy: Policy, started_at: datetime) -> Dated | None:
    """When a 3DS challenge that began at ``started_at`` is taken for abandoned; ``None``: the gateway says."""
    ttl = policy.authentication.challenge_ttl
    if ttl is None:
        return None
    minutes = int(ttl.total_seconds() // 60)
    because = Reason(rule="challenge_ttl", source="R-F13", values=(("minutes", minutes),))
    return Dated(at=started_at + ttl, because=because)


def in_time(policy: Policy, deadline_at: datetime, occurred_at: datetime) -> bool:
    """Whether what happened at ``occurred_at`` still counts as within the grace (T23: with the tolerance)."""
    return occurred_at <= deadline_at + (policy.grace.skew_tolerance or timedelta())


def _end(
    policy: Policy,
    calendars: Calendars,
    length: BusinessDaysLength | CalendarDaysLength,
    failed_at: datetime,
    *,
    rule: str,
    same_time: bool,
) -> Dated:
    calendar = calendars.named(length.calendar) if isinstance(length, BusinessDaysLength) else None
    whole = _whole_days(length, calendar, policy.timezone, failure_day(policy, failed_at), rule)
    if not same_time:
        return whole
    local = failed_at.astimezone(zone(policy.timezone))
    last = date.fromisoformat(str(whole.because.value("last_day")))
    return Dated(at=instant(last, WallTime(local.hour, local.minute), policy.timezone), because=whole.because)


# As with retries: one count per day and calendar serves everybody.
@lru_cache(maxsize=2048)
def _whole_days(
    length: BusinessDaysLength | CalendarDaysLength,
    calendar: Calendar | None,
    zone_name: str,
    day: date,
    rule: str,
) -> Dated:
    counted = _counted(length, calendar, day)
    because = Reason(
        rule=rule,
        source="policy" if calendar is None else "R-F4, R-F5",
        calendar=None if calendar is None else calendar.id,
        counted=counted.counted,
        skipped=counted.skipped,
        values=(("n", length.n), ("last_day", counted.day.isoformat())),
    )
    return Dated(at=end_of_day(counted.day, zone_name), because=because)


def _counted(
    length: BusinessDaysLength | CalendarDaysLength, calendar: Calendar | None, day: date
) -> Counted:
    start = day - timedelta(days=1) if length.first_day == "counted" and length.n else day
    if calendar is not None:
        return calendar.add_working_days(start, length.n)
    return Counted(day=start + timedelta(days=length.n), counted=(), skipped=())


def _falling(changes: list[AccessChange]) -> list[AccessChange]:
    kept = changes[:1]
    for change in changes[1:]:
        falls = ACCESS_ORDER.index(change.level) > ACCESS_ORDER.index(kept[-1].level)
        if falls and change.when.at > kept[-1].when.at:
            kept.append(change)
    return kept
