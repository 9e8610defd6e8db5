"""Who did what: one line per act, written before the act is asked for and again when its owner answered. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One act of a person."""

    act_id: str
    school_id: str
    at: datetime
    by: str
    """The person's id."""
    what: str
    """The act's word: ``guidance``, ``close``, ``staff_role`` ..."""
    about: str
    """The case, mail, closure, policy or person it was done to."""
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    note: str = ""
    outcome: str = "asked"
    """``asked``, ``done``, ``refused``, ``silent`` (the owner did not answer: try again)."""
    why: str = ""
    """The owner's words when it refused."""
    learner_id: str = ""
    """Whom it is about: what was typed is sealed with this learner's key."""

    @property
    def key(self) -> str:
        """In order of time within a school; the act's id makes it one."""
        return f"{self.school_id}/{self.at.isoformat(timespec='microseconds')}/{self.act_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An act's id was used: the second click finds what the first one came to."""

    act_id: str
    deed: str
    answer: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """How often people acted on one thing: what a form must have seen for its act to count."""

    about: str
    school_id: str
    count: int
    by: str
    what: str
    at: datetime
