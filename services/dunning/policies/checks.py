"""The rules between the sections of a policy, so that no school adopts a procedure that contradicts itself.

Retries must not outlive the grace (FR-03), nobody commands a gateway that decides by itself (J16), every calendar
exists and knows its holidays for the next 18 months (R-X6).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from services.dunning.policies.attempts import GatewayForecast, NoSchedule, OnBusinessDays, OnCalendarDays
from services.dunning.policies.dates.deadlines import collection_deadline, deadline
from services.dunning.policies.dates.retries import retries
from services.dunning.policies.grace import BusinessDaysLength, CalendarDaysLength, UntilExhausted
from services.dunning.policies.lines import Path
from services.dunning.policies.policy import Policy
from services.dunning.policies.remediation import SelfServiceRelaunch, StaffGuidedLumpSum
from shared.calendar import Calendars, WallTime, add_months, instant, zone
from shared.errors import CalendarHorizon, Unreadable

MONTHS_OF_HOLIDAYS: Final = 18
_DAYS_TRIED: Final = 730
"""Failure days that are played through to find one on which a retry would come after the grace."""
_SAFE_RETRIES: Final = 15
"""Attempts on one card in 30 days that every network allows (see networks.yaml)."""


class Finding(NamedTuple):
    """A rule that is broken, at which key."""

    key: Path
    message: str
    remedy: str
    severity: Literal["error", "warning"] = "error"


def check(policy: Policy, calendars: Calendars, *, today: date | None = None) -> Iterator[Finding]:
    """Every rule that ``policy`` breaks; ``today`` lets the calendars' horizon be judged."""
    unknown = list(_unknown_calendars(policy, calendars))
    yield from unknown
    yield from _executor(policy)
    yield from _ends(policy)
    yield from _sections(policy)
    if unknown:
        return
    yield from _horizons(policy, calendars, today)
    yield from _two_clocks(policy, calendars, today)


def calendars_used(policy: Policy) -> Iterator[tuple[Path, str, bool]]:
    """Every calendar that the policy names: key, id, and whether business days are counted on it."""
    schedule = policy.attempts.schedule
    if isinstance(schedule, OnBusinessDays | OnCalendarDays | GatewayForecast):
        yield ("attempts", "schedule", "calendar"), schedule.calendar, isinstance(schedule, OnBusinessDays)
    if isinstance(policy.grace.length, BusinessDaysLength):
        yield ("grace", "length", "calendar"), policy.grace.length.calendar, True
    if isinstance(policy.collection_deadline, BusinessDaysLength):
        yield ("collection_deadline", "calendar"), policy.collection_deadline.calendar, True
    yield ("notices", "delivery_calendar"), policy.notices.delivery_calendar, False
    for index, notice in enumerate(policy.notices.school):
        if notice.due is not None:
            yield ("notices", "school", index, "due", "calendar"), notice.due.calendar, True
    if policy.billing.charge_calendar is not None:
        yield ("billing", "charge_calendar"), policy.billing.charge_calendar, True


def _unknown_calendars(policy: Policy, calendars: Calendars) -> Iterator[Finding]:
    for key, name, _ in calendars_used(policy):
        if name not in calendars:
            known = ", ".join(sorted(calendars))
            yield Finding(
                key, f"there is no calendar {name!r}", f"name one of {known}, or define it under `calendars:`"
            )


def _executor(policy: Policy) -> Iterator[Finding]:
    executor, schedule = policy.attempts.executor, policy.attempts.schedule
    key: Path = ("attempts", "schedule", "kind")
    ours = isinstance(schedule, OnBusinessDays | OnCalendarDays)
    if executor == "gateway" and ours:
        yield Finding(
            key,
            f"executor is gateway, which tries when it wants to, and the schedule counts {schedule.kind}",
            "use gateway_forecast or gateway_announced, or let the merchant execute",
        )
    if executor == "merchant" and not ours:
        yield Finding(
            key,
            f"executor is merchant and the schedule is {schedule.kind}: nobody would ever try",
            "use business_days or calendar_days, or set executor to gateway or none",
        )
    if executor == "none" and not isinstance(schedule, NoSchedule):
        yield Finding(key, f"executor is none and the schedule is {schedule.kind}", "use kind: none")
    if policy.attempts.fallback_to_other_stored_method and executor != "merchant":
        yield Finding(
            ("attempts", "fallback_to_other_stored_method"),
            f"executor is {executor}: nobody here can charge another stored method",
            "leave it out, or let the merchant execute",
        )
    if isinstance(schedule, GatewayForecast):
        yield from _forecast(policy, schedule)
    if isinstance(schedule, OnBusinessDays | OnCalendarDays):
        offsets = schedule.offsets
        if not offsets or list(offsets) != sorted(set(offsets)):
            yield Finding(
                ("attempts", "schedule", "offsets"),
                f"offsets are {list(offsets)}",
                "list each day once, in ascending order, at least one",
            )
        if policy.attempts.initial_counts is False and policy.attempts.total not in {None, len(offsets)}:
            yield Finding(
                ("attempts", "total"),
                f"total is {policy.attempts.total} and there are {len(offsets)} offsets",
                "leave total out, or make them agree",
            )


def _forecast(policy: Policy, schedule: GatewayForecast) -> Iterator[Finding]:
    key: Path = ("attempts", "schedule")
    if (schedule.interval_days is None) == (schedule.intervals_exact is None):
        yield Finding(
            key, "a forecast has one way of spacing", "give interval_days or intervals_exact, one of them"
        )
    spread = schedule.interval_days
    if spread is not None and spread.least > spread.most:
        yield Finding(
            (*key, "interval_days"), f"min {spread.least} is more than max {spread.most}", "swap them"
        )
    total = policy.attempts.total
    if total is None:
        yield Finding(("attempts",), "lacks `total`", "say how many attempts the gateway makes in all")
    elif schedule.intervals_exact is not None and policy.attempts.initial_counts:
        expected = len(schedule.intervals_exact) + 1
        if total != expected:
            yield Finding(
                ("attempts", "total"),
                f"total is {total} and intervals_exact makes {expected} attempts",
                "make them agree",
            )


def _ends(policy: Policy) -> Iterator[Finding]:
    exhausted, attempts = policy.attempts.exhausted_when, policy.attempts
    key: Path = ("attempts", "exhausted_when")
    dated = not isinstance(policy.grace.length, UntilExhausted) or policy.collection_deadline is not None
    if "deadline" in exhausted and not dated:
        yield Finding(
            key,
            "the case ends at a deadline, and the grace has no date",
            "give grace.length days, or a collection_deadline, or name gateway events",
        )
    if "third_attempt_failed" in exhausted and attempts.total not in {None, 3}:
        yield Finding(
            key, f"ends at the third failure, and total is {attempts.total}", "use last_attempt_failed"
        )
    if not exhausted:
        yield Finding(key, "a case would never end", "say when it is exhausted")
    if policy.grace.ends_at == "after_last_attempt" and attempts.executor != "merchant":
        yield Finding(
            ("grace", "ends_at"), "nobody here makes a last attempt", "use end_of_day or exhaustion"
        )
    steps = [step.after_days for step in policy.grace.steps]
    if steps != sorted(set(steps)):
        yield Finding(("grace", "steps"), f"steps come after {steps} days", "list them in ascending order")
    length = policy.grace.length
    if isinstance(length, CalendarDaysLength) and steps and steps[-1] >= length.n:
        yield Finding(
            ("grace", "steps"),
            f"a step comes after {steps[-1]} days, and the grace ends after {length.n}",
            "let every step come before the end",
        )


def _sections(policy: Policy) -> Iterator[Finding]:
    steps = policy.on_exhaustion
    first, then = "cancel_booked_lessons_by_admin", "forfeit_all_unconsumed_credits"
    if first in steps and then in steps and steps.index(first) > steps.index(then):
        yield Finding(
            ("on_exhaustion",),
            f"{then} comes before {first}: a cancelled lesson's credit would live on (J47)",
            f"put {first} first",
        )
    if not policy.billing.charge_on_any_day and policy.billing.charge_calendar is None:
        yield Finding(
            ("billing", "charge_on_any_day"), "charges are moved off closed days", "name charge_calendar"
        )
    if policy.credits.applies and policy.credits.execution == "exhaustion" and then not in steps:
        yield Finding(
            ("on_exhaustion",), "credits are forfeited at exhaustion, and no step does it", f"add {then}"
        )
    for step in (*policy.consequences.owes, *policy.consequences.at_once):
        if step not in steps:
            yield Finding(
                ("consequences",), f"{step!r} is no step of on_exhaustion", f"name one of {', '.join(steps)}"
            )
    for step, template in policy.consequences.owes.items():
        if policy.notices.with_template(template) is None:
            yield Finding(
                ("consequences", "owes", step),
                f"{step} waits for {template.value}, which no notice sends",
                "add it under notices.school, or owe another mail",
            )
    if isinstance(policy.remediation, SelfServiceRelaunch) and policy.remediation.deadline is not None:
        try:
            _ = policy.remediation.deadline.wall, zone(policy.remediation.deadline.zone)
        except (Unreadable, IndexError) as error:
            yield Finding(
                ("remediation", "deadline", "ends"),
                f"is {policy.remediation.deadline.ends!r}",
                f'write a time and a zone, "24:00 Europe/Paris" ({error})',
            )
    if isinstance(policy.remediation, StaffGuidedLumpSum) and not policy.accepted_methods.temporary_methods:
        yield Finding(
            ("accepted_methods", "temporary_methods"),
            "staff name a temporary method for the lump sum, and the list is empty",
            "list at least one, such as bank_transfer",
        )


def _horizons(policy: Policy, calendars: Calendars, today: date | None) -> Iterator[Finding]:
    for key, name, business in calendars_used(policy):
        calendar = calendars[name]
        if not business or calendar.is_every_day:
            continue
        if calendar.holidays is None:
            yield Finding(
                key,
                f"business days are counted on {name!r}, which knows no public holidays",
                "give the calendar public_holidays, or count calendar_days",
            )
        elif today is not None and calendar.holidays.last < add_months(today, MONTHS_OF_HOLIDAYS):
            yield Finding(
                key,
                f"calendar {name!r} knows holidays until {calendar.holidays.last} only, and business days need the "
                f"next {MONTHS_OF_HOLIDAYS} months from {today}",
                "refresh its table with `relance calendars refresh`",
            )
        elif today is not None and calendar.holidays.official_through < add_months(today, MONTHS_OF_HOLIDAYS):
            yield Finding(
                key,
                f"the holidays of {name!r} after {calendar.holidays.official_through} are computed, not yet published",
                "refresh the table when the next year is published",
                "warning",
            )


def _two_clocks(policy: Policy, calendars: Calendars, today: date | None) -> Iterator[Finding]:
    schedule = policy.attempts.schedule
    if not isinstance(schedule, OnBusinessDays | OnCalendarDays) or not schedule.offsets:
        return
    offsets = schedule.offsets
    if sum(1 for offset in offsets if offset <= 30) > _SAFE_RETRIES:
        yield Finding(
            ("attempts", "schedule", "offsets"),
            f"{len(offsets)} retries on one card come near the networks' limits for 30 days",
            f"keep to {_SAFE_RETRIES}; what goes over is held back and said",
            "warning",
        )
    clocks: list[tuple[Path, str, str]] = []
    if not policy.attempts.continue_after_suspension:
        clocks.append(
            (("grace", "length"), "grace", "continue_after_suspension: true says that this is meant")
        )
    if policy.collection_deadline is not None:
        clocks.append((("collection_deadline",), "collection", "move the deadline"))
    for key, clock, meant in clocks:
        found = _first_contradiction(policy, calendars, today, clock)
        if found is None:
            continue
        failed, ends, last = found
        yield Finding(
            key,
            f"for a failure on {failed:%a %Y-%m-%d} the {clock} ends {ends} while retry {len(offsets)} runs {last}: "
            "access would be cut while we still charge",
            f"count both on one clock; {meant}",
        )


def _first_contradiction(
    policy: Policy, calendars: Calendars, today: date | None, clock: str
) -> tuple[date, str, str] | None:
    if _one_clock(policy, clock):
        return None
    day = today or _a_day_all_know(policy, calendars)
    ends_at = deadline if clock == "grace" else collection_deadline
    for _ in range(_DAYS_TRIED):
        failed_at = instant(day, WallTime(9), policy.timezone)
        try:
            planned, end = retries(policy, calendars, failed_at), ends_at(policy, calendars, failed_at)
        except CalendarHorizon:
            return None
        if end is not None and planned and planned[-1].at > end.at:
            return day, _wall(end.at, policy.timezone, end=True), _wall(planned[-1].at, policy.timezone)
        day += timedelta(days=1)
    return None


def _one_clock(policy: Policy, clock: str) -> bool:
    """Whether both count the same days, so that comparing two numbers settles it."""
    schedule = policy.attempts.schedule
    length = policy.grace.length if clock == "grace" else policy.collection_deadline
    if policy.grace.ends_at == "same_time":
        return False
    if isinstance(schedule, OnBusinessDays) and isinstance(length, BusinessDaysLength):
        same = (schedule.calendar, schedule.first_day) == (length.calendar, length.first_day)
        return same and schedule.offsets[-1] <= length.n
    if isinstance(schedule, OnCalendarDays) and isinstance(length, CalendarDaysLength):
        same = (schedule.calendar, schedule.first_day) == ("every-day", length.first_day)
        return same and schedule.offsets[-1] <= length.n
    return False


def _a_day_all_know(policy: Policy, calendars: Calendars) -> date:
    firsts = [calendars[name].holidays for _, name, _ in calendars_used(policy)]
    return max((table.first for table in firsts if table is not None), default=date(2026, 1, 1))


def _wall(at: datetime, zone_name: str, *, end: bool = False) -> str:
    local = at.astimezone(zone(zone_name))
    if end and (local.hour, local.minute) == (0, 0):
        return f"{local - timedelta(days=1):%a %Y-%m-%d} 24:00"
    return f"{local:%a %Y-%m-%d %H:%M}"
