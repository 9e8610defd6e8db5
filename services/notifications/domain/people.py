"""Whom a school writes to and in whose name: the only place where names and addresses are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache

import msgspec

from shared.calendar import Calendar, Closure, built_in_calendars, calendar_from_data
from shared.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody with an address."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """Who learns. ``payer`` (a parent, a guardian) gets a copy: only a PayPal account's holder may ask PayPal (J35)."""

    learner_id: str
    school_id: str
    name: str
    email: str
    language: str
    zone: str
    """IANA name; mails show the school's time and, where it differs, this one."""
    payer: Contact | None = None
    erased_at: datetime | None = None
    """Name and address are gone for good; nothing is written to them any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    teacher_id: str
    school_id: str
    name: str
    email: str
    language: str
    zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What mails need to know of a subscription: whose it is, and the country of its card (J36)."""

    subscription_id: str
    learner_id: str
    card_country: str | None = None
    grandfathered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedClosure:
    """An office closure as the school announced it, both days included (J37)."""

    closure_id: str
    calendar: str
    name: str
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """In whose name mails leave, and on which days. Closures may be announced before the rest is known."""

    school_id: str
    name: str = ""
    zone: str = "UTC"
    languages: tuple[str, ...] = ()
    support_contact: str = ""
    staff_email: str = ""
    site_url: str = ""
    help_urls: dict[str, str] = field(default_factory=dict)
    delivery_calendar: str = "every-day"
    rollover: str | None = None
    """Before this hour a gateway's charge belongs to the previous day (R-J2)."""
    closures: tuple[AnnouncedClosure, ...] = ()
    own_calendars: dict[str, str] = field(default_factory=dict)
    """Calendars that the school's policy defines, as JSON; they win over the built-in ones of the same name."""

    @property
    def is_known(self) -> bool:
        """It was registered, not only mentioned."""
        return bool(self.name)

    def calendar(self) -> Calendar | None:
        """The live delivery calendar: national days, and the closures announced for it as they stand now (R-X5).

        ``None`` when no calendar of that name is known yet.
        """
        name = self.delivery_calendar
        closures = tuple((c.name, c.first, c.last) for c in self.closures if c.calendar == name)
        return _live(name, self.own_calendars.get(name), closures)


@lru_cache(maxsize=512)
def _live(name: str, definition: str | None, closures: tuple[tuple[str, date, date], ...]) -> Calendar | None:
    """Built once per set of closures: laying them over a century of holidays takes a millisecond."""
    try:
        base = (
            calendar_from_data(name, msgspec.json.decode(definition))
            if definition
            else built_in_calendars().named(name)
        )
    except Refused:
        return None
    return base.with_closures(Closure(name=n, first=first, last=last) for n, first, last in closures)
