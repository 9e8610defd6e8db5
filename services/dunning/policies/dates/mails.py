"""When the school writes: by when it should, when it may, and which reminders come before (seeds J3, J37, J45)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache

from services.dunning.policies.dates.days import charge_day, plain_day
from services.dunning.policies.dates.deadlines import last_day
from services.dunning.policies.grace import BusinessDaysLength
from services.dunning.policies.notices import (
    BeforeClosure,
    BeforeDeadline,
    BeforeReEnrolmentDeadline,
    SchoolNotice,
)
from services.dunning.policies.policy import Policy
from shared.calendar import Calendar, Calendars, Closure, WallTime, end_of_day, instant
from shared.calendar.delivery import OPENING, before_closure, mail_delivery, opening_of, reminder
from shared.events.words import Template
from shared.reasons import Dated, Reason


def office_calendar(policy: Policy, calendars: Calendars) -> Calendar:
    """The live calendar that the school's mails follow."""
    return calendars.named(policy.notices.delivery_calendar)


def delivery(policy: Policy, calendars: Calendars, now: datetime) -> Dated:
    """When a school mail wanted at ``now`` leaves (R-J4)."""
    return mail_delivery(office_calendar(policy, calendars), now, gate=policy.notices.gate)


def notice_due(
    policy: Policy, calendars: Calendars, template: Template, at: datetime, *, by_charge: bool = True
) -> Dated | None:
    """By when the notice owed for what happened at ``at`` should have left; ``None``: no target (J3, R-J3).

    ``by_charge``: a gateway's charge is dated by its service day, a person's act by the calendar date (R-J2).
    """
    notice = policy.notices.with_template(template)
    if notice is None or notice.due is None:
        return None
    calendar = calendars.named(notice.due.calendar)
    day = charge_day(policy, at) if by_charge else plain_day(policy, at)
    counted = calendar.add_working_days(day, notice.due.business_days)
    because = Reason(
        rule="notice_due",
        source="seed J3, R-J3",
        calendar=calendar.id,
        counted=counted.counted,
        skipped=counted.skipped,
        values=(("n", notice.due.business_days), ("from", day.isoformat())),
    )
    return Dated(at=end_of_day(counted.day, calendar.timezone), because=because)


def guidance_earliest(
    policy: Policy, calendars: Calendars, exhausted_at: datetime, *, by_charge: bool = True
) -> Dated:
    """From when staff write to a learner whose attempts ran out: the next business day's opening (J45, R-J5).

    ``by_charge`` is false when a cancellation ended it: that is dated by the calendar date (JP-39).
    """
    calendar = office_calendar(policy, calendars)
    day = charge_day(policy, exhausted_at) if by_charge else plain_day(policy, exhausted_at)
    counted = calendar.add_working_days(day, 1)
    because = Reason(
        rule="guidance",
        source="seed J45, R-J5",
        calendar=calendar.id,
        counted=counted.counted,
        skipped=counted.skipped,
        values=(("from", day.isoformat()),),
    )
    return Dated(at=instant(counted.day, opening_of(calendar), calendar.timezone), because=because)


def deadline_reminders(
    policy: Policy, calendars: Calendars, failed_at: datetime
) -> tuple[tuple[SchoolNotice, Dated], ...]:
    """The reminders that come so many business days before the grace's last day (fr.last_day_tomorrow)."""
    last = last_day(policy, calendars, failed_at)
    if last is None:
        return ()
    length = policy.grace.length
    name = length.calendar if isinstance(length, BusinessDaysLength) else policy.notices.delivery_calendar
    calendar = calendars.named(name)
    return tuple(
        (
            notice,
            _before_the_end(
                calendar,
                last.day,
                notice.event.deadline_minus_business_days,
                _hour(notice),
                policy.timezone,
            ),
        )
        for notice in policy.notices.school
        if isinstance(notice.event, BeforeDeadline)
    )


# As with retries: one count per day and calendar serves everybody.
@lru_cache(maxsize=2048)
def _before_the_end(calendar: Calendar, last: date, n: int, hour: WallTime, zone_name: str) -> Dated:
    counted = calendar.add_working_days(last, -n)
    because = Reason(
        rule="deadline_reminder",
        source="domain §4.1",
        calendar=calendar.id,
        counted=counted.counted,
        skipped=counted.skipped,
        values=(("n", n), ("last_day", last.isoformat())),
    )
    return Dated(at=instant(counted.day, hour, zone_name), because=because)


def re_enrolment_reminders(policy: Policy, deadline_day: date) -> tuple[tuple[SchoolNotice, Dated], ...]:
    """The reminders before a path's re-enrolment deadline (F22)."""
    found = []
    for notice in policy.notices.school:
        if not isinstance(notice.event, BeforeReEnrolmentDeadline):
            continue
        n = notice.event.re_enrolment_deadline_minus_days
        because = Reason(
            rule="re_enrolment_reminder",
            source="seed F22",
            values=(("n", n), ("deadline", deadline_day.isoformat())),
        )
        at = instant(deadline_day - timedelta(days=n), _hour(notice), policy.timezone)
        found.append((notice, Dated(at=at, because=because)))
    return tuple(found)


def resume_reminder(policy: Policy, calendars: Calendars, announced: date) -> Dated | None:
    """When the reminder of the announced day leaves; on a closed day it rolls back (R-J4, JP-47)."""
    notices = policy.notices.for_event("resume_day")
    if not notices:
        return None
    return reminder(office_calendar(policy, calendars), announced, _hour(notices[0]))


def pre_holiday_mails(
    policy: Policy, calendars: Calendars, *, since: date, until: date
) -> Iterator[tuple[SchoolNotice, Closure, Dated]]:
    """The heads-up mails before each announced closure that starts between two days, both included (J38)."""
    calendar = office_calendar(policy, calendars)
    for notice in policy.notices.school:
        if not isinstance(notice.event, BeforeClosure):
            continue
        for closure in calendar.closures:
            if since <= closure.first <= until:
                yield notice, closure, before_closure(calendar, closure, _hour(notice))


def _hour(notice: SchoolNotice) -> WallTime:
    return notice.when if isinstance(notice.when, WallTime) else OPENING
