"""The words in which a difference is told."""

from __future__ import annotations

from typing import Any

from ops.stories.engine import FactTold


def is_called(told: FactTold, name: str) -> bool:
    """Whether a fact has that name, with or without its service."""
    full = told.envelope.type
    return name in {full, full.split(".", 1)[1]}


def dated(one: Any) -> str:
    """When an expectation says that it is."""
    parts = [
        f" {word} {getattr(one, word).text}"
        for word in ("at", "on", "after", "before")
        if getattr(one, word, None)
    ]
    return "".join(parts)


def lists(what: str, wanted: list[str], found: list[str]) -> str:
    """Two lists side by side."""
    lines = [f"{what}: {len(wanted)} were expected and {len(found)} came"]
    for index in range(max(len(wanted), len(found))):
        left = wanted[index] if index < len(wanted) else "-"
        right = found[index] if index < len(found) else "-"
        lines.append(f"      {index + 1:>3}. expected {left:<58} came {right}")
    return "\n".join(lines)


def flat(text: str) -> str:
    """Line breaks and narrow blanks do not matter to a reader."""
    return " ".join(text.replace(" ", " ").replace(" ", " ").split())


def number_of(name: str) -> int:
    """12 of T12."""
    return int(name[1:]) if name[1:].isdigit() else 0
