"""Invariants 9 and 10: the order in which a gateway's news arrive changes nothing that matters."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dunning.domain.case import Case
from shared.events import Fact
from shared.events.fact import id_of
from shared.events.words import CancelledBy, CaseState, ExhaustionCause
from tests.dunning.fold import Fold
from tests.histories import histories as how_many

PERIOD = date(2026, 4, 15)
FIRST = datetime(2026, 4, 15, 11, 10, tzinfo=UTC)
LATER = datetime(2026, 6, 20, tzinfo=UTC)

often = settings(max_examples=how_many(150), deadline=None)

Outcome = tuple[CaseState, ExhaustionCause | None, datetime | None]


def settled(policy: str, facts: list[Fact]) -> Outcome:
    fold = Fold(policy, billing_day=15)
    fold.now = LATER
    for fact in facts:
        fold.hear(fact)
    case = fold.cases[f"sub~{PERIOD}"]
    return case.state, case.cause, case.exhausted_at


def day(n: int, minutes: int = 0) -> datetime:
    return FIRST + timedelta(days=n, minutes=minutes)


def histories(fold: Fold) -> dict[str, list[Fact]]:
    one, two, three = (fold.failed(PERIOD, f"f{n}", day(n)) for n in (0, 5, 10))
    return {
        "three failures": [one, two, three],
        "three failures and PayPal cancels": [one, two, three, fold.cancelled("gateway", day(10, 1))],
        "three failures, suspended, then cancelled by us": [
            one,
            two,
            three,
            fold.suspended(day(10, 1)),
            fold.cancelled("school", day(10, 9)),
        ],
        "the second attempt succeeds": [one, fold.succeeded(PERIOD, "s", day(5))],
        "the third attempt succeeds": [one, two, fold.succeeded(PERIOD, "s", day(10))],
        "paid, and cancelled a month later": [
            one,
            fold.succeeded(PERIOD, "s", day(5)),
            fold.cancelled("learner", day(30)),
        ],
        "the learner cancels after the first": [one, fold.cancelled("learner", day(2))],
        "PayPal suspends after the second": [one, two, fold.suspended(day(6))],
    }


NAMES = list(histories(Fold("jp-school", billing_day=15)))


@pytest.mark.parametrize("name", NAMES)
def test_every_order_of_a_months_news_ends_the_same(name: str) -> None:
    facts = histories(Fold("jp-school", billing_day=15))[name]
    outcomes = {settled("jp-school", list(order)) for order in itertools.permutations(facts)}
    assert len(outcomes) == 1, outcomes
    in_order = settled("jp-school", facts)
    assert outcomes == {in_order}


def test_the_cause_is_the_earliest_end_and_not_the_first_one_heard() -> None:
    fold = Fold("jp-school", billing_day=15)
    facts = histories(fold)["three failures and PayPal cancels"]
    assert settled("jp-school", facts[::-1]) == (
        CaseState.AWAITING_GUIDANCE,
        ExhaustionCause.LAST_ATTEMPT_FAILED,
        day(10),
    )


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_duplicates_and_delays_change_nothing_either(data: st.DataObject, name: str) -> None:
    facts = histories(Fold("jp-school", billing_day=15))[name]
    more = data.draw(st.lists(st.sampled_from(facts), max_size=4))
    order = data.draw(st.permutations([*facts, *more]))
    assert settled("jp-school", order) == settled("jp-school", facts)


@settings(max_examples=100, deadline=None)
@given(
    order=st.permutations(range(4)),
    by=st.sampled_from([CancelledBy.GATEWAY, CancelledBy.LEARNER, CancelledBy.UNKNOWN]),
)
def test_the_numbers_of_attempts_follow_their_time(order: list[int], by: CancelledBy) -> None:
    fold = Fold("jp-school", billing_day=15)
    fold.now = LATER
    facts: list[Fact] = [fold.failed(PERIOD, f"f{n}", day(n * 4)) for n in range(3)]
    facts.append(fold.cancelled(by.value, day(8, 30)))
    for index in order:
        fold.hear(facts[index])
    attempts = fold.cases[f"sub~{PERIOD}"].attempts
    assert [attempt.transaction_id for attempt in attempts] == ["f0", "f1", "f2"]


# --- months nobody thought of -------------------------------------------------------------------------


@st.composite
def months(draw: st.DrawFn) -> tuple[str, list[Fact]]:
    """One consistent month at a gateway: failures, perhaps a success or an end of the subscription after them."""
    policy = draw(st.sampled_from(["jp-school", "paypal-classic", "paypal-rest-outstanding", "fr-elearning"]))
    fold = Fold(policy, billing_day=15)
    gaps = draw(st.lists(st.integers(3, 7), min_size=2, max_size=2))
    hours = [day(0), day(gaps[0]), day(sum(gaps))]
    failures = draw(st.integers(1, 3))
    news: list[Fact] = [fold.failed(PERIOD, f"f{n}", hours[n]) for n in range(failures)]
    after = hours[failures - 1] + timedelta(hours=draw(st.integers(1, 60)))
    ends: dict[str, list[Fact]] = {
        "nothing": [],
        "paid": [fold.succeeded(PERIOD, "s", after)] if failures < 3 else [],
        "cancelled": [fold.cancelled(draw(st.sampled_from(["gateway", "learner"])), after)],
        "suspended": [fold.suspended(after)],
        "suspended, then cancelled": [
            fold.suspended(after),
            fold.cancelled("school", after + timedelta(hours=9)),
        ],
    }
    if policy == "fr-elearning":
        ends = {name: ends[name] for name in ("nothing", "paid")}
    return policy, news + ends[draw(st.sampled_from(list(ends)))]


@often
@given(data=st.data(), month=months())
def test_any_month_in_any_order_twice_and_late_ends_the_same(
    data: st.DataObject, month: tuple[str, list[Fact]]
) -> None:
    policy, facts = month
    again = data.draw(st.lists(st.sampled_from(facts), max_size=4))
    order = data.draw(st.permutations([*facts, *again]))
    late = data.draw(st.lists(st.integers(0, 200), min_size=len(order), max_size=len(order)))
    assert delayed(policy, order, late) == delayed(policy, facts, [0] * len(facts))


@often
@given(month=months(), cut=st.integers(0, 6), times=st.integers(1, 3))
def test_a_replay_of_any_part_any_number_of_times_says_nothing_and_changes_nothing(
    month: tuple[str, list[Fact]], cut: int, times: int
) -> None:
    policy, facts = month
    fold = Fold(policy, billing_day=15)
    for fact in facts:
        fold.now = max(fold.now, fact.occurred_at)
        fold.hear(fact)
    cases, account, said = dict(fold.cases), fold.accounts["sub"], list(fold.said)
    fold._heard.clear()  # a consumer group set back: not even the ids of what was heard are left
    for _ in range(times):
        for fact in facts[:cut]:
            fold.hear(fact)
    effects = {id_of(fact) for fact in fold.said}
    assert effects == {id_of(fact) for fact in said}
    assert states(fold.cases) == states(cases)
    assert fold.accounts["sub"].paid == account.paid


def states(cases: dict[str, Case]) -> dict[str, tuple[object, ...]]:
    return {
        name: (case.state, case.cause, case.exhausted_at, case.attempts, case.mails)
        for name, case in cases.items()
    }


def delayed(policy: str, facts: list[Fact], hours: list[int]) -> Outcome:
    """How the month ends when each piece of news is so many hours late, all of them before the deadline."""
    fold = Fold(policy, billing_day=15)
    fold.now = FIRST + timedelta(hours=1)
    room = 8 * 24 if policy == "fr-elearning" else 60 * 24
    arrivals = sorted(
        ((FIRST + timedelta(hours=1 + late % room), n) for n, late in enumerate(hours)),
        key=lambda one: one[0] if any(hours) else one[1],
    )
    for at, n in arrivals:
        fold.now = max(fold.now, at)
        fold.hear(facts[n])
    case = fold.cases[f"sub~{PERIOD}"]
    return case.state, case.cause, case.exhausted_at
