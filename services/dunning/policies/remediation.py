"""How a learner comes back after the attempts ran out (seeds F20-F22, J19-J32; R-F9, R-F10, R-J6-R-J12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from services.dunning.policies.parts import Clock, Part, Zone
from shared.calendar import WallTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits(Part):
    """What becomes of lesson credits (J40, J41, J46, J47)."""

    applies: bool = False
    unconsumed: tuple[Literal["untouched", "reserved_for_booked_lesson"], ...] = (
        "untouched",
        "reserved_for_booked_lesson",
    )
    rule_effective: Literal["first_failure"] = "first_failure"
    execution: Literal["exhaustion", "first_failure"] = "exhaustion"
    held_lessons: Literal["deliver", "cancel"] = "deliver"
    prior_notice_of_admin_cancellation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReEnrolment(Part):
    """The path's re-enrolment deadline (F22, R-F10)."""

    source: Literal["enrolment.re_enrolment_deadline"] = "enrolment.re_enrolment_deadline"
    inclusive: bool = True
    ends: str = "24:00 Europe/Paris"
    """A time of day and a zone."""
    tested_at: Literal["submission", "payment"] = "submission"
    applies_to: Literal["path_re_enrolment_only"] = "path_re_enrolment_only"
    recovery_in_grace_is_re_enrolment: Literal[False] = False

    @property
    def wall(self) -> WallTime:
        """The time of ``ends``."""
        return WallTime.parse(self.ends.split(" ", 1)[0])

    @property
    def zone(self) -> str:
        """The zone of ``ends``."""
        return self.ends.split(" ", 1)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfServiceRelaunch(Part):
    """The learner logs in and starts again (F20)."""

    kind: Literal["self_service_relaunch"]
    requires: tuple[Literal["login", "valid_method", "three_ds_challenge"], ...] = ("login", "valid_method")
    price: Literal["current_catalogue"] = "current_catalogue"
    arrears: Literal["waived", "pay_open_invoice"] = "waived"
    new_anchor: Literal["relaunch_date", "unchanged"] = "relaunch_date"
    deadline: ReEnrolment | None = None
    failure: Literal["stay_suspended"] = "stay_suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeWindow(Part):
    """When My Page takes the payment that makes a new subscription: the announced day (J25)."""

    opens: Clock = WallTime(0)
    closes: Clock = WallTime(24)
    timezone: Zone
    day: Literal["announced_date"] = "announced_date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Part):
    """The day a covered learner pays by himself again (J25-J32)."""

    mode: Literal["learner_pays_from_my_page"] = "learner_pays_from_my_page"
    proposed_date: Literal["first_uncovered_due_date", "fixed_days_after_payment"] = (
        "first_uncovered_due_date"
    )
    fixed_days: Annotated[int, Field(ge=1, le=366)] = 45
    """Used by ``fixed_days_after_payment`` (R-J9, the other reading)."""
    date_set_by: Literal["staff"] = "staff"
    window: ResumeWindow
    before_window: Literal["block", "warn"] = "block"
    after_window: Literal["staff_reannounces"] = "staff_reannounces"
    new_billing_day: Literal["day_of_payment", "unchanged"] = "day_of_payment"
    gateway_next_billing: Literal["authoritative", "ignored"] = "authoritative"
    """R-J11: the gateway's own next billing time wins and a difference is flagged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffGuidedLumpSum(Part):
    """The office guides: so many months together by a temporary method, then a new subscription (J23-J29)."""

    kind: Literal["staff_guided_lump_sum"]
    months: Annotated[int, Field(ge=1, le=12)] = 2
    price: Literal["current_catalogue", "first_month_old_price"] = "current_catalogue"
    covers: tuple[Literal["failed_period", "next_period"], ...] = ("failed_period", "next_period")
    method: Literal["temporary_chosen_by_staff"] = "temporary_chosen_by_staff"
    due_date: Literal["set_by_staff"] = "set_by_staff"
    partial: Literal["keep_open", "open_month_1"] = "keep_open"
    old_subscription_cancelled_by: Literal["system", "staff"] = "system"
    """R-J12: who ends it at exhaustion if the gateway has not."""
    resume: Resume


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffGuided(Part):
    """The office settles each case with the learner."""

    kind: Literal["staff_guided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSignup(Part):
    """The subscription is gone; the learner signs up anew."""

    kind: Literal["new_signup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayCapture(Part):
    """The gateway captures the outstanding balance and the subscription goes on."""

    kind: Literal["gateway_capture_outstanding"]


Remediation = Annotated[
    SelfServiceRelaunch | StaffGuidedLumpSum | StaffGuided | NewSignup | GatewayCapture,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrears(Part):
    """Whether the gateway adds a failed cycle to the next one (PayPal REST)."""

    mode: Literal["carried_to_next_cycle", "per_period"] = "per_period"
    failed_cycles_threshold: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation(Part):
    """What the learner's own cancellation during a case does."""

    stop_attempts: Literal[True, "gateway"] = True
    access: Literal["end_now", "end_of_period", "as_exhausted"] = "end_now"
    debt: Literal["waived", "due", "staff_decision"] = "waived"
    close_as: Literal["cancelled_by_learner", "exhausted_cause_learner_cancel"] = "cancelled_by_learner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chargeback(Part):
    """Money that the payer's bank took back (R-X4)."""

    open: Literal["review_case"] = "review_case"
    auto_retry: Literal[False] = False
    access: Literal["keep_until_staff_decision", "suspend"] = "keep_until_staff_decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund(Part):
    """Money that the school gave back (R-X4)."""

    reopen: Literal[False] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal(Part):
    """Money going back."""

    chargeback: Chargeback = Chargeback()
    refund: Refund = Refund()
