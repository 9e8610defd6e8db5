"""The portal's secrets: drawn at random, kept as hashes, compared without haste."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final
from urllib.parse import urlencode

BITS: Final = 256


def new_secret() -> str:
    """256 bits for a link or a cookie, as 43 characters that fit in an address."""
    return secrets.token_urlsafe(BITS // 8)


def hash_of(secret: str) -> str:
    """Under which a secret is kept; the secret itself is never written down."""
    return hashlib.sha256(secret.encode()).hexdigest()


def token_for(master: bytes, purpose: str, *parts: str) -> str:
    """A token that only we can make, for one purpose and these parts."""
    message = "\x1f".join((purpose, *parts))
    return hmac.new(master, message.encode(), hashlib.sha256).hexdigest()


def is_same(one: str, other: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def hand_over_secret(master: bytes, school_id: str) -> str:
    """What a school's own platform signs its hand-overs with."""
    return token_for(master, "hand-over", school_id)


def hand_over_signature(
    secret: str, *, school_id: str, learner_id: str, at: str, number: str, to: str
) -> str:
    """The signature over one hand-over; every field counts."""
    signed = urlencode({"school": school_id, "learner": learner_id, "at": at, "number": number, "to": to})
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
