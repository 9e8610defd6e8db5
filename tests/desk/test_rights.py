"""Who may do what, at which school: the matrix is made from the application's own routes."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute

from services.desk.api import ROOMS
from services.desk.api.common import Right
from services.desk.domain.people import Role, may
from tests.desk.conftest import FRENCH, JAPANESE, Town, fields

_OPEN = {
    "/login",
    "/join/{secret}",
    "/language/{language}",
    "/health",
    "/ready",
    "/sign-in",
    "/sign-in/back",
    "/sign-in/code",
}


def routes(app: Any) -> list[tuple[str, str, str]]:
    """Method, path and right of every route of the desk."""
    found = []
    own = [route for room in ROOMS for route in room.build_router().routes]
    for route in [*app.routes, *own]:
        if isinstance(route, APIRoute):
            right = next(
                (one.call.what for one in route.dependant.dependencies if isinstance(one.call, Right)), ""
            )
            found += [(method, route.path, right) for method in sorted(route.methods or ())]
    assert len(found) > 70  # the matrix is never empty
    return found


def _filled(path: str, case: str) -> str:
    mail = f"{case}/fr.payment_failed/1"
    address = path.replace("{case_id}", case).replace("{template}", "jp.guidance")
    query = {"/mails/show": f"?mail_id={mail}", "/mails/body": f"?mail_id={mail}"}.get(path, "")
    return address + (query or ("?language=ja" if path.endswith(("/mail", "/body")) else ""))


def test_every_route_but_the_doors_asks_for_a_right(town: Town) -> None:
    free = {path for _, path, right in routes(town.app) if not right}
    assert free == _OPEN


async def test_without_a_session_every_page_leads_to_the_door(town: Town) -> None:
    browser = town.browser()
    for method, path, right in routes(town.app):
        if right and path != "/live":
            answer = await browser.request(method, _filled(path, "x~2026-04-15"))
            assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login"), (method, path)


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_reaches_what_it_may_and_nothing_of_another_school(town: Town, role: Role) -> None:
    await town.subscription("yuki", full_name="山田 由紀")
    await town.subscription("claire", FRENCH, full_name="Claire Martin")
    await town.fails("claire", "2026-04-15T19:00", 1, school=FRENCH)
    await town.fails("yuki", "2026-04-15T20:10", 1)
    browser = await town.enter(role.value)
    leaks = []
    for method, path, right in routes(town.app):
        if not right or path in {"/live", "/logout"}:
            continue
        for case in ("yuki~2026-04-15", "claire~2026-04-15"):
            answer = await browser.request(method, _filled(path, case))
            if not may(role, right):
                assert answer.status_code == 403, (role, method, path, answer.status_code)
            elif "{case_id}" in path and case.startswith("claire"):
                assert answer.status_code == 404, (role, method, path, answer.status_code)
            elif method == "GET":
                assert answer.status_code in {200, 404, 409}, (role, method, path, answer.status_code)
            if "Claire" in answer.text or "claire@" in answer.text or "École" in answer.text:
                leaks.append((method, path))
    assert leaks == []


async def test_a_person_of_two_schools_sees_one_at_a_time(town: Town) -> None:
    await town.subscription("claire", FRENCH, full_name="Claire Martin")
    await town.fails("claire", "2026-04-15T19:00", 1, school=FRENCH)
    email = "both@example.org"
    await town.person("viewer", FRENCH, email)
    browser = await town.enter("viewer", email=email)
    assert (await browser.get("/cases/claire~2026-04-15")).status_code == 404
    page = await browser.get("/")
    csrf = fields(page.text, "/school")["csrf"]
    assert (await browser.post("/school", data={"csrf": csrf, "school": FRENCH})).status_code == 303
    assert "Claire Martin" in (await browser.get("/cases/claire~2026-04-15")).text
    assert (await browser.post("/school", data={"csrf": csrf, "school": "elsewhere"})).status_code == 404


async def test_a_role_taken_away_closes_the_door_at_once(town: Town) -> None:
    browser = await town.enter("viewer")
    async with town.app.state.desk.opened() as unit:
        unit.keep((await unit.person(f"viewer@{JAPANESE}.example")).with_role(JAPANESE, None))
    assert (await browser.get("/")).headers["location"].startswith("/login")
