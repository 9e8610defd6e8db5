"""How a story is written: YAML whose lines are remembered, instants as people say them, amounts as people write them."""

from __future__ import annotations

from ops.stories.writing.amounts import Amount
from ops.stories.writing.lines import Page, Place, read_page
from ops.stories.writing.moments import Day, Moment, Span, parse_day, parse_moment, parse_span

__all__ = [
    "Amount",
    "Day",
    "Moment",
    "Page",
    "Place",
    "Span",
    "parse_day",
    "parse_moment",
    "parse_span",
    "read_page",
]
