"""What is told to whom and by when, and what must have been told before a consequence (seeds J2, J3, J37, J45).

Notices and consequences run on one clock: where the office is closed and a notice is owed, the consequence waits
for it unless the policy says that the step runs at once (R-J16); a date told is never moved earlier (R-X5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from services.dunning.policies.parts import Clock, Part
from shared.calendar.delivery import Gate
from shared.events.words import Template

NoticeEvent = Literal[
    "attempt_failed",
    "case_opened",
    "authentication_required",
    "second_attempt_failed",
    "method_updated",
    "recovered",
    "suspended",
    "relaunched",
    "re_enrolment_closed",
    "cancelled_by_learner",
    "exhausted",
    "lesson_cancelled",
    "learner_reported",
    "lump_sum_partial",
    "lump_sum_settled",
    "resume_day",
    "resume_missed",
    "resumed",
    "review_raised",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeDeadline(Part):
    """So many business days before the grace ends."""

    deadline_minus_business_days: Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeReEnrolmentDeadline(Part):
    """So many calendar days before the path's re-enrolment deadline (F22)."""

    re_enrolment_deadline_minus_days: Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeClosure(Part):
    """On the last business day before the office closes (J38)."""

    last_business_day_before: Literal["office_holiday"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due(Part):
    """A target, not a guard: by the end of so many business days after the event (J3)."""

    business_days: Annotated[int, Field(ge=1)]
    calendar: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorNotice(Part):
    """A mail that the gateway sends by itself; logged as external, never imitated (J2)."""

    event: NoticeEvent
    sender: str
    when: Literal["immediately"] = "immediately"
    ours: Literal[False] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolNotice(Part):
    """A mail of the school."""

    event: NoticeEvent | BeforeDeadline | BeforeReEnrolmentDeadline | BeforeClosure
    template: Template
    when: Literal["immediately"] | Clock | None = None
    due: Due | None = None
    actor: Literal["system", "staff"] = "system"
    not_before: Literal["next_business_day"] | None = None
    order: Literal["fifo_by_exhausted_at"] | None = None
    optional: bool = False
    audience: Literal["billing_day_or_open_attempt_in_closure"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices(Part):
    """Every notice of a policy and the office calendar they follow."""

    processor: tuple[ProcessorNotice, ...] = ()
    school: tuple[SchoolNotice, ...] = ()
    delivery_calendar: str = "every-day"
    gate: Gate = "date"
    """R-J4: ``date`` lets a mail leave at any hour of a business day."""
    in_closure: Literal["defer_and_consolidate", "send_backlog"] = "defer_and_consolidate"
    obsolete: Literal["drop", "send"] = "drop"

    def for_event(self, event: NoticeEvent) -> tuple[SchoolNotice, ...]:
        """The school's notices for that event, in the policy's order."""
        return tuple(notice for notice in self.school if notice.event == event)

    def with_template(self, template: Template) -> SchoolNotice | None:
        """The notice that sends that mail, if the policy has one."""
        return next((notice for notice in self.school if notice.template == template), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences(Part):
    """Whether a consequence waits for the notice that is owed before it."""

    when_notice_is_held: Literal["at_once", "wait", "move_by_the_hold"] = "wait"
    """``at_once``: the step keeps its date (R-J16). ``wait``: not before the notice left. ``move_by_the_hold``:
    as many days later as the notice was held, so that the learner keeps the whole delay."""
    owes: Mapping[str, Template] = field(default_factory=dict)
    """By step of ``on_exhaustion``: the mail that must have left before it."""
    at_once: tuple[str, ...] = ()
    """Steps that keep their date even so."""
    told_dates: Literal["never_earlier", "may_move"] = "never_earlier"
    """R-X5: a date that a learner was told is never moved earlier."""
