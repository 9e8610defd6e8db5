"""Every story of this folder comes true in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.stories.memory import MemoryEngine
from ops.stories.reader import read_file
from ops.stories.runner import play

STORIES = sorted((Path(__file__).parent / "stories").rglob("*.yaml"))


@pytest.mark.parametrize("path", STORIES, ids=[path.stem for path in STORIES])
async def test_the_story_comes_true(path: Path) -> None:
    played = await play(read_file(path), MemoryEngine())

    assert played.checked > 0
    assert played.differences == []
