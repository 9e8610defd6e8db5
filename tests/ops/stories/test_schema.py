"""The published JSON Schema is that of the model, and every story of ours keeps to it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # no stubs are kept for one test
import pytest

from ops.stories.model.story import schema_text
from ops.stories.shelf import demo_folder
from ops.stories.writing import read_page

JOURNEYS = Path(__file__).resolve().parents[2] / "journeys" / "stories"
STORIES = [*sorted(JOURNEYS.rglob("*.yaml")), *sorted(demo_folder().glob("*.yaml"))]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (files("ops.stories") / "story.schema.json").read_text(encoding="utf-8")
    )
    return found


def test_the_published_schema_is_that_of_the_model() -> None:
    published = (files("ops.stories") / "story.schema.json").read_text(encoding="utf-8")

    assert published == schema_text(), "write it anew: relance story --schema > ops/stories/story.schema.json"


def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)

    assert schema["required"] == ["story"]


def test_every_story_of_ours_keeps_to_the_schema(schema: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    for path in STORIES:
        page = read_page(path.read_text(encoding="utf-8"), file=path.name)
        wrong = [error.message for error in validator.iter_errors(page.data)]
        assert wrong == [], path.name


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"story": "x", "scool": {}},
        {"story": "x", "happens": [{"attempt": "maybe"}]},
        {"story": "x", "happens": [{"learner": "flies"}]},
        {"story": "x", "expect": [{"access": "total"}]},
    ],
)
def test_the_schema_refuses_what_the_model_refuses(schema: dict[str, Any], wrong: Any) -> None:
    assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)
