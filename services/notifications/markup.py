"""One source for both parts of a mail: a template is written once, in lines a person reads, and laid out twice.

    Subject: ...                     the first lines; ``Preview:`` is what a phone shows beside the subject
    ## Heading
    : Label | value                  a row of facts
    - item        1. step            lists
    ! what must not be overlooked
    ~ small print
    [[Button|address]]               left out where the address is empty
    **strong**   [word|address]      inside a line

Values that templates insert are wrapped by ``guard`` and can never become markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from shared.errors import Unreadable

_SPECIAL: Final = "*[]|-!~#:.\\"
_SHIELD: Final = str.maketrans({char: chr(0xE000 + index) for index, char in enumerate(_SPECIAL)})
_UNSHIELD: Final = str.maketrans({chr(0xE000 + index): char for index, char in enumerate(_SPECIAL)})
_INLINE: Final = re.compile(r"\*\*(?P<strong>.+?)\*\*|\[(?P<word>[^\[\]|]+)\|(?P<url>[^\[\]|]*)\]")
_BUTTON: Final = re.compile(r"\[\[(?P<label>[^|]+)\|(?P<url>[^\]]*)\]\]")
_NUMBERED: Final = re.compile(r"[0-9]+\. ")

_RUNS: Final = frozenset({"facts", "list", "steps", "small"})

Kind = Literal["paragraph", "heading", "facts", "list", "steps", "notice", "small", "button"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text: plain, strong, or a link."""

    text: str
    strong: bool = False
    url: str = ""


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One block; ``lines`` are its items, steps or lines, ``rows`` a table of facts."""

    kind: Kind
    lines: tuple[Line, ...] = ()
    rows: tuple[tuple[str, Line], ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A rendered template, read."""

    subject: str
    preview: str
    blocks: tuple[Block, ...]


def guard(value: Any) -> Any:
    """What a template inserts: one line, and none of its signs means anything to ``read``."""
    if not isinstance(value, str):
        return value
    return (
        " ".join(value.split()).translate(_SHIELD)
        if "\n" in value or "\r" in value
        else value.translate(_SHIELD)
    )


def read(source: str) -> Written:
    """The blocks of a rendered template.

    Raises:
        Unreadable: it has no subject.
    """
    head, _, body = source.strip().partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    subject = _plain(fields.get("Subject", "")).strip()
    if not subject:
        raise Unreadable("a mail's template begins with a line `Subject: ...`: add it")
    return Written(subject, _plain(fields.get("Preview", "")).strip(), tuple(_joined(_blocks(body))))


def _joined(blocks: Iterator[Block]) -> Iterator[Block]:
    """Rows and items that a loop or a condition set apart by blank lines belong to one table, one list."""
    before: Block | None = None
    for block in blocks:
        if before is not None and before.kind == block.kind and block.kind in _RUNS:
            before = Block(block.kind, before.lines + block.lines, before.rows + block.rows)
            continue
        if before is not None:
            yield before
        before = block
    if before is not None:
        yield before


def _blocks(body: str) -> Iterator[Block]:
    for chunk in re.split(r"\n[ \t]*\n", body):
        lines = [line.strip() for line in chunk.splitlines() if line.strip()]
        while lines:
            kind = _kind(lines[0])
            taken = 1
            while taken < len(lines) and kind != "button" and _kind(lines[taken]) == kind:
                taken += 1
            yield from _block(kind, lines[:taken])
            lines = lines[taken:]


def _kind(line: str) -> Kind:
    if _NUMBERED.match(line):
        return "steps"
    if line.startswith("[["):
        return "button"
    signs: dict[str, Kind] = {"##": "heading", ": ": "facts", "- ": "list", "! ": "notice", "~ ": "small"}
    return signs.get(line[:2], "paragraph")


def _block(kind: Kind, lines: list[str]) -> Iterator[Block]:
    if kind == "facts":
        rows = [line[2:].partition(" | ") for line in lines]
        kept = tuple((_plain(label), _line(value)) for label, _, value in rows if value.strip())
        if kept:
            yield Block(kind, rows=kept)
        return
    if kind == "button":
        found = _BUTTON.fullmatch(lines[0])
        if found is not None and found["url"].strip():
            yield Block(kind, ((Span(_plain(found["label"]), url=_plain(found["url"]).strip()),),))
        return
    strip = {"heading": 3, "list": 2, "notice": 2, "small": 2}.get(kind, 0)
    if kind == "steps":
        yield Block(kind, tuple(_line(line.split(". ", 1)[1]) for line in lines))
        return
    texts = [line[strip:] for line in lines]
    yield Block(kind, tuple(_line(text) for text in texts))


def _line(text: str) -> Line:
    spans: list[Span] = []
    at = 0
    for found in _INLINE.finditer(text):
        if found.start() > at:
            spans.append(Span(_plain(text[at : found.start()])))
        if found["strong"] is not None:
            spans.append(Span(_plain(found["strong"]), strong=True))
        else:
            spans.append(Span(_plain(found["word"]), url=_plain(found["url"]).strip()))
        at = found.end()
    if at < len(text):
        spans.append(Span(_plain(text[at:])))
    return tuple(spans)


def _plain(text: str) -> str:
    return text.translate(_UNSHIELD)


# --- the plain text part ----------------------------------------------------------------------------------


def as_text(written: Written, *, colon: str, sign: str) -> str:
    """The text part; ``colon`` as the language writes it, ``sign`` before what must not be overlooked."""
    return "\n\n".join(_text_block(block, colon, sign) for block in written.blocks).strip() + "\n"


def _text_block(block: Block, colon: str, sign: str) -> str:
    match block.kind:
        case "heading":
            return "\n".join(f"■ {_text(line)}" for line in block.lines)
        case "facts":
            return "\n".join(f"{label}{colon}{_text(value)}" for label, value in block.rows)
        case "list":
            return "\n".join(f"- {_text(line)}" for line in block.lines)
        case "steps":
            return "\n".join(f"{number}. {_text(line)}" for number, line in enumerate(block.lines, 1))
        case "button":
            span = block.lines[0][0]
            return f"→ {span.text}{colon.rstrip()}\n  {span.url}"
        case "notice":
            return "\n".join(f"{sign}{_text(line)}" for line in block.lines)
        case _:
            return "\n".join(_text(line) for line in block.lines)


def _text(line: Line) -> str:
    return "".join(
        f"{span.text} ({span.url})" if span.url and span.url != span.text else span.text for span in line
    )
