"""What the desk must know of a school to write its pages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """A school; the newest registration holds."""

    school_id: str
    name: str = ""
    policy_id: str = ""
    zone: str = "UTC"
    languages: tuple[str, ...] = ("en",)
    currency: str = "EUR"
