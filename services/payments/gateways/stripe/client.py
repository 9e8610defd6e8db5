"""Asking Stripe through its own SDK: every request that moves money has a key, every answer becomes news."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from services.payments.gateways.stripe.charging import Charging
from services.payments.gateways.stripe.keeping import Keeping
from services.payments.gateways.stripe.looking import Looking
from services.payments.gateways.stripe.pages import Pages
from services.payments.gateways.stripe.parse import parse
from services.payments.gateways.stripe.verify import verify
from services.payments.news import Arrived, Heard
from shared.events.words import Gateway


class StripeGateway(Charging, Keeping, Looking, Pages):
    """Stripe, as ``gateways.gateway.Gateway`` describes."""

    @property
    def name(self) -> Gateway:
        """See ``Gateway``."""
        return Gateway.STRIPE

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Arrived:
        """See ``Gateway``."""
        return verify(
            headers.get("stripe-signature"),
            body,
            secrets=self.secrets,
            now=now,
            tolerance=self.config.tolerance,
        )

    def parse(self, body: bytes) -> Heard:
        """See ``Gateway``."""
        return parse(body)
