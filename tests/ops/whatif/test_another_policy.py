"""What another policy would have meant: what is known is counted, what the world was never asked is named unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.policy_cli import policy_of
from ops.stories.memory import MemoryEngine
from ops.stories.reader import read_text
from ops.stories.runner import play
from ops.whatif.asking import Answer, ask
from ops.whatif.history import History, in_order
from ops.whatif.telling import data, lines
from services.dunning.domain.policies_at_hand import adopt
from shared.errors import Refused
from shared.money import Money

THREE = """
story: One pays on the third day, one on the ninth, one never does
school: {policy: fr-elearning}
subscriptions:
  early: {learner: eva, billing_day: 1, otherwise: insufficient_funds}
  late: {learner: leo, billing_day: 1, otherwise: insufficient_funds}
  never: {learner: nora, billing_day: 1, otherwise: insufficient_funds}
happens:
  - {at: Mon 2026-06-01 09:00, attempt: failed, subscription: early}
  - {at: Mon 2026-06-01 09:00, attempt: failed, subscription: late}
  - {at: Mon 2026-06-01 09:00, attempt: failed, subscription: never}
  - {at: Wed 2026-06-03 20:00, bank: ok, subscription: early}
  - {at: Wed 2026-06-10 20:00, bank: ok, subscription: late}
until: Mon 2026-06-22 00:00
"""

SEVEN_DAYS = ("attempts.schedule.offsets=[1, 2, 3, 4, 5, 6, 7]", "grace.length.n=7")


async def history_of(text: str) -> History:
    played = await play(read_text(text, file="story"), MemoryEngine())
    assert not played.differences
    return in_order((told.at, told.envelope) for told in played.seen.facts)


async def asked(text: str, *overrides: str, policy: str = "fr-elearning", **more: Any) -> Answer:
    return await ask(await history_of(text), adopt(policy_of(policy, overrides)), **more)


async def test_the_policy_that_was_lived_by_decides_everything_alike() -> None:
    answer = await asked(THREE)

    assert answer.differences == ()
    assert answer.unknown == ()
    assert answer.here == answer.really == answer.really_all
    assert (answer.here.cases, answer.here.recovered) == (3, 2)


async def test_seven_days_of_grace_keep_what_is_known_and_name_what_is_not() -> None:
    answer = await asked(THREE, *SEVEN_DAYS)

    (unknown,) = answer.unknown
    assert unknown.case_id == "late~2026-06-01"
    assert "a try that is not made" in unknown.why
    assert (answer.really_all.cases, answer.really.cases, answer.here.cases) == (3, 2, 2)
    assert answer.here.money == (Money(7500, "EUR"),)
    assert answer.here.tries == answer.really.tries - 3, "never: seven tries in place of ten"
    # Suspended on Wednesday 10 June at midnight in place of Saturday 13: three days more.
    assert answer.here.days_locked - answer.really.days_locked == pytest.approx(3)
    assert {one.case_id for one in answer.differences} == {"early~2026-06-01", "never~2026-06-01"}


async def test_a_try_at_another_hour_was_never_made() -> None:
    answer = await asked(THREE, 'attempts.schedule.local_time="18:00"')

    assert {one.why.split()[0] for one in answer.unknown} == {"the"}
    assert len(answer.unknown) == 3
    assert all("was never made" in one.why for one in answer.unknown)
    assert answer.here.cases == 0


async def test_cases_that_opened_before_keep_their_policy() -> None:
    history = await history_of(THREE)
    since = datetime(2026, 6, 5, tzinfo=UTC)

    answer = await ask(history, adopt(policy_of("fr-elearning", SEVEN_DAYS)), since=since)

    assert answer.differences == ()
    assert answer.here.cases == 0


async def test_what_is_not_recorded_cannot_be_asked_about() -> None:
    history = await history_of(THREE)
    policy = adopt(policy_of("fr-elearning", ()))
    at = datetime(2026, 6, 5, tzinfo=UTC)

    with pytest.raises(Refused, match="is empty"):
        await ask(history, policy, since=at, until=at - timedelta(days=1))
    with pytest.raises(Refused, match="nothing is recorded"):
        await ask(history, policy, since=at + timedelta(days=900), until=at + timedelta(days=901))
    with pytest.raises(Refused, match="no school lives by a policy called 'jp-school'"):
        await ask(history, adopt(policy_of("jp-school", ())))


async def test_the_report_names_what_is_unknown() -> None:
    answer = await asked(THREE, *SEVEN_DAYS)

    text = "\n".join(lines(answer, cases=True))

    assert "unknown: 1 of 3 cases" in text
    assert "late~2026-06-01 from" in text
    assert data(answer)["with_policy"]["money"] == {"EUR": 7500}


LESSONS = """
story: Three failures, and a lesson is booked for after the third
school: {policy: jp-school}
subscriptions:
  yuki: {billing_day: 15}
credits: [{id: april, subscription: yuki, credits: 4, expires: 2026-06-30}]
happens:
  - {at: Tue 2026-04-14 12:00, learner: books_lesson, lesson: friday, starts: Fri 2026-05-01 21:00}
  - {at: Wed 2026-04-15 20:10, attempt: failed}
  - {at: Mon 2026-04-20 20:00, attempt: failed}
  - {at: Sat 2026-04-25 20:05, attempt: failed}
until: Sat 2026-05-02 12:00
"""


async def test_lessons_and_days_are_counted_as_credits_and_access_would_take_them() -> None:
    answer = await asked(LESSONS, policy="jp-school")

    assert answer.differences == ()
    assert (answer.here.lessons_lost, answer.here.forfeited) == (1, 1)
    # Booked lessons only from 15 to 25 April, then nothing until the last recorded fact, the lesson's hour on 1 May.
    assert answer.here.days_limited == pytest.approx(9.9965, abs=0.001)
    assert answer.here.days_locked == pytest.approx(6.0382, abs=0.001)
