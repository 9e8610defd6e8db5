"""PayPal Subscriptions: PayPal decides when to charge; we follow, read its books and open its pages."""

from __future__ import annotations

from services.payments.gateways.paypal.certs import CertConfig
from services.payments.gateways.paypal.client import PayPalGateway
from services.payments.gateways.paypal.connection import PayPalConfig

__all__ = ["CertConfig", "PayPalConfig", "PayPalGateway"]
