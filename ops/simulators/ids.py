"""Ids that look like the gateways' own and are the same in every run of the same story."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ops.simulators.store import Store

_MIXED = string.ascii_uppercase + string.ascii_lowercase + string.digits
_UPPER = string.ascii_uppercase + string.digits
_STRIPE_LENGTH = {"cus": 14, "prod": 14, "si": 14, "req": 14, "whsec": 32, "cs_test": 58}


class Ids:
    """Draws ids from counters and a seed: no dice, so two runs agree to the last letter."""

    def __init__(self, store: Store, seed: str) -> None:
        self._store = store
        self._seed = seed
        self._given: dict[str, str] = {}

    @contextmanager
    def given(self, ids: Mapping[str, str | None]) -> Iterator[None]:
        """Inside the block the next id of a kind (``stripe.ch``, ``paypal.sale``) is the one a story gives."""
        before, self._given = self._given, {kind: key for kind, key in ids.items() if key}
        try:
            yield
        finally:
            self._given = before

    def take(self, kind: str) -> str | None:
        """The id that a story gives to the next one of this kind, once."""
        return self._given.pop(kind, None)

    def stripe(self, prefix: str) -> str:
        """``in_1...``: Stripe's prefix and its usual length."""
        if given := self.take(f"stripe.{prefix}"):
            return given
        body = self._letters(f"stripe.{prefix}", _STRIPE_LENGTH.get(prefix, 24), _MIXED)
        return f"{prefix}_1{body[1:]}"

    def secret(self, owner: str) -> str:
        """The client secret of a payment or setup intent."""
        return f"{owner}_secret_{self._letters('stripe.secret', 25, _MIXED)}"

    def paypal(self, kind: str) -> str:
        """PayPal's seventeen capitals and digits (sales, orders, captures, refunds)."""
        return self.take(f"paypal.{kind}") or self._letters(f"paypal.{kind}", 17, _UPPER)

    def paypal_named(self, prefix: str, length: int) -> str:
        """``I-...``, ``P-...``, ``BA-...``: a PayPal id with its prefix."""
        if given := self.take(f"paypal.{prefix}"):
            return given
        return f"{prefix}-{self._letters(f'paypal.{prefix}', length, _UPPER)}"

    def paypal_event(self) -> str:
        """``WH-...-...``: the id of a PayPal event."""
        return f"WH-{self.paypal('event')}-{self.paypal('event')}"

    def transmission(self) -> str:
        """The UUID-shaped id of one PayPal transmission."""
        digest = self._digest("paypal.transmission")[:16].hex()
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))

    def plain(self, name: str) -> str:
        """``name-17``: an id of our own, for deliveries and agenda items."""
        return f"{name}-{self._store.count(name)}"

    def _digest(self, kind: str) -> bytes:
        number = self._store.count(f"id.{kind}")
        return hashlib.sha512(f"{self._seed}|{kind}|{number}".encode()).digest()

    def _letters(self, kind: str, length: int, alphabet: str) -> str:
        digest = self._digest(kind)
        return "".join(alphabet[byte % len(alphabet)] for byte in digest[:length])
