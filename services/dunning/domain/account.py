"""What dunning remembers beside the cases: the subscription's terms, its paid months, its school, its paths.

Facts carry what hearers need; dunning keeps what its decisions look at, so that it never has to ask anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from shared.copies import changed
from shared.events.words import Gateway, MethodKind
from shared.money import Money
from shared.networks import Tried

PAID_KEPT: Final = 60
"""Five years of months: a success or a failure that comes later than that is for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """A month that is paid, and by what (invariant 1)."""

    period: date
    transaction_id: str
    amount: Money
    paid_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Early:
    """News of a gateway that came before anything made sense of it: an ending without an open case."""

    what: str
    at: datetime
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One subscription, as its school registered it and as its payments went."""

    subscription_id: str
    school_id: str
    learner_id: str
    gateway: Gateway
    price: Money
    current_price: Money
    grandfathered: bool = False
    billing_day: int
    started_on: date
    path_id: str | None = None
    method: MethodKind
    method_label: str = ""
    card: str | None = None
    """The fingerprint of the card that pays now, for the networks' budgets."""
    paid: tuple[Paid, ...] = ()
    """The newest ``PAID_KEPT`` paid months, oldest first."""
    open_cases: tuple[str, ...] = ()
    cancelled_at: datetime | None = None
    """When the gateway said that the subscription is cancelled; ``None`` while it lives."""
    cancelled_by: str = ""
    suspended_at: datetime | None = None
    pending: tuple[date, ...] = ()
    """Months whose outcome is open at the gateway and that have no case."""
    silent: tuple[date, ...] = ()
    """Months of which nothing was heard, and the office was told so."""

    def payment_of(self, period: date) -> Paid | None:
        """What paid that month, if anything did."""
        return next((one for one in self.paid if one.period == period), None)

    def with_paid(self, paid: Paid) -> Account:
        """The same account with one more paid month; the first payment of a month stays."""
        if self.payment_of(paid.period) is not None:
            return self
        months = sorted((*self.paid, paid), key=lambda one: one.period)
        return changed(self, paid=tuple(months[-PAID_KEPT:]))

    def with_case(self, case_id: str, *, is_open: bool) -> Account:
        """The same account with that case among the open ones, or no longer."""
        if is_open == (case_id in self.open_cases):
            return self
        others = tuple(one for one in self.open_cases if one != case_id)
        return changed(self, open_cases=(*others, case_id) if is_open else others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """One path a learner follows, and until when it can be taken up again (F22)."""

    path_id: str
    title: str
    re_enrolment_deadline: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """The paths of one learner."""

    learner_id: str
    school_id: str
    enrolments: tuple[Enrolment, ...] = ()

    def enrolment(self, path_id: str | None) -> Enrolment | None:
        """The enrolment in that path."""
        return next((one for one in self.enrolments if one.path_id == path_id), None)

    def with_enrolment(self, enrolment: Enrolment) -> Learner:
        """The same learner with that path's newest deadline."""
        others = (one for one in self.enrolments if one.path_id != enrolment.path_id)
        found = tuple(sorted((*others, enrolment), key=lambda one: one.path_id))
        return replace(self, enrolments=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Days on which the office is closed (J37)."""

    closure_id: str
    calendar: str
    name: str
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """One school, its policy of today and its closures."""

    school_id: str
    name: str
    policy_id: str
    zone: str
    languages: tuple[str, ...] = ()
    currency: str = ""
    support_contact: str = ""
    staff_email: str = ""
    site_url: str = ""
    help_urls: dict[str, str] = field(default_factory=dict)
    delivery_calendar: str = "every-day"
    service_day_rollover: str | None = None
    accepted_methods: tuple[str, ...] = ()
    policy_hash: str = ""
    """The document in force for cases opened from now on."""
    policy_version: int = 1
    closures: tuple[Closed, ...] = ()
    queue_told_at: datetime | None = None
    """The morning of which the office was told who waits for guidance (J45)."""
    withdrawn: tuple[str, ...] = ()
    """Built-in closures that the school does not observe, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """A policy's text under the hash of its content, kept for the cases that are pinned to it (R-X5)."""

    content_hash: str
    policy_id: str
    version: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Every attempt on one card of one school, whoever made it, oldest first."""

    key: str
    tried: tuple[Tried, ...] = ()


def card_key(school_id: str, card: str) -> str:
    """A card belongs to the school it pays."""
    return f"{school_id}/{card}"
