"""The parts of a case: an attempt, what is in flight, its clocks, its questions, its mails and notes.

All instants are aware UTC; all money in whole minor units.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from shared.declines import DeclineClass
from shared.events.words import AccessLevel, AttemptKind, CancelledBy, ReviewReason, Template
from shared.money import Money
from shared.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at the period's money. Its number is its place by time, never by arrival (R-X1)."""

    transaction_id: str
    outcome: str
    """``failed``, ``succeeded``, ``pending``."""
    kind: AttemptKind
    occurred_at: datetime
    amount: Money
    decline: DeclineClass | None = None
    request_id: str | None = None
    counts: bool = True
    """``False`` where the bank never judged (a technical error)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """The one attempt that was asked for and has no outcome yet; there is never a second one (FR-46)."""

    request_id: str
    kind: AttemptKind
    ordinal: int
    requested_at: datetime
    pending_since: datetime | None = None
    """Set when the gateway said that the outcome is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The learner's newest relaunch: what its path's deadline was tested against, whatever the bank asks (R-F10)."""

    request_id: str
    submitted_at: datetime
    path_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """The learner is on the bank's page (F11); worth waiting for until ``expires_at`` (R-F13)."""

    challenge_id: str
    started_at: datetime
    expires_at: datetime
    for_request: str | None = None
    """The attempt in flight that asked for it; ``None``: the learner came from the mail's link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When the gateway is expected to try next (R-J1); its own event always wins."""

    ordinal: int
    earliest: datetime
    latest: datetime
    first_day: date
    last_day: date
    watch_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The case's own dates. A date that was told is never moved earlier (R-X5)."""

    grace_at: datetime | None = None
    """Access is cut from this instant on (R-F5); ``None``: exhaustion decides."""
    ends_at: datetime | None = None
    """The attempts end here: the grace's end, or a collection deadline of its own."""
    steps: tuple[tuple[datetime, AccessLevel], ...] = ()
    hold_until: datetime | None = None
    """An outcome is awaited beyond the deadline, until here at most (T13)."""
    notice_hold_since: datetime | None = None
    """The consequence waits for the notice that is owed before it."""
    moved: int = 0
    """How often the deadline was moved later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEnd:
    """What the gateway said about the subscription's end (T16)."""

    cancelled_at: datetime | None = None
    cancelled_by: CancelledBy | None = None
    suspended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Something that waits for a person."""

    reason: ReviewReason
    about: str
    detail: str
    since: datetime
    amount: Money | None = None
    """The money in question; counted towards the debt only when staff settle it."""
    subscription: str | None = None
    """An unexpected registration: the gateway's id of it (JP-11)."""
    happened_at: datetime | None = None
    """When it happened at the gateway."""
    kind: AttemptKind | None = None
    """What the money was for: a relaunch is settled as one."""
    path_id: str | None = None
    """A relaunch: the path it re-enrols in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Money that came by the temporary method (J23)."""

    receipt_id: str
    amount: Money
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """Steps 3 of the Japanese procedure: what the office asked for and what came in (J23, J24)."""

    not_before: datetime
    amount: Money | None = None
    method: str | None = None
    reference: str | None = None
    due_on: date | None = None
    sent_at: datetime | None = None
    receipts: tuple[Receipt, ...] = ()
    covered: tuple[tuple[date, date], ...] = ()
    granted: tuple[date, ...] = ()
    proposed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Step 4: the announced day on which the learner pays from My Page (J25-J32)."""

    day: date
    opens_at: datetime
    closes_at: datetime
    announcements: int = 1
    activated_id: str | None = None
    activated_at: datetime | None = None
    gateway_next_on: date | None = None
    paid_at: datetime | None = None
    transaction_id: str | None = None
    paid: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailMark:
    """A mail that was asked for; ``sent_at`` once notifications say that it left."""

    template: Template
    ordinal: int
    requested_at: datetime
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One dated line of the case's own story: a word, what it speaks of, and the fact that caused it."""

    at: datetime
    code: str
    params: dict[str, str]
    cause: str | None = None
    because: Reason | None = None
