"""What a learner wrote to the school, kept where staff read it; it never travels in a fact (J11, J39)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The learner's own words about one case."""

    case_id: str
    report_id: str
    at: datetime
    text: str
