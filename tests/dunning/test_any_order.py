"""Invariants 9 and 10: the order in which a gateway's news arrive changes nothing that matters."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.events import Fact
from shared.events.words import CancelledBy, CaseState, ExhaustionCause
from tests.dunning.fold import Fold

PERIOD = date(2026, 4, 15)
FIRST = datetime(2026, 4, 15, 11, 10, tzinfo=UTC)
LATER = datetime(2026, 6, 20, tzinfo=UTC)

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
