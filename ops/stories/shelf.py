"""Where stories are found: files and folders that are named, or those that come with Relance, by set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from ops.stories.reader import Read, StoryRefused, read_file

DEMO = "demo"
"""The set that comes with the package."""


def demo_folder() -> Path:
    """The stories that ``relance demo`` tells."""
    return Path(str(files("ops.stories") / "demo"))


def usual_folders() -> list[Path]:
    """The package's own stories, and the tests' where a work tree is at hand."""
    journeys = Path(__file__).resolve().parents[2] / "tests" / "journeys" / "stories"
    return [demo_folder(), *([journeys] if journeys.is_dir() else [])]


def read_all(places: Iterable[Path], *, named: str | None = None) -> list[Read]:
    """Every story of ``places`` (files, or folders of them), only those of the set ``named`` if one is.

    Raises:
        StoryRefused: one or more cannot be understood; all problems at once.
    """
    found: list[Read] = []
    problems: list[str] = []
    for path in _files(places):
        try:
            read = read_file(path)
        except StoryRefused as error:
            problems += error.problems
            continue
        if named is None or named in read.story.sets:
            found.append(read)
    if problems:
        raise StoryRefused(problems)
    return found


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(one for one in place.rglob("*.y*ml") if one.suffix in {".yaml", ".yml"})
        else:
            yield place
