"""Every decision of dunning: pure functions of the case, the fact and what is known of the world around them.

Each ``when_<fact>`` answers with a ``Decision``: the case and account as they are now, and what is said. A fact
that changes nothing any more is answered with nothing.
"""

from __future__ import annotations

from services.dunning.domain.budgets import card_after
from services.dunning.domain.carried import carried_months, when_carried_paid
from services.dunning.domain.closures import (
    attempt_falls_in,
    billing_days,
    heads_up,
    still_closes,
    when_closure_approached,
)
from services.dunning.domain.deadlines import (
    when_access_step_fell_due,
    when_consequence_fell_due,
    when_deadline_fell_due,
    when_hold_fell_due,
    when_mail_sent,
    when_path_deadline_changed,
    when_reminder_fell_due,
)
from services.dunning.domain.forecasts import when_watchdog_fell_due
from services.dunning.domain.gateway import account_after as account_ended
from services.dunning.domain.gateway import when_activated, when_cancelled, when_suspended
from services.dunning.domain.guidance import (
    when_coverage_began,
    when_guidance_confirmed,
    when_temporary_payment_received,
    when_unplaced_payment,
)
from services.dunning.domain.learner import (
    end_without_case,
    when_authentication_failed,
    when_authentication_passed,
    when_authentication_started,
    when_cancellation_requested,
    when_challenge_fell_due,
    when_learner_reported,
    when_method_updated,
)
from services.dunning.domain.outcomes import (
    ended,
    when_attempt_failed,
    when_attempt_pending,
    when_attempt_succeeded,
    when_attempt_unknown,
    when_paid_beside,
)
from services.dunning.domain.policies_at_hand import read_policy_data
from services.dunning.domain.queue import in_order, is_due, when_closures_changed, when_office_opened
from services.dunning.domain.registry import (
    account_from_news,
    account_registered,
    account_with_method,
    closure_announced,
    closure_withdrawn,
    learner_enrolled,
    school_adopted,
    school_registered,
)
from services.dunning.domain.relaunch import when_relaunch_requested
from services.dunning.domain.renewals import await_first, when_renewal_fell_due
from services.dunning.domain.resume import when_date_chosen
from services.dunning.domain.resume_day import when_day_began, when_day_ended
from services.dunning.domain.retries import when_attempt_fell_due
from services.dunning.domain.reversals import (
    when_money_went_back,
    when_refunded,
    when_reversal_resolved,
)
from services.dunning.domain.reviews import when_review_raised
from services.dunning.domain.staff import (
    when_access_granted,
    when_closure_chosen,
    when_credit_restoration_chosen,
    when_deadline_extended,
    when_difference_accepted,
    when_duplicate_adopted,
    when_flag_settled,
    when_manual_attempt_chosen,
)
from services.dunning.domain.unopened import month_of, when_question_settled, when_review_without_case

__all__ = [
    "account_ended",
    "account_from_news",
    "account_registered",
    "account_with_method",
    "attempt_falls_in",
    "await_first",
    "billing_days",
    "card_after",
    "carried_months",
    "closure_announced",
    "closure_withdrawn",
    "end_without_case",
    "ended",
    "heads_up",
    "in_order",
    "is_due",
    "learner_enrolled",
    "month_of",
    "read_policy_data",
    "school_adopted",
    "school_registered",
    "still_closes",
    "when_access_granted",
    "when_access_step_fell_due",
    "when_activated",
    "when_attempt_failed",
    "when_attempt_fell_due",
    "when_attempt_pending",
    "when_attempt_succeeded",
    "when_attempt_unknown",
    "when_authentication_failed",
    "when_authentication_passed",
    "when_authentication_started",
    "when_cancellation_requested",
    "when_cancelled",
    "when_carried_paid",
    "when_challenge_fell_due",
    "when_closure_approached",
    "when_closure_chosen",
    "when_closures_changed",
    "when_consequence_fell_due",
    "when_coverage_began",
    "when_credit_restoration_chosen",
    "when_date_chosen",
    "when_day_began",
    "when_day_ended",
    "when_deadline_extended",
    "when_deadline_fell_due",
    "when_difference_accepted",
    "when_duplicate_adopted",
    "when_flag_settled",
    "when_guidance_confirmed",
    "when_hold_fell_due",
    "when_learner_reported",
    "when_mail_sent",
    "when_manual_attempt_chosen",
    "when_method_updated",
    "when_money_went_back",
    "when_office_opened",
    "when_paid_beside",
    "when_path_deadline_changed",
    "when_question_settled",
    "when_refunded",
    "when_relaunch_requested",
    "when_reminder_fell_due",
    "when_renewal_fell_due",
    "when_reversal_resolved",
    "when_review_raised",
    "when_review_without_case",
    "when_suspended",
    "when_temporary_payment_received",
    "when_unplaced_payment",
    "when_watchdog_fell_due",
]
