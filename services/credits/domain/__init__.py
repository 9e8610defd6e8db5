"""What credits decides, as pure functions over one subscription's account: no clock, no database, no chance."""

from __future__ import annotations

from services.credits.domain.cases import (
    when_case_opened,
    when_forfeit_requested,
    when_hold_requested,
    when_release_requested,
    when_restoration_requested,
)
from services.credits.domain.grants import (
    when_expiry_fell_due,
    when_extended,
    when_granted,
    when_month_requested,
    when_months_looked_at,
    when_plan_known,
    when_zone_known,
)
from services.credits.domain.ledger import as_of
from services.credits.domain.lessons import (
    when_lesson_asked_for,
    when_lesson_given_up,
    when_lesson_started,
)
from services.credits.domain.state import (
    Account,
    Balance,
    Decided,
    Entry,
    EntryKind,
    Forfeiture,
    Grant,
    Hold,
    LedgerBrokenError,
    Lesson,
    LessonRecord,
    LessonState,
    Lot,
    Month,
    Move,
    Pot,
    School,
)

__all__ = [
    "Account",
    "Balance",
    "Decided",
    "Entry",
    "EntryKind",
    "Forfeiture",
    "Grant",
    "Hold",
    "LedgerBrokenError",
    "Lesson",
    "LessonRecord",
    "LessonState",
    "Lot",
    "Month",
    "Move",
    "Pot",
    "School",
    "as_of",
    "when_case_opened",
    "when_expiry_fell_due",
    "when_extended",
    "when_forfeit_requested",
    "when_granted",
    "when_hold_requested",
    "when_lesson_asked_for",
    "when_lesson_given_up",
    "when_lesson_started",
    "when_month_requested",
    "when_months_looked_at",
    "when_plan_known",
    "when_release_requested",
    "when_restoration_requested",
    "when_zone_known",
]
