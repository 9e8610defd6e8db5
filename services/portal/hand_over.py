"""How a school's own platform hands a learner over: signed with a secret that only the two of us can make."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlencode

from shared.pages.secrets import token_for


def hand_over_secret(master: bytes, school_id: str) -> str:
    """What a school's own platform signs its hand-overs with."""
    return token_for(master, "hand-over", school_id)


def hand_over_signature(
    secret: str, *, school_id: str, learner_id: str, at: str, number: str, to: str
) -> str:
    """The signature over one hand-over; every field counts."""
    signed = urlencode({"school": school_id, "learner": learner_id, "at": at, "number": number, "to": to})
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
