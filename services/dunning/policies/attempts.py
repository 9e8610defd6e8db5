"""Who tries the money again, on which days, and what each refusal changes (seeds F15, J9-J16; R-F3, R-J1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from services.dunning.policies.parts import Clock, Exact, Listed, Part
from shared.calendar import Gap, Overlap, WallTime
from shared.declines import DeclineClass

FirstDay = Literal["excluded", "counted"]
"""Whether the day of the failure counts (R-F2: it does not, CPC art. 641)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dst(Part):
    """What becomes of a wall time that the clock change skips or repeats."""

    gap: Gap = "shift_forward"
    overlap: Overlap = "first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog(Part):
    """When staff are asked to look because the gateway said nothing; never taken for a failure (J38)."""

    after_window_end: Exact = timedelta(hours=24)
    action: Literal["staff_reconcile"] = "staff_reconcile"
    renewals: bool = True
    """Also when nothing is heard of a month's own charge, by the end of its day or window and that margin (JP-32)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnDays(Part):
    offsets: tuple[Annotated[int, Field(ge=1, le=366)], ...]
    local_time: Clock = WallTime(9)
    anchor: Literal["failure_local_date"] = "failure_local_date"
    first_day: FirstDay = "excluded"
    dst: Dst = Dst()
    watchdog: Watchdog = Watchdog()
    """For the month's own charge, which is the gateway's here too; our retries are answered by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBusinessDays(_OnDays):
    """The school tries on the n-th business days after the failure, at one wall-clock time (F15)."""

    kind: Literal["business_days"]
    calendar: str
    closed_days: Literal["skip", "attempt"] = "skip"
    """``attempt``: also on Sundays and holidays, until the last counted business day (R-F3b)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCalendarDays(_OnDays):
    """The school tries on the n-th calendar days after the failure."""

    kind: Literal["calendar_days"]
    calendar: str = "every-day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread(Part):
    """How many days the gateway leaves between two attempts, at least and at most (J9)."""

    least: Annotated[int, Field(alias="min", ge=1)]
    most: Annotated[int, Field(alias="max", ge=1)]
    counted_from: Annotated[Literal["previous_attempt"], Field(alias="from")] = "previous_attempt"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayForecast(Part):
    """The gateway tries by its own habit; we show a forecast and its word always wins (R-J1)."""

    kind: Literal["gateway_forecast"]
    calendar: str = "every-day"
    interval_days: Spread | None = None
    intervals_exact: tuple[Annotated[int, Field(ge=1)], ...] | None = None
    third_only_if_second_failed: bool = True
    skip_if_next_payment_within_days: Annotated[int, Field(ge=1)] | None = None
    watchdog: Watchdog = Watchdog()

    def spread_before(self, ordinal: int) -> tuple[int, int] | None:
        """Least and most days between attempt ``ordinal - 1`` and attempt ``ordinal``; ``None``: none comes."""
        if self.intervals_exact is not None:
            index = ordinal - 2
            if not 0 <= index < len(self.intervals_exact):
                return None
            return self.intervals_exact[index], self.intervals_exact[index]
        if self.interval_days is None:
            return None
        return self.interval_days.least, self.interval_days.most


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAnnounced(Part):
    """The gateway says with each failure when it will try again; we only follow."""

    kind: Literal["gateway_announced"]
    next_attempt_field: str = "next_payment_attempt"
    max_duration: Exact = timedelta(days=14)
    watchdog: Watchdog = Watchdog()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSchedule(Part):
    """Nobody tries again by itself."""

    kind: Literal["none"]


Schedule = Annotated[
    OnBusinessDays | OnCalendarDays | GatewayForecast | GatewayAnnounced | NoSchedule,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineRule(Part):
    """What one class of refusal changes."""

    retry: bool | Literal["same_day"] = True
    hint: Literal["bank", "update_method", "authenticate", "none"] = "bank"
    keep_clock: bool = True
    """The deadline stays where it is although attempts are skipped (R-F11)."""
    counts: bool = True
    """``False``: the bank never judged, so the attempt does not use up its turn."""
    info: str | None = None
    same_day_after: Exact = timedelta(hours=1)
    same_day_at_most: Annotated[int, Field(ge=1)] = 3


BY_DECLINE_CLASS: Mapping[DeclineClass, DeclineRule] = {
    DeclineClass.INSUFFICIENT_FUNDS: DeclineRule(),
    DeclineClass.LIMIT_EXCEEDED: DeclineRule(),
    DeclineClass.EXPIRED_CARD: DeclineRule(hint="update_method"),
    DeclineClass.AUTHENTICATION_REQUIRED: DeclineRule(hint="authenticate"),
    DeclineClass.GENERIC_OR_UNKNOWN: DeclineRule(),
    DeclineClass.HARD_NEVER_RETRY: DeclineRule(retry=False, hint="update_method"),
    DeclineClass.TECHNICAL_ERROR: DeclineRule(retry="same_day", hint="none", counts=False),
}
"""What holds for a class that a policy does not name."""

ExhaustedWhen = Literal[
    "deadline",
    "last_attempt_failed",
    "third_attempt_failed",
    "gateway_subscription_cancelled",
    "gateway_subscription_suspended",
    "gateway_subscription_unpaid",
]


def _one_spelling(value: object) -> object:
    return "gateway_subscription_cancelled" if value == "gateway_subscription_canceled" else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts(Part):
    """The attempts at one unpaid period."""

    executor: Literal["merchant", "gateway", "none"]
    initial_counts: bool = False
    """Whether ``total`` counts the failed renewal itself (J12: it does)."""
    total: Annotated[int, Field(ge=1)] | None = None
    schedule: Schedule
    amount: Literal["full_invoice_amount"] = "full_invoice_amount"
    stop_on_success: Literal[True] = True
    max_automatic_per_local_day: Annotated[int, Field(ge=1)] = 1
    on_method_update: Literal["immediate_learner_initiated", "next_scheduled", "not_observable"] = (
        "immediate_learner_initiated"
    )
    method_used: Literal["subscription_default_at_attempt_time"] = "subscription_default_at_attempt_time"
    fallback_to_other_stored_method: bool = False
    continue_after_suspension: bool = False
    manual_charge_buttons: Literal["shown", "hidden"] = "shown"
    learner_report_refers_to: Literal["next_attempt", "third_attempt"] = "next_attempt"
    """Which attempt "ready for the 2nd backup attempt" speaks of (R-J14)."""
    by_decline_class: Mapping[DeclineClass, DeclineRule] = field(
        default_factory=lambda: dict(BY_DECLINE_CLASS)
    )
    exhausted_when: Annotated[
        tuple[Annotated[ExhaustedWhen, BeforeValidator(_one_spelling)], ...], Listed
    ] = ("deadline",)

    def rule_for(self, decline: DeclineClass) -> DeclineRule:
        """What that class of refusal changes."""
        return self.by_decline_class.get(decline) or BY_DECLINE_CLASS[decline]
