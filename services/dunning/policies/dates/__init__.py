"""Every date that a policy makes, each with its reason; pure, in UTC, by the rule's own zone.

Each function takes the policy, the live calendars where days are counted, and the instant it starts from.
"""

from __future__ import annotations

from services.dunning.policies.dates.billing import (
    Period,
    charge_at,
    due_after,
    due_days,
    next_due_after_payment,
    next_due_after_recovery,
    period_of,
)
from services.dunning.policies.dates.consequences import (
    OwedNotice,
    Stage,
    consequence_at,
    keep_told,
    ladder,
    owed_template,
)
from services.dunning.policies.dates.days import charge_day, failure_day, plain_day
from services.dunning.policies.dates.deadlines import (
    AccessChange,
    access_steps,
    case_end,
    challenge_end,
    collection_deadline,
    deadline,
    ends_with_last_failure,
    in_time,
    last_day,
    pending_hold_end,
)
from services.dunning.policies.dates.forecasts import (
    Forecast,
    announced_limit,
    charge_window,
    due_watchdog,
    forecast,
)
from services.dunning.policies.dates.mails import (
    deadline_reminders,
    delivery,
    guidance_earliest,
    notice_due,
    office_calendar,
    pre_holiday_mails,
    re_enrolment_reminders,
    resume_reminder,
)
from services.dunning.policies.dates.overview import Line, overview
from services.dunning.policies.dates.resuming import (
    Conflict,
    ResumeWindowDates,
    covered_periods,
    lump_sum,
    may_re_enrol,
    re_enrolment_deadline,
    resume_conflicts,
    resume_proposal,
    resume_window,
)
from services.dunning.policies.dates.retries import (
    RetryPlan,
    next_retry,
    retries,
    retry_plan,
    same_day_retry,
)

__all__ = [
    "AccessChange",
    "Conflict",
    "Forecast",
    "Line",
    "OwedNotice",
    "Period",
    "ResumeWindowDates",
    "RetryPlan",
    "Stage",
    "access_steps",
    "announced_limit",
    "case_end",
    "challenge_end",
    "charge_at",
    "charge_day",
    "charge_window",
    "collection_deadline",
    "consequence_at",
    "covered_periods",
    "deadline",
    "deadline_reminders",
    "delivery",
    "due_after",
    "due_days",
    "due_watchdog",
    "ends_with_last_failure",
    "failure_day",
    "forecast",
    "guidance_earliest",
    "in_time",
    "keep_told",
    "ladder",
    "last_day",
    "lump_sum",
    "may_re_enrol",
    "next_due_after_payment",
    "next_due_after_recovery",
    "next_retry",
    "notice_due",
    "office_calendar",
    "overview",
    "owed_template",
    "pending_hold_end",
    "period_of",
    "plain_day",
    "pre_holiday_mails",
    "re_enrolment_deadline",
    "re_enrolment_reminders",
    "resume_conflicts",
    "resume_proposal",
    "resume_reminder",
    "resume_window",
    "retries",
    "retry_plan",
    "same_day_retry",
]
