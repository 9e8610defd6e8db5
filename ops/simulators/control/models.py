"""The bodies of the control API, read strictly: a misspelt field is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from ops.simulators.scripts import ScriptedOutcome


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_in_utc)]
_KEYS = AliasChoices(
    "id",
    "subscription",
    "customer",
    "payment_method",
    "payment_intent",
    "setup_intent",
    "invoice",
    "session",
    "charge",
    "order",
    "sale",
    "capture",
    "dispute",
    "reference",
)


class Strict(BaseModel):
    """A body without surprises."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Advance(Strict):
    """Do everything due up to ``to``."""

    to: Instant


class CardBody(Strict):
    """A card as typed; ``set_up`` says that 3-D Secure was passed when it was saved (setup only).

    What follows ``set_up`` is what Stripe finds out about it, in place of what the number says.
    """

    number: str = "4242424242424242"
    exp_month: int = Field(default=12, ge=1, le=12)
    exp_year: int = 2039
    funding: Literal["credit", "debit", "prepaid", "unknown"] | None = None
    set_up: bool = False
    cvc: bool = True
    three_ds: bool = True
    country: str | None = None
    fingerprint: str | None = None
    last4: str | None = None

    def details(self) -> dict[str, Any]:
        """The fields of Stripe's card that are as said here."""
        said = {
            "funding": self.funding,
            "country": self.country,
            "fingerprint": self.fingerprint,
            "last4": self.last4,
            "three_d_secure_usage": None if self.three_ds else {"supported": False},
            "checks": None if self.cvc else {"cvc_check": None},
        }
        return {name: value for name, value in said.items() if value is not None}


class StripeSetup(Strict):
    """A learner with a running Stripe subscription, in one call."""

    gateway: Literal["stripe"]
    learner: str
    amount: int = Field(ge=0)
    currency: str = "EUR"
    anchor: Instant | None = None
    next_billing: Instant | None = None
    interval: Literal["day", "week", "month", "year"] = "month"
    card: CardBody | None = CardBody()
    paypal_email: str | None = None
    also_card: CardBody | None = None
    also_paypal: str | None = None
    """Stored beside, and not what usually pays."""
    email: str | None = None
    name: str | None = None
    reference: str | None = None
    metadata: dict[str, str] = {}
    stripe_retries_days: list[float] = []
    stripe_ending: Literal["past_due", "cancel", "unpaid"] = "past_due"
    quiet: bool = False
    subscription: str | None = None
    """The id of the subscription, where a story gives one."""


class PayPalSetup(Strict):
    """A learner with a running PayPal subscription, in one call."""

    gateway: Literal["paypal"]
    learner: str
    amount: int = Field(ge=0)
    currency: str = "JPY"
    next_billing: Instant
    retry_intervals_days: list[float | str] = [5.0, 5.0]
    ending: Literal["cancelled", "suspended", "none", "threshold"] = "cancelled"
    ending_after: float | str = 0.0
    threshold: int = 0
    auto_bill_outstanding: bool = True
    email: str | None = None
    reference: str | None = None
    quirks: list[Literal["retry_date", "month_19", "shared_event_id", "re_activated"]] = []
    quiet: bool = False
    subscription: str | None = None
    """As at Stripe."""


Setup = Annotated[StripeSetup | PayPalSetup, Field(discriminator="gateway")]


class PlanBody(Strict):
    """A price (Stripe) or a plan (PayPal) under an id that a story gives."""

    gateway: Literal["stripe", "paypal"]
    id: str
    amount: int = Field(ge=0)
    currency: str


class Script(Strict):
    """Outcomes to come, one per attempt, for an id (under any name) or a learner."""

    id: str | None = Field(default=None, validation_alias=_KEYS)
    learner: str | None = None
    purpose: Literal["charge", "setup"] = Field(
        default="charge", validation_alias=AliasChoices("purpose", "for")
    )
    outcomes: list[ScriptedOutcome] = []
    default: ScriptedOutcome | None = None
    first: bool = False
    """Ahead of what was written before."""
    last: ScriptedOutcome | None = None
    """What the bank repeats when nothing else is written (see ``only_told``)."""


class Act(Strict):
    """Something a learner, a bank or a gateway does."""

    action: str
    id: str | None = Field(default=None, validation_alias=_KEYS)
    learner: str | None = None
    card: CardBody | None = None
    paypal_email: str | None = None
    """A PayPal account in place of a card, on a checkout page."""
    amount: int | None = Field(default=None, gt=0)
    reason: str | None = None
    won: bool = False
    ids: dict[str, str] = {}
    """Ids that a story gives to what comes of it, by kind: ``stripe.seti``, ``stripe.ch``, ``paypal.sale``."""
    next_billing: Instant | None = None
    """What PayPal shows as the next charge of a subscription that is approved."""


class StripeListener(Strict):
    """Where Stripe's events go. ``secret`` may be a list while secrets roll."""

    id: str = "stripe-main"
    url: str
    secret: str | list[str]
    events: list[str] = ["*"]
    api_version: str | None = None
    retry_seconds: list[int] | None = None
    enabled: bool = True


class PayPalListener(Strict):
    """Where PayPal's events go. ``cert_base`` replaces the address certificates are announced under."""

    id: str = "paypal-main"
    url: str
    webhook_id: str
    events: list[str] = ["*"]
    cert_base: str | None = None
    retry_transmission: Literal["same", "new"] = "same"
    retry_seconds: list[int] | None = None
    enabled: bool = True


class Listeners(Strict):
    """Both gateways' listeners; what is absent stays as it was."""

    stripe: StripeListener | None = None
    paypal: PayPalListener | None = None
    side_by_side: int | None = Field(default=None, ge=1, le=256)


class Rotate(Strict):
    """A new signing secret (Stripe) or certificate (PayPal)."""

    gateway: Literal["stripe", "paypal"]
    id: str | None = None
    secret: str | None = None
    keep_old: bool = True


class Selection(Strict):
    """Which deliveries: all that match; without ``acknowledged`` only those not heard yet."""

    gateway: Literal["stripe", "paypal"] | None = None
    type: str = "*"
    event: str | None = None
    acknowledged: bool = False


class Release(Strict):
    """Let held deliveries go, and hold no more."""

    order: Literal["as_said", "reversed", "shuffled"] = "as_said"
    gateway: Literal["stripe", "paypal"] | None = None
    type: str = "*"


class PayPalDefaults(Strict):
    """How PayPal subscriptions created through the API are billed."""

    retry_days: list[float | str] | None = Field(
        default=None, validation_alias=AliasChoices("retry_days", "retry_intervals_days")
    )
    ending: Literal["cancelled", "suspended", "none", "threshold"] | None = None
    ending_after: float | str | None = None
    billing_minute: int | None = Field(default=None, ge=0, le=420)


class SettingsBody(Strict):
    """Settings of the running simulators."""

    paypal: PayPalDefaults | None = None
    side_by_side: int | None = Field(default=None, ge=1, le=256)
    only_told: bool | None = None
    """Subscriptions made from now on are not billed by themselves (see POST /_sim/happen)."""
