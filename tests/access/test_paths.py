"""The last day to come back to a path is inclusive, ends at midnight in Paris, and only a suspension closes it."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from shared.events.access import EnrolmentClosed, EnrolmentReopened, PathEnrolled
from shared.events.words import AccessLevel
from tests.access.conftest import ADA, DEADLINE, ECOLE, SUB, Said, Town, school, utc

MIDNIGHT = utc("2026-09-30T22:00:00Z")
"""24:00 in Paris of 30 September 2026."""


async def enrol(http: httpx.AsyncClient, path: str = "data", **body: str | None) -> httpx.Response:
    asked = {"school_id": ECOLE, "re_enrolment_deadline": "2026-09-30", "title": "Data analyst", **body}
    return await http.put(f"/learners/{ADA}/paths/{path}", json=asked)


async def state(http: httpx.AsyncClient, path: str = "data") -> str:
    paths = {one["path_id"]: one for one in (await http.get(f"/learners/{ADA}/paths")).json()}
    found: str = paths[path]["state"]
    return found


async def suspend(town: Town, said: Said) -> None:
    await town.hears(said.deadline("2026-06-01T07:00:00Z", DEADLINE), at="2026-06-01T07:00:00Z")
    await town.hears(said.suspension(DEADLINE), at="2026-06-12T22:00:00Z")


async def test_a_deadline_ends_at_midnight_in_paris_and_is_told_once(
    town: Town, http: httpx.AsyncClient
) -> None:
    first = await enrol(http)
    again = await enrol(http)
    await town.line.settle()
    assert first.json() == again.json()
    assert first.json()["closes_at"] == "2026-09-30T22:00:00Z"
    (enrolled,) = town.said(PathEnrolled)
    assert (enrolled.path_id, str(enrolled.re_enrolment_deadline)) == ("data", "2026-09-30")


async def test_a_path_closes_when_its_day_passes_while_the_learner_is_suspended(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await enrol(http)
    await suspend(town, said)
    await town.lives_until("2026-09-30T21:59:59Z")
    assert await state(http) == "open"
    await town.lives_until("2026-10-01T00:00:00Z")
    assert await state(http) == "closed"
    (closed,) = town.said(EnrolmentClosed)
    assert (closed.path_id, closed.occurred_at) == ("data", MIDNIGHT)


async def test_a_path_of_a_learner_with_access_never_closes(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await enrol(http)
    await suspend(town, said)
    await town.hears(said.restoration("2026-07-20T13:00:00Z", "relaunched"), at="2026-07-20T13:00:00Z")
    await town.lives_until("2026-11-01T00:00:00Z")
    assert await state(http) == "open"
    assert town.said(EnrolmentClosed) == []


async def test_a_relaunch_submitted_in_the_last_minute_opens_its_path_though_it_is_paid_after_midnight(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    """FR-37: submitted 23:59:30, 3DS passes at 00:03 of the next day."""
    await enrol(http)
    await suspend(town, said)
    await town.hears(
        said.restoration("2026-09-30T22:03:00Z", "relaunched", path="data"), at="2026-09-30T22:03:01Z"
    )
    await town.lives_until("2026-10-05T00:00:00Z")

    assert await state(http) == "open"
    closed, reopened = town.said(EnrolmentClosed, EnrolmentReopened)
    assert closed.occurred_at == MIDNIGHT
    assert (reopened.path_id, reopened.why) == ("data", "relaunched")
    assert reopened.occurred_at == utc("2026-09-30T22:03:00Z")


async def test_a_path_stays_open_when_the_relaunch_was_heard_before_the_look_at_midnight(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await enrol(http)
    await suspend(town, said)
    await town.hears(
        said.restoration("2026-09-30T22:00:20Z", "relaunched", path="data"), at="2026-09-30T22:00:21Z"
    )
    await town.lives_until("2026-10-05T00:00:00Z")
    assert await state(http) == "open"
    assert town.said(EnrolmentClosed, EnrolmentReopened) == []


async def test_a_relaunch_for_another_path_leaves_the_missed_one_closed(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await enrol(http)
    await enrol(http, "web", re_enrolment_deadline="2026-12-31")
    await suspend(town, said)
    await town.hears(
        said.restoration("2026-10-10T10:00:00Z", "relaunched", path="web"), at="2026-10-10T10:00:00Z"
    )
    assert (await state(http), await state(http, "web")) == ("closed", "open")


async def test_paying_the_failed_month_itself_opens_what_its_suspension_closed(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    """T24, R-F10: a recovery is not a re-enrolment (docs/decisions/0012)."""
    await enrol(http, re_enrolment_deadline="2026-06-13")
    await suspend(town, said)
    await town.lives_until("2026-06-14T00:00:00Z")
    assert await state(http) == "closed"
    await town.hears(said.restoration("2026-06-14T08:00:00Z"), at="2026-06-14T08:00:00Z")
    assert await state(http) == "open"
    assert [fact.why for fact in town.said(EnrolmentReopened)] == ["recovered"]


async def test_a_learner_suspended_after_the_day_cannot_come_back_either(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await enrol(http, re_enrolment_deadline="2026-05-31")
    await suspend(town, said)
    (closed,) = town.said(EnrolmentClosed)
    assert closed.occurred_at == DEADLINE


async def test_a_read_only_learner_keeps_the_path(town: Town, http: httpx.AsyncClient, said: Said) -> None:
    await enrol(http)
    await town.hears(
        said.suspension("2026-06-12T22:00:00Z", AccessLevel.READ_ONLY), at="2026-06-12T22:00:00Z"
    )
    await town.lives_until("2026-10-02T00:00:00Z")
    assert await state(http) == "open"


async def test_only_the_subscription_that_pays_for_a_path_can_close_it(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await town.hears(Said("ada-piano").registered("2026-02-01T00:00:00Z"))
    await enrol(http, subscription_id="ada-piano")
    await enrol(http, "own", subscription_id=SUB)
    await suspend(town, said)
    await town.lives_until("2026-10-02T00:00:00Z")
    assert (await state(http), await state(http, "own")) == ("open", "closed")


async def test_a_school_that_moves_the_day_opens_the_path_again(
    town: Town, http: httpx.AsyncClient, said: Said
) -> None:
    await enrol(http)
    await suspend(town, said)
    await town.lives_until("2026-10-02T00:00:00Z")
    moved = await enrol(http, re_enrolment_deadline="2026-10-31")
    await town.line.settle()
    assert moved.json()["state"] == "open"
    assert [fact.why for fact in town.said(EnrolmentReopened)] == ["deadline_moved"]
    await town.lives_until("2026-11-01T00:00:00Z")
    assert await state(http) == "closed"


async def test_a_path_known_before_its_school_gets_its_midnight_with_the_zone(
    http: httpx.AsyncClient, town: Town, said: Said
) -> None:
    early = await http.put(
        f"/learners/{ADA}/paths/x", json={"school_id": "lycee", "re_enrolment_deadline": "2026-09-30"}
    )
    assert early.json()["closes_at"] is None
    await town.hears(replace(school("Asia/Tokyo"), school_id="lycee"))
    late = (await http.get(f"/learners/{ADA}/paths", params={"school": "lycee"})).json()
    assert late[0]["closes_at"] == "2026-09-30T15:00:00Z"


async def test_a_list_of_enrolments_is_taken_line_by_line_and_may_be_sent_again(
    town: Town, http: httpx.AsyncClient
) -> None:
    body = (
        "\ufefflearner_id;path_id;school_id;re_enrolment_deadline;title\r\n"
        "bob;data;ecole;2026-09-30;Analyste de données\r\n"
        "\r\n"
        "eve;data;ecole;30/09/2026;Analyste\r\n"
        "eve;we b;ecole;;\r\n"
        'zoe;web;ecole;;"Web; avec ""guillemets"""\r\n'
        "joe;web\r\n"
    ).encode()
    first = (await http.post("/imports/enrolments", content=body)).json()
    assert (first["taken"], first["unchanged"]) == (2, 0)
    assert [wrong["line"] for wrong in first["wrong"]] == [4, 5, 7]
    assert "re_enrolment_deadline" in first["wrong"][0]["problem"]
    again = (await http.post("/imports/enrolments", content=body)).json()
    assert (again["taken"], again["unchanged"]) == (0, 2)

    rows = (await http.get("/schools/ecole/paths", params={"before": "2026-12-31"})).json()
    assert [(row["learner_id"], row["title"]) for row in rows] == [("bob", "Analyste de données")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"learner_id,path_id\na,b\n", "school_id"),
        (b"learner_id,path_id,school_id,colour\n", "each once"),
        ("learner_id,path_id,school_id\né".encode("latin-1"), "line 2 is not UTF-8"),
        (b"", "names nothing"),
        (b'learner_id,path_id,school_id\n"a', "is no CSV"),
    ],
    ids=["missing column", "strange column", "encoding", "empty", "open quote"],
)
async def test_a_list_that_cannot_be_read_is_refused_with_the_reason(
    http: httpx.AsyncClient, body: bytes, reason: str
) -> None:
    answer = await http.post("/imports/enrolments", content=body)
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]
