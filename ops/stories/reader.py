"""Reads story files and says what is wrong with one in words: file, line, and what was expected there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ops.stories.model.acts import HAPPENINGS
from ops.stories.model.expectations import KINDS
from ops.stories.model.story import Story
from ops.stories.writing import Page, Place, read_page
from shared.errors import Unreadable

_LISTS: Final[Mapping[str, Mapping[str, type[BaseModel]]]] = {"happens": HAPPENINGS, "expect": KINDS}
_PLAIN: Final = {
    "missing": "lacks `{key}`",
    "string_type": "a word or text is expected",
    "int_type": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "bool_parsing": "true or false is expected",
    "dict_type": "`key: value` lines are expected",
    "tuple_type": "a list is expected",
    "model_type": "`key: value` lines are expected",
    "string_pattern_mismatch": "an id is expected: 1 to 64 letters, digits, `_`, `.` or `-`",
}


class StoryRefused(Unreadable):
    """A story that cannot be understood; ``problems`` are lines of ``file:line: what was expected``."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A story with its page, so that what fails later can still name its line."""

    file: str
    page: Page
    story: Story

    @property
    def id(self) -> str:
        """The story's id; the file's name where it gives none."""
        return self.story.id or Path(self.file).stem

    def line(self, *place: str | int) -> int:
        """The line of that place."""
        return self.page.line_of(place)


def read_file(path: Path) -> Read:
    """The story of one file.

    Raises:
        StoryRefused: it cannot be understood.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoryRefused([f"{path}: it cannot be read ({error}): name a YAML file in UTF-8"]) from error
    return read_text(text, file=str(path))


def read_text(text: str, *, file: str) -> Read:
    """The story of a text.

    Raises:
        StoryRefused: it cannot be understood.
    """
    page = read_page(text, file=file)
    if page.faults:
        raise StoryRefused([f"{file}:{line}: {what}" for line, what in page.faults])
    if not isinstance(page.data, dict):
        raise StoryRefused([f"{file}:1: a story is expected: start with `story: <its title>`"])
    try:
        story = Story.model_validate(page.data)
    except ValidationError as error:
        raise StoryRefused(_problems(page, error.errors())) from error
    return Read(file=file, page=page, story=story)


def _problems(page: Page, details: list[ErrorDetails]) -> list[str]:
    """One line per place, the most telling one where a value could have been several things."""
    found: dict[tuple[Place, str], str] = {}
    for detail in sorted(details, key=lambda one: one["type"] != "unreadable"):
        place, missing = _place_in(page.data, detail["loc"])
        if detail["type"] == "extra_forbidden":
            text = _unknown_key(page.data, place[:-1], str(place[-1]))
        elif detail["type"] == "missing":
            text = f"lacks `{missing}`"
        else:
            text = _sentence(place, detail)
        key = missing if detail["type"] == "missing" else ""
        found.setdefault((place, key), _at(page, place, text))
    return sorted(found.values(), key=_line_in)


def _line_in(problem: str) -> int:
    found = re.search(r":([0-9]+): ", problem)
    return int(found[1]) if found else 0


def _sentence(place: Place, detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "unreadable":
        return str(context["why"])
    if kind == "union_tag_not_found":
        return f"a line that begins with one of {', '.join(_first_words(place))} is expected"
    if kind == "union_tag_invalid":
        return _unknown_act(str(context["tag"]))
    if kind == "literal_error":
        return f"{detail['input']!r} is not known here: write {context['expected']}"
    if kind in _PLAIN:
        return f"{_PLAIN[kind]}, and {_short(detail['input'])} stands there"
    return f"{_short(detail['input'])}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _at(page: Page, place: Place, what: str) -> str:
    named = ".".join(str(step) for step in place)
    return f"{page.file}:{page.line_of(place)}: {named + ': ' if named else ''}{what}"


def _place_in(data: Any, loc: tuple[int | str, ...]) -> tuple[Place, str]:
    """The part of pydantic's location that stands in the file, and the last step that does not."""
    place: list[str | int] = []
    rest = ""
    after_list = ""
    for step in loc:
        if after_list and isinstance(step, str):  # the kind of a line, which is no key of the file
            after_list = ""
            continue
        inside = (isinstance(data, dict) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if isinstance(step, int) and place and place[-1] in _LISTS:
            after_list = str(place[-1])
        if inside:
            data = data[step]
            place.append(step)
            rest = ""
        elif not isinstance(step, int):
            rest = step
    return tuple(place), rest


def _unknown_key(data: Any, place: Place, key: str) -> str:
    words = sorted(_keys_at(data, place))
    close = difflib.get_close_matches(key, words, n=1)
    remedy = f"did you mean `{close[0]}`?" if close else f"the keys here are {', '.join(words)}"
    return f"there is no key `{key}` here: {remedy}"


def _keys_at(data: Any, place: Place) -> set[str]:
    for list_name, kinds in _LISTS.items():
        if list_name in place:
            value = _value_at(data, place)
            found = _kind_of(kinds, value)
            if found is not None:
                return _fields(found)
    return (
        {name for kind in _reachable(Story) for name in _fields(kind)} if len(place) > 1 else _fields(Story)
    )


def _value_at(data: Any, place: Place) -> Any:
    for step in place:
        data = data[step]
    return data


def _kind_of(kinds: Mapping[str, type[BaseModel]], value: Any) -> type[BaseModel] | None:
    if not isinstance(value, dict):
        return None
    for tag, kind in kinds.items():
        word, _, act = tag.partition(" ")
        if word in value and (not act or value[word] == act):
            return kind
    return None


def _fields(kind: type[BaseModel]) -> set[str]:
    return {info.alias or name for name, info in kind.model_fields.items()}


def _reachable(root: type[BaseModel]) -> Iterator[type[BaseModel]]:
    seen: set[type[BaseModel]] = set()
    todo: list[Any] = [root]
    while todo:
        one = todo.pop()
        if isinstance(one, type) and issubclass(one, BaseModel) and one not in seen:
            seen.add(one)
            yield one
            todo += [info.annotation for info in one.model_fields.values()]
        else:
            todo += [arg for arg in get_args(one) if not isinstance(arg, str)]


def _first_words(place: Place) -> list[str]:
    kinds = (
        _LISTS["happens"] if place and place[0] == "happens" and "expect" not in place else _LISTS["expect"]
    )
    return list(dict.fromkeys(tag.split(" ")[0] for tag in kinds))


def _unknown_act(tag: str) -> str:
    word, _, act = tag.partition(" ")
    acts = [known.split(" ")[1] for known in HAPPENINGS if known.startswith(f"{word} ")]
    close = difflib.get_close_matches(act, acts, n=1)
    hint = f"did you mean `{close[0]}`? " if close else ""
    return f"`{word}: {act}` is not known: {hint}one of {', '.join(acts)} is expected"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
