"""Who may come in, and how often somebody may knock: links, sessions, hand-overs, limits. Pure; secrets come as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.money import Money

SESSION_LIFE: Final = timedelta(hours=12)
SESSION_TURN: Final = timedelta(minutes=30)
"""How long one cookie is shown before it is changed for another."""
SESSION_GRACE: Final = timedelta(seconds=60)
"""How long the former cookie still works: pages that were on their way keep working."""
LINK_LIFE: Final = timedelta(minutes=15)
HAND_OVER_LIFE: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLink:
    """A magic link: kept under the hash of its secret, good for one use."""

    hash: str
    school_id: str
    learner_id: str
    expires_at: datetime
    to: str = ""
    used_at: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.school_id}/{self.learner_id}"

    def why_not(self, now: datetime) -> str:
        """Why it does not open: ``used``, ``expired``, or empty when it does."""
        if self.used_at is not None:
            return "used"
        return "expired" if now >= self.expires_at else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser of a learner, kept under the hash of its cookie."""

    hash: str
    school_id: str
    learner_id: str
    started_at: datetime
    turned_at: datetime
    expires_at: datetime

    @property
    def key(self) -> str:
        return f"{self.school_id}/{self.learner_id}"

    def is_good(self, now: datetime) -> bool:
        return now < self.expires_at

    def wants_turning(self, now: datetime) -> bool:
        """Its cookie has been shown for long enough, and is not the former one of another."""
        return now - self.turned_at >= SESSION_TURN and self.expires_at - now > SESSION_GRACE

    def turned(self, new_hash: str, now: datetime) -> tuple[Session, Session]:
        """The former one, for its last moments, and the one that follows it."""
        return (
            replace(self, expires_at=min(self.expires_at, now + SESSION_GRACE)),
            replace(self, hash=new_hash, turned_at=now),
        )


def opened(new_hash: str, school_id: str, learner_id: str, now: datetime) -> Session:
    """A new session."""
    return Session(
        hash=new_hash,
        school_id=school_id,
        learner_id=learner_id,
        started_at=now,
        turned_at=now,
        expires_at=now + SESSION_LIFE,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """A hand-over that was used; its number never opens anything again."""

    hash: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How often somebody knocked in the running window."""

    key: str
    since: datetime
    count: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """So many in so long."""

    most: int
    within: timedelta


def knocked(known: Limit | None, key: str, rule: Rule, now: datetime) -> Limit:
    """Count one more; a window that is over begins anew."""
    if known is None or now - known.since >= rule.within:
        return Limit(key=key, since=now, count=1, expires_at=now + rule.within)
    return replace(known, count=known.count + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something a learner submitted once: the second click, tab or reload gets the first one's answer."""

    key: str
    at: datetime
    expires_at: datetime
    answer: str = ""
    """Where the browser was sent; empty while the owner is being asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a school sells: a path or a plan with its price, as the sign-up page shows it."""

    school_id: str
    offer_id: str
    titles: dict[str, str]
    amount_minor: int
    currency: str
    path_id: str | None = None
    plans: dict[str, str]
    """The gateway's own name of the plan, by gateway: only these can be paid with."""

    @property
    def key(self) -> str:
        return f"{self.school_id}/{self.offer_id}"

    def ways(self, taken: Sequence[str], *, gateway_retries: bool = False) -> list[str]:
        """The ways of paying that the school takes and that lead to a gateway where the plan exists.

        Where the gateway tries again by itself, PayPal is a subscription there (F27, J16).
        """
        stored = [way for way in taken if "stripe" in self.plans]
        if "paypal" not in self.plans or "paypal" in stored:
            return stored
        return [*stored, "paypal_subscription" if gateway_retries else "paypal"]

    def gateway_of(self, way: str) -> str:
        """Where that way is paid: PayPal has subscriptions of its own, and cards and PayPal are stored at Stripe."""
        if way == "paypal_subscription" or "stripe" not in self.plans:
            return "paypal"
        return "stripe"

    @property
    def price(self) -> Money:
        return Money(self.amount_minor, self.currency)

    def title(self, language: str) -> str:
        """In that language, or in any."""
        return self.titles.get(language) or next(iter(self.titles.values()), self.offer_id)
