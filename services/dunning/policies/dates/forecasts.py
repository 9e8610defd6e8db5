"""When the gateway will probably try again, shown and never relied on (seeds J9, J15, J28; R-J1, R-J2).

A forecast that runs out is no failure: a watchdog asks staff to look, and the gateway's own word always wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from services.dunning.policies.attempts import GatewayAnnounced, GatewayForecast, NoSchedule, Watchdog
from services.dunning.policies.billing import ChargeWindow
from services.dunning.policies.dates.days import charge_day
from services.dunning.policies.policy import Policy
from shared.calendar import WallTime, instant
from shared.reasons import Dated, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The next attempt of the gateway: number, service days, instants, and when to worry."""

    ordinal: int
    first_day: date
    last_day: date
    opens: Dated
    """The earliest instant, 19:00 of ``first_day`` (J28)."""
    closes: Dated
    """The latest, 26:00 of ``last_day``."""
    watchdog: Dated
    """Nothing heard by then: staff reconcile, the case stays as it is (T37)."""


def forecast(
    policy: Policy,
    *,
    ordinal: int,
    previous_at: datetime,
    next_due: date | None = None,
    announced_at: datetime | None = None,
) -> Forecast | None:
    """The gateway's attempt number ``ordinal`` (the failed renewal is 1) after the one at ``previous_at``.

    ``announced_at``: when the gateway itself says it will try; it wins over the policy's habit. ``next_due``: the
    next period's due day, for gateways that skip a retry close to it. ``None``: no attempt is expected.
    """
    schedule = policy.attempts.schedule
    if not isinstance(schedule, GatewayForecast | GatewayAnnounced) or not _allowed(policy, ordinal):
        return None
    if announced_at is not None:
        return _announced(policy, schedule, ordinal, announced_at)
    if isinstance(schedule, GatewayAnnounced):
        return None
    day = charge_day(policy, previous_at)
    within = schedule.skip_if_next_payment_within_days
    if within is not None and next_due is not None and (next_due - day).days <= within:
        return None
    return _usual(schedule, policy.billing.charge_window, policy.timezone, day, ordinal)


# Whoever failed on one service day has the same forecast.
@lru_cache(maxsize=2048)
def _usual(
    schedule: GatewayForecast, window: ChargeWindow | None, zone_name: str, day: date, ordinal: int
) -> Forecast | None:
    spread = schedule.spread_before(ordinal)
    if spread is None:
        return None
    least, most = spread
    first, last = day + timedelta(days=least), day + timedelta(days=most)
    because = Reason(
        rule="forecast",
        source="seed J9, R-J1",
        values=(("ordinal", ordinal), ("min", least), ("max", most), ("from", day.isoformat())),
    )
    opens, closes = _window(window, zone_name, first)[0], _window(window, zone_name, last)[1]
    return Forecast(
        ordinal=ordinal,
        first_day=first,
        last_day=last,
        opens=Dated(at=opens, because=because),
        closes=Dated(at=closes, because=because),
        watchdog=_watchdog(schedule.watchdog, closes),
    )


def charge_window(policy: Policy, day: date) -> tuple[datetime, datetime]:
    """Between which instants (UTC) a gateway debits on the service day ``day``; the whole day without a window."""
    return _window(policy.billing.charge_window, policy.timezone, day)


def _window(window: ChargeWindow | None, zone_name: str, day: date) -> tuple[datetime, datetime]:
    if window is None:
        return instant(day, WallTime(0), zone_name), instant(day, WallTime(24), zone_name)
    return instant(day, window.opens, window.timezone), instant(day, window.closes, window.timezone)


def due_watchdog(policy: Policy, due: date) -> Dated | None:
    """When it is asked why nothing was heard of the charge due on ``due`` (JP-32); ``None``: the policy never asks."""
    schedule = policy.attempts.schedule
    if isinstance(schedule, NoSchedule) or not schedule.watchdog.renewals:
        return None
    return _due_watchdog(schedule.watchdog, policy.billing.charge_window, policy.timezone, due)


# Whoever is billed on one day is asked after at one instant, and every paid month asks for it.
@lru_cache(maxsize=2048)
def _due_watchdog(watchdog: Watchdog, window: ChargeWindow | None, zone_name: str, due: date) -> Dated:
    return _watchdog(watchdog, _window(window, zone_name, due)[1])


def announced_limit(policy: Policy, first_failed_at: datetime) -> Dated | None:
    """The last instant at which an announced retry is believable; ``None`` where the gateway announces none."""
    schedule = policy.attempts.schedule
    if not isinstance(schedule, GatewayAnnounced):
        return None
    days = schedule.max_duration.days
    return Dated(
        at=first_failed_at + schedule.max_duration,
        because=Reason(rule="announced_limit", source="policy", values=(("days", days),)),
    )


def _allowed(policy: Policy, ordinal: int) -> bool:
    total = policy.attempts.total
    if total is None:
        return True
    return ordinal <= (total if policy.attempts.initial_counts else total + 1)


def _announced(
    policy: Policy, schedule: GatewayForecast | GatewayAnnounced, ordinal: int, announced_at: datetime
) -> Forecast:
    day = charge_day(policy, announced_at)
    because = Reason(rule="gateway_announced", source="R-J1", values=(("ordinal", ordinal),))
    when = Dated(at=announced_at, because=because)
    closes = announced_at
    if policy.billing.charge_window is not None:
        closes = max(announced_at, charge_window(policy, day)[1])
    return Forecast(
        ordinal=ordinal,
        first_day=day,
        last_day=day,
        opens=when,
        closes=when,
        watchdog=_watchdog(schedule.watchdog, closes),
    )


def _watchdog(watchdog: Watchdog, closes: datetime) -> Dated:
    after = watchdog.after_window_end
    hours = int(after.total_seconds() // 3600)
    return Dated(
        at=closes + after, because=Reason(rule="watchdog", source="T37, seed J38", values=(("hours", hours),))
    )
