"""Every date that one failure produces, in order, for whoever wants to see what a policy means.

`relance policy dates` and the desk's simulator print it. What depends on attempts that have not happened is
played through twice, as early and as late as the gateway may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.dunning.policies.attempts import NoSchedule, OnBusinessDays, OnCalendarDays
from services.dunning.policies.dates.billing import charge_at, due_after
from services.dunning.policies.dates.days import charge_day, failure_day
from services.dunning.policies.dates.deadlines import (
    access_steps,
    collection_deadline,
    deadline,
    pending_hold_end,
)
from services.dunning.policies.dates.forecasts import Forecast, announced_limit, forecast
from services.dunning.policies.dates.mails import (
    deadline_reminders,
    delivery,
    guidance_earliest,
    notice_due,
    pre_holiday_mails,
    resume_reminder,
)
from services.dunning.policies.dates.resuming import covered_periods, resume_proposal, resume_window
from services.dunning.policies.dates.retries import retries
from services.dunning.policies.grace import access_level
from services.dunning.policies.policy import Policy
from services.dunning.policies.remediation import StaffGuidedLumpSum
from shared.calendar import Calendars, start_of_day
from shared.errors import Refused
from shared.events.words import AccessLevel, Template
from shared.reasons import Dated, Reason

Word = Literal[
    "attempt_failed",
    "retry",
    "mail",
    "notice_due",
    "reminder",
    "access",
    "deadline",
    "collection_deadline",
    "pending_hold_end",
    "forecast_opens",
    "forecast_closes",
    "watchdog",
    "announced_limit",
    "exhausted",
    "guidance",
    "covered_from",
    "resume_proposal",
    "resume_closes",
    "next_due",
    "pre_holiday",
]
If = Literal["", "earliest", "latest"]
"""``earliest`` and ``latest``: only if the gateway's open attempts fail as early, or as late, as they may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One date of the overview. ``detail`` names it further: an ordinal, a mail, an access level."""

    word: Word
    when: Dated
    detail: str = ""
    only_if: If = ""


def overview(
    policy: Policy, calendars: Calendars, failures: Sequence[datetime], *, anchor_day: int | None = None
) -> tuple[Line, ...]:
    """Every date after the failures at these instants (aware), the renewal's first, in order of time.

    Further failures are the gateway's own attempts. ``anchor_day`` is the billing day; by default the renewal's.

    Raises:
        Refused: there is no failure, or they are not in order (422).
        CalendarHorizon: a calendar does not know a day on the way.
    """
    if not failures or list(failures) != sorted(failures):
        raise Refused("give at least one failure, in order of time: the renewal's first", status=422)
    first = failures[0]
    anchor = anchor_day or charge_day(policy, first).day
    lines = [
        *_failures(policy, calendars, failures),
        *_ours(policy, calendars, first),
        *_gateways(policy, calendars, failures, anchor),
        *_next_month(policy, calendars, first, anchor),
        *_closures(policy, calendars, first),
    ]
    return tuple(sorted(lines, key=lambda line: line.when.at))


def _failures(policy: Policy, calendars: Calendars, failures: Sequence[datetime]) -> Iterator[Line]:
    for ordinal, at in enumerate(failures, start=1):
        day = charge_day(policy, at).isoformat()
        because = Reason(rule="failure_dated", source="R-F2, R-J2", values=(("day", day),))
        yield Line(word="attempt_failed", when=Dated(at=at, because=because), detail=str(ordinal))
        event: Literal["case_opened", "second_attempt_failed"] = (
            "case_opened" if ordinal == 1 else "second_attempt_failed"
        )
        for notice in policy.notices.for_event(event) if ordinal <= 2 else ():
            template: Template = notice.template
            yield Line(word="mail", when=delivery(policy, calendars, at), detail=template.value)
            due = notice_due(policy, calendars, template, at)
            if due is not None:
                yield Line(word="notice_due", when=due, detail=template.value)


def _ours(policy: Policy, calendars: Calendars, first: datetime) -> Iterator[Line]:
    for planned in retries(policy, calendars, first):
        yield Line(word="retry", when=planned, detail=str(planned.because.value("ordinal")))
    for notice, when in deadline_reminders(policy, calendars, first):
        yield Line(word="reminder", when=when, detail=notice.template.value)
    ends = deadline(policy, calendars, first)
    for change in access_steps(policy, calendars, first):
        if ends is None or change.when.at != ends.at:
            yield Line(word="access", when=change.when, detail=change.level.value)
    if ends is not None and access_level(policy.grace.access) is not AccessLevel.NONE:
        yield Line(word="deadline", when=ends)
        hold = pending_hold_end(policy, ends.at)
        if hold is not None:
            yield Line(word="pending_hold_end", when=hold)
    collected = collection_deadline(policy, calendars, first)
    if collected is not None:
        yield Line(word="collection_deadline", when=collected)
    limit = announced_limit(policy, first)
    if limit is not None:
        yield Line(word="announced_limit", when=limit)


def _gateways(
    policy: Policy, calendars: Calendars, failures: Sequence[datetime], anchor: int
) -> Iterator[Line]:
    if isinstance(policy.attempts.schedule, OnBusinessDays | OnCalendarDays | NoSchedule):
        return
    due = failure_day(policy, failures[0])
    next_due = due_after(policy, due, anchor)
    expected = forecast(policy, ordinal=len(failures) + 1, previous_at=failures[-1], next_due=next_due)
    if expected is None:
        total = policy.attempts.total
        if total is not None and len(failures) >= total:
            yield from _exhausted(
                policy, calendars, failures[-1], first=failures[0], anchor=anchor, only_if=""
            )
        return
    yield from _expected(expected, "")
    chains: tuple[If, ...] = ("earliest", "latest")
    for chain in chains:
        ordinal, at = expected.ordinal, _end_of(expected, chain)
        while (
            following := forecast(policy, ordinal=ordinal + 1, previous_at=at, next_due=next_due)
        ) is not None:
            yield from _expected(following, chain)
            ordinal, at = following.ordinal, _end_of(following, chain)
        if ordinal == policy.attempts.total:
            yield from _exhausted(policy, calendars, at, first=failures[0], anchor=anchor, only_if=chain)


def _expected(one: Forecast, only_if: If) -> Iterator[Line]:
    ordinal = str(one.ordinal)
    if only_if in {"", "earliest"}:
        yield Line(word="forecast_opens", when=one.opens, detail=ordinal, only_if=only_if)
    if only_if in {"", "latest"}:
        yield Line(word="forecast_closes", when=one.closes, detail=ordinal, only_if=only_if)
        yield Line(word="watchdog", when=one.watchdog, detail=ordinal, only_if=only_if)


def _end_of(one: Forecast, chain: If) -> datetime:
    return one.opens.at if chain == "earliest" else one.closes.at


def _exhausted(
    policy: Policy, calendars: Calendars, at: datetime, *, first: datetime, anchor: int, only_if: If
) -> Iterator[Line]:
    because = Reason(rule="last_attempt", source="seed J5, T15")
    yield Line(word="exhausted", when=Dated(at=at, because=because), only_if=only_if)
    if not isinstance(policy.remediation, StaffGuidedLumpSum):
        return
    guidance = guidance_earliest(policy, calendars, at)
    yield Line(word="guidance", when=guidance, only_if=only_if)
    if only_if == "latest":
        return
    due = failure_day(policy, first)
    for number, period in enumerate(covered_periods(policy, due, anchor), start=1):
        reason = Reason(rule="covered_period", source="seed J24", values=(("day", period.last.isoformat()),))
        when = Dated(at=start_of_day(period.first, policy.timezone), because=reason)
        yield Line(word="covered_from", when=when, detail=str(number))
    proposal = resume_proposal(policy, due, anchor, paid_at=guidance.at)
    if proposal is None:
        return
    window = resume_window(policy, proposal.day)
    opens = start_of_day(proposal.day, policy.timezone)
    yield Line(word="resume_proposal", when=Dated(at=opens, because=proposal.because))
    reminder = resume_reminder(policy, calendars, proposal.day)
    if reminder is not None:
        yield Line(word="reminder", when=reminder, detail=Template.JP_RESUME_DAY.value)
    if window is not None:
        yield Line(word="resume_closes", when=window.closes)


def _next_month(policy: Policy, calendars: Calendars, first: datetime, anchor: int) -> Iterator[Line]:
    due = due_after(policy, failure_day(policy, first), anchor)
    yield Line(word="next_due", when=charge_at(policy, calendars, due))


def _closures(policy: Policy, calendars: Calendars, first: datetime) -> Iterator[Line]:
    day = failure_day(policy, first)
    for _, closure, when in pre_holiday_mails(
        policy, calendars, since=day, until=due_after(policy, day, day.day)
    ):
        yield Line(word="pre_holiday", when=when, detail=closure.name)
