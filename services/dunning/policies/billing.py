"""When a month is charged, and which day it belongs to (seeds F14, J27-J29; R-F8, R-J2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from services.dunning.policies.parts import Clock, Exact, Months, Part, Zone
from shared.calendar import Interval, WallTime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeWindow(Part):
    """Between which times of the due day the gateway debits; 26:00 is 02:00 of the next morning (J28)."""

    opens: Annotated[Clock, Field(alias="from")]
    closes: Annotated[Clock, Field(alias="to")]
    timezone: Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing(Part):
    """The monthly rhythm of a subscription."""

    interval: Months = Interval(months=1)
    anchor: Literal["signup_date", "day_of_my_page_payment", "gateway"] = "signup_date"
    month_end: Literal["clamp_keep_anchor", "gateway_authoritative"] = "clamp_keep_anchor"
    charge_local_time: Clock | None = None
    charge_window: ChargeWindow | None = None
    service_day_rollover: Clock | None = None
    """A gateway's charge before this time belongs to the previous day (R-J2)."""
    charge_on_any_day: bool = True
    charge_calendar: str | None = None
    """Where charges are moved off closed days: whose closed days."""
    after_late_recovery: Literal["keep_anchor", "re_anchor"] = "keep_anchor"
    """Whether a success on a retry moves the billing day (R-F8, R-J13)."""

    @property
    def charge_time(self) -> WallTime:
        """The time a due day's charge is expected from."""
        if self.charge_local_time is not None:
            return self.charge_local_time
        return self.charge_window.opens if self.charge_window is not None else WallTime(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication(Part):
    """Who asks the learner's bank for a code, and what an open challenge is worth (F11, F12, F23; R-F13)."""

    first_payment: Literal["three_ds_challenge", "by_gateway"] = "by_gateway"
    renewal: Literal["off_session_mandate", "by_gateway"] = "by_gateway"
    on_soft_decline_auth_required: Literal["ask_learner_on_session", "pause_retries", "by_gateway"] = (
        "by_gateway"
    )
    challenge_ttl: Exact | None = None
    challenge_started_before_deadline_counts: bool | None = None
