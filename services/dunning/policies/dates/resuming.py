"""How a learner's months go on after the attempts ran out (seeds F22, J23-J32; R-F10, R-J9, R-J10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from services.dunning.policies.dates.billing import Period, due_after, period_of
from services.dunning.policies.policy import Policy
from services.dunning.policies.remediation import SelfServiceRelaunch, StaffGuidedLumpSum
from shared.calendar import Calendar, WallTime, end_of_day, instant, local_date
from shared.money import Money
from shared.reasons import Dated, DatedDay, Reason

Conflict = Literal["in_the_past", "closed_day", "gap", "overlap"]
"""What staff are warned of before they announce a day: nothing of it forbids the day (T28)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeWindowDates:
    """The announced day: My Page takes the payment from ``opens`` until ``closes``, the first instant too late."""

    opens: Dated
    closes: Dated


def covered_periods(policy: Policy, failed_due: date, anchor_day: int) -> tuple[Period, ...]:
    """What the lump sum covers: the failed period and the next one (J24); empty without a lump sum."""
    remediation = policy.remediation
    if not isinstance(remediation, StaffGuidedLumpSum):
        return ()
    dues = [failed_due, *(due_after(policy, failed_due, anchor_day, n) for n in range(1, remediation.months))]
    return tuple(period_of(policy, due, anchor_day) for due in dues)


def lump_sum(policy: Policy, *, current_price: Money, old_price: Money | None = None) -> Money | None:
    """What is asked for together: so many months at the current price (J21, J23, R-J8)."""
    remediation = policy.remediation
    if not isinstance(remediation, StaffGuidedLumpSum):
        return None
    if remediation.price == "first_month_old_price" and old_price is not None:
        return old_price + current_price.times(remediation.months - 1)
    return current_price.times(remediation.months)


def resume_proposal(
    policy: Policy, failed_due: date, anchor_day: int, *, paid_at: datetime
) -> DatedDay | None:
    """The day proposed to staff: the first due day that the lump sum does not cover (R-J9).

    Paid so late that this day is past, it is the first due day from the payment on.
    """
    remediation = policy.remediation
    if not isinstance(remediation, StaffGuidedLumpSum):
        return None
    paid_on = local_date(paid_at, policy.timezone)
    if remediation.resume.proposed_date == "fixed_days_after_payment":
        days = remediation.resume.fixed_days
        day = paid_on + timedelta(days=days)
        return DatedDay(
            day=day, because=Reason(rule="resume_fixed_days", source="R-J9", values=(("days", days),))
        )
    day, months = failed_due, 0
    while months < remediation.months or day < paid_on:
        months += 1
        day = due_after(policy, failed_due, anchor_day, months)
    values = (("due", failed_due.isoformat()), ("months", months), ("anchor", anchor_day))
    return DatedDay(day=day, because=Reason(rule="resume_proposal", source="R-J9, seed J25", values=values))


def resume_window(policy: Policy, announced: date) -> ResumeWindowDates | None:
    """From when to when the announced day is open: 00:00-24:00 in the school's zone (J25)."""
    remediation = policy.remediation
    if not isinstance(remediation, StaffGuidedLumpSum):
        return None
    window = remediation.resume.window
    values = (("day", announced.isoformat()),)
    opens = instant(announced, window.opens, window.timezone)
    closes = instant(announced, window.closes, window.timezone)
    return ResumeWindowDates(
        opens=Dated(at=opens, because=Reason(rule="resume_opens", source="seed J25, R-J10", values=values)),
        closes=Dated(at=closes, because=Reason(rule="resume_closes", source="seed J25", values=values)),
    )


def resume_conflicts(
    announced: date, *, proposed: date, today: date, calendar: Calendar
) -> tuple[Conflict, ...]:
    """What is odd about an announced day: before today, closed office, days without cover, days paid twice."""
    found: list[Conflict] = []
    if announced < today:
        found.append("in_the_past")
    if not calendar.is_working(announced):
        found.append("closed_day")
    if announced > proposed:
        found.append("gap")
    if announced < proposed:
        found.append("overlap")
    return tuple(found)


def re_enrolment_deadline(policy: Policy, day: date) -> Dated | None:
    """The first instant at which a path cannot be re-entered: 24:00 of ``day`` in Paris (F22, R-F10)."""
    remediation = policy.remediation
    if not isinstance(remediation, SelfServiceRelaunch) or remediation.deadline is None:
        return None
    rule = remediation.deadline
    wall, zone_name = rule.wall, rule.zone
    if not rule.inclusive:
        at = instant(day, WallTime(0), zone_name)
    else:
        at = end_of_day(day, zone_name) if wall == WallTime(24) else instant(day, wall, zone_name)
    because = Reason(
        rule="re_enrolment_deadline" if rule.inclusive else "re_enrolment_deadline_exclusive",
        source="seed F22, R-F10",
        values=(("day", day.isoformat()),),
    )
    return Dated(at=at, because=because)


def may_re_enrol(
    policy: Policy, day: date | None, *, submitted_at: datetime, paid_at: datetime | None = None
) -> bool:
    """Whether a relaunch still opens the path: submission counts, not the payment's end (R-F10, FR-37)."""
    remediation = policy.remediation
    if day is None or not isinstance(remediation, SelfServiceRelaunch) or remediation.deadline is None:
        return True
    ends = re_enrolment_deadline(policy, day)
    tested = submitted_at if remediation.deadline.tested_at == "submission" or paid_at is None else paid_at
    return ends is None or tested < ends.at
