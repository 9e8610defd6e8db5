"""Reads YAML and remembers the line of every key, so that a mistake is shown where it stands.

Also refuses what YAML 1.1 silently turns into something else: a bare ``on:`` is true, ``10:00`` is 600, the second
of two equal keys wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import yaml

from services.dunning.policies.problems import Problem

Path = tuple[str | int, ...]
"""The way to a value: ``("attempts", "schedule", "calendar")``."""

_TIME_LIKE: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")
_MOST_VALUES: Final = 20_000
"""Far more than any school's file holds, and few enough that aliases of aliases cannot fill the memory."""
_BOOL: Final = "tag:yaml.org,2002:bool"
_STR: Final = "tag:yaml.org,2002:str"


def dotted(path: Path) -> str:
    """``attempts.schedule.calendar``."""
    return ".".join(str(step) for step in path)


@dataclass(slots=True, kw_only=True)
class Document:
    """A file's values, the line of each, and what was wrong with the writing itself."""

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, path: Path) -> int | None:
        """The line of that key, or of the nearest thing that contains it."""
        for length in range(len(path), -1, -1):
            line = self.lines.get(path[:length])
            if line is not None:
                return line
        return None

    def problem(self, path: Path, message: str, remedy: str, *, line: int | None = None) -> Problem:
        """A problem at that key."""
        return Problem(
            file=self.file, line=line or self.line_of(path), key=dotted(path), message=message, remedy=remedy
        )


def read_yaml(text: str, *, file: str) -> Document:
    """Read one YAML document; problems of the writing are collected, never raised."""
    document = Document(file=file)
    loader: yaml.SafeLoader | None = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is not None:
            document.data = _Reader(document, loader).value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else None
        what = " ".join(part for part in (error.context, error.problem) if part)
        document.problems.append(document.problem((), f"this is no YAML: {what}", "mend the line", line=line))
    except yaml.YAMLError as error:
        document.problems.append(document.problem((), f"this is no YAML: {error}", "mend the file", line=1))
    finally:
        if loader is not None:
            loader.dispose()
    return document


class _Reader:
    """Walks the nodes of one document."""

    def __init__(self, document: Document, loader: yaml.SafeLoader) -> None:
        self._document = document
        self._loader = loader
        self._open: set[int] = set()
        self._count = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._count += 1
        if self._count > _MOST_VALUES:
            raise yaml.YAMLError(f"more than {_MOST_VALUES} values, aliases counted each time")
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._open:
            self._say(path, "contains itself through an alias", "write the value out", node)
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return dict(self._pairs(node, path))
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self._open.discard(id(node))

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in seen:
                self._say(here, "stands twice, and YAML would keep only the second", "remove one", key_node)
                continue
            seen.add(key)
            self._document.lines[here] = key_node.start_mark.line + 1
            yield key, self.value(value_node, here)

    def _key(self, node: yaml.Node, path: Path) -> str | None:
        text = str(node.value)
        if node.tag == _BOOL:
            self._say(
                (*path, text),
                f"the bare key `{text}` is read as a truth value by YAML, not as a word",
                "name the event with `event:`, or put the key in quotes",
                node,
            )
            return None
        if not isinstance(node, yaml.ScalarNode) or node.tag != _STR:
            self._say((*path, text), f"the key `{text}` is no word", "put it in quotes or correct it", node)
            return None
        return text

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        if plain and _TIME_LIKE.fullmatch(str(node.value)):
            self._say(
                path,
                f"the bare time {node.value} is a sexagesimal number to YAML (10:00 is 600)",
                f'put it in quotes: "{node.value}"',
                node,
            )
            return str(node.value)
        try:
            value = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self._say(path, f"cannot be read: {error}", "put it in quotes or correct it", node)
            return None
        return value.isoformat() if isinstance(value, date) else value

    def _say(self, path: Path, message: str, remedy: str, node: yaml.Node) -> None:
        line = node.start_mark.line + 1
        self._document.problems.append(self._document.problem(path, message, remedy, line=line))
