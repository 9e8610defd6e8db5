"""Asking PayPal through its own SDK; what its webhooks claim counts only when its books say the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from services.payments.gateways.paypal.asking import Asking
from services.payments.gateways.paypal.looking import Looking
from services.payments.gateways.paypal.pages import Pages
from services.payments.gateways.paypal.parse import parse
from services.payments.gateways.paypal.verify import verify
from services.payments.news import Arrived, Heard
from shared.events.words import Gateway


class PayPalGateway(Asking, Looking, Pages):
    """PayPal, as ``gateways.gateway.Gateway`` describes."""

    @property
    def name(self) -> Gateway:
        """See ``Gateway``."""
        return Gateway.PAYPAL

    async def close(self) -> None:
        """Nothing is held that a process's end would not let go."""

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Arrived:
        """See ``Gateway``."""
        return await verify(
            headers, body, config=self.config.webhooks, certificates=self.certificates, now=now
        )

    def parse(self, body: bytes) -> Heard:
        """See ``Gateway``."""
        return parse(body)
