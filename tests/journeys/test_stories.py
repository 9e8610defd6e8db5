"""The dated stories of both schools come true in memory, and leave no transition of a case untold."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from ops.stories.memory import MemoryEngine
from ops.stories.reader import Read, read_file, read_text
from ops.stories.runner import Played, play
from ops.stories.shelf import demo_folder
from ops.stories.transitions import ALL
from ops.whatif.asking import ask
from ops.whatif.history import in_order
from shared.events.dunning import CaseFlagged

FOLDER = Path(__file__).parent / "stories"
STORIES = sorted(FOLDER.rglob("*.yaml"))
DEMO = sorted(demo_folder().glob("*.yaml"))

SCENARIOS = """
    FR-01 FR-02 FR-03 FR-04 FR-06 FR-07 FR-09 FR-11 FR-12 FR-15 FR-16 FR-18 FR-20 FR-21 FR-23 FR-24 FR-25 FR-26
    FR-28 FR-29 FR-31 FR-33 FR-35 FR-36 FR-37 FR-40 FR-41 FR-43 FR-45 FR-46
    JP-01 JP-02 JP-03 JP-05 JP-07 JP-08 JP-09 JP-10 JP-11 JP-13 JP-14 JP-15 JP-17 JP-18 JP-20 JP-22 JP-23 JP-25
    JP-26 JP-27 JP-28 JP-30 JP-32 JP-33 JP-35 JP-37 JP-39 JP-40 JP-42 JP-44 JP-46 JP-48 JP-50
    X-01 X-02 X-03 X-06 X-08 X-10 X-11 X-13 X-15 X-16 X-18 X-19 X-20 X-21 X-23 X-24 X-26 X-27 X-28 X-31 X-32
""".split()


@cache
def read(path: Path) -> Read:
    return read_file(path)


_PLAYED: dict[Path, Played] = {}


async def told(path: Path) -> Played:
    """Each story is played once, however many tests look at it."""
    if path not in _PLAYED:
        _PLAYED[path] = await play(read(path), MemoryEngine())
    return _PLAYED[path]


def asked_of_people(played: Played) -> set[str]:
    """Why cases wait for a person; a forecast that ran out is no surprise in a story that goes on for a month."""
    facts = [told.envelope.fact for told in played.seen.facts]
    return {fact.reason.value for fact in facts if isinstance(fact, CaseFlagged)} - {"watchdog"}


def words_of(path: Path) -> set[str]:
    return set(re.findall(r"[a-z_]+", path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", [*STORIES, *DEMO], ids=lambda path: path.stem)
async def test_the_story_comes_true(path: Path) -> None:
    played = await told(path)

    assert played.checked > 0
    assert played.differences == []
    assert asked_of_people(played) - words_of(path) == set(), (
        "nobody is asked for what the story does not speak of"
    )


@pytest.mark.parametrize("path", [*STORIES, *DEMO], ids=lambda path: path.stem)
async def test_the_recorded_story_is_decided_alike_once_more(path: Path) -> None:
    """What-if with the policy that was lived by: event for event what was decided."""
    facts = (await told(path)).seen.facts
    if not facts:
        return  # a story whose every word is refused at the door

    answer = await ask(in_order((one.at, one.envelope) for one in facts), None)

    assert answer.differences == ()
    assert answer.unknown == ()
    assert answer.here == answer.really_all


def test_every_scenario_of_the_analysis_is_a_story() -> None:
    assert len(SCENARIOS) == 84
    assert set(SCENARIOS) <= {read(path).id for path in STORIES}


async def test_the_set_transitions_takes_each_of_the_thirty_seven() -> None:
    chosen = [path for path in STORIES if "transitions" in read(path).story.sets]
    taken = [(await told(path)).transitions for path in chosen]

    assert len(chosen) >= 30
    assert sorted(frozenset().union(*taken)) == sorted(ALL)


async def test_a_story_that_expects_something_else_says_what_came_instead() -> None:
    path = FOLDER / "FR-01.yaml"
    text = path.read_text(encoding="utf-8").replace("Tue 2026-06-02 09:00", "Tue 2026-06-02 09:05")

    played = await play(read_text(text, file="mine.yaml"), MemoryEngine())

    assert len(played.differences) == 1
    difference = played.differences[0]
    assert difference.startswith("mine.yaml:10: we were to try again: 10 were expected and 10 came")
    assert "expected Tue 2026-06-02 09:05:00 CEST (=2026-06-02T07:05:00Z)" in difference
    assert "came Tue 2026-06-02 09:00:00 CEST (=2026-06-02T07:00:00Z)" in difference
