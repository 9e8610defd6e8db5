"""Lists that a school's office exports and sends us: CSV read line by line, so that one wrong line stops no other.

Comma or semicolon (French spreadsheets write the second), UTF-8 with or without a mark in front.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from pydantic import BaseModel, Field, ValidationError

from shared.errors import Refused

M = TypeVar("M", bound=BaseModel)

LONGEST: Final = 5_000_000
"""Bytes of one file; longer lists are sent in parts."""


class WrongLine(BaseModel):
    """A line that was not taken, and why."""

    line: int = Field(description="Counted from 1, the header included")
    problem: str


class Report(BaseModel):
    """What became of a list. Sending it again, corrected, is safe: what was taken is not taken twice."""

    taken: int = 0
    unchanged: int = Field(default=0, description="Lines that were known already")
    wrong: list[WrongLine] = []


class Row(Generic[M]):
    """One line: its number and either what it says or what is wrong with it."""

    def __init__(self, line: int, value: M | None, problem: str = "") -> None:
        self.line = line
        self.value = value
        self.problem = problem


def read_sheet(body: bytes, kind: type[M]) -> list[Row[M]]:
    """Read the lines of a CSV file as ``kind``; empty cells count as absent.

    Raises:
        Refused: 413 when it is too long, 422 when it is no CSV text of ours (encoding, header).
    """
    if len(body) > LONGEST:
        raise Refused(
            f"we could not read the list because it is longer than {LONGEST:,} bytes: send it in parts",
            status=413,
            code="too_long",
        )
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise _unreadable(f"line {line} is not UTF-8: export it as UTF-8") from error
    first, _, _ = text.partition("\n")
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=";" if first.count(";") > first.count(",") else ",",
        strict=True,
    )
    try:
        lines = _numbered(reader)
        _, header = next(lines, (1, []))
        columns = [name.strip() for name in header]
        _check_header(columns, kind)
        return [_row(number, columns, cells, kind) for number, cells in lines]
    except csv.Error as error:
        raise _unreadable(f"line {reader.line_num} is no CSV ({error}): correct it") from error


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not empty, with the number of the line they begin on."""
    begins = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield begins, cells
        begins = getattr(reader, "line_num", begins) + 1


def _check_header(columns: list[str], kind: type[BaseModel]) -> None:
    known = list(kind.model_fields)
    needed = [name for name, field in kind.model_fields.items() if field.is_required()]
    missing = [name for name in needed if name not in columns]
    strange = [name for name in columns if name not in known]
    if missing or strange or len(set(columns)) < len(columns):
        raise _unreadable(
            f"its first line names {', '.join(columns) or 'nothing'}: "
            f"{', '.join(needed)} are needed, of {', '.join(known)}, each once"
        )


def _row(number: int, columns: list[str], cells: list[str], kind: type[M]) -> Row[M]:
    if len(cells) != len(columns):
        return Row(number, None, f"it has {len(cells)} cells where the header has {len(columns)}")
    given = {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if cell.strip()}
    try:
        return Row(number, kind.model_validate(given))
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, item['loc'])) or 'line'}: {item['msg']}" for item in error.errors()]
        return Row(number, None, "; ".join(wrong))


def _unreadable(reason: str) -> Refused:
    return Refused(f"we could not read the list because {reason}", status=422, code="unreadable_list")
