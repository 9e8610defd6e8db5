from __future__ import annotations

from shared.declines import DeclineClass
from shared.events import Fact, dunning, payments
from shared.events.words import CaseState
from tests.dunning.conftest import Town
from tests.dunning.french import JUNE, challenge, failed


async def test_the_bank_asks_for_3ds_and_the_learner_answers_from_the_mail(paris: Town) -> None:
    await failed(paris, DeclineClass.AUTHENTICATION_REQUIRED)
    assert paris.templates() == ["fr.authenticate"]
    await paris.until("2026-06-03 18:00")
    assert paris.asked() == ["2026-06-02 09:00", "2026-06-03 09:00"]
    await paris.say(challenge(paris, payments.AuthenticationStarted))
    await paris.until("2026-06-03 18:05")
    paris.accepts()
    await paris.say(challenge(paris, payments.AuthenticationPassed))

    assert paris.asked()[-1] == "2026-06-03 18:05"
    assert paris.state() is CaseState.RECOVERED
    assert "authenticated" in paris.case().marks


async def test_a_learner_who_never_authenticates_gets_one_such_mail(paris: Town) -> None:
    await failed(paris, DeclineClass.AUTHENTICATION_REQUIRED)
    await paris.until("2026-06-13 00:00")
    assert paris.templates() == ["fr.authenticate", "fr.last_day_tomorrow", "fr.suspended"]
    assert len(paris.asked()) == 10
    assert paris.state() is CaseState.SUSPENDED


async def test_a_challenge_that_began_before_the_deadline_counts(paris: Town) -> None:
    await failed(paris, DeclineClass.AUTHENTICATION_REQUIRED)
    await paris.until("2026-06-12 23:58")
    await paris.say(challenge(paris, payments.AuthenticationStarted))
    held = paris.facts(dunning.AccessDeadlineSet)[-1]
    assert held.deadline_at == paris.at("2026-06-13 00:13")
    await paris.until("2026-06-13 00:03")
    assert paris.state() is CaseState.AWAITING_OUTCOME
    paris.accepts()
    await paris.say(challenge(paris, payments.AuthenticationPassed))
    assert paris.state() is CaseState.RECOVERED


async def test_a_challenge_nobody_finished_suspends_when_its_life_is_over(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-12 23:58")
    await paris.say(challenge(paris, payments.AuthenticationStarted))
    await paris.until("2026-06-13 00:12")
    assert paris.state() is CaseState.AWAITING_OUTCOME
    await paris.until("2026-06-13 00:13")
    assert paris.state() is CaseState.SUSPENDED


async def test_a_pending_outcome_holds_the_suspension_until_it_is_known(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-12 08:00")

    def pends(fact: dunning.AttemptRequested) -> Fact:
        return payments.AttemptPending(
            **paris.attempt(paris.clock.now(), JUNE, txn="p10", request_id=fact.request_id)
        )

    paris.bank = pends
    await paris.until("2026-06-13 12:00")
    assert paris.state() is CaseState.AWAITING_OUTCOME
    assert paris.facts(dunning.OutcomeAwaited)[0].until == paris.at("2026-06-15 00:00")
    assert paris.facts(dunning.AccessDeadlineSet)[-1].deadline_at == paris.at("2026-06-15 00:00")
    await paris.until("2026-06-14 10:00")
    await paris.say(
        paris.failed_fact("2026-06-14 10:00", JUNE, txn="p10", request_id="ada~2026-06-01/attempt/10")
    )
    assert paris.state() is CaseState.SUSPENDED
    assert paris.case().exhausted_at == paris.at("2026-06-14 10:00")


async def test_a_pending_outcome_that_never_comes_is_waited_for_48_hours(paris: Town) -> None:
    await failed(paris)
    await paris.until("2026-06-12 08:00")
    paris.bank = lambda fact: payments.AttemptPending(
        **paris.attempt(paris.clock.now(), JUNE, txn="p10", request_id=fact.request_id)
    )
    await paris.until("2026-06-15 00:00")
    assert paris.state() is CaseState.SUSPENDED
    assert paris.case().exhausted_at == paris.at("2026-06-15 00:00")
    await paris.succeeds("2026-06-16 10:00", JUNE, txn="p10", request_id="ada~2026-06-01/attempt/10")
    assert paris.state() is CaseState.RECOVERED
    assert paris.facts(dunning.CaseRecovered)[0].late
