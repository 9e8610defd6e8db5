"""What payments remembers: subscriptions, the gateways' ids for them, attempts seen, requests made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.payments.news import Outcome, PageKind
from shared.events.words import AttemptKind, Gateway, MethodKind
from shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """What payments needs of a school: its zone, the roll-over of its service day, its white list."""

    school_id: str
    zone: str
    service_day_rollover: str | None = None
    accepted_methods: tuple[str, ...] = ()
    site_url: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """From ``since`` on the subscription is due on ``day`` of each month (R-F8, R-F9, R-J11)."""

    since: date
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription as the school registered it, and how it stands at the gateway."""

    subscription_id: str
    school_id: str
    learner_id: str
    gateway: Gateway
    gateway_subscription_id: str
    gateway_customer_id: str | None = None
    gateway_plan: str | None = None
    price: Money
    current_price: Money
    grandfathered: bool = False
    anchors: tuple[Anchor, ...]
    """Oldest first; never empty."""
    started_on: date
    path_id: str | None = None
    method: MethodKind
    label: str = ""
    card: str | None = None
    card_country: str | None = None
    authenticated: bool = False
    """Whether the mandate passed 3DS (F23)."""
    locked: str | None = None
    """Why the learner may not pay from My Page; ``None`` when he may (R-J10)."""
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    cancel_asked: bool = False

    @property
    def billing_day(self) -> int:
        """The day of the month it is due on now."""
        return self.anchors[-1].day


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the school tells of a subscription."""

    subscription_id: str
    school_id: str
    learner_id: str
    gateway: Gateway
    gateway_subscription_id: str
    gateway_customer_id: str | None = None
    gateway_plan: str | None = None
    price: Money
    current_price: Money
    grandfathered: bool = False
    billing_day: int
    started_on: date
    path_id: str | None = None
    method: MethodKind
    label: str = ""
    card: str | None = None
    card_country: str | None = None


class Role(StrEnum):
    """What a gateway's id is to a subscription."""

    SUBSCRIPTION = "subscription"
    RESUME = "resume"
    """A new gateway subscription made on the announced day (J26)."""
    FORMER = "former"
    DUPLICATE = "duplicate"
    """Active at the gateway although nobody announced it (T32)."""
    CUSTOMER = "customer"
    INVOICE = "invoice"
    INTENT = "intent"
    SEVERAL = "several"
    """A customer of more than one subscription: it tells nothing."""

    @property
    def tells_little(self) -> bool:
        """Who pays is not always whose subscription it is: asked last."""
        return self in {Role.CUSTOMER, Role.SEVERAL}

    @property
    def tells_nothing(self) -> bool:
        return self is Role.SEVERAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A gateway's id and the subscription it speaks of; the key is ``gateway:id``."""

    key: str
    subscription_id: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """A gateway's invoice and the period it is for: both stay, whatever day a late retry is made on."""

    invoice_id: str
    gateway: Gateway
    subscription_id: str
    period: date
    owned: bool = False
    """We own its clock: the gateway does not retry it by itself."""
    one_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """An attempt that was told, under (gateway, transaction, outcome); the second telling finds it here."""

    key: str
    gateway: Gateway
    transaction_id: str
    outcome: Outcome
    subscription_id: str
    period: date
    kind: AttemptKind
    amount: Money
    occurred_at: datetime
    invoice_id: str | None = None
    gateway_subscription_id: str | None = None
    request_id: str | None = None
    """The request of ours that it answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An attempt that was asked of us; ``waiting`` while another one of the same period is in the air."""

    request_id: str
    case_id: str
    subscription_id: str
    period: date
    kind: AttemptKind
    amount: Money
    on_session: bool
    asked_at: datetime
    fallback: bool = False
    """By another stored method than the one that usually pays."""
    state: str = "asked"
    """``waiting``, ``asked``, ``ended``."""
    outcome: str = ""

    @property
    def is_open(self) -> bool:
        """It still may take money."""
        return self.state != "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A visit of a learner to a page of the gateway: sign-up, method, authentication, resumption."""

    session_id: str
    kind: PageKind
    subscription_id: str
    school_id: str
    gateway: Gateway
    gateway_id: str
    """The gateway's id of the visit (checkout session, subscription, invoice)."""
    url: str
    return_url: str
    started_at: datetime
    method: MethodKind | None = None
    """What the learner chose to pay with, where the page takes nothing else."""
    period: date | None = None
    state: str = "started"
    """``started``, ``returned``, ``left``, ``refused``, ``done``."""
    reason: str = ""
    """Why a method was refused: a code of ``shared.methods.Refusal``."""
    registration: Registration | None = None
    """What is registered once a sign-up is paid."""
    paying_with: str = ""
    """The gateway's id of the stored method that the first payment is made with: one at a time."""
