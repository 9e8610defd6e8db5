"""What holds whatever happens: no school mail on a closed day, no mail twice, no stale mail after a recovery."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.notifications.domain import AnnouncedClosure, Leave, Mail, School, TooLate, Wait, gate
from shared.calendar import local_date
from shared.events import Fact
from shared.events.dunning import ClosureAnnounced, ClosureWithdrawn
from shared.events.words import Audience, Template
from tests.notifications.conftest import HIBARI, Said, Town, jst

T = Template
START = jst("2026-04-01 09:00")
LAST = START + timedelta(days=60)

instants = st.integers(min_value=0, max_value=60 * 24 * 6).map(
    lambda tens: START + timedelta(minutes=10 * tens)
)
closures = st.lists(
    st.tuples(st.integers(min_value=0, max_value=60), st.integers(min_value=0, max_value=12)), max_size=5
)

FAILURE = (T.JP_PAYMENT_FAILED, T.JP_SECOND_FAILED)
ASKED = st.sampled_from(
    [*FAILURE, T.JP_GUIDANCE, T.JP_PARTIAL, T.JP_RESUME_DATE, T.JP_RESUME_MISSED, T.STAFF_REVIEW]
)


@dataclass(frozen=True)
class Asked:
    at: datetime
    template: Template
    ordinal: int
    period: str


asks = st.builds(
    Asked,
    at=instants,
    template=ASKED,
    ordinal=st.integers(min_value=1, max_value=2),
    period=st.sampled_from(["2026-04-15", "2026-05-15"]),
)


def announced(number: int, first: int, days: int, at: datetime) -> ClosureAnnounced:
    start = local_date(START, "Asia/Tokyo") + timedelta(days=first)
    return ClosureAnnounced(
        school_id=HIBARI,
        occurred_at=at,
        closure_id=f"c{number}",
        calendar="jp-school",
        name=f"休業{number}",
        first=start,
        last=start + timedelta(days=days),
    )


async def lived(events: Iterable[tuple[datetime, Fact]], *, away: list[tuple[datetime, datetime]]) -> Town:
    """A town in which all of this happened, in order of time; the provider is away in some spans."""
    town = Town()
    await town.opens()
    switches = [(at, True) for at, _ in away] + [(until, False) for _, until in away]
    whole: list[tuple[datetime, int, Fact | bool]] = [(at, 1, fact) for at, fact in events]
    whole += [(at, 0, down) for at, down in switches]
    for at, _, what in sorted(whole, key=lambda one: (one[0], one[1], str(one[2]))):
        await town.lives_until(at)
        if isinstance(what, bool):
            town.mailbox.away = what
        else:
            await town.hears(what)
    town.mailbox.away = False
    await town.lives_until(LAST + timedelta(days=60))
    await town.http.aclose()
    return town


def was_closed(day: date, known: list[tuple[datetime, Fact]], at: datetime) -> bool:
    """Whether the office was closed on ``day`` by what had been announced up to ``at``; reckoned by hand."""
    holidays = {date(2026, 4, 29), date(2026, 5, 3), date(2026, 5, 4), date(2026, 5, 5), date(2026, 5, 6)}
    if day.weekday() >= 5 or day in holidays or date(2026, 4, 29) <= day <= date(2026, 5, 6):
        return True
    spans: dict[str, tuple[date, date]] = {}
    for when, fact in known:
        if when <= at and isinstance(fact, ClosureAnnounced):
            spans[fact.closure_id] = (fact.first, fact.last)
        if when <= at and isinstance(fact, ClosureWithdrawn):
            spans.pop(fact.closure_id, None)
    return any(first <= day <= last for first, last in spans.values())


def was_closed_throughout(calendar: list[tuple[datetime, Fact]], at: datetime) -> bool:
    """Whether the office was closed before, between and after all that was announced at that very instant.

    A withdrawal lets what waits go in the instant in which it is heard; an announcement of that instant may be
    heard behind the mail.
    """
    heard = sorted(calendar, key=lambda one: (one[0], str(one[1])))
    before = sum(when < at for when, _ in heard)
    until = sum(when <= at for when, _ in heard)
    day = local_date(at, "Asia/Tokyo")
    return all(was_closed(day, heard[:count], at) for count in range(before, until + 1))


WITHDRAWN_WHILE_A_MAIL_WAITS = {
    "asked": [Asked(jst("2026-04-13 10:00"), T.JP_PAYMENT_FAILED, 1, "2026-04-15")],
    "holidays": [(jst("2026-04-10 12:00"), 12, 2, True)],
    "outages": [],
}
"""Closed from Monday to Wednesday, withdrawn on Monday noon: the mail leaves at noon."""


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@example(**WITHDRAWN_WHILE_A_MAIL_WAITS)
@given(
    asked=st.lists(asks, min_size=1, max_size=12),
    holidays=st.lists(st.tuples(instants, st.integers(0, 60), st.integers(0, 12), st.booleans()), max_size=5),
    outages=st.lists(st.tuples(instants, st.integers(1, 400)), max_size=2),
)
def test_no_school_mail_leaves_on_a_closed_day_nor_twice(
    asked: list[Asked],
    holidays: list[tuple[datetime, int, int, bool]],
    outages: list[tuple[datetime, int]],
) -> None:
    """Invariant 5, over random closures announced and withdrawn at any time, and a provider that goes away."""
    calendar: list[tuple[datetime, Fact]] = []
    for number, (at, first, days, withdrawn) in enumerate(holidays):
        calendar.append((at, announced(number, first, days, at)))
        if withdrawn:
            later = at + timedelta(days=3)
            gone = ClosureWithdrawn(
                school_id=HIBARI, occurred_at=later, closure_id=f"c{number}", calendar="jp-school"
            )
            calendar.append((later, gone))
    events: list[tuple[datetime, Fact]] = [*calendar]
    data = {"reason": "watchdog", "resume_on": "2026-06-15"}
    for one in asked:
        fact = Said(one.period).asks(one.template, one.at, ordinal=one.ordinal, data=data)
        events += [(one.at, fact), (one.at, fact)]
    away = [(at, at + timedelta(minutes=minutes)) for at, minutes in outages]
    town = asyncio.run(lived(events, away=away))

    assert town.parked_facts == []
    for letter in town.mailbox.received:
        assert not was_closed_throughout(calendar, letter.at), (letter.mail_id, letter.at)
    assert max(Counter(letter.mail_id for letter in town.mailbox.received).values(), default=1) == 1
    settled = {letter.mail_id for letter in town.mailbox.received} | {
        fact.mail_id for fact in town.said() if type(fact).__name__ == "MailDropped"
    }
    wanted = {Said(one.period).mail_id(one.template, one.ordinal) for one in asked}
    assert settled == wanted


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    first=instants,
    second=st.none() | st.integers(min_value=1, max_value=9),
    recovery=st.integers(min_value=0, max_value=14 * 24),
    outages=st.lists(st.tuples(instants, st.integers(1, 3000)), max_size=3),
)
def test_after_a_recovery_no_mail_tells_of_the_failure(
    first: datetime, second: int | None, recovery: int, outages: list[tuple[datetime, int]]
) -> None:
    """Trap 6, X-32: however long the office was closed or the provider away."""
    said = Said()
    paid = first + timedelta(hours=recovery)
    events: list[tuple[datetime, Fact]] = [(first, said.asks(T.JP_PAYMENT_FAILED, first))]
    if second is not None and first + timedelta(days=second) < paid:
        at = first + timedelta(days=second)
        events.append((at, said.asks(T.JP_SECOND_FAILED, at)))
    events += [(paid, said.recovered(paid)), (paid, said.asks(T.JP_RECOVERED, paid))]
    away = [(at, at + timedelta(minutes=minutes)) for at, minutes in outages]
    town = asyncio.run(lived(events, away=away))

    arrivals = town.arrivals()
    stale = [(template, at) for template, at in arrivals if template != "jp.recovered" and at > paid]
    assert stale == []
    assert [template for template, _ in arrivals].count("jp.recovered") == 1


@settings(max_examples=400, deadline=None)
@given(now=instants, ahead=st.integers(-200, 1500), spans=closures)
def test_a_reminder_leaves_on_a_working_day_not_after_its_own(
    now: datetime, ahead: int, spans: list[tuple[int, int]]
) -> None:
    """JP-47 as a property of the decision alone."""
    base = local_date(START, "Asia/Tokyo")
    school = School(
        school_id=HIBARI,
        name="x",
        zone="Asia/Tokyo",
        delivery_calendar="jp-school",
        closures=tuple(
            AnnouncedClosure(
                closure_id=f"c{number}",
                calendar="jp-school",
                name="x",
                first=base + timedelta(days=first),
                last=base + timedelta(days=first + days),
            )
            for number, (first, days) in enumerate(spans)
        ),
    )
    calendar = school.calendar()
    assert calendar is not None
    wanted = now + timedelta(hours=ahead)
    mail = Mail(
        mail_id="m",
        template=T.JP_RESUME_DAY,
        audience=Audience.LEARNER,
        recipient_id="hana",
        requested_at=now,
        not_before=wanted,
        rolls_back=True,
    )
    day, today = local_date(wanted, "Asia/Tokyo"), local_date(now, "Asia/Tokyo")
    match gate(mail, calendar, now):
        case Leave():
            assert calendar.is_working(today)
            assert today <= day
        case Wait(until=until):
            leaves = local_date(until, "Asia/Tokyo")
            assert until > now
            assert calendar.is_working(leaves)
            assert leaves <= day
        case TooLate():
            between = (today + timedelta(days=n) for n in range((day - today).days + 1))
            assert today > day or not any(calendar.is_working(one) for one in between)
