"""What is wrong with a policy file, said so that a person can mend it: file, line, key, remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend (``error``) or to know (``warning``)."""

    file: str
    line: int | None
    key: str
    """Dotted, ``attempts.schedule.calendar``; empty where the file as a whole is meant."""
    message: str
    remedy: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f" {self.key}:" if self.key else ""
        return f"{place}:{key} {self.message}; {self.remedy}"


class PolicyRefused(Refused):
    """A policy was not taken because its file has problems (422); ``problems`` lists each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"the policy cannot be used until this is mended:\n{lines}", status=422, code="policy_refused"
        )
        self.problems = tuple(problems)
