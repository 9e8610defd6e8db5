"""Before the office closes, whoever is billed or awaits an attempt meanwhile is told once (seed J38)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from services.dunning.domain import mails
from services.dunning.domain.account import School
from services.dunning.domain.case import Case
from services.dunning.domain.turn import Decision, Turn, World
from services.dunning.domain.unopened import month
from services.dunning.policies import Policy, dates
from services.dunning.policies.notices import BeforeClosure
from shared.calendar import Calendars, days_in_month
from shared.errors import CalendarHorizon
from shared.events import Later
from shared.events import dunning as facts

AHEAD: Final = timedelta(days=400)
"""How far ahead a heads-up is planned; a school that is registered again plans anew."""


def heads_up(school: School, policy: Policy, calendars: Calendars, now: datetime) -> Iterator[Later]:
    """Plan the morning before each closure that is still to come."""
    today = dates.plain_day(policy, now)
    try:
        for _, closure, when in dates.pre_holiday_mails(policy, calendars, since=today, until=today + AHEAD):
            if when.at >= now:
                fact = facts.ClosureApproached(
                    school_id=school.school_id,
                    occurred_at=when.at,
                    closure_id=closure.name,
                    first=closure.first,
                    last=closure.last,
                )
                yield Later(when.at, fact)
    except CalendarHorizon:
        return


def still_closes(policy: Policy, calendars: Calendars, fact: facts.ClosureApproached) -> bool:
    """Whether that closure is still announced with the same days."""
    calendar = dates.office_calendar(policy, calendars)
    return any((one.first, one.last) == (fact.first, fact.last) for one in calendar.closures)


def billing_days(fact: facts.ClosureApproached) -> set[int]:
    """The billing days that fall into the closure; a short month's last day stands for those it lacks."""
    found: set[int] = set()
    day = fact.first
    while day <= fact.last:
        found.add(day.day)
        last = days_in_month(day.year, day.month)
        if day.day == last:
            found.update(range(last, 32))
        day += timedelta(days=1)
    return found


def attempt_falls_in(case: Case, fact: facts.ClosureApproached) -> bool:
    """Whether the gateway may try within the closure."""
    forecast = case.forecast
    return forecast is not None and forecast.first_day <= fact.last and forecast.last_day >= fact.first


def when_closure_approached(
    world: World,
    case: Case | None,
    fact: facts.ClosureApproached,
    now: datetime,
    cause: str | None = None,
) -> Decision:
    """Ask for the heads-up of one learner: watch PayPal's mails, do not pay by yourself (J38, J39, J44)."""
    about = case or _month(world, fact)
    turn = Turn(world, about, now, cause)
    calendar = dates.office_calendar(world.policy, world.calendars)
    for notice in world.policy.notices.school:
        if isinstance(notice.event, BeforeClosure) and world.account.cancelled_at is None:
            mails.request(
                turn,
                notice.template,
                extra={
                    "closure_name": fact.closure_id,
                    "closure_first": fact.first,
                    "closure_last": fact.last,
                    "reopens_on": calendar.from_day_on(fact.last + timedelta(days=1)).day,
                },
            )
    decided = turn.finish()
    return decided if case is not None else replace(decided, case=None)


def _month(world: World, fact: facts.ClosureApproached) -> Case:
    name = f"{world.account.subscription_id}~closure~{fact.first.isoformat()}"
    return month(world, _due_within(world, fact) or fact.first, fact.occurred_at, case_id=name)


def _due_within(world: World, fact: facts.ClosureApproached) -> date | None:
    day = fact.first
    while day <= fact.last:
        if day.day == min(world.account.billing_day, days_in_month(day.year, day.month)):
            return day
        day += timedelta(days=1)
    return None
