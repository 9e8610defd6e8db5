"""Lists from an office are read as spreadsheets really write them, one line at a time."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import BaseModel

from shared.errors import Refused
from shared.sheets import LONGEST, read_sheet


class Line(BaseModel):
    who: str
    count: int = 1
    day: date | None = None


def test_comma_and_semicolon_marks_and_line_ends_are_all_read() -> None:
    for text in ("who,count,day\nada,2,2026-06-01\n", "\ufeffwho;count;day\r\nada;2;2026-06-01\r\n"):
        (row,) = read_sheet(text.encode(), Line)
        assert row.value == Line(who="ada", count=2, day=date(2026, 6, 1))


def test_empty_cells_and_missing_columns_take_what_the_model_says() -> None:
    (row,) = read_sheet(b"who,day\n ada ,\n", Line)
    assert row.value == Line(who="ada")


def test_a_wrong_line_keeps_its_number_and_stops_no_other() -> None:
    rows = read_sheet(b'who,count\n"a\nb",1\n\nbob,many\ncid\neve,3\n', Line)
    assert [(row.line, row.value is not None) for row in rows] == [
        (2, True),
        (5, False),
        (6, False),
        (7, True),
    ]
    assert "count" in rows[1].problem
    assert rows[2].problem == "it has 1 cells where the header has 2"


@pytest.mark.parametrize("header", ["count", "who,who", "who,colour", ""])
def test_a_header_that_fits_nothing_is_refused(header: str) -> None:
    with pytest.raises(Refused, match="who are needed") as raised:
        read_sheet(f"{header}\n1\n".encode(), Line)
    assert raised.value.status == 422


def test_a_list_that_is_too_long_is_refused() -> None:
    with pytest.raises(Refused) as raised:
        read_sheet(b"x" * (LONGEST + 1), Line)
    assert raised.value.status == 413
