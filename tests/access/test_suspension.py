"""A month that fails takes access away at its hour, to the second, and gives it back."""

from __future__ import annotations

import httpx
import pytest

from shared.events.access import AccessRestored, AccessSuspended, PlatformTold
from shared.events.words import AccessLevel
from tests.access.conftest import ADA, DEADLINE, JUNE, SUB, Said, Town, utc

NONE, FULL, READ_ONLY = AccessLevel.NONE, AccessLevel.FULL, AccessLevel.READ_ONLY


async def level(http: httpx.AsyncClient, at: str, **query: str) -> str:
    answer = await http.get(f"/access/{ADA}", params={"at": at, **query})
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["level"]
    return found


async def test_access_is_full_until_23_59_59_of_the_tenth_day_and_gone_at_midnight_though_no_timer_ran(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await town.hears(said.deadline("2026-06-01T07:00:00Z", DEADLINE), at="2026-06-01T07:00:01Z")

    assert await level(http, "2026-06-12T21:59:59Z") == "full"
    assert await level(http, "2026-06-12T22:00:00Z") == "none"


async def test_a_suspension_is_said_once_with_the_instant_of_the_deadline(town: Town, said: Said) -> None:
    await town.hears(said.deadline("2026-06-01T07:00:00Z", DEADLINE), at="2026-06-01T07:00:01Z")
    await town.hears(said.suspension(DEADLINE), at="2026-06-12T22:00:00Z")
    await town.lives_until("2026-06-14T00:00:00Z")

    (suspended,) = town.said(AccessSuspended)
    assert (suspended.level, suspended.occurred_at) == (NONE, DEADLINE)
    assert suspended.because_of == (JUNE,)


async def test_access_looks_by_itself_when_dunning_is_silent_at_the_deadline(town: Town, said: Said) -> None:
    await town.hears(said.deadline("2026-06-01T07:00:00Z", DEADLINE), at="2026-06-01T07:00:01Z")
    await town.lives_until("2026-06-14T00:00:00Z")

    (suspended,) = town.said(AccessSuspended)
    assert suspended.occurred_at == DEADLINE


async def test_a_deadline_held_open_at_its_last_instant_suspends_nobody_until_the_result_is_known(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    """FR-35: retry 10 is pending at the deadline and fails on Sunday at 10:00."""
    await town.hears(said.deadline("2026-06-01T07:00:00Z", DEADLINE), at="2026-06-01T07:00:01Z")
    await town.hears(said.deadline("2026-06-12T22:00:00Z", None), at="2026-06-12T22:00:00Z")
    await town.lives_until("2026-06-14T07:59:00Z")
    assert town.said(AccessSuspended) == []

    await town.hears(said.suspension("2026-06-14T08:00:00Z"), at="2026-06-14T08:00:02Z")

    (suspended,) = town.said(AccessSuspended)
    assert suspended.occurred_at == utc("2026-06-14T08:00:00Z")
    assert await level(http, "2026-06-14T07:59:59Z") == "full"
    assert await level(http, "2026-06-14T08:00:00Z") == "none"


async def test_a_recovery_in_the_grace_lifts_the_deadline(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await town.hears(said.deadline("2026-06-01T07:00:00Z", DEADLINE), at="2026-06-01T07:00:01Z")
    await town.hears(said.restoration("2026-06-03T18:00:00Z"), at="2026-06-03T18:00:01Z")
    await town.lives_until("2026-06-30T00:00:00Z")

    assert town.said(AccessSuspended, AccessRestored) == []
    assert await level(http, "2026-06-20T00:00:00Z") == "full"


async def test_a_relaunch_restores_access_from_its_payment_on_and_history_keeps_the_gap(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await town.hears(said.deadline("2026-06-01T07:00:00Z", DEADLINE), at="2026-06-01T07:00:01Z")
    await town.hears(said.suspension(DEADLINE), at="2026-06-12T22:00:00Z")
    await town.hears(said.restoration("2026-07-20T13:00:00Z", "relaunched"), at="2026-07-20T13:00:02Z")

    (restored,) = town.said(AccessRestored)
    assert (restored.level, restored.occurred_at) == (FULL, utc("2026-07-20T13:00:00Z"))
    assert restored.case_id == JUNE
    assert await level(http, "2026-07-01T00:00:00Z") == "none"
    assert await level(http, "2026-07-20T13:00:00Z") == "full"


async def test_a_payment_made_in_time_but_heard_late_was_never_a_suspension_by_rule(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    """T23: the success happened before the deadline, the news came after."""
    await town.hears(said.deadline("2026-06-01T07:00:00Z", DEADLINE), at="2026-06-01T07:00:01Z")
    await town.hears(said.suspension(DEADLINE), at="2026-06-12T22:00:00Z")
    await town.hears(said.restoration("2026-06-12T21:59:00Z"), at="2026-06-12T23:00:00Z")

    assert await level(http, "2026-06-12T22:30:00Z") == "full"
    (restored,) = town.said(AccessRestored)
    assert restored.occurred_at == DEADLINE, "a reader who sorts by time finds the restoration last"


async def test_the_strictest_open_case_decides_and_paying_one_month_frees_only_that_month(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    """X-11: January and February are both open; February is paid, January holds access down."""
    await town.hears(
        said.suspension("2026-01-31T00:00:00Z", period="2026-01-15"),
        said.suspension("2026-03-01T00:00:00Z", READ_ONLY, period="2026-02-15"),
        at="2026-03-01T00:00:00Z",
    )
    await town.hears(said.restoration("2026-03-02T00:00:00Z", period="2026-02-15"), at="2026-03-02T00:00:00Z")
    assert await level(http, "2026-03-03T00:00:00Z") == "none"
    assert town.said(AccessRestored) == []

    await town.hears(
        said.suspension("2026-03-04T00:00:00Z", READ_ONLY, period="2026-02-15"),
        said.restoration("2026-03-05T00:00:00Z", period="2026-01-15"),
        at="2026-03-05T00:00:00Z",
    )
    (restored,) = town.said(AccessRestored)
    assert restored.level is READ_ONLY


async def test_grace_then_readonly_steps_down_and_then_ends(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    week, fortnight = utc("2026-06-08T15:00:00Z"), utc("2026-06-15T15:00:00Z")
    await town.hears(
        said.deadline("2026-06-01T07:00:00Z", fortnight, (week, READ_ONLY)), at="2026-06-01T07:00:01Z"
    )
    answer = (await http.get(f"/access/{ADA}", params={"at": "2026-06-08T14:59:59Z"})).json()
    assert (answer["level"], answer["until"], answer["then"]) == ("full", "2026-06-08T15:00:00Z", "read_only")
    assert await level(http, "2026-06-08T15:00:00Z") == "read_only"
    assert await level(http, "2026-06-15T15:00:00Z") == "none"

    await town.lives_until("2026-06-20T00:00:00Z")
    assert [(fact.level, fact.occurred_at) for fact in town.said(AccessSuspended)] == [
        (READ_ONLY, week),
        (NONE, fortnight),
    ]


async def test_only_the_course_whose_payment_failed_is_locked(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    """Q-J8: the failing course; asked without a course, the strictest decides (R-X2)."""
    piano = Said("ada-piano")
    await town.hears(piano.registered("2026-02-01T00:00:00Z"), at="2026-02-01T00:00:00Z")
    await town.hears(said.suspension("2026-06-13T00:00:00Z"), at="2026-06-13T00:00:00Z")

    assert await level(http, "2026-06-14T00:00:00Z", subscription="ada-piano") == "full"
    assert await level(http, "2026-06-14T00:00:00Z", subscription=SUB) == "none"
    assert await level(http, "2026-06-14T00:00:00Z") == "none"


@pytest.mark.parametrize("period_end", ["2026-06-05T10:00:00Z", "2026-06-30T22:00:00Z"])
async def test_a_cancelled_contract_ends_at_its_hour_whatever_recovers_before(
    town: Town, http: httpx.AsyncClient, said: Said, period_end: str
) -> None:
    """T34 and X-13: now, or at the end of the paid period; a recovery before that does not undo the end."""
    await town.hears(said.end("2026-06-05T10:00:00Z", period_end), at="2026-06-05T10:00:00Z")
    if period_end > "2026-06-05T10:00:00Z":
        await town.hears(said.restoration("2026-06-05T10:01:00Z"), at="2026-06-05T10:01:00Z")
        assert await level(http, "2026-06-29T00:00:00Z") == "full"
    await town.lives_until("2026-07-02T00:00:00Z")

    assert await level(http, period_end) == "none"
    (suspended,) = town.said(AccessSuspended)
    assert suspended.occurred_at == utc(period_end)


async def test_a_new_contract_under_the_same_id_gives_access_again(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await town.hears(said.end("2026-06-05T10:00:00Z", "2026-06-05T10:00:00Z"), at="2026-06-05T10:00:00Z")
    await town.hears(said.registered("2026-06-06T10:00:00Z"), at="2026-06-06T10:00:00Z")
    assert await level(http, "2026-06-07T00:00:00Z") == "none", "the same start is the same contract"

    await town.hears(said.registered("2026-09-01T10:00:00Z", "2026-09-01"), at="2026-09-01T10:00:00Z")
    assert await level(http, "2026-09-02T00:00:00Z") == "full"
    assert await level(http, "2026-08-01T00:00:00Z") == "none"


async def test_an_ended_contract_does_not_pull_down_one_that_lives(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await town.hears(
        said.end("2026-06-05T10:00:00Z", "2026-06-05T10:00:00Z"),
        Said("ada-new").registered("2026-06-05T11:00:00Z", "2026-06-05"),
        at="2026-06-05T11:00:00Z",
    )
    assert await level(http, "2026-06-06T00:00:00Z") == "full"


async def test_the_platform_learns_the_deadline_in_advance_and_can_cut_to_the_second(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    told = await http.put("/schools/ecole/platform", json={"url": "https://lms.example/relance"})
    assert told.status_code == 200
    await town.hears(said.deadline("2026-06-01T07:00:00Z", DEADLINE), at="2026-06-01T07:00:01Z")
    assert town.platform.level(ADA, utc("2026-06-12T21:59:59Z")) is FULL
    assert town.platform.level(ADA, DEADLINE) is NONE

    await town.hears(said.suspension(DEADLINE), at="2026-06-12T22:00:00Z")
    await town.hears(said.restoration("2026-07-20T13:00:00Z", "relaunched"), at="2026-07-20T13:00:00Z")
    assert town.platform.level(ADA, utc("2026-07-21T00:00:00Z")) is FULL
    assert [fact.level for fact in town.said(PlatformTold)] == [FULL, NONE, FULL]


async def test_a_lifted_deadline_after_the_suspension_gives_nothing_back(town: Town, said: Said) -> None:
    await town.hears(said.suspension(DEADLINE), at="2026-06-12T22:00:00Z")
    await town.hears(said.deadline("2026-06-13T06:00:00Z", None), at="2026-06-13T06:00:00Z")
    await town.lives_until("2026-06-20T00:00:00Z")
    assert len(town.said(AccessSuspended)) == 1
    assert town.said(AccessRestored) == []


async def test_a_recovery_told_by_a_clock_that_is_ahead_is_still_said_when_its_instant_comes(
    town: Town, said: Said
) -> None:
    """Found by simulation: dunning's clock was eight seconds ahead of ours, and nobody looked again."""
    await town.hears(said.suspension("2026-06-13T08:00:00Z"), at="2026-06-13T08:00:00Z")
    await town.hears(said.restoration("2026-06-14T09:00:08Z"), at="2026-06-14T09:00:00Z")
    assert town.said(AccessRestored) == []

    await town.lives_until("2026-06-14T10:00:00Z")

    (restored,) = town.said(AccessRestored)
    assert restored.level is FULL
