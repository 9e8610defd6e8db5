"""What a life comes to for learners and school: money back, days locked out, lessons lost, mails, tries."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ops.whatif.history import History
from shared.events import Envelope, credits, dunning, notifications
from shared.events.words import AccessLevel, Audience
from shared.money import Money

Said = Sequence[tuple[datetime, Envelope]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A lesson as the learner booked it; ``gone_at`` when he cancelled it himself."""

    subscription_id: str
    booked_at: datetime
    starts_at: datetime
    gone_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Case:
    """What became of one case."""

    case_id: str
    subscription_id: str
    opened_at: datetime
    recovered_at: datetime | None = None
    money: list[Money] = field(default_factory=list)
    ended: bool = False
    tries: int = 0
    mails: int = 0
    locked: timedelta = timedelta()
    limited: timedelta = timedelta()
    lessons_lost: int = 0
    forfeited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One column of the table."""

    cases: int
    recovered: int
    days_to_recover: float | None
    """The median, ``None`` when nobody recovered."""
    money: tuple[Money, ...]
    """Recovered, one sum per currency."""
    tries: int
    """That we asked for; a gateway's own are not ours to choose."""
    mails: int
    """That learners got."""
    days_locked: float
    days_limited: float
    """With less than full access, but not locked out."""
    lessons_lost: int
    forfeited: int
    still_open: int


def bookings(history: History) -> list[Booking]:
    """Every lesson that was ever booked."""
    gone: dict[tuple[str, str], datetime] = {}
    for past in history.facts:
        fact = past.envelope.fact
        if isinstance(fact, credits.LessonCancelledByLearner):
            gone[fact.subscription_id, fact.lesson_id] = fact.occurred_at
    return [
        Booking(
            subscription_id=fact.subscription_id,
            booked_at=fact.occurred_at,
            starts_at=fact.starts_at,
            gone_at=gone.get((fact.subscription_id, fact.lesson_id)),
        )
        for past in history.facts
        if isinstance(fact := past.envelope.fact, credits.LessonBooked)
    ]


def cases_of(said: Said, booked: Iterable[Booking], *, since: datetime, until: datetime) -> list[Case]:
    """Every renewal's case that opened from ``since`` on, as it stood at ``until``."""
    found: dict[str, Case] = {}
    lessons: dict[str, list[Booking]] = {}
    for booking in booked:
        lessons.setdefault(booking.subscription_id, []).append(booking)
    levels: dict[str, tuple[AccessLevel, datetime]] = {}
    holds: dict[str, datetime] = {}
    for at, envelope in said:
        fact = envelope.fact
        if isinstance(fact, dunning.CaseOpened) and fact.kind == "renewal" and fact.occurred_at >= since:
            found[fact.case_id] = Case(
                case_id=fact.case_id, subscription_id=fact.subscription_id, opened_at=fact.occurred_at
            )
        case = found.get(getattr(fact, "case_id", ""))
        if case is None or at > until:
            continue
        _count(case, fact)
        _time_access(case, fact, levels)
        _count_lessons(case, fact, lessons.get(case.subscription_id, []), holds)
    for case_id, case in found.items():
        _leave_level(case, levels.pop(case_id, None), until)
        _lose_held(case, lessons.get(case.subscription_id, []), holds.pop(case_id, None), until)
    return list(found.values())


def _count(case: Case, fact: object) -> None:
    match fact:
        case dunning.CaseRecovered(amount=amount, occurred_at=at):
            case.recovered_at, case.ended = at, True
            case.money.append(amount)
        case dunning.CaseRelaunched(amount=amount, occurred_at=at):
            case.recovered_at, case.ended = at, True
            case.money.append(amount)
        case dunning.CaseResumed(occurred_at=at):
            case.recovered_at, case.ended = case.recovered_at or at, True
        case dunning.LumpSumCounted(received=received):
            case.money.append(received)
        case dunning.CoverageSettled(occurred_at=at):
            case.recovered_at = case.recovered_at or at
        case dunning.CaseClosed():
            case.ended = True
        case dunning.AttemptRequested():
            case.tries += 1
        case dunning.CreditForfeitRequested():
            case.forfeited = True
        case notifications.MailSent(audience=Audience.LEARNER):
            case.mails += 1
        case _:
            pass


def _time_access(case: Case, fact: object, levels: dict[str, tuple[AccessLevel, datetime]]) -> None:
    if isinstance(fact, dunning.AccessSuspensionRequested):
        _leave_level(case, levels.get(case.case_id), fact.occurred_at)
        levels[case.case_id] = (fact.level, fact.occurred_at)
    elif isinstance(fact, (dunning.AccessRestorationRequested, dunning.AccessEndRequested)):
        _leave_level(case, levels.pop(case.case_id, None), fact.occurred_at)


def _leave_level(case: Case, stood: tuple[AccessLevel, datetime] | None, at: datetime) -> None:
    if stood is None or stood[0] is AccessLevel.FULL:
        return
    level, since = stood
    time = max(at - since, timedelta())
    if level is AccessLevel.NONE:
        case.locked += time
    else:
        case.limited += time


def _count_lessons(case: Case, fact: object, booked: Sequence[Booking], holds: dict[str, datetime]) -> None:
    """Lessons that the rules of credits take away: by a hold that forbids them, and by forfeiture (J47, R-J6)."""
    if isinstance(fact, dunning.CreditHoldRequested) and fact.lessons == "cancel":
        holds[case.case_id] = fact.occurred_at
    elif isinstance(fact, dunning.CreditReleaseRequested):
        _lose_held(case, booked, holds.pop(case.case_id, None), fact.occurred_at)
    elif isinstance(fact, dunning.CreditForfeitRequested):
        at = fact.occurred_at
        _lose_held(case, booked, holds.pop(case.case_id, None), at)
        case.lessons_lost += sum(
            one.booked_at <= at < one.starts_at and not (one.gone_at and one.gone_at <= at) for one in booked
        )


def _lose_held(case: Case, booked: Sequence[Booking], since: datetime | None, until: datetime) -> None:
    if since is not None:
        case.lessons_lost += sum(
            since < one.starts_at <= until and not (one.gone_at and one.gone_at < one.starts_at)
            for one in booked
        )


def figures(cases: Iterable[Case], *, beside: Collection[str] = frozenset()) -> Figures:
    """The sum over cases; those of subscriptions ``beside`` are left out."""
    known = [case for case in cases if case.subscription_id not in beside]
    recovered = [case for case in known if case.recovered_at is not None]
    days = [_days(case.recovered_at - case.opened_at) for case in recovered if case.recovered_at is not None]
    sums: Counter[str] = Counter()
    for case in known:
        for money in case.money:
            sums[money.currency] += money.amount_minor
    return Figures(
        cases=len(known),
        recovered=len(recovered),
        days_to_recover=statistics.median(days) if days else None,
        money=tuple(Money(minor, currency) for currency, minor in sorted(sums.items())),
        tries=sum(case.tries for case in known),
        mails=sum(case.mails for case in known),
        days_locked=_days(sum((case.locked for case in known), timedelta())),
        days_limited=_days(sum((case.limited for case in known), timedelta())),
        lessons_lost=sum(case.lessons_lost for case in known),
        forfeited=sum(case.forfeited for case in known),
        still_open=sum(not case.ended for case in known),
    )


def _days(time: timedelta) -> float:
    return time / timedelta(days=1)
