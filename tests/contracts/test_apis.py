"""The published APIs: what is checked in is what the doors answer, and each operation says what a caller must know."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]  # no stubs are kept for tests alone
import pytest
from pydantic import SecretStr

from ops.contracts import published
from ops.contracts.apis import DOORS
from ops.keys_cli import DOORS as WITH_KEYS
from ops.stack.children import app_of
from shared.openapi import SCHOOLS, SCOPE, operations

WITHOUT_KEY = {
    "GET /health",
    "GET /ready",
    "GET /returns/{visit_id}",  # the learner's browser comes back: the id is the secret
    "POST /webhooks/{gateway}",  # a gateway signs what it sends
}


def document_of(service: str) -> dict[str, Any]:
    text = (published.REFERENCE / f"apis/{service}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


EVERY = [
    pytest.param(service, operation, id=f"{service} {method} {path}")
    for service in DOORS
    for method, path, operation in operations(document_of(service))
]


def test_every_door_that_takes_keys_is_published() -> None:
    assert set(WITH_KEYS) <= set(DOORS)
    assert published.differing(published.apis(), "apis") == []


@pytest.mark.parametrize("service", DOORS)
async def test_a_door_shows_what_is_checked_in(service: str) -> None:
    app = app_of(service).build_api(app_of(service).SETTINGS(mode="test", api_keys=SecretStr("k")))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://door") as client:
        assert (await client.get("/openapi.json")).json() == document_of(service)


@pytest.mark.parametrize("service", DOORS)
def test_every_reference_leads_somewhere(service: str) -> None:
    document = document_of(service)

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                found = document
                for part in value["$ref"].removeprefix("#/").split("/"):
                    found = found[part]
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(document)
    assert document["openapi"].startswith("3.1")


@pytest.mark.parametrize("service", DOORS)
def test_only_what_must_be_open_is_open(service: str) -> None:
    for method, path, operation in operations(document_of(service)):
        scope = operation[SCOPE]
        if scope is None:
            assert f"{method} {path}" in WITHOUT_KEY
            assert "security" not in operation
        else:
            assert scope in {f"{service}:read", f"{service}:write"}
            assert operation["security"] == [{"key": [scope]}]
            assert {"401", "403", "503"} <= operation["responses"].keys()
        assert operation.get(SCHOOLS) in {None, "every"}


@pytest.mark.parametrize(("service", "operation"), EVERY)
def test_an_operation_is_told_in_a_sentence_with_examples_that_fit(
    service: str, operation: dict[str, Any]
) -> None:
    components = document_of(service)["components"]
    assert len(operation["summary"].split()) >= 2
    assert not operation["summary"].endswith(".")

    def fits(schema: dict[str, Any], example: Any) -> bool:
        return bool(jsonschema.Draft202012Validator({**schema, "components": components}).is_valid(example))

    for parameter in operation.get("parameters", ()):
        assert not parameter["required"] or "example" in parameter, parameter["name"]
        if "example" in parameter:
            assert fits(parameter["schema"], parameter["example"]), parameter
    for body in operation.get("requestBody", {}).get("content", {}).values():
        assert fits(body["schema"], body["example"]), body
    for status, answer in operation["responses"].items():
        if status >= "400":
            named = answer.get("$ref", "").rsplit("/", 1)[-1]
            told = components["responses"][named] if named else answer
            assert "application/problem+json" in told["content"], status
