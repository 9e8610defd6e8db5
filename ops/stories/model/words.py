"""Which of the many kinds of lines one is: told by the first word it uses, and by that word's value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import BaseModel, Discriminator, Tag
from typing_extensions import TypeAliasType


def tagged(name: str, kinds: Mapping[str, type[BaseModel]]) -> Any:
    """One of ``kinds``: ``"fact"`` is a line with that key, ``"staff closes_case"`` one with that key and value.

    Where a line has several of the keys, the one that stands first in ``kinds`` decides.
    """
    members = [Annotated[kind, Tag(tag)] for tag, kind in kinds.items()]
    one_of: Any = reduce(or_, members)
    return TypeAliasType(name, Annotated[one_of, Discriminator(_tag_of(kinds))])


def _tag_of(kinds: Mapping[str, type[BaseModel]]) -> Callable[[Any], str | None]:
    names = {kind: tag for tag, kind in kinds.items()}
    words = list(dict.fromkeys(tag.split(" ")[0] for tag in kinds))
    single = {tag for tag in kinds if " " not in tag}

    def tag_of(value: Any) -> str | None:
        if isinstance(value, BaseModel):
            return names.get(type(value))
        if not isinstance(value, Mapping):
            return None
        word = next((word for word in words if word in value), None)
        if word is None or word in single:
            return word
        return f"{word} {value[word]}"

    return tag_of
