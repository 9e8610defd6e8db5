"""What goes in and out of the API of payments, as its documentation shows it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from services.payments.domain.state import Registration, Session, Subscription, Transaction
from shared.events.words import AttemptKind, Gateway, MethodKind
from shared.money import Money

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
GatewayId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,255}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=2000)]


class MoneyModel(BaseModel):
    """An exact amount in minor units: 7500 EUR is 75.00, 12800 JPY is 12,800."""

    amount_minor: int = Field(ge=0, le=10**12)
    currency: Currency

    @property
    def money(self) -> Money:
        """As the domain counts."""
        return Money(self.amount_minor, self.currency)

    @classmethod
    def of(cls, money: Money) -> Self:
        """As the API shows it."""
        return cls(amount_minor=money.amount_minor, currency=money.currency)


class _About(BaseModel):
    school_id: Id
    learner_id: Id
    gateway: Gateway
    gateway_plan: GatewayId | None = Field(
        default=None, description="Price or plan at the gateway, for sign-ups"
    )
    grandfathered: bool = False
    billing_day: int = Field(
        ge=1, le=31, description="The anchor; clamped in short months, never moved by that"
    )
    started_on: date = Field(description="First day of the first period, in the school's zone")
    path_id: Id | None = None
    method: MethodKind
    label: Annotated[str, StringConstraints(max_length=40)] = Field(
        default="", description="What a learner recognises: four last digits, PayPal"
    )
    card: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="The card's fingerprint at the gateway, never its number"
    )
    card_country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None


class SubscriptionIn(_About):
    """A subscription as the school knows it; the newest registration holds."""

    gateway_subscription_id: GatewayId
    gateway_customer_id: GatewayId | None = None
    price: MoneyModel
    current_price: MoneyModel | None = Field(
        default=None, description="The catalogue price, where this learner still pays an old one"
    )

    def registration(self, subscription_id: str) -> Registration:
        """As the domain reads it."""
        return _registration(self, subscription_id, self.gateway_subscription_id, self.gateway_customer_id)


class SignUpIn(_About):
    """A subscription to be, of a learner who is about to pay for the first time."""

    price: MoneyModel
    current_price: MoneyModel | None = None
    return_url: Address
    language: Literal["fr", "ja", "en"] = "en"

    def registration(self, subscription_id: str) -> Registration:
        """What is registered once it is paid; the gateway's id comes then."""
        return _registration(self, subscription_id, "", None)


def _registration(
    told: SubscriptionIn | SignUpIn, subscription_id: str, gateway_id: str, customer: str | None
) -> Registration:
    return Registration(
        subscription_id=subscription_id,
        school_id=told.school_id,
        learner_id=told.learner_id,
        gateway=told.gateway,
        gateway_subscription_id=gateway_id,
        gateway_customer_id=customer,
        gateway_plan=told.gateway_plan,
        price=told.price.money,
        current_price=(told.current_price or told.price).money,
        grandfathered=told.grandfathered,
        billing_day=told.billing_day,
        started_on=told.started_on,
        path_id=told.path_id,
        method=told.method,
        label=told.label,
        card=told.card,
        card_country=told.card_country,
    )


class SubscriptionLine(_About):
    """One line of a list of subscriptions."""

    subscription_id: Id
    gateway_subscription_id: GatewayId
    gateway_customer_id: GatewayId | None = None
    price_minor: int = Field(ge=0, le=10**12)
    current_price_minor: int | None = Field(default=None, ge=0, le=10**12)
    currency: Currency

    def registration(self) -> Registration:
        """As the domain reads it."""
        price = MoneyModel(amount_minor=self.price_minor, currency=self.currency)
        current = MoneyModel(
            amount_minor=self.price_minor if self.current_price_minor is None else self.current_price_minor,
            currency=self.currency,
        )
        fields = self.model_dump(
            exclude={"subscription_id", "price_minor", "current_price_minor", "currency"}
        )
        told = SubscriptionIn(**fields, price=price, current_price=current)
        return told.registration(self.subscription_id)


class FromGatewayIn(BaseModel):
    """Which subscription of a gateway to register; the rest is read there."""

    school_id: Id
    learner_id: Id
    gateway: Gateway
    gateway_subscription_id: GatewayId
    current_price: MoneyModel | None = None
    path_id: Id | None = None


class SubscriptionOut(BaseModel):
    """A subscription as payments knows it."""

    subscription_id: str
    school_id: str
    learner_id: str
    gateway: Gateway
    gateway_subscription_id: str
    gateway_customer_id: str | None
    gateway_plan: str | None
    price: MoneyModel
    current_price: MoneyModel
    grandfathered: bool
    billing_day: int
    started_on: date
    path_id: str | None
    method: MethodKind
    label: str
    card_country: str | None
    authenticated: bool = Field(description="The mandate passed 3-D Secure")
    self_payment: Literal["locked", "open", "free"]
    self_payment_why: str | None = Field(description="Why it is locked")
    opens_at: datetime | None
    closes_at: datetime | None

    @classmethod
    def of(cls, row: Subscription) -> Self:
        """From what is kept."""
        state: Any = "locked" if row.locked else ("open" if row.opens_at or row.closes_at else "free")
        return cls(
            subscription_id=row.subscription_id,
            school_id=row.school_id,
            learner_id=row.learner_id,
            gateway=row.gateway,
            gateway_subscription_id=row.gateway_subscription_id,
            gateway_customer_id=row.gateway_customer_id,
            gateway_plan=row.gateway_plan,
            price=MoneyModel.of(row.price),
            current_price=MoneyModel.of(row.current_price),
            grandfathered=row.grandfathered,
            billing_day=row.billing_day,
            started_on=row.started_on,
            path_id=row.path_id,
            method=row.method,
            label=row.label,
            card_country=row.card_country,
            authenticated=row.authenticated,
            self_payment=state,
            self_payment_why=row.locked,
            opens_at=row.opens_at,
            closes_at=row.closes_at,
        )


class TransactionOut(BaseModel):
    """An attempt that was told."""

    transaction_id: str
    outcome: Literal["succeeded", "failed", "pending"]
    kind: AttemptKind
    period: date
    amount: MoneyModel
    occurred_at: datetime
    gateway: Gateway

    @classmethod
    def of(cls, row: Transaction) -> Self:
        """From what is kept."""
        return cls(
            transaction_id=row.transaction_id,
            outcome=row.outcome.value,
            kind=row.kind,
            period=row.period,
            amount=MoneyModel.of(row.amount),
            occurred_at=row.occurred_at,
            gateway=row.gateway,
        )


class TemporaryPaymentIn(BaseModel):
    """Money that came by the temporary method, as the office found it (J23)."""

    amount: MoneyModel
    reference: Annotated[str, StringConstraints(max_length=100)] = ""
    period: date | None = Field(
        default=None, description="First day of the failed period; the current one without"
    )
    received_at: AwareDatetime | None = Field(default=None, description="When the bank got it; now without")
    recorded_by: Id


class Accepted(BaseModel):
    """Taken down; what follows is said by facts."""

    accepted: Literal[True] = True


class PageIn(BaseModel):
    """A learner wants to pay, to store a method, or to pass the bank's challenge."""

    kind: Literal["method", "authenticate", "resume"]
    return_url: Address = Field(description="Where the learner goes afterwards, with ?visit=<id> added")
    language: Literal["fr", "ja", "en"] = "en"
    method: MethodKind | None = Field(
        default=None, description="What the learner chose: the page then takes nothing else"
    )
    period: date | None = Field(default=None, description="Which period to authenticate; the latest without")


class VisitOut(BaseModel):
    """A visit to a page of the gateway."""

    visit_id: str
    kind: Literal["sign_up", "method", "authenticate", "resume"]
    subscription_id: str
    url: str
    state: Literal["started", "returned", "left", "refused", "done"]
    reason: str = Field(
        description="A code when the method was refused: debit_card_not_accepted, cvc_missing ..."
    )
    started_at: datetime

    @classmethod
    def of(cls, row: Session) -> Self:
        """From what is kept."""
        return cls.model_validate(
            {
                "visit_id": row.session_id,
                "kind": row.kind,
                "subscription_id": row.subscription_id,
                "url": row.url,
                "state": row.state,
                "reason": row.reason,
                "started_at": row.started_at,
            }
        )


class OfferedIn(BaseModel):
    """A way of paying that a learner proposes on the school's own form."""

    type: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    funding: Literal["credit", "debit", "prepaid", "unknown"] = "unknown"
    deferred_debit: bool = False
    cvc_provided: bool = True
    three_ds_supported: bool = True
    recurring_capable: bool = True
    vaulted: bool = True


class Verdict(BaseModel):
    """Whether it is accepted, and the code of the reason when not."""

    accepted: bool
    reason: str | None = None
    accepted_methods: list[str]


class WebhookOut(BaseModel):
    """A webhook and what became of it; never its body."""

    dedupe_key: str
    gateway: Gateway
    kind: str
    received_at: datetime
    state: Literal["new", "told", "not_ours", "waiting", "refused", "failed"]
    reason: str
    attempts: int
    waits_for: list[str]
    flagged_at: datetime | None = Field(description="Since when it waits for a person")
