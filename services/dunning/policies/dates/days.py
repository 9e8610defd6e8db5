"""Which day an event belongs to, before anything is counted from it (R-F2, R-J2)."""

from __future__ import annotations

from datetime import date, datetime

from services.dunning.policies.policy import Policy
from shared.calendar import local_date, service_day


def charge_day(policy: Policy, at: datetime) -> date:
    """The day of a scheduled charge at ``at`` (aware): its service day where the policy has one (R-J2)."""
    rollover = policy.billing.service_day_rollover
    if rollover is None:
        return local_date(at, policy.timezone)
    return service_day(at, policy.timezone, rollover)


def failure_day(policy: Policy, failed_at: datetime) -> date:
    """The day that a failed renewal or retry is dated: day 0 of every count."""
    return charge_day(policy, failed_at)


def plain_day(policy: Policy, at: datetime) -> date:
    """The day of what a person did (a click, a cancellation, a report): the calendar date (R-J2)."""
    return local_date(at, policy.timezone)
