"""A changed copy of a record, many times a second: a decision makes several, and ``dataclasses.replace`` asks each
time again what the fields are and runs the whole constructor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, Final, TypeVar

R = TypeVar("R")

_put: Final = object.__setattr__


def changed(record: R, **changes: Any) -> R:
    """The same record with other values in some fields.

    ``record`` is a dataclass with ``slots=True`` that checks nothing when it is made; ``changes`` are its fields.

    Raises:
        AttributeError: the record has no such field.
    """
    kind: Any = type(record)
    read, writers = _access(kind)
    copy: R = object.__new__(kind)
    for write, value in zip(writers, read(record), strict=True):
        write(copy, value)
    for name, value in changes.items():
        _put(copy, name, value)
    return copy


@cache
def _access(
    kind: type[Any],
) -> tuple[Callable[[Any], tuple[Any, ...]], tuple[Callable[[Any, Any], None], ...]]:
    names = [one.name for one in fields(kind)]
    return attrgetter(*names), tuple(getattr(kind, name).__set__ for name in names)
