"""Facts of several cases of one learner, in any interleaving, come to the same answers at every instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.access import domain
from services.access.domain import Learner, standing, strictness
from shared.events import Fact, dunning
from shared.events.words import AccessLevel
from tests.histories import histories as how_many

START = datetime(2026, 6, 1, tzinfo=UTC)
END = START + timedelta(days=60)
LEVELS = st.sampled_from([AccessLevel.BOOKED_LESSONS_ONLY, AccessLevel.READ_ONLY, AccessLevel.NONE])


def instant(hours: int) -> datetime:
    return START + timedelta(hours=hours)


@st.composite
def histories(draw: st.DrawFn, case: str) -> list[Fact]:
    """What one case says, in its order."""
    about: dict[str, Any] = {
        "school_id": "s",
        "subscription_id": case.partition("~")[0],
        "learner_id": "l",
        "case_id": case,
        "period": date(2026, 6, 1),
    }
    facts: list[Fact] = []
    hour = 0
    for _ in range(draw(st.integers(1, 5))):
        hour += draw(st.integers(0, 200))
        about["occurred_at"] = instant(hour)
        kind = draw(st.sampled_from(["deadline", "lift", "suspend", "restore"]))
        if kind == "deadline":
            at = instant(hour + draw(st.integers(1, 300)))
            step = (instant(hour + draw(st.integers(1, 300))), AccessLevel.READ_ONLY)
            steps = (step,) if draw(st.booleans()) else ()
            facts.append(dunning.AccessDeadlineSet(**about, deadline_at=at, steps=steps))
        elif kind == "lift":
            facts.append(dunning.AccessDeadlineSet(**about, deadline_at=None))
        elif kind == "suspend":
            facts.append(dunning.AccessSuspensionRequested(**about, level=draw(LEVELS)))
        else:
            facts.append(dunning.AccessRestorationRequested(**about, why="staff"))
    return facts


def hear(learner: Learner, fact: Fact, now: datetime) -> Learner:
    if isinstance(fact, dunning.AccessDeadlineSet):
        return domain.when_deadline_set(learner, fact, now).learner
    if isinstance(fact, dunning.AccessSuspensionRequested):
        return domain.when_suspension_requested(learner, fact, now).learner
    assert isinstance(fact, dunning.AccessRestorationRequested)
    return domain.when_restoration_requested(learner, fact, now).learner


def after(facts: list[Fact]) -> Learner:
    learner = Learner(school_id="s", learner_id="l")
    for fact in facts:
        learner = hear(learner, fact, END)
    return learner


@settings(max_examples=how_many(150), deadline=None)
@given(
    data=st.data(),
    first=histories("a~2026-06-01"),
    second=histories("a~2026-07-01"),
    third=histories("b~2026-06-01"),
)
def test_the_strictest_case_decides_at_every_instant_whatever_came_in_between(
    data: st.DataObject, first: list[Fact], second: list[Fact], third: list[Fact]
) -> None:
    turns = data.draw(st.permutations([0] * len(first) + [1] * len(second) + [2] * len(third)))
    left = [list(first), list(second), list(third)]
    mixed = [left[turn].pop(0) for turn in turns]

    learner = after(mixed)
    alone = [after(facts) for facts in (first, second, third)]
    for hour in range(0, 60 * 24, 7):
        at = instant(hour)
        strictest = max((standing(one, at).level for one in alone), key=strictness)
        assert standing(learner, at).level is strictest
        of_a = max((standing(one, at).level for one in alone[:2]), key=strictness)
        assert standing(learner, at, ["a"]).level is of_a


@settings(max_examples=how_many(150), deadline=None)
@given(facts=histories("a~2026-06-01"), hour=st.integers(0, 1400))
def test_an_answer_holds_until_the_instant_it_names(facts: list[Fact], hour: int) -> None:
    learner, at = after(facts), instant(hour)
    stands = standing(learner, at)
    if stands.until is None:
        assert all(
            standing(learner, at + timedelta(hours=more)).level is stands.level for more in range(0, 1000, 13)
        )
    else:
        assert standing(learner, stands.until - timedelta(seconds=1)).level is stands.level
        assert standing(learner, stands.until).level is stands.then
        assert stands.then is not stands.level


@settings(max_examples=how_many(100), deadline=None)
@given(facts=histories("a~2026-06-01"))
def test_hearing_the_last_news_again_changes_nothing(facts: list[Fact]) -> None:
    once = after(facts)
    twice = hear(once, facts[-1], END)
    for hour in range(0, 60 * 24, 7):
        assert standing(once, instant(hour)).level is standing(twice, instant(hour)).level
