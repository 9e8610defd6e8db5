"""What payments says: what gateways told us and what became of what we asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from shared.declines import DeclineClass
from shared.events.fact import Fact
from shared.events.words import AttemptKind, CancelledBy, Gateway, MethodKind, ReviewReason
from shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutSubscription(Fact):
    subscription_id: str
    learner_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRegistered(_AboutSubscription):
    """A school told us of a subscription, or changed what it told; the newest registration holds."""

    gateway: Gateway
    price: Money
    """What this learner pays each period."""
    current_price: Money
    """The catalogue price; differs from ``price`` for grandfathered learners (J21)."""
    grandfathered: bool = False
    billing_day: int
    """The anchor day of the month, 1 to 31; clamped in short months, never moved by that (R-F8)."""
    started_on: date
    """The first period's start, in the school's zone."""
    path_id: str | None = None
    method: MethodKind
    card_country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt(_AboutSubscription):
    """One attempt at the gateway. The pair of transaction and outcome makes it one (R-X1)."""

    period: date
    """First day of the billing period, in the school's zone; for a gateway charge, of its service day."""
    kind: AttemptKind
    gateway: Gateway
    transaction_id: str
    amount: Money
    request_id: str | None = None
    """The id of the ``AttemptRequested`` this answers; ``None`` when the gateway acted by itself."""
    received_at: datetime
    """When the news reached us (aware UTC); ``occurred_at`` is the gateway's own time."""
    method: MethodKind
    card: str | None = None
    """The card's fingerprint, for the networks' budgets; never its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSucceeded(_Attempt):
    """The gateway has the money of this attempt."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("gateway", "transaction_id")

    next_billing_on: date | None = None
    """The gateway's own next charge date, when it tells one: authoritative (R-J11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed(_Attempt):
    """The gateway did not get the money of this attempt, and ``decline`` says why."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("gateway", "transaction_id")

    decline: DeclineClass
    raw_code: str
    """The gateway's own word; never shown to a learner (F24)."""
    network_code: str | None = None
    advice_code: str | None = None
    next_attempt_at: datetime | None = None
    """When the gateway says that it will try again, if it says so."""
    fault: str = "payer"
    """``payer``, or ``school`` when our own account is to blame: then the learner loses nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPending(_Attempt):
    """The gateway took the attempt and will tell its outcome later (a bank transfer, a check by the bank)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("gateway", "transaction_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptUnknown(_AboutSubscription):
    """We asked and could not learn the outcome, even by reading: a person must look."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("request_id",)

    period: date
    request_id: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethodUpdated(_AboutSubscription):
    """The learner stored another method and it is now the subscription's default (F17)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "update_id")

    update_id: str
    method: MethodKind
    label: str
    """Four last digits or "PayPal": what a learner recognises."""
    card: str | None = None
    card_country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Challenge(_AboutSubscription):
    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "challenge_id")

    period: date
    challenge_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationStarted(_Challenge):
    """The learner is on the bank's page (F11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationPassed(_Challenge):
    """The bank said yes; the mandate is authenticated from now on (F23)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationFailed(_Challenge):
    """The bank said no, or the learner never came back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySubscriptionActivated(_AboutSubscription):
    """A subscription became active at the gateway (J26)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "gateway_subscription_id")

    gateway_subscription_id: str
    amount: Money | None = None
    next_billing_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySubscriptionSuspended(_AboutSubscription):
    """The gateway stopped collecting because too many payments failed, or because somebody there stopped it."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "gateway_subscription_id", "occurred_at")

    gateway_subscription_id: str
    failed_payments: int
    """Consecutive failures the gateway counts; 0 speaks of a manual suspension."""
    outstanding: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySubscriptionCancelled(_AboutSubscription):
    """The subscription ended at the gateway; it never collects again under this id."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "gateway_subscription_id")

    gateway_subscription_id: str
    by: CancelledBy


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySubscriptionPaused(_AboutSubscription):
    """Collection stopped at the gateway, as asked for ``case_id`` (T17)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "case_id")

    case_id: str
    gateway_subscription_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySubscriptionResumed(_AboutSubscription):
    """The gateway collects again, next on ``next_billing_on`` (R-F9)."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "case_id")

    case_id: str
    gateway_subscription_id: str
    next_billing_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryPaymentReceived(_AboutSubscription):
    """Money came by the temporary method (J23); the office recorded it."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "receipt_id")

    period: date
    receipt_id: str
    amount: Money
    reference: str
    recorded_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _MoneyBack(_AboutSubscription):
    IDENTITY: ClassVar[tuple[str, ...]] = ("gateway", "reversal_id")

    period: date | None
    gateway: Gateway
    reversal_id: str
    transaction_id: str | None
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded(_MoneyBack):
    """We gave money back; nothing reopens (R-X4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackOpened(_MoneyBack):
    """The payer disputed through the bank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleReversed(_MoneyBack):
    """PayPal took a completed sale back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReviewRaised(_AboutSubscription):
    """Payments saw something only a person can settle."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("subscription_id", "reason", "about")

    reason: ReviewReason
    about: str
    detail: str


SAYS: tuple[type[Fact], ...] = (
    SubscriptionRegistered,
    AttemptSucceeded,
    AttemptFailed,
    AttemptPending,
    AttemptUnknown,
    PaymentMethodUpdated,
    AuthenticationStarted,
    AuthenticationPassed,
    AuthenticationFailed,
    GatewaySubscriptionActivated,
    GatewaySubscriptionSuspended,
    GatewaySubscriptionCancelled,
    GatewaySubscriptionPaused,
    GatewaySubscriptionResumed,
    TemporaryPaymentReceived,
    PaymentRefunded,
    ChargebackOpened,
    SaleReversed,
    PaymentReviewRaised,
)
