"""Golden samples: what once travelled can be read for ever. One file per fact and version, added and never edited.

A fact's first sample is ``tests/contracts/facts/<name>/1.json``. When a field is added, the next number is written;
the older ones stay, because messages like them lie on topics and in journals.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from ops.contracts.examples import example_envelope
from shared.events import VOCABULARY, Fact, name_of
from shared.events.wire import to_bytes

FOLDER: Final = Path(__file__).resolve().parents[2] / "tests" / "contracts" / "facts"


def samples_of(name: str, folder: Path = FOLDER) -> list[Path]:
    """The samples of one fact, oldest first."""
    return sorted((folder / name).glob("*.json"), key=lambda file: int(file.stem))


def newest_sample(kind: type[Fact], folder: Path = FOLDER) -> dict[str, Any]:
    """The newest sample as data; a made-up one for a fact that has none yet."""
    files = samples_of(name_of(kind), folder)
    text = files[-1].read_bytes() if files else to_bytes(example_envelope(kind))
    found: dict[str, Any] = json.loads(text)
    return found


def write_missing(folder: Path = FOLDER) -> list[Path]:
    """Add a sample for every fact that has none, or whose newest one lacks a field of today; never touches a file."""
    added = []
    for name, kind in VOCABULARY.items():
        files = samples_of(name, folder)
        made = json.loads(to_bytes(example_envelope(kind)))
        if files and json.loads(files[-1].read_bytes())["fact"].keys() >= made["fact"].keys():
            continue
        file = folder / name / f"{len(files) + 1}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(as_text(made), encoding="utf-8")
        added.append(file)
    return added


def as_text(value: Any) -> str:
    """How everything generated is written: two blanks, characters as they are, a line end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
