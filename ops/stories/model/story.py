"""One whole story as its file has it, and the JSON Schema that editors and other tools read."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field

from ops.stories.model.acts import Entry, Happening
from ops.stories.model.base import Listed, Name, Part, Text, When
from ops.stories.model.expectations import Expectations
from ops.stories.model.setup import Grant, Learner, Lesson, Path, School, Subscription, Teacher


class Story(Part):
    """A story: who is there, what happens when, and what must come of it."""

    story: Text = Field(description="Its title")
    id: Text | None = Field(default=None, description="The file's name when absent")
    about: Text = ""
    sets: Annotated[tuple[Text, ...], Listed] = Field(default=(), description="Named sets it belongs to")
    starts: When | None = Field(
        default=None, description="The day before the first thing that happens when absent"
    )
    until: When | None = Field(
        default=None, description="When it ends; 30 days after the last instant that it names when absent"
    )
    school: School = Field(default=School(), description="The school; several go into `schools`")
    schools: tuple[School, ...] = ()
    learners: dict[Name, Learner | None] = Field(default={})
    teachers: dict[Name, Teacher | None] = Field(default={})
    subscriptions: dict[Name, Subscription | None] = Field(default={})
    paths: Annotated[tuple[Path, ...], Listed] = ()
    credits: Annotated[tuple[Grant, ...], Listed] = ()
    lessons: Annotated[tuple[Lesson, ...], Listed] = ()
    happens: Annotated[tuple[Happening, ...], Listed] = ()
    expect: Expectations = ()

    @property
    def all_schools(self) -> tuple[School, ...]:
        """Every school of the story."""
        return self.schools or (self.school,)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What happens, as it is written."""
        return self.happens


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a story's file."""
    schema = _tidied(Story.model_json_schema(by_alias=True))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A story of Relance",
        **schema,
    }


def schema_text() -> str:
    """The schema as it is published: one line per definition, so that a change shows."""
    schema = json_schema()
    kinds = schema.pop("$defs")
    head = json.dumps(schema, ensure_ascii=False, indent=1)[:-2]
    lines = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(kinds[name], ensure_ascii=False)}" for name in sorted(kinds)
    )
    return f'{head},\n "$defs": {{\n{lines}\n }}\n}}\n'


def _tidied(schema: Any, *, names: bool = False) -> Any:
    """The same schema, shorter: no titles that repeat a key's name; ``names``: its keys are a story's own."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: _tidied(value, names=key in {"properties", "$defs"} and not names)
        for key, value in schema.items()
        if names or not (key == "title" or (key == "default" and value in (None, [], {}, "")))
    }
    either = found.get("anyOf")
    if (
        not names
        and either
        and len(either) == 2
        and either[1] == {"type": "null"}
        and set(either[0]) == {"type"}
    ):
        found["type"] = [found.pop("anyOf")[0]["type"], "null"]
    return found
