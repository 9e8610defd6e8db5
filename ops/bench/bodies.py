"""What gateways would send: signed requests with fresh ids, prepared so that nobody signs while being measured."""

from __future__ import annotations

import hashlib
import hmac
import random
import re
import string
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SECRET: Final = "whsec_bench"  # noqa: S105 - of this bench alone
_TEMPLATE: Final = Path(__file__).with_name("failed.json")
_IDS: Final = re.compile(r"\b(evt|in|cus|sub|il|si|price|prod|pi|ch|pm|req)_([A-Za-z0-9]{10,})\b")
_LETTERS: Final = string.ascii_letters + string.digits


class Bodies:
    """``invoice.payment_failed`` events as Stripe writes them, every id fresh, all of one length."""

    def __init__(self, seed: int = 1) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - no secret
        text = _TEMPLATE.read_text(encoding="utf-8").rstrip("\n")
        names: dict[str, int] = {}
        self._parts: list[str | int] = []
        at = 0
        for found in _IDS.finditer(text):
            self._parts += [text[at : found.start(2)], names.setdefault(found[0], len(names))]
            at = found.end()
        self._parts.append(text[at:])
        self._lengths = [len(name.partition("_")[2]) for name in names]

    def next(self) -> bytes:
        """One more event."""
        choices = self._dice.choices
        fresh = ["".join(choices(_LETTERS, k=length)) for length in self._lengths]
        return "".join([part if isinstance(part, str) else fresh[part] for part in self._parts]).encode()


def signature(body: bytes, at: int | None = None) -> str:
    """A ``Stripe-Signature`` header's value."""
    when = int(time.time()) if at is None else at
    digest = hmac.digest(SECRET.encode(), b"%d." % when + body, hashlib.sha256).hex()
    return f"t={when},v1={digest}"


@dataclass(slots=True, kw_only=True)
class Requests:
    """A file of equal requests; ``take`` gives each slice its own."""

    file: Path
    record: int
    count: int
    used: int = 0

    def take(self, count: int) -> int:
        """The first of ``count`` requests nobody used."""
        first = self.used
        self.used += count
        if self.used > self.count:
            raise RuntimeError(f"the bench prepared {self.count} requests and needs more")
        return first


def prepare(file: Path, count: int, *, path: str, seed: int = 1, bad: bool = False) -> Requests:
    """Write ``count`` signed requests to ``path``; ``bad`` ones carry a forged signature."""
    bodies, record = Bodies(seed), 0
    with file.open("wb") as out:
        for _ in range(count):
            body = bodies.next()
            sign = signature(body if not bad else b"x" + body)
            head = (
                f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json; charset=utf-8\r\n"
                f"User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nStripe-Signature: {sign}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            ).encode()
            record = len(head) + len(body)
            out.write(head + body)
    return Requests(file=file, record=record, count=count)
