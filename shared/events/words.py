"""The few words that facts of several services share."""

from __future__ import annotations

from enum import StrEnum


class Gateway(StrEnum):
    STRIPE = "stripe"
    PAYPAL = "paypal"


class MethodKind(StrEnum):
    """What a learner pays with."""

    CARD = "card"
    PAYPAL = "paypal"
    PAYPAL_SUBSCRIPTION = "paypal_subscription"
    BANK_TRANSFER = "bank_transfer"
    OTHER = "other"


class AttemptKind(StrEnum):
    """Why money was asked for (domain.md F1, R-F7, R-F9, J26)."""

    FIRST = "first"
    """A sign-up; a failure opens no case (R-F14)."""
    RENEWAL = "renewal"
    """The automatic debit of a period, or an automatic retry of it."""
    LEARNER = "learner"
    """The learner repaired: one on-session or immediate attempt outside the retry schedule (R-F7)."""
    STAFF = "staff"
    """A manual attempt asked for by the office."""
    RELAUNCH = "relaunch"
    """A suspended learner starts again (F20)."""
    RESUME = "resume"
    """The My Page payment that makes a new PayPal subscription (J26)."""


class CancelledBy(StrEnum):
    """Who ended a subscription (J19)."""

    GATEWAY = "gateway"
    LEARNER = "learner"
    SCHOOL = "school"
    UNKNOWN = "unknown"


class ExhaustionCause(StrEnum):
    """Why no attempt is left."""

    DEADLINE = "deadline"
    LAST_ATTEMPT_FAILED = "last_attempt_failed"
    GATEWAY_CANCELLED = "gateway_cancelled"
    GATEWAY_SUSPENDED = "gateway_suspended"
    LEARNER_CANCELLED = "learner_cancelled"


class AccessLevel(StrEnum):
    """What a learner may reach; ordered from most to least by ``ACCESS_ORDER``."""

    FULL = "full"
    BOOKED_LESSONS_ONLY = "booked_lessons_only"
    READ_ONLY = "read_only"
    NONE = "none"


ACCESS_ORDER = (AccessLevel.FULL, AccessLevel.BOOKED_LESSONS_ONLY, AccessLevel.READ_ONLY, AccessLevel.NONE)


class ReviewReason(StrEnum):
    """What only a person can settle."""

    AMOUNT_MISMATCH = "amount_mismatch"
    CURRENCY_MISMATCH = "currency_mismatch"
    PARTIAL_PAYMENT = "partial_payment"
    OVERPAYMENT = "overpayment"
    DOUBLE_PAYMENT = "double_payment"
    LATE_SUCCESS = "late_success"
    DUPLICATE_REGISTRATION = "duplicate_registration"
    BILLING_DAY_MISMATCH = "billing_day_mismatch"
    CHARGEBACK = "chargeback"
    REVERSAL = "reversal"
    WATCHDOG = "watchdog"
    OUTCOME_UNKNOWN = "outcome_unknown"
    NOTICE_OVERDUE = "notice_overdue"
    UNKNOWN_SUBSCRIPTION = "unknown_subscription"
    GATEWAY_OWNS_RETRIES = "gateway_owns_retries"
    UNPAID_BALANCE = "unpaid_balance"


class CaseState(StrEnum):
    """The states of domain.md §2.1."""

    RETRYING = "retrying"
    AWAITING_OUTCOME = "awaiting_outcome"
    EXHAUSTING = "exhausting"
    SUSPENDED = "suspended"
    AWAITING_GUIDANCE = "awaiting_guidance"
    AWAITING_LUMP_SUM = "awaiting_lump_sum"
    COVERED = "covered"
    RESUME_OPEN = "resume_open"
    RESUME_OVERDUE = "resume_overdue"
    RECOVERED = "recovered"
    RELAUNCHED = "relaunched"
    RESUMED = "resumed"
    CANCELLED_BY_LEARNER = "cancelled_by_learner"
    CLOSED_BY_STAFF = "closed_by_staff"
    UNDER_REVIEW = "under_review"
    RESOLVED = "resolved"

    @property
    def is_terminal(self) -> bool:
        """Terminal states absorb: whatever comes later is history."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    {
        CaseState.RECOVERED,
        CaseState.RELAUNCHED,
        CaseState.RESUMED,
        CaseState.CANCELLED_BY_LEARNER,
        CaseState.CLOSED_BY_STAFF,
        CaseState.RESOLVED,
    }
)


class Template(StrEnum):
    """Every mail of domain.md §4; a test proves each has every language of its school."""

    FR_PAYMENT_FAILED = "fr.payment_failed"
    FR_AUTHENTICATE = "fr.authenticate"
    FR_METHOD_UPDATED = "fr.method_updated"
    FR_LAST_DAY_TOMORROW = "fr.last_day_tomorrow"
    FR_RECOVERED = "fr.recovered"
    FR_SUSPENDED = "fr.suspended"
    FR_RELAUNCHED = "fr.relaunched"
    FR_RE_ENROLMENT_REMINDER = "fr.re_enrolment_reminder"
    FR_RE_ENROLMENT_CLOSED = "fr.re_enrolment_closed"
    FR_CANCELLED = "fr.cancelled"
    JP_PRE_HOLIDAY = "jp.pre_holiday"
    JP_PAYMENT_FAILED = "jp.payment_failed"
    JP_SECOND_FAILED = "jp.second_failed"
    JP_RECOVERED = "jp.recovered"
    JP_GUIDANCE = "jp.guidance"
    JP_PARTIAL = "jp.partial"
    JP_RESUME_DATE = "jp.resume_date"
    JP_RESUME_DAY = "jp.resume_day"
    JP_RESUME_MISSED = "jp.resume_missed"
    JP_RESUMED = "jp.resumed"
    JP_REPORT_ACK = "jp.report_ack"
    JP_LESSON_CANCELLED = "jp.lesson_cancelled"
    STAFF_REVIEW = "staff.review"
    STAFF_GUIDANCE_QUEUE = "staff.guidance_queue"
    STAFF_WATCHDOG = "staff.watchdog"
    STAFF_NOTICE_OVERDUE = "staff.notice_overdue"


class Audience(StrEnum):
    """Who a mail is for."""

    LEARNER = "learner"
    TEACHER = "teacher"
    OFFICE = "office"
