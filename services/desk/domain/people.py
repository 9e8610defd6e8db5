"""The office's people: who may come in, at which schools, and what each of them may do there. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

SESSION_LIFE: Final = timedelta(hours=10)
SESSION_IDLE: Final = timedelta(hours=2)
INVITED_FOR: Final = timedelta(days=7)


class Role(StrEnum):
    """What somebody may do at a school; each includes those before it, billing and office side by side."""

    VIEWER = "viewer"
    OFFICE = "office"
    BILLING = "billing"
    ADMIN = "admin"


_MAY: Final = {
    Role.VIEWER: frozenset({"look"}),
    Role.OFFICE: frozenset({"look", "guide", "write", "resume", "settle"}),
    Role.BILLING: frozenset({"look", "money", "settle"}),
    Role.ADMIN: frozenset({"look", "guide", "write", "resume", "settle", "money", "rules", "people"}),
}
"""``guide``: guidance and reports. ``write``: mails. ``resume``: days. ``settle``: questions and closing.
``money``: receipts, differences, attempts, deadlines. ``rules``: closures, policies, paths. ``people``: staff."""


def may(role: Role | None, what: str) -> bool:
    """Whether that role allows it."""
    return role is not None and what in _MAY[role]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of an office. The password is kept as an argon2 hash, the second factor sealed."""

    email: str
    """In small letters. It stays here: everybody else is told the ``person_id``."""
    person_id: str
    """Who ``by`` is in the audit, at the owners and in facts."""
    password: str = ""
    """argon2's own text; empty until the invitation was taken up."""
    totp: str = ""
    """The second factor's secret, sealed; empty until the invitation was taken up."""
    last_step: int = 0
    """The last time step whose code was used: no code opens twice."""
    roles: dict[str, Role] = field(default_factory=dict)
    """By school."""
    subjects: dict[str, str] = field(default_factory=dict)
    """By school: who this is at its provider (issuer and ``sub``), from the first time on."""
    language: str = ""
    invited: str = ""
    """The hash of an invitation's secret."""
    invited_until: datetime | None = None
    ended_at: datetime | None = None

    @property
    def schools(self) -> list[str]:
        """Where this person may come in."""
        return sorted(self.roles) if self.ended_at is None else []

    @property
    def is_ready(self) -> bool:
        """Password and second factor are set."""
        return bool(self.password and self.totp) and self.ended_at is None

    def with_role(self, school_id: str, role: Role | None) -> Person:
        """The same person with another role at a school, or none there."""
        others = {school: had for school, had in self.roles.items() if school != school_id}
        if role is None:
            subjects = {school: who for school, who in self.subjects.items() if school != school_id}
            return replace(self, roles=others, subjects=subjects)
        return replace(self, roles={**others, school_id: role})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody has, or had, a role at a school: how a school finds its people."""

    school_id: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser of a person, kept under the hash of its cookie."""

    hash: str
    email: str
    school_id: str
    started_at: datetime
    seen_at: datetime
    expires_at: datetime
    through: str = ""
    """The school whose provider vouched for the person: the session is good there and nowhere else."""

    def is_good(self, now: datetime) -> bool:
        """Neither over nor forgotten on somebody's desk."""
        return now < self.expires_at and now - self.seen_at < SESSION_IDLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Knocks:
    """How often somebody knocked in the running window."""

    key: str
    since: datetime
    count: int
    expires_at: datetime


def knocked(known: Knocks | None, key: str, within: timedelta, now: datetime) -> Knocks:
    """Count one more; a window that is over begins anew."""
    if known is None or now - known.since >= within:
        return Knocks(key=key, since=now, count=1, expires_at=now + within)
    return replace(known, count=known.count + 1)


def seen(session: Session, now: datetime) -> Session:
    """The same session, used just now."""
    return replace(session, seen_at=now)
