"""The published vocabulary: what is checked in is what the code says, and every golden sample can still be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # no stubs are kept for tests alone
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.cli import main
from ops.contracts import published
from ops.contracts.samples import FOLDER, newest_sample, samples_of
from ops.contracts.schemas import standalone_schema
from shared.events import SPEAKERS, VOCABULARY, Fact, name_of
from shared.events.wire import from_bytes, to_bytes, wrap
from tests.shared.test_events import NOW

KINDS = sorted(VOCABULARY.values(), key=name_of)
SAMPLES = sorted(FOLDER.rglob("*.json"))
REFERENCE = published.REFERENCE


def schema_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (REFERENCE / f"events/schemas/{name}.json").read_text(encoding="utf-8")
    )
    return found


def asyncapi() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REFERENCE / "events/asyncapi.json").read_text(encoding="utf-8"))
    return found


def named(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def test_the_reference_that_is_checked_in_is_the_one_that_is_generated() -> None:
    done = CliRunner().invoke(main, ["events", "export", "--check"])
    assert done.exit_code == 0, done.output


def test_a_reference_that_fell_behind_is_named(tmp_path: Path) -> None:
    generated = published.events()
    published.write(generated, "events", tmp_path)
    (tmp_path / "events.md").write_text("old", encoding="utf-8")
    (tmp_path / "events/schemas/dunning.CaseOpened.json").unlink()
    (tmp_path / "events/schemas/dunning.NeverSaid.json").write_text("{}", encoding="utf-8")

    expected = [
        "events.md",
        "events/schemas/dunning.CaseOpened.json",
        "events/schemas/dunning.NeverSaid.json",
    ]
    assert published.differing(generated, "events", tmp_path) == expected
    assert published.write(generated, "events", tmp_path) == expected
    assert published.differing(generated, "events", tmp_path) == []


def test_the_asyncapi_document_is_one_by_its_own_rules() -> None:
    """What AsyncAPI 3.0.0 asks of the parts that we use."""
    document = asyncapi()
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    assert document.keys() <= {
        "asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components",
    }  # fmt: skip
    for name, channel in document["channels"].items():
        assert channel["address"], name
        assert all(set(message) == {"$ref"} for message in channel["messages"].values())
    for name, operation in document["operations"].items():
        assert operation["action"] in {"send", "receive"}, name
        channel = operation["channel"]["$ref"]
        assert channel.startswith("#/channels/"), name
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])
    for name, message in document["components"]["messages"].items():
        assert {"name", "payload"} <= message.keys(), name


def test_every_reference_inside_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi()

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
    assert set(document["components"]["messages"]) == set(VOCABULARY)
    assert {one["address"] for one in document["channels"].values()} == {
        f"{name}.events" for name in SPEAKERS
    }


def test_the_asyncapi_document_says_who_hears_what() -> None:
    operations = asyncapi()["operations"]
    heard = operations["dunning.hears.payments"]
    assert heard["action"] == "receive"
    assert {"$ref": "#/channels/payments/messages/payments.AttemptFailed"} in heard["messages"]
    assert heard["bindings"]["kafka"]["groupId"]["enum"] == ["relance-dunning"]


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_every_fact_has_a_schema_a_sample_and_a_place_on_the_page(kind: type[Fact]) -> None:
    name = name_of(kind)
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["description"]
    assert samples_of(name), f"run `relance events keep`: {name} has no golden sample"
    # The newest sample shows every field of today.
    assert newest_sample(kind)["fact"].keys() == schema["properties"]["fact"]["properties"].keys()
    assert f"\n### {name}\n" in (REFERENCE / "events.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", SAMPLES, ids=named)
def test_what_once_travelled_is_read_and_written_as_it_was(file: Path) -> None:
    text = file.read_bytes()
    envelope = from_bytes(text)
    again = json.loads(to_bytes(envelope))
    sample = json.loads(text)

    assert from_bytes(to_bytes(envelope)) == envelope
    # A field that came later has its default; nothing that was said is lost or written in another way.
    assert {**again, "fact": {**again["fact"], **sample["fact"]}} == again
    assert {key: again[key] for key in sample} == {**sample, "fact": again["fact"]}
    if file == samples_of(file.parent.name)[-1]:
        assert again == sample


@pytest.mark.parametrize("file", SAMPLES, ids=named)
def test_what_once_travelled_fits_the_schema(file: Path) -> None:
    checker = jsonschema.FormatChecker()
    validator = jsonschema.Draft202012Validator(schema_of(file.parent.name), format_checker=checker)
    assert list(validator.iter_errors(json.loads(file.read_bytes()))) == []


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_service_may_say_fits_the_schema(kind: type[Fact], data: st.DataObject) -> None:
    said = wrap(data.draw(st.builds(kind)), cause=None, recorded_at=NOW)
    schema = standalone_schema(kind, {})
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(json.loads(to_bytes(said)))) == []


def test_a_message_that_is_no_such_fact_does_not_fit() -> None:
    sample = newest_sample(VOCABULARY["dunning.CaseOpened"])
    validator = jsonschema.Draft202012Validator(schema_of("dunning.CaseOpened"))
    wrong = [
        {**sample, "type": "dunning.CaseClosed"},
        {**sample, "fact": {**sample["fact"], "gateway": "pigeon"}},
        {**sample, "fact": {**sample["fact"], "amount": {"amount_minor": 75.5, "currency": "EUR"}}},
        {**sample, "fact": {key: value for key, value in sample["fact"].items() if key != "case_id"}},
        {key: value for key, value in sample.items() if key != "recorded_at"},
    ]
    assert [validator.is_valid(one) for one in wrong] == [False] * len(wrong)
    assert validator.is_valid({**sample, "newer": 1, "fact": {**sample["fact"], "newer": 2}})
