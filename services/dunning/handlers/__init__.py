"""What dunning does when it hears a fact; the table at the foot is the map.

Every decision is in ``domain``; a fact that fits nowhere becomes history there or a question for the office,
never an exception and never silence.
"""

from __future__ import annotations

from services.dunning import domain
from services.dunning.handlers import erasing, gateway, money, people, school
from services.dunning.handlers.loading import act_on
from shared.events import access, dunning, notifications, payments
from shared.service import Hears

HEARS: Hears = {
    payments.SubscriptionRegistered: money.on_subscription_registered,
    payments.AttemptFailed: money.on_attempt_failed,
    payments.AttemptSucceeded: money.on_attempt_succeeded,
    payments.AttemptPending: money.on_attempt_pending,
    payments.AttemptUnknown: money.on_attempt_unknown,
    payments.PaymentMethodUpdated: money.on_method_updated,
    payments.AuthenticationStarted: gateway.on_authentication_started,
    payments.AuthenticationPassed: gateway.on_authentication_passed,
    payments.AuthenticationFailed: gateway.on_authentication_failed,
    payments.GatewaySubscriptionActivated: gateway.on_gateway_activated,
    payments.GatewaySubscriptionCancelled: gateway.on_gateway_cancelled,
    payments.GatewaySubscriptionSuspended: gateway.on_gateway_suspended,
    payments.TemporaryPaymentReceived: money.on_temporary_payment,
    payments.PaymentRefunded: money.on_refunded,
    payments.ChargebackOpened: money.on_money_back,
    payments.SaleReversed: money.on_money_back,
    payments.PaymentReviewRaised: gateway.on_review_raised,
    access.PathEnrolled: people.on_path_enrolled,
    notifications.MailSent: people.on_mail_sent,
    notifications.LearnerErased: erasing.on_learner_erased,
    dunning.SchoolRegistered: school.on_school_registered,
    dunning.PolicyAdopted: school.on_policy_adopted,
    dunning.ClosureAnnounced: school.on_closure_announced,
    dunning.ClosureWithdrawn: school.on_closure_withdrawn,
    dunning.LearnerReported: act_on(domain.when_learner_reported),
    dunning.RelaunchRequested: act_on(domain.when_relaunch_requested),
    dunning.CancellationRequested: people.on_cancellation_requested,
    dunning.GuidanceConfirmed: act_on(domain.when_guidance_confirmed),
    dunning.ResumeDateChosen: act_on(domain.when_date_chosen),
    dunning.DifferenceAccepted: act_on(domain.when_difference_accepted),
    dunning.FlagSettled: people.on_flag_settled,
    dunning.CaseClosureChosen: act_on(domain.when_closure_chosen),
    dunning.DeadlineExtended: act_on(domain.when_deadline_extended),
    dunning.AccessGranted: act_on(domain.when_access_granted),
    dunning.ManualAttemptChosen: act_on(domain.when_manual_attempt_chosen),
    dunning.ReversalResolved: act_on(domain.when_reversal_resolved),
    dunning.CreditRestorationChosen: act_on(domain.when_credit_restoration_chosen),
    dunning.DuplicateAdopted: act_on(domain.when_duplicate_adopted),
    dunning.AttemptFellDue: act_on(domain.when_attempt_fell_due),
    dunning.DeadlineFellDue: act_on(domain.when_deadline_fell_due),
    dunning.HoldFellDue: act_on(domain.when_hold_fell_due),
    dunning.ChallengeFellDue: act_on(domain.when_challenge_fell_due),
    dunning.AccessStepFellDue: act_on(domain.when_access_step_fell_due),
    dunning.RenewalFellDue: money.on_renewal_fell_due,
    dunning.WatchdogFellDue: act_on(domain.when_watchdog_fell_due),
    dunning.ConsequenceFellDue: act_on(domain.when_consequence_fell_due),
    dunning.GuidanceFellDue: people.on_guidance_fell_due,
    dunning.ResumeDayBegan: act_on(domain.when_day_began),
    dunning.ResumeDayEnded: act_on(domain.when_day_ended),
    dunning.CoverageBegan: act_on(domain.when_coverage_began),
    dunning.ReminderFellDue: act_on(domain.when_reminder_fell_due),
    dunning.ClosureApproached: school.on_closure_approached,
}
