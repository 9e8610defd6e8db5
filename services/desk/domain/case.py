"""A case as the office's lists show it: where it stands, since when, what comes next, and who must do something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from shared.declines import DeclineClass
from shared.events.words import CaseState, ExhaustionCause, Gateway, ReviewReason
from shared.money import Money

LATER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Where nothing is planned: behind everything that is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that waits for a person."""

    reason: ReviewReason
    about: str
    detail: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One failed month. ``state`` is empty until dunning said that it opened."""

    case_id: str
    school_id: str
    learner_id: str
    subscription_id: str
    period: date
    kind: str = "renewal"
    state: CaseState | None = None
    gateway: Gateway | None = None
    amount: Money | None = None
    policy_id: str = ""
    policy_version: int = 0
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    decline: DeclineClass | None = None
    """Why the latest attempt failed."""
    first_decline: DeclineClass | None = None
    tries: tuple[tuple[str, datetime, str], ...] = ()
    """Every distinct attempt: transaction, instant, outcome; by time."""
    planned: tuple[tuple[int, datetime], ...] = ()
    """Our own retries that are to come: ordinal and instant."""
    forecast: tuple[datetime, datetime, int] | None = None
    """When the gateway is expected to try again: earliest, latest, ordinal."""
    deadline_at: datetime | None = None
    exhausted_at: datetime | None = None
    cause: ExhaustionCause | None = None
    guidance_from: datetime | None = None
    asked: Money | None = None
    """The months together: what the office is to ask for, or asked for."""
    outstanding: Money | None = None
    method: str = ""
    reference: str = ""
    due_on: date | None = None
    proposed_on: date | None = None
    announced_on: date | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    recovered_by: int = 0
    """The number of the attempt that paid; 0 while none did."""
    reported_at: datetime | None = None
    questions: tuple[Question, ...] = ()
    held: tuple[str, ...] = ()
    """Mails that a closure of the office holds back."""
    stuck: tuple[str, ...] = ()
    """Mails that need a person: refused, without an address, or past their target."""
    received: tuple[tuple[str, datetime], ...] = ()
    """When news of the gateway reached us: the fact's id and the hour; the newest few."""
    changes: int = 0
    """How many facts changed it: what a form remembers to have seen."""
    changed_at: datetime | None = None

    @property
    def is_known(self) -> bool:
        """Dunning said that it opened."""
        return self.state is not None

    @property
    def is_shown(self) -> bool:
        """It has a place in the lists: it opened, or somebody is asked about a month that went without a case."""
        return self.is_known or bool(self.questions)

    @property
    def is_open(self) -> bool:
        """Something can still happen to it."""
        return self.state is not None and not self.state.is_terminal

    @property
    def next(self) -> tuple[datetime, str]:
        """The next hour at which something is planned, expected or due, and what; ``LATER`` when nothing is."""
        state = self.state
        hours: list[tuple[datetime, str]] = []
        if state in {CaseState.RETRYING, CaseState.AWAITING_OUTCOME}:
            hours = [(at, "retry") for _, at in self.planned]
            if self.forecast:
                hours.append((self.forecast[0], "forecast"))
            if self.deadline_at:
                hours.append((self.deadline_at, "deadline"))
        elif state is CaseState.AWAITING_GUIDANCE and self.guidance_from:
            hours = [(self.guidance_from, "guidance")]
        elif state in {CaseState.COVERED, CaseState.RESUME_OVERDUE} and self.opens_at:
            hours = [(self.opens_at, "resume_open")]
        elif state is CaseState.RESUME_OPEN and self.closes_at:
            hours = [(self.closes_at, "resume_close")]
        return min(hours, default=(LATER, ""))

    @property
    def needs(self) -> str:
        """What a person must do, the most pressing first; empty when nobody has to do anything."""
        if self.questions:
            reasons = {one.reason for one in self.questions}
            if ReviewReason.NOTICE_OVERDUE in reasons:
                return "notice"
            return "watchdog" if reasons == {ReviewReason.WATCHDOG} else "review"
        if self.stuck:
            return "mail"
        if self.state in {CaseState.COVERED, CaseState.RESUME_OVERDUE} and self.announced_on is None:
            return "resume"
        return _NEEDS.get(self.state, "") if self.state else ""

    @property
    def sort_at(self) -> datetime:
        """Where it stands in a list: by what comes next while it is open."""
        return self.next[0] if self.is_open else self.closed_at or LATER


_NEEDS: Final = {
    CaseState.AWAITING_GUIDANCE: "guidance",
    CaseState.AWAITING_LUMP_SUM: "lump_sum",
    CaseState.UNDER_REVIEW: "review",
}
