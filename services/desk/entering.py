"""How somebody proves who they are: a password that argon2 hashes, and a code that changes every half minute."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32encode
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Final

import argon2
import pyotp

from services.desk.domain.people import INVITED_FOR, Member, Person, Role, Session
from services.desk.domain.people import SESSION_LIFE as LIFE
from shared.pages.secrets import hash_of, new_secret, seal, token_for, unseal

_STEP: Final = 30
SHORTEST: Final = 12
"""Characters of a password, at least."""


@cache
def hasher() -> argon2.PasswordHasher:
    """argon2id with the library's own parameters (RFC 9106's second choice)."""
    return argon2.PasswordHasher()


@cache
def _nobody() -> str:
    return hasher().hash(new_secret())


def is_password(person: Person | None, password: str) -> bool:
    """Whether it is; takes as long for somebody who does not exist."""
    kept = person.password if person is not None and person.password else _nobody()
    try:
        hasher().verify(kept, password[:1000])
    except argon2.exceptions.Argon2Error:
        return False
    return person is not None and bool(person.password)


def step_of_code(master: bytes, person: Person, code: str, now: datetime) -> int | None:
    """The time step whose code it is (this one, or the one beside it), if it was not used before."""
    digits = "".join(code.split())
    totp = pyotp.TOTP(unseal(master, person.totp))
    step = int(now.timestamp()) // _STEP
    for candidate in (step, step - 1, step + 1):
        if candidate > person.last_step and hmac.compare_digest(totp.at(candidate * _STEP), digits):
            return candidate
    return None


def weak(password: str, email: str) -> str:
    """Why a password will not do: ``short``, ``like_address``; empty when it will."""
    if len(password) < SHORTEST:
        return "short"
    return "like_address" if email.partition("@")[0].casefold() in password.casefold() else ""


def invited(
    known: Person | None,
    email: str,
    school_id: str,
    role: Role,
    now: datetime,
    *,
    again: bool = False,
    by_operator: bool = False,
) -> tuple[Person, Member, str]:
    """Somebody with a role at a school, and the invitation's secret; empty when they can come in already.

    ``again``: password and second factor were lost. Whoever also belongs to another school is only let in anew by
    the operator: else the admin of one school could come in at the other in that person's name.
    """
    person = known or Person(
        email=email, person_id=f"s-{new_secret()[:8].lower().replace('_', '0').replace('-', '1')}"
    )
    is_ours = by_operator or not set(person.roles) - {school_id}
    person = replace(person.with_role(school_id, role), ended_at=None)
    if again and is_ours:
        person = replace(person, password="", totp="", last_step=0)
    secret = ""
    if not person.is_ready and is_ours:
        secret = new_secret()
        person = replace(person, invited=hash_of(secret), invited_until=now + INVITED_FOR)
    return person, Member(school_id=school_id, email=email), secret


def totp_secret(master: bytes, invitation: str) -> str:
    """The second factor that an invitation offers: the same each time its page is opened."""
    drawn = hashlib.sha256(token_for(master, "totp", invitation).encode()).digest()
    return b32encode(drawn[:20]).decode()


def joined(master: bytes, person: Person, password: str, invitation: str, step: int) -> Person:
    """The person once the invitation was taken up."""
    return replace(
        person,
        password=hasher().hash(password),
        totp=seal(master, totp_secret(master, invitation)),
        last_step=step,
        invited="",
        invited_until=None,
    )


def opened(person: Person, school_id: str, now: datetime) -> tuple[Session, str]:
    """A new session and its cookie's secret."""
    secret = new_secret()
    session = Session(
        hash=hash_of(secret),
        email=person.email,
        school_id=school_id,
        started_at=now,
        seen_at=now,
        expires_at=now + LIFE,
    )
    return session, secret
