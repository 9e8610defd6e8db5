"""Who may do what, at which school: the matrix is made from the application's own routes."""

from __future__ import annotations

import re
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


def posted(case: str, school: str, csrf: str) -> dict[str, str]:
    """A form that names everything of a school that any form of the desk names."""
    name = case.split("~", maxsplit=1)[0]
    return {
        "csrf": csrf, "school": school, "school_id": school, "case_id": case, "subscription_id": name,
        "learner_id": name, "learner": name, "email": "mallory@example.org", "person": f"admin@{school}.example",
        "person_id": f"admin@{school}.example", "role": "admin", "mail_id": f"{case}/fr.payment_failed/1",
        "closure_id": "c1", "name": "changed by somebody", "first": "2026-10-05", "last": "2026-10-09",
        "day": "2026-05-18", "because": "because", "note": "note", "reason": "reason", "text": "id: x", "sent": "1",
        "deadline": "2026-06-30", "path_id": "b1", "amount": "75", "token": "t", "act": "act",
    }  # fmt: skip


@pytest.mark.parametrize("role", list(Role))
async def test_nobody_changes_another_school_and_a_viewer_changes_nothing(town: Town, role: Role) -> None:
    """Every form of every route, sent as our own pages would send it."""
    await town.subscription("yuki", full_name="山田 由紀")
    await town.subscription("claire", FRENCH, full_name="Claire Martin")
    await town.fails("claire", "2026-04-15T19:00", 1, school=FRENCH)
    await town.fails("yuki", "2026-04-15T20:10", 1)
    await town.person("admin", FRENCH)
    browser = await town.enter(role.value)
    forms = await _forms(town, browser, "yuki~2026-04-15")
    csrf = forms["/logout"]["csrf"]
    before, kept = len(town.engine.line.history), _kept(town, FRENCH)
    mine = _kept(town, JAPANESE)
    for method, path, right in routes(town.app):
        if method == "GET" or not right or path in {"/logout", "/password"}:
            continue
        for case, school in (("claire~2026-04-15", FRENCH), ("yuki~2026-04-15", JAPANESE)):
            address = _filled(path, case)
            drawn = forms.get(address.partition("?")[0], {})
            answer = await browser.request(method, address, data={**posted(case, school, csrf), **drawn})
            assert answer.status_code < 500, (method, path, answer.text[:300])
            if "{case_id}" in path and school == FRENCH:
                assert answer.status_code in {403, 404}, (role, method, path, answer.status_code)
            if path != "/language/{language}":
                assert "Claire" not in answer.text, (role, method, path)
    await town.settle()
    said = [told.envelope.fact for told in town.engine.line.history[before:]]
    assert [fact for fact in said if fact.school_id == FRENCH] == []
    assert _kept(town, FRENCH) == kept
    assert len(kept) > 10
    if role is Role.ADMIN:
        assert _kept(town, JAPANESE) != mine  # the forms are right ones
    if role is Role.VIEWER:
        assert said == []
        assert _kept(town, JAPANESE) == mine


async def _forms(town: Town, browser: Any, case: str) -> dict[str, dict[str, str]]:
    """Every form of our own pages: where it posts to, and what it carries, token and all."""
    found: dict[str, dict[str, str]] = {}
    for method, path, _ in routes(town.app):
        if method != "GET" or path == "/live":
            continue
        html = (await browser.get(_filled(path, case))).text
        for action in re.findall(r'<form method="post"[^>]*action="([^"]*)"', html):
            found[action.partition("?")[0]] = fields(html, action)
    return found


def _kept(town: Town, school: str) -> dict[str, str]:
    """Everything that the services keep of a school, sessions and counts of knocks apart."""
    found = {}
    for service, store in town.engine.line.stores.items():
        for table, rows in store.rows.items():
            if table in {"sessions", "knocks", "forms"}:
                continue
            found.update(
                {
                    f"{service}.{table}/{key}": repr(row)
                    for key, row in rows.items()
                    if school in repr(row) + key
                }
            )
    return found
