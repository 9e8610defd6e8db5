"""On which days the school itself tries again (seed F15; R-F2, R-F3), and what a bank's hiccup changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from services.dunning.policies.attempts import Dst, OnBusinessDays, OnCalendarDays
from services.dunning.policies.dates.days import failure_day
from services.dunning.policies.policy import Policy
from shared.calendar import Calendar, Calendars, ClosedDay, instant, local_date
from shared.declines import DeclineClass
from shared.reasons import Dated, Reason


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """Every automatic retry of a month, in order: when and why, and as the case keeps it."""

    dated: tuple[Dated, ...]
    numbered: tuple[tuple[int, datetime], ...]
    """Ordinal and instant."""

    def because(self, at: datetime) -> Reason | None:
        """Why one of them is at that instant."""
        return next((one.because for one in self.dated if one.at == at), None)


_NO_PLAN: Final = RetryPlan((), ())


def retry_plan(policy: Policy, calendars: Calendars, failed_at: datetime) -> RetryPlan:
    """Every automatic retry after a renewal that failed at ``failed_at`` (aware).

    Empty where the gateway or nobody executes. A retry whose day is the failure's own (R-F2, the other reading)
    is left out: the renewal was that day's attempt.

    Raises:
        CalendarHorizon: the calendar does not know a day on the way.
    """
    schedule = policy.attempts.schedule
    if not isinstance(schedule, OnBusinessDays | OnCalendarDays):
        return _NO_PLAN
    day = failure_day(policy, failed_at)
    calendar = calendars.named(schedule.calendar)
    start = day if schedule.first_day == "excluded" else day - timedelta(days=1)
    if isinstance(schedule, OnCalendarDays):
        return _on_calendar_days(schedule, calendar, policy.timezone, start, day)
    return _on_business_days(schedule, calendar, policy.timezone, start, day)


def retries(policy: Policy, calendars: Calendars, failed_at: datetime) -> tuple[Dated, ...]:
    """The retries of ``retry_plan``; the n-th has ``ordinal`` n among its reason's values."""
    return retry_plan(policy, calendars, failed_at).dated


def next_retry(policy: Policy, calendars: Calendars, failed_at: datetime, *, after: datetime) -> Dated | None:
    """The first retry strictly after ``after``, or ``None`` when none is left."""
    return next((planned for planned in retries(policy, calendars, failed_at) if planned.at > after), None)


def same_day_retry(
    policy: Policy, calendars: Calendars, failed_at: datetime, *, decline: DeclineClass, tries_that_day: int
) -> Dated | None:
    """When an attempt that failed at ``failed_at`` for a technical reason is tried again on the same day.

    ``None`` where the class is not retried the same day, the day is over, closed for this policy, or was tried
    ``same_day_at_most`` times already; the schedule's next day stands then.
    """
    rule = policy.attempts.rule_for(decline)
    if (
        policy.attempts.executor != "merchant"
        or rule.retry != "same_day"
        or tries_that_day >= rule.same_day_at_most
    ):
        return None
    at = failed_at + rule.same_day_after
    if local_date(at, policy.timezone) != local_date(failed_at, policy.timezone):
        return None
    schedule = policy.attempts.schedule
    skips = isinstance(schedule, OnBusinessDays) and schedule.closed_days == "skip"
    if isinstance(schedule, OnBusinessDays) and skips:
        calendar = calendars.named(schedule.calendar)
        if not calendar.is_working(local_date(at, policy.timezone)):
            return None
    minutes = int(rule.same_day_after.total_seconds() // 60)
    return Dated(
        at=at, because=Reason(rule="same_day_retry", source="seed F15", values=(("minutes", minutes),))
    )


# Everybody whose month failed on one day gets the same plan, so it is counted once per day and calendar.
@lru_cache(maxsize=2048)
def _on_business_days(
    schedule: OnBusinessDays, calendar: Calendar, zone_name: str, start: date, failed_day: date
) -> RetryPlan:
    walk = calendar.add_working_days(start, schedule.offsets[-1])
    days = [(walk.counted[offset - 1], offset) for offset in schedule.offsets]
    if schedule.closed_days == "attempt":
        last = walk.day
        closed = [(one.day, 0) for one in walk.skipped if one.day < last]
        days = sorted(days + closed)
    rule, source = "retry", "seed F15, R-F3"
    if schedule.closed_days == "attempt":
        rule, source = "retry_every_day", "seed F15, R-F3b"
    of = len(days)
    found: list[Dated] = []
    seen = 0
    for ordinal, (day, offset) in enumerate(days, start=1):
        while seen < len(walk.skipped) and walk.skipped[seen].day < day:
            seen += 1
        if day <= failed_day:
            continue
        reason = Reason(
            rule=rule,
            source=source,
            calendar=calendar.id,
            counted=walk.counted[:offset],
            skipped=walk.skipped[:seen] if schedule.closed_days == "skip" else (),
            values=(("ordinal", ordinal), ("of", of)),
        )
        found.append(Dated(at=_at(schedule, day, zone_name), because=reason))
    return _plan(found)


@lru_cache(maxsize=2048)
def _on_calendar_days(
    schedule: OnCalendarDays, calendar: Calendar, zone_name: str, start: date, failed_day: date
) -> RetryPlan:
    found: dict[date, Dated] = {}
    for ordinal, offset in enumerate(schedule.offsets, start=1):
        counted = calendar.from_day_on(start + timedelta(days=offset))
        if counted.day <= failed_day or counted.day in found:
            continue
        reason = Reason(
            rule="retry_after_days",
            source="policy",
            calendar=calendar.id,
            skipped=_before(counted.skipped, counted.day),
            values=(("ordinal", ordinal), ("of", len(schedule.offsets)), ("days", offset)),
        )
        found[counted.day] = Dated(at=_at(schedule, counted.day, zone_name), because=reason)
    return _plan(found.values())


def _plan(found: Iterable[Dated]) -> RetryPlan:
    dated = tuple(found)
    numbers = (int(one.because.value("ordinal") or index) for index, one in enumerate(dated, start=1))
    return RetryPlan(dated, tuple(zip(numbers, (one.at for one in dated), strict=True)))


def _at(schedule: OnBusinessDays | OnCalendarDays, day: date, zone_name: str) -> datetime:
    dst: Dst = schedule.dst
    return instant(day, schedule.local_time, zone_name, gap=dst.gap, overlap=dst.overlap)


def _before(skipped: tuple[ClosedDay, ...], day: date) -> tuple[ClosedDay, ...]:
    return tuple(one for one in skipped if one.day < day)
