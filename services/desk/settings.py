"""What the desk alone must be told: where the owners are, how browsers reach it, and its one secret."""

from __future__ import annotations

from typing import Self

from pydantic import SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class DeskSettings(Settings):
    """Prefix ``RELANCE_``."""

    model_config = SettingsConfigDict(env_prefix="RELANCE_", extra="ignore")

    desk_master: SecretStr = SecretStr("")
    """What second factors are sealed with and form tokens made from; 32 characters or more."""
    desk_url: str = "http://127.0.0.1:8316"
    """How the office's browsers reach the desk."""
    desk_trusted_proxies: int = 0
    """How many proxies of ours stand before it: whose ``X-Forwarded-For`` is believed."""
    payments_url: str = "http://127.0.0.1:8310"
    dunning_url: str = "http://127.0.0.1:8311"
    access_url: str = "http://127.0.0.1:8312"
    credits_url: str = "http://127.0.0.1:8313"
    portal_api_url: str = "http://127.0.0.1:8315"
    notifications_url: str = "http://127.0.0.1:8314"
    hooks_url: str = "http://127.0.0.1:8317"
    operator_url: str = ""
    """The operator's API, for what-if and parked messages; empty where nobody runs it, and then the page says so."""

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        if self.mode == "production" and len(self.desk_master.get_secret_value()) < 32:
            raise ValueError("RELANCE_DESK_MASTER must have 32 characters or more: `openssl rand -hex 32`")
        return self

    @property
    def master(self) -> bytes:
        """The secret; a fixed one in test mode when none is set."""
        return (self.desk_master.get_secret_value() or "only-for-tests-and-demonstrations").encode()

    @property
    def is_secure(self) -> bool:
        """Pages are reached over https: cookies and headers say so."""
        return self.desk_url.startswith("https://")

    @property
    def owner_key(self) -> str:
        """The API key that the desk shows to the other services."""
        return next(iter(sorted(self.known_keys())), "")
