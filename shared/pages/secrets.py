"""Secrets of pages: drawn at random, kept as hashes, compared without haste, sealed where they must be read again."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet


def new_secret() -> str:
    """256 bits for a link or a cookie, as 43 characters that fit in an address."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """Under which a secret is kept; the secret itself is never written down."""
    return hashlib.sha256(secret.encode()).hexdigest()


def token_for(master: bytes, purpose: str, *parts: str) -> str:
    """A token that only we can make, for one purpose and these parts."""
    return hmac.new(master, "\x1f".join((purpose, *parts)).encode(), hashlib.sha256).hexdigest()


def is_same(one: str, other: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def seal(master: bytes, text: str) -> str:
    """Text that only whoever has the master can read again."""
    return _box(master).encrypt(text.encode()).decode()


def unseal(master: bytes, sealed: str) -> str:
    """The text again; raises ``cryptography.fernet.InvalidToken`` under another master."""
    return _box(master).decrypt(sealed.encode()).decode()


def _box(master: bytes) -> Fernet:
    return Fernet(urlsafe_b64encode(hashlib.sha256(b"seal\x1f" + master).digest()))
