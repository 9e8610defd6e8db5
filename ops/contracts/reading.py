"""Reads the vocabulary as its authors wrote it: what a fact means, what a field holds, what a word says.

Python throws the text below a field away; it is read from the source again, from the class and from its parents.
"""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from textwrap import dedent
from typing import Any, Final, get_type_hints

from shared.events import Fact

_ROLE = re.compile(r"``([^`]*)``")
_NONE = re.compile(r"\bNone\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What stands in the source of a class."""

    own: str
    """The class's docstring, one paragraph; empty without one."""
    lines: dict[str, str]
    """Field or word -> the text below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a fact or of a value inside it."""

    name: str
    hint: Any
    required: bool
    default: Any
    """What is taken when it is missing; meaningless where it is ``required``."""
    text: str


_read: Final[dict[type[Any], Text]] = {}


def text_of(kind: type[Any]) -> Text:
    """Docstring and texts of one class, without its parents."""
    if kind not in _read:
        _read[kind] = _read_from_source(kind)
    return _read[kind]


def _read_from_source(kind: type[Any]) -> Text:
    tree = ast.parse(dedent(inspect.getsource(kind)))
    found = tree.body[0]
    assert isinstance(found, ast.ClassDef)  # noqa: S101 - the source of a class is a class
    lines: dict[str, str] = {}
    named = ""
    for node in found.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                named = name
            case ast.Expr(value=ast.Constant(value=str(words))) if named:
                lines[named] = _one_line(words)
            case _:
                named = ""
    return Text(own=_one_line(ast.get_docstring(found) or ""), lines=lines)


def fields_of(kind: type[Any]) -> list[Field]:
    """Every field with its type and its text, those of parents first."""
    hints = get_type_hints(kind)
    texts: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if one is not object and one.__module__.startswith("shared."):
            texts |= text_of(one).lines
    found = []
    for field in fields(kind):
        made = field.default_factory
        default = field.default if made is MISSING else made()
        found.append(
            Field(
                name=field.name,
                hint=hints[field.name],
                required=default is MISSING,
                default=None if default is MISSING else default,
                text=texts.get(field.name, ""),
            )
        )
    return found


def sentence_of(kind: type[Any]) -> str:
    """What a fact means: its docstring, or its name as words where the name says all."""
    own = text_of(kind).own
    if own:
        return own
    parents = [text_of(one).own for one in kind.__mro__[1:] if issubclass(one, Fact) and one is not Fact]
    inherited = next((text for text in parents if text), "")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).capitalize()
    return f"{words}. {inherited}".strip()


def word_texts(kind: type[StrEnum]) -> dict[str, str]:
    """Each value of an enumeration and what it says, as far as that is written down."""
    texts = text_of(kind).lines
    return {word.value: texts.get(word.name, "") for word in kind}


def plain(text: str) -> str:
    """For formats that know no markup of their own: without the quotes around code."""
    return _NONE.sub("null", _ROLE.sub(r"\1", text))


def marked(text: str) -> str:
    """For Markdown."""
    return _NONE.sub("null", _ROLE.sub(r"`\1`", text))


def _one_line(text: str) -> str:
    return " ".join(inspect.cleandoc(text).split())
