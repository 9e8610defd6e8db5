"""The reference page names everything that a story may say, and its example comes true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from ops.stories.memory import MemoryEngine
from ops.stories.model.acts import HAPPENINGS
from ops.stories.model.expectations import KINDS
from ops.stories.model.setup import (
    BankAnswer,
    Grant,
    Learner,
    Lesson,
    School,
    Subscription,
    Teacher,
)
from ops.stories.model.setup import (
    Path as PathOfLearner,
)
from ops.stories.model.story import Story
from ops.stories.reader import read_text
from ops.stories.runner import play

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "stories.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[A-Za-z_]+", PAGE))
SETUP: dict[str, type[BaseModel]] = {
    kind.__name__: kind
    for kind in (Story, School, Learner, Teacher, Subscription, BankAnswer, Grant, Lesson, PathOfLearner)
}


@pytest.mark.parametrize("tag", [*HAPPENINGS, *KINDS])
def test_every_first_word_is_explained(tag: str) -> None:
    word, _, act = tag.partition(" ")

    assert word in WORDS
    assert not act or f"`{act}`" in PAGE


@pytest.mark.parametrize(("name", "kind"), [*HAPPENINGS.items(), *KINDS.items(), *SETUP.items()])
def test_every_key_is_named(name: str, kind: type[BaseModel]) -> None:
    keys = {info.alias or key for key, info in kind.model_fields.items()}

    assert keys - WORDS == set(), name


async def test_the_first_example_comes_true() -> None:
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None

    played = await play(read_text(example[1], file="docs/reference/stories.md"), MemoryEngine())

    assert played.checked == 4
    assert played.differences == []
