"""Keys of internal services: who may knock at which door, for which schools, and until when.

A key is shown once, when it is made, and kept as a digest: ``rk_<id>_<secret>``, where the secret has 256 bits of
chance, so a plain SHA-256 of it cannot be guessed back. Several keys of one name may be valid at once; that is how one
is replaced without an outage. A scope is ``<service>:read`` or ``<service>:write``; writing includes reading.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

from shared.errors import Refused

Need = Literal["read", "write"]

EVERY: Final = "*"
_SHOWN: Final = re.compile(r"rk_([0-9a-f]{12})_([A-Za-z0-9_\-]{43})")
_SCOPE: Final = re.compile(r"(\*|[a-z]+):(read|write)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key as it is kept. ``schools`` empty: every school. Instants are aware UTC."""

    id: str
    name: str
    """Whose it is: ``lms``, ``bookkeeping``."""
    digest: bytes
    scopes: tuple[str, ...]
    schools: tuple[str, ...] = ()
    made_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def ended(self, now: datetime) -> str | None:
        """Why it opens nothing any more; ``None`` while it does."""
        if self.revoked_at is not None and self.revoked_at <= now:
            return f"was revoked at {self.revoked_at:%Y-%m-%d %H:%M} UTC"
        if self.expires_at is not None and self.expires_at <= now:
            return f"expired at {self.expires_at:%Y-%m-%d %H:%M} UTC"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever was let in: what it may do, and at which schools (``None``: at every one)."""

    name: str
    scopes: frozenset[str]
    schools: frozenset[str] | None = None

    def may(self, service: str, need: Need) -> bool:
        """Whether it may read, or write, at that service."""
        wanted = {f"{one}:{how}" for one in (service, EVERY) for how in ("write", need)}
        return not wanted.isdisjoint(self.scopes)

    def knows(self, school_id: str) -> bool:
        """Whether that school is any of its business."""
        return self.schools is None or school_id in self.schools


OPERATOR: Final = Caller(name="operator", scopes=frozenset({f"{EVERY}:write"}))
"""Who shows a key of ``RELANCE_API_KEYS``: our own services among one another, and whoever runs the installation."""


def mint(
    name: str,
    scopes: tuple[str, ...],
    *,
    now: datetime,
    schools: tuple[str, ...] = (),
    expires_at: datetime | None = None,
) -> tuple[Key, str]:
    """A new key and what its owner shows; that text is nowhere else.

    Raises:
        Refused: 422, a scope that does not exist.
    """
    for scope in scopes:
        check_scope(scope)
    secret = secrets.token_urlsafe(32)
    key = Key(
        id=secrets.token_hex(6),
        name=name,
        digest=digest_of(secret),
        scopes=tuple(sorted(set(scopes))),
        schools=tuple(sorted(set(schools))),
        made_at=now,
        expires_at=expires_at,
    )
    return key, f"rk_{key.id}_{secret}"


def check_scope(scope: str) -> None:
    """See ``mint``."""
    if _SCOPE.fullmatch(scope) is None:
        raise Refused(
            f"we could not make a key because {scope!r} is no scope: write dunning:read, credits:write or *:read",
            status=422,
            code="invalid",
        )


def taken_apart(shown: str) -> tuple[str, str] | None:
    """Id and secret of what somebody showed; ``None`` when it is no key of this kind."""
    found = _SHOWN.fullmatch(shown)
    return (found[1], found[2]) if found else None


def digest_of(secret: str) -> bytes:
    """What is kept of a secret."""
    return sha256(secret.encode()).digest()


def is_its_secret(key: Key, secret: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(key.digest, digest_of(secret))
