"""What payments alone must be told: keys of the gateways, and whose signatures count."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from services.payments.gateways.gateway import Gateway
from services.payments.gateways.paypal import CertConfig, PayPalConfig, PayPalGateway
from services.payments.gateways.paypal.verify import SIMULATED, VerifyConfig
from services.payments.gateways.stripe import StripeConfig, StripeGateway
from services.payments.ingress import LARGEST
from shared.events import words
from shared.settings import Settings


class PaymentsSettings(Settings):
    """Prefix ``RELANCE_``. A gateway without its key is not set up: its webhooks are answered with 404."""

    model_config = SettingsConfigDict(env_prefix="RELANCE_", extra="ignore")

    stripe_key: SecretStr = SecretStr("")
    stripe_webhook_secrets: SecretStr = SecretStr("")
    """The endpoint's signing secret; two, separated by a comma, while one is being replaced."""
    stripe_base: str | None = None
    """A simulator's address in place of Stripe's; test mode only."""
    stripe_tolerance: int = Field(default=300, ge=1, le=3600)
    """Seconds that a signature may be older or newer than now."""
    paypal_client_id: str = ""
    paypal_client_secret: SecretStr = SecretStr("")
    paypal_webhook_ids: str = ""
    """Our listener's id at PayPal; several, separated by commas."""
    paypal_environment: Literal["live", "sandbox"] = "live"
    paypal_base: str | None = None
    """A simulator's address in place of PayPal's; test mode only."""
    paypal_anchors: str = ""
    """PEM files or folders, separated by commas, that vouch for PayPal's signing certificates; the public
    DigiCert roots when empty."""
    paypal_cert_origins: str = ""
    """Further addresses whose certificates are fetched (a simulator's); test mode only."""
    public_url: str = "http://127.0.0.1:8000"
    """How a learner's browser reaches this API, for the way back from a gateway's page."""
    webhook_largest: int = Field(default=LARGEST, ge=1024)
    """Bytes of the largest webhook taken in."""

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        """What only a test may do stops a production process at its start."""
        if self.mode == "production":
            for name in ("stripe_base", "paypal_base", "paypal_cert_origins"):
                if getattr(self, name):
                    raise ValueError(
                        f"RELANCE_{name.upper()} is for simulators: unset it, or use RELANCE_MODE=test"
                    )
            if SIMULATED in self.webhook_ids:
                raise ValueError(
                    f"RELANCE_PAYPAL_WEBHOOK_IDS names {SIMULATED}, with which anybody can sign: name your listener's"
                )
        return self

    @property
    def webhook_ids(self) -> tuple[str, ...]:
        """Our listener's ids; in test mode PayPal's public simulator is heard too."""
        given = _split(self.paypal_webhook_ids)
        return given if self.mode == "production" or SIMULATED in given else (*given, SIMULATED)

    def gateways(self) -> dict[words.Gateway, Gateway]:
        """The gateways that are set up."""
        found: dict[words.Gateway, Gateway] = {}
        if self.stripe_key.get_secret_value():
            found[words.Gateway.STRIPE] = StripeGateway(self._stripe())
        if self.paypal_client_id:
            found[words.Gateway.PAYPAL] = PayPalGateway(self._paypal())
        return found

    def _stripe(self) -> StripeConfig:
        return StripeConfig(
            api_key=self.stripe_key.get_secret_value(),
            webhook_secrets=_split(self.stripe_webhook_secrets.get_secret_value()),
            base_url=self.stripe_base,
            tolerance=self.stripe_tolerance,
        )

    def _paypal(self) -> PayPalConfig:
        test = self.mode == "test"
        origins = _split(self.paypal_cert_origins)
        if test and self.paypal_base:
            origins = (*origins, self.paypal_base)
        return PayPalConfig(
            client_id=self.paypal_client_id,
            secret=self.paypal_client_secret.get_secret_value(),
            webhooks=VerifyConfig(webhook_ids=self.webhook_ids),
            certs=CertConfig(
                environments=("live", "sandbox") if test else (self.paypal_environment,),
                anchors=tuple(Path(path) for path in _split(self.paypal_anchors)),
                origins=origins,
            ),
            live=self.paypal_environment == "live",
            base_url=self.paypal_base,
        )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
