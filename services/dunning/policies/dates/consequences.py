"""No learner loses anything on a notice that did not leave: notices and consequences on one clock (R-J16, R-X5).

Where the office is closed, the mail that announces a consequence is held; then the consequence waits for it,
unless the policy says that the step runs at once. A date that was told is never moved earlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.dunning.policies.policy import Policy
from shared.calendar import WallTime, instant, local_date, zone
from shared.reasons import Dated, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedNotice:
    """The notice owed before a step: when it was wanted, and when the office lets it leave (aware UTC).

    ``leaves_at`` is the planned delivery of the live calendar, or the actual one once it left.
    """

    wanted_at: datetime
    leaves_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the ladder: what is planned, and the notice that must have left before."""

    step: str
    planned: Dated
    notice: OwedNotice | None = None
    told: datetime | None = None
    """The date of this step that the learner was already told."""


def consequence_at(
    policy: Policy,
    *,
    step: str,
    planned: Dated,
    notice: OwedNotice | None = None,
    told: datetime | None = None,
) -> Dated:
    """When ``step`` may run: its planned date, or later where an owed notice is held, never before a told date."""
    moved = planned if notice is None else _after_notice(policy, step, planned, notice)
    return keep_told(policy, moved, told)


def keep_told(policy: Policy, planned: Dated, told: datetime | None) -> Dated:
    """``planned``, but never earlier than the date the learner was told (R-X5)."""
    if told is None or planned.at >= told or policy.consequences.told_dates == "may_move":
        return planned
    because = Reason(rule="told_date_kept", source="R-X5", values=(("planned", planned.at.isoformat()),))
    return Dated(at=told, because=because)


def ladder(policy: Policy, stages: Sequence[Stage]) -> tuple[Dated, ...]:
    """When each of ``stages`` may run, in order: none before its notice, none before the one above it."""
    found: list[Dated] = []
    for stage in stages:
        when = consequence_at(
            policy, step=stage.step, planned=stage.planned, notice=stage.notice, told=stage.told
        )
        if found and when.at < found[-1].at:
            because = Reason(
                rule="after_the_stage_before", source="domain §5", values=(("step", stage.step),)
            )
            when = Dated(at=found[-1].at, because=because)
        found.append(when)
    return tuple(found)


def owed_template(policy: Policy, step: str) -> str | None:
    """The mail that must have left before ``step``, or ``None`` where nothing is owed or it runs at once."""
    if step in policy.consequences.at_once or policy.consequences.when_notice_is_held == "at_once":
        return None
    template = policy.consequences.owes.get(step)
    return None if template is None else template.value


def _after_notice(policy: Policy, step: str, planned: Dated, notice: OwedNotice) -> Dated:
    rules = policy.consequences
    if rules.when_notice_is_held == "at_once" or step in rules.at_once:
        return planned
    leaves = notice.leaves_at
    values = (("planned", planned.at.isoformat()), ("notice", leaves.isoformat()))
    if rules.when_notice_is_held == "move_by_the_hold":
        held = _days_held(policy, notice)
        if held > 0:
            at = max(_later(policy, planned.at, held), leaves)
            because = Reason(rule="moved_by_the_hold", source="R-J16", values=(*values, ("days", held)))
            return Dated(at=at, because=because)
    if planned.at >= leaves:
        return planned
    return Dated(at=leaves, because=replace(_WAITS, values=values))


_WAITS = Reason(rule="waits_for_notice", source="R-J16")


def _days_held(policy: Policy, notice: OwedNotice) -> int:
    wanted, leaves = (local_date(at, policy.timezone) for at in (notice.wanted_at, notice.leaves_at))
    return (leaves - wanted).days


def _later(policy: Policy, at: datetime, days: int) -> datetime:
    """The same wall-clock time so many days later."""
    local = at.astimezone(zone(policy.timezone))
    moved = instant(local.date() + timedelta(days=days), WallTime(local.hour, local.minute), policy.timezone)
    return moved + timedelta(seconds=local.second, microseconds=local.microsecond)
