"""What the API of access answers to learning platforms and pages, and what it refuses in words."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from tests.access.conftest import ADA, DEADLINE, ECOLE, JUNE, SUB, Said, Town, school


async def test_a_suspended_learner_can_log_in_and_sees_why(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    """FR-41: login works, courses refuse, the page has the reason and the path's last day."""
    await http.put(
        f"/learners/{ADA}/paths/data", json={"school_id": ECOLE, "re_enrolment_deadline": "2026-09-30"}
    )
    await town.hears(said.suspension(DEADLINE), at="2026-06-12T22:00:00Z")
    answer = (await http.get(f"/access/{ADA}", params={"at": "2026-06-14T10:00:00+02:00"})).json()

    assert (answer["level"], answer["login"], answer["progress_kept"]) == ("none", True, True)
    assert answer["at"] == "2026-06-14T08:00:00Z"
    assert answer["why"] == [
        {
            "case_id": JUNE,
            "subscription_id": SUB,
            "level": "none",
            "since": "2026-06-12T22:00:00Z",
            "why": "suspended",
        }
    ]
    assert answer["case_ids"] == [JUNE]
    assert answer["subscriptions"] == {SUB: "none"}
    assert answer["paths"][0]["re_enrolment_deadline"] == "2026-09-30"


async def test_without_an_instant_the_answer_is_for_now(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await town.hears(said.deadline("2026-06-01T07:00:00Z", DEADLINE), at="2026-06-12T21:59:59Z")
    answer = (await http.get(f"/access/{ADA}")).json()
    assert (answer["level"], answer["until"], answer["then"]) == ("full", "2026-06-12T22:00:00Z", "none")
    await town.lives_until("2026-06-12T22:00:00Z")
    assert (await http.get(f"/access/{ADA}")).json()["level"] == "none"


@pytest.mark.parametrize("at", ["2026-06-12", "2026-06-12T22:00:00", "yesterday", "2026-13-01T00:00:00Z"])
async def test_an_instant_without_its_zone_is_refused(town: Town, http: httpx.AsyncClient, at: str) -> None:
    answer = await http.get(f"/access/{ADA}", params={"at": at})
    assert answer.status_code == 422
    assert "2026-06-12T22:00:00Z" in answer.json()["detail"]


async def test_a_plus_sign_that_a_url_turned_into_a_blank_is_understood(
    town: Town, http: httpx.AsyncClient
) -> None:
    answer = await http.get(f"/access/{ADA}?at=2026-06-13T00:00:00+02:00")
    assert answer.json()["at"] == "2026-06-12T22:00:00Z"


async def test_a_learner_or_subscription_nobody_knows_is_not_answered_with_access(
    town: Town, http: httpx.AsyncClient
) -> None:
    assert (await http.get("/access/nobody")).status_code == 404
    assert (await http.get(f"/access/{ADA}", params={"school": "other"})).status_code == 404
    unknown = await http.get(f"/access/{ADA}", params={"subscription": "strange"})
    assert unknown.status_code == 404
    assert (await http.get("/access/..%2Fetc")).status_code in {404, 422}


async def test_two_schools_may_use_one_learner_id_and_stay_apart(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    other = Said("ada-lycee", school="lycee")
    await town.hears(replace(school(), school_id="lycee"), other.registered("2026-01-03T00:00:00Z"))
    await town.hears(said.suspension(DEADLINE), at="2026-06-12T22:00:00Z")
    unnamed = await http.get(f"/access/{ADA}")
    assert (unnamed.status_code, unnamed.json()["title"]) == (409, "ambiguous")
    assert (await http.get(f"/access/{ADA}", params={"school": "lycee"})).json()["level"] == "full"
    assert (await http.get(f"/access/{ADA}", params={"school": ECOLE})).json()["level"] == "none"


async def test_the_door_stays_shut_without_a_key(http: httpx.AsyncClient) -> None:
    assert (await http.get(f"/access/{ADA}", headers={"X-Relance-Key": ""})).status_code == 401


@pytest.mark.parametrize(
    "url", ["http://lms.example/x", "ftp://lms.example", "https://", "https://user:pass@lms.example/"]
)
async def test_a_platform_without_a_safe_address_is_refused(http: httpx.AsyncClient, url: str) -> None:
    answer = await http.put("/schools/ecole/platform", json={"url": url})
    assert answer.status_code == 422
