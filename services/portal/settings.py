"""What the portal alone must be told: where its owners are, how browsers reach it, and its one secret."""

from __future__ import annotations

from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings

_GATEWAYS: Final = ("https://checkout.stripe.com", "https://invoice.stripe.com", "https://www.paypal.com")


class PortalSettings(Settings):
    """Prefix ``RELANCE_``."""

    model_config = SettingsConfigDict(env_prefix="RELANCE_", extra="ignore")

    portal_master: SecretStr = SecretStr("")
    """What hand-over secrets, form tokens and the hashes of addresses are made from; 32 characters or more."""
    portal_url: str = "http://127.0.0.1:8000"
    """How a learner's browser reaches these pages."""
    payments_url: str = "http://127.0.0.1:8310"
    dunning_url: str = "http://127.0.0.1:8311"
    notifications_url: str = "http://127.0.0.1:8314"
    portal_gateways: str = ""
    """Further origins that a form may lead to (simulators, a proxy of payments), separated by commas."""
    portal_trusted_proxies: int = 0
    """How many proxies of ours stand before this one: whose ``X-Forwarded-For`` is believed."""

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        if self.mode == "production" and len(self.portal_master.get_secret_value()) < 32:
            raise ValueError("RELANCE_PORTAL_MASTER must have 32 characters or more: `openssl rand -hex 32`")
        return self

    @property
    def master(self) -> bytes:
        """The secret; a fixed one in test mode when none is set."""
        return (self.portal_master.get_secret_value() or "only-for-tests-and-demonstrations").encode()

    @property
    def origin(self) -> str:
        """Scheme and host of our own pages."""
        parts = urlsplit(self.portal_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_secure(self) -> bool:
        """Pages are reached over https: cookies and headers say so."""
        return self.portal_url.startswith("https://")

    @property
    def form_targets(self) -> tuple[str, ...]:
        """Where a form of ours may lead a browser."""
        given = tuple(part.strip() for part in self.portal_gateways.split(",") if part.strip())
        return (*_GATEWAYS, *given)

    @property
    def owner_key(self) -> str:
        """The API key that the portal shows to the other services."""
        return next(iter(sorted(self.known_keys())), "")
