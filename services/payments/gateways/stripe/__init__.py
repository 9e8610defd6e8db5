"""Stripe: cards (and PayPal through Stripe) of schools that decide themselves when to try again."""

from __future__ import annotations

from services.payments.gateways.stripe.client import StripeGateway
from services.payments.gateways.stripe.connection import StripeConfig

__all__ = ["StripeConfig", "StripeGateway"]
