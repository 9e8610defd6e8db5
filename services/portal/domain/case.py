"""A failed month as its learner must see it: what was tried, what comes next, until when, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from shared.declines import DeclineClass
from shared.events.dunning import Because
from shared.events.words import AttemptKind, CaseState, ExhaustionCause, Gateway
from shared.money import Money

STORY_KEPT: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at the month's money."""

    transaction_id: str
    ordinal: int
    at: datetime
    outcome: str
    kind: AttemptKind
    amount: Money
    decline: DeclineClass | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Our own next try."""

    ordinal: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When the gateway is expected to try; it decides (R-J1)."""

    ordinal: int
    earliest: datetime
    latest: datetime
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A date that was decided, and the reason that was recorded with it."""

    at: datetime
    """When it was decided."""
    what: str
    """``deadline``, ``retry``, ``forecast``, ``guidance``, ``resume_proposal``, and what happened (``opened`` ...)."""
    when: datetime | None = None
    """The date it is about."""
    because: Because | None = None
    values: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guided:
    """How the two months are paid (J23)."""

    method: str
    amount: Money
    reference: str
    due_on: date | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """The announced day (J25)."""

    day: date
    opens_at: datetime
    closes_at: datetime
    missed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How it ended well."""

    at: datetime
    amount: Money | None = None
    billing_day: int | None = None
    next_billing_on: date | None = None
    transaction_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """See the module's first line."""

    case_id: str
    school_id: str
    learner_id: str
    subscription_id: str
    period: date
    kind: str = "renewal"
    gateway: Gateway | None = None
    amount: Money | None = None
    policy_id: str = ""
    state: CaseState = CaseState.RETRYING
    opened_at: datetime | None = None
    decline: DeclineClass | None = None
    """Of the newest failed attempt."""
    deadline_at: datetime | None = None
    lapses_on: date | None = None
    """By rule all unconsumed credits lapse on this day (J40)."""
    attempts: tuple[Attempt, ...] = ()
    planned: tuple[Planned, ...] = ()
    forecast: Forecast | None = None
    asked_kind: AttemptKind | None = None
    """An attempt that was asked for and has no outcome yet."""
    asked_at: datetime | None = None
    held_until: datetime | None = None
    reported_at: datetime | None = None
    locked: str = ""
    """Why My Page takes no payment; empty when it does not lock."""
    guidance_from: datetime | None = None
    guided: Guided | None = None
    received: Money | None = None
    outstanding: Money | None = None
    covered: tuple[tuple[date, date], ...] = ()
    resume: Resume | None = None
    exhausted_at: datetime | None = None
    cause: ExhaustionCause | None = None
    suspended_at: datetime | None = None
    relaunch_at: datetime | None = None
    relaunch_refused: str = ""
    flagged: tuple[str, ...] = ()
    """Reviews that wait for the office."""
    end: End | None = None
    closed_at: datetime | None = None
    story: tuple[Told, ...] = ()
    """Oldest first."""

    @property
    def key(self) -> str:
        return f"{self.school_id}/{self.learner_id}"

    @property
    def is_known(self) -> bool:
        """It was opened; facts about it may have come in another order."""
        return self.opened_at is not None

    @property
    def is_open(self) -> bool:
        return self.is_known and not self.state.is_terminal

    @property
    def failures(self) -> tuple[Attempt, ...]:
        return tuple(one for one in self.attempts if one.outcome == "failed")

    def next_try(self, now: datetime) -> Planned | None:
        """The next of our own tries."""
        coming = [one for one in self.planned if one.at > now]
        return min(coming, key=lambda one: one.at, default=None)

    def is_open_today(self, now: datetime) -> bool:
        """The announced day is today: My Page takes the payment (R-J10)."""
        return (
            self.resume is not None
            and not self.resume.missed
            and self.resume.opens_at <= now < self.resume.closes_at
            and not self.state.is_terminal
        )
