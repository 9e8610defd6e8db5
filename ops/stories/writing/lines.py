"""Reads a story's YAML and remembers the line of everything, so that a mistake is shown where it stands.

A story is full of dates, hours and the word ``on``: none of them is turned into something else. Text stays text;
only whole numbers, decimal numbers, ``true``, ``false`` and ``null`` mean what they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

Place = tuple[str | int, ...]
"""The way to a value: ``("happens", 3, "amount")``."""

_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+")
_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(slots=True, kw_only=True)
class Page:
    """A file's values and the line of each; ``fault`` when it is no YAML at all."""

    file: str
    data: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)
    """Lines that cannot be read, with what is wrong."""

    def line_of(self, place: Place) -> int:
        """The line of that value, or of the nearest thing that holds it."""
        for length in range(len(place), -1, -1):
            if (line := self.lines.get(place[:length])) is not None:
                return line
        return 1


def read_page(text: str, *, file: str) -> Page:
    """Read one YAML document; what is wrong with its writing is collected, never raised."""
    page = Page(file=file)
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is not None:
            page.data = _Reader(page).value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        page.faults.append((mark.line + 1 if mark is not None else 1, f"this is no YAML: {what}"))
    except yaml.YAMLError as error:
        page.faults.append((1, f"this is no YAML: {error}"))
    finally:
        loader.dispose()
    return page


class _Reader:
    """Walks the nodes of one document."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._inside: set[int] = set()

    def value(self, node: yaml.Node, place: Place) -> Any:
        self._page.lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in self._inside:
            self._page.faults.append((node.start_mark.line + 1, "this contains itself through an alias"))
            return None
        self._inside.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return dict(self._pairs(node, place))
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*place, index)) for index, item in enumerate(node.value)]
            return _scalar(node)
        finally:
            self._inside.discard(id(node))

    def _pairs(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._page.faults.append((line, "a key must be a word"))
                continue
            key = str(key_node.value)
            if key == "<<":
                yield from self._merged(value_node, place, seen)
                continue
            if key in seen:
                self._page.faults.append((line, f"`{key}` stands twice: keep one"))
                continue
            seen.add(key)
            self._page.lines[(*place, key)] = line
            yield key, self.value(value_node, (*place, key))

    def _merged(self, node: yaml.Node, place: Place, seen: set[str]) -> Iterator[tuple[str, Any]]:
        """YAML's merge key: what stands beside it wins."""
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(source, yaml.MappingNode):
                self._page.faults.append((source.start_mark.line + 1, "`<<` takes a mapping"))
                continue
            for key, value in self._pairs(source, place):
                if key not in seen:
                    yield key, value


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return Decimalish(text)
    return text


class Decimalish(str):
    """A number with decimals, kept exactly as it was written (75.00 stays 75.00)."""

    __slots__ = ()
