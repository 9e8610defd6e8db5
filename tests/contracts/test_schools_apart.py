"""Key × school × route, made from the published APIs: a key of one school meets nothing of another, over PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from ops.contracts.apis import DOORS, documents
from shared.openapi import SCHOOLS, SCOPE, operations
from shared.openapi_examples import BY_NAME
from tests.contracts.two_schools import (
    BOTH,
    KOBE,
    LILLE,
    OPERATOR,
    WITH_A_KEYRING,
    Place,
    ids,
    put_in,
)

NOWHERE = "nowhere"
COMMON = {"policy_id", "template", "gateway", "act", "dedupe_key", "name", "parked_id", "service"}
"""What stands in paths and is no school's: presets, templates, acts, gateways."""
PER_SCHOOL = {
    "learner_id", "learner", "learner_ids", "teacher_id", "path_id", "path", "email",
    "grant_id", "lesson_id", "receipt_id", "closure_id", "offer_id",
}  # fmt: skip
"""Ids that each school, or each subscription, gives to its own: the same one elsewhere is somebody else's."""
SHARED_READS = {
    "GET /policies", "POST /policies/check", "GET /policies/{policy_id}", "GET /policies/{policy_id}/dates",
    "GET /templates", "GET /templates/{template}/preview",
}  # fmt: skip
"""Operations that speak of no school at all."""
NAMES_BY_ITSELF = set(ids(LILLE)) | {"endpoint_id", "fact_id"} | COMMON


@dataclass(frozen=True)
class Route:
    """One operation of one door."""

    service: str
    method: str
    path: str
    operation: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def scope(self) -> str | None:
        scope: str | None = self.operation[SCOPE]
        return scope

    @property
    def reads(self) -> bool:
        return bool(self.scope and self.scope.endswith(":read"))

    @property
    def is_every_schools(self) -> bool:
        return bool(self.operation.get(SCHOOLS))

    @property
    def parameters(self) -> list[dict[str, Any]]:
        return list(self.operation.get("parameters", ()))

    def request(self, named: dict[str, Any], body_named: dict[str, Any] | None = None) -> dict[str, Any]:
        """The request of the published examples, with these ids in its address and its body."""
        path = self.path
        query = {}
        for one in self.parameters:
            value = named.get(one["name"], one.get("example", BY_NAME.get(one["name"])))
            if one["in"] == "path":
                path = path.replace("{" + one["name"] + "}", str(value))
            elif one["in"] == "query" and (one["required"] or one["name"] in named) and value is not None:
                query[one["name"]] = value
        sent: dict[str, Any] = {"method": self.method, "url": path, "params": query}
        content = self.operation.get("requestBody", {}).get("content", {})
        inside = named if body_named is None else body_named
        if "application/json" in content:
            sent["json"] = put_in(content["application/json"]["example"], inside)
        elif "text/csv" in content:
            header, row = content["text/csv"]["example"].splitlines()
            columns = header.split(",")
            cells = [str(inside.get(name, cell)) for name, cell in zip(columns, row.split(","), strict=True)]
            takes = self.operation["requestBody"]["description"]
            extra = ",school_id" if "school_id," in takes and "school_id" not in columns else ""
            sent["content"] = (
                f"{header}{extra}\n{','.join(cells)}{',' + inside['school_id'] if extra else ''}\n"
            )
        return sent

    def names_a_school(self) -> bool:
        named = {one["name"] for one in self.parameters} - COMMON
        body = self.request(ids(LILLE)).get("json") or self.request(ids(LILLE)).get("content")
        return bool(named & set(NAMES_BY_ITSELF)) or LILLE in str(body)


ROUTES = [
    Route(service, method, path, operation)
    for service in DOORS
    for method, path, operation in operations(documents()[service])
]
KEYED = [route for route in ROUTES if route.scope and route.service in WITH_A_KEYRING]
OF_A_SCHOOL = [route for route in KEYED if not route.is_every_schools and route.name not in SHARED_READS]


class Asked:
    """Requests with one key, answered."""

    def __init__(self, there: Place, loop: asyncio.AbstractEventLoop) -> None:
        self.there, self.loop = there, loop

    def key(self, service: str, scope: str, *schools: str) -> str:
        return self.loop.run_until_complete(self.there.key(service, scope, *schools))

    def rows(self, word: str) -> set[str]:
        return self.loop.run_until_complete(self.there.rows(word))

    def ids(self, school: str) -> dict[str, Any]:
        return self.there.ids(school)

    def __call__(self, route: Route, request: dict[str, Any], key: str | None) -> httpx.Response:
        headers = {} if key is None else {"X-Relance-Key": key}
        return self.loop.run_until_complete(
            self.there.clients[route.service].request(**request, headers=headers)
        )


@pytest.fixture
def ask(there: Place, loop: asyncio.AbstractEventLoop) -> Asked:
    return Asked(there, loop)


def named(route: Route) -> str:
    return f"{route.service} {route.name}"


def told(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.text[:300]}"


def test_the_matrix_knows_every_parameter_of_every_route() -> None:
    """A new route with an id of a new kind has to say whose it is, here."""
    for route in ROUTES:
        for one in route.parameters:
            if one["in"] == "path":
                assert one["name"] in NAMES_BY_ITSELF, f"{named(route)}: whose is {one['name']}?"
    speaks_of_none = {
        route.name for route in KEYED if not route.is_every_schools and not route.names_a_school()
    }
    assert speaks_of_none - SHARED_READS == {"GET /schools"}
    assert len(OF_A_SCHOOL) > 80


@pytest.mark.parametrize("route", [one for one in ROUTES if one.scope], ids=named)
def test_without_a_key_or_with_another_scope_a_route_is_closed(ask: Asked, route: Route) -> None:
    request = route.request(ask.ids(LILLE))
    for key in (None, "guess", f"rk_{'0' * 12}_{'A' * 43}"):
        assert ask(route, request, key).status_code == 401
    if route.service not in WITH_A_KEYRING:
        return
    other = "credits" if route.service == "dunning" else "dunning"
    assert ask(route, request, ask.key(route.service, f"{other}:write", LILLE)).status_code == 403
    if not route.reads:
        assert ask(route, request, ask.key(route.service, f"{route.service}:read", LILLE)).status_code == 403


@pytest.mark.parametrize("route", [one for one in KEYED if one.is_every_schools], ids=named)
def test_what_is_the_installations_is_shown_to_no_school(ask: Asked, route: Route) -> None:
    request = route.request(ask.ids(LILLE))
    assert ask(route, request, ask.key(route.service, f"{route.service}:write", LILLE)).status_code == 403
    assert ask(route, request, ask.key(route.service, f"{route.service}:write")).status_code not in {401, 403}


@pytest.mark.parametrize("route", [one for one in OF_A_SCHOOL if one.reads], ids=named)
def test_a_key_reads_nothing_of_another_school(ask: Asked, route: Route) -> None:
    """Another school's ids are answered as ids that nobody has."""
    key = ask.key(route.service, f"{route.service}:read", LILLE)
    theirs = ask(route, route.request(ask.ids(KOBE)), key)
    nobodys = ask(route, route.request(ask.ids(NOWHERE)), key)
    assert theirs.status_code in {200, 403, 404}, told(theirs)
    if theirs.status_code == 200:
        assert theirs.text.replace(KOBE, NOWHERE) == nobodys.text, told(theirs)
    mixed = ask(route, {**route.request(ask.ids(KOBE)), **_of(route.request(ask.ids(LILLE)))}, key)
    assert mixed.status_code != 500
    own = ask(route, route.request(ask.ids(LILLE)), key)
    assert KOBE not in own.text, told(own)
    both = ask(route, route.request({**ask.ids(LILLE), "learner_id": BOTH, "teacher_id": BOTH}), key)
    assert KOBE not in both.text, told(both)
    # The question was a right one: whoever may ask it is answered.
    allowed = ask(route, route.request(ask.ids(KOBE)), ask.key(route.service, f"{route.service}:read", KOBE))
    assert allowed.status_code in {200, 409, 422}, told(allowed)


def _of(request: dict[str, Any]) -> dict[str, Any]:
    return {name: request[name] for name in ("json", "params") if name in request}


def test_a_key_changes_nothing_of_another_school(ask: Asked) -> None:
    before = ask.rows(KOBE)
    assert len(before) > 80
    leaks = []
    for route in (one for one in OF_A_SCHOOL if not one.reads):
        key = ask.key(route.service, f"{route.service}:write", LILLE)
        for what, request in _tries(route, ask.ids(LILLE), ask.ids(KOBE)).items():
            answer = ask(route, request, key)
            is_list = "content" in request and answer.status_code == 200 and answer.json()["taken"] == 0
            if answer.status_code not in {403, 404} and not is_list:
                leaks.append(f"{named(route)}: {what}: {told(answer)}")
        # An id that both schools use means our own: theirs stays as it is.
        ask(route, route.request({**ask.ids(LILLE), "learner_id": BOTH, "teacher_id": BOTH}), key)
    assert not leaks, "\n".join(leaks)
    changed = [row[:300] for row in ask.rows(KOBE) ^ before]
    assert not changed, "\n".join(sorted(changed))


def _tries(route: Route, ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every way to name another school: its address, its body, one field of its body."""
    own = {**theirs, **{name: ours[name] for name in PER_SCHOOL}}
    tries = {
        "theirs": route.request(theirs),
        "their address, our body": route.request(own, ours),
        "our address, their body": route.request(ours, own),
    }
    for name in sorted(set(ours) - PER_SCHOOL):
        tries[f"ours but their {name}"] = route.request({**ours, name: theirs[name]})
        tries[f"ours but their {name} in the body"] = route.request(ours, {**ours, name: theirs[name]})
    usual = str(route.request(ours))
    return {what: request for what, request in tries.items() if str(request) != usual}


def test_a_key_takes_over_nothing_that_another_school_is_known_by_at_its_gateway(ask: Asked) -> None:
    [route] = [one for one in KEYED if one.name == "PUT /subscriptions/{subscription_id}"]
    key = ask.key("payments", "payments:write", LILLE)
    ours = route.request(ask.ids(LILLE))
    for field, value in (("gateway_subscription_id", f"sub_{KOBE}"), ("gateway_customer_id", f"cus_{KOBE}")):
        answer = ask(route, {**ours, "json": {**ours["json"], field: value}}, key)
        assert answer.status_code == 403, told(answer)
        assert f"{KOBE}-sub" not in answer.text


def test_the_operators_key_still_opens_every_door(ask: Asked) -> None:
    for route in ROUTES:
        if route.reads:
            answer = ask(route, route.request(ask.ids(KOBE)), OPERATOR)
            assert answer.status_code not in {401, 403, 500}, (named(route), told(answer))
