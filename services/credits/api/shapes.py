"""What goes in and out of the API of credits, as its documentation shows it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from services.credits.domain import Account, Entry, LessonRecord

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]


class PlanIn(BaseModel):
    """What a subscription gives; the owner's ids are needed only before the subscription is registered."""

    school_id: Id | None = None
    learner_id: Id | None = None
    credits_per_month: int = Field(ge=0, le=1000)
    cancellation_notice_minutes: int = Field(
        default=0, ge=0, le=60 * 24 * 30, description="A lesson that starts sooner cannot be cancelled"
    )


class GrantIn(BaseModel):
    """Credits that a learner received."""

    school_id: Id | None = None
    learner_id: Id | None = None
    credits: int = Field(ge=1, le=10_000)
    expires_on: date | None = Field(
        default=None, description="Last day on which a lesson can be booked with them, in the school's zone"
    )
    why: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")] = "purchase"


class GrantLine(GrantIn):
    """One line of a list of grants."""

    subscription_id: Id
    grant_id: Id


class LessonIn(BaseModel):
    """A lesson to be booked."""

    starts_at: AwareDatetime
    teacher_id: Id
    credits: int = Field(default=1, ge=1, le=100)


class LessonLine(LessonIn):
    """One line of a list of bookings."""

    subscription_id: Id
    lesson_id: Id


class LessonOut(BaseModel):
    subscription_id: str
    learner_id: str
    school_id: str
    lesson_id: str
    starts_at: datetime
    teacher_id: str
    credits: int
    state: str = Field(description="booked, started, cancelled_by_learner or cancelled_by_admin")
    changed_at: datetime
    case_id: str = Field(description="The case whose exhaustion cancelled it")

    @classmethod
    def of(cls, record: LessonRecord) -> LessonOut:
        """As the ledger knows it."""
        return cls(
            subscription_id=record.subscription_id,
            learner_id=record.learner_id,
            school_id=record.school_id,
            lesson_id=record.lesson_id,
            starts_at=record.starts_at,
            teacher_id=record.teacher_id,
            credits=record.credits,
            state=record.state.value,
            changed_at=record.changed_at,
            case_id=record.case_id,
        )


class HoldOut(BaseModel):
    case_id: str
    hold: str
    since: datetime


class LotOut(BaseModel):
    grant_id: str
    credits: int
    expires_on: date | None


class BookedOut(BaseModel):
    lesson_id: str
    starts_at: datetime
    teacher_id: str
    credits: int


class MonthOut(BaseModel):
    case_id: str
    covers_from: date
    covers_until: date


class BalanceOut(BaseModel):
    """Where a subscription's credits are: granted is always the sum of the five pots (invariant 7)."""

    subscription_id: str
    learner_id: str
    school_id: str
    granted: int
    untouched: int
    reserved: int
    consumed: int
    forfeited: int
    expired: int
    held: bool = Field(description="While a payment is open no lesson can be booked; booked ones take place")
    bookable: int
    credits_per_month: int | None
    holds: list[HoldOut]
    lots: list[LotOut] = Field(description="Untouched credits by grant")
    lessons: list[BookedOut] = Field(description="Booked lessons that have not started")
    waiting_months: list[MonthOut] = Field(
        description="Paid months whose credits wait for their first day, the plan or the school"
    )

    @classmethod
    def of(cls, account: Account) -> BalanceOut:
        """As the account stands."""
        balance = account.balance
        return cls(
            subscription_id=account.subscription_id,
            learner_id=account.learner_id,
            school_id=account.school_id,
            granted=balance.granted,
            untouched=balance.untouched,
            reserved=balance.reserved,
            consumed=balance.consumed,
            forfeited=balance.forfeited,
            expired=balance.expired,
            held=account.held,
            bookable=account.bookable,
            credits_per_month=account.credits_per_month,
            holds=[HoldOut(case_id=h.case_id, hold=h.hold, since=h.since) for h in account.holds],
            lots=[
                LotOut(grant_id=lot.grant_id, credits=lot.credits, expires_on=lot.expires_on)
                for lot in account.lots
            ],
            lessons=[
                BookedOut(
                    lesson_id=lesson.lesson_id,
                    starts_at=lesson.starts_at,
                    teacher_id=lesson.teacher_id,
                    credits=lesson.credits,
                )
                for lesson in sorted(account.lessons, key=lambda lesson: lesson.starts_at)
            ],
            waiting_months=[
                MonthOut(
                    case_id=month.case_id, covers_from=month.covers_from, covers_until=month.covers_until
                )
                for month in account.months
            ],
        )


class MoveOut(BaseModel):
    source: str | None = Field(description="null when credits are granted")
    target: str
    credits: int


class EntryOut(BaseModel):
    number: int
    kind: str
    ref: str
    at: datetime
    recorded_at: datetime
    case_id: str
    moves: list[MoveOut]
    granted: int
    untouched: int
    reserved: int
    consumed: int
    forfeited: int
    expired: int

    @classmethod
    def of(cls, entry: Entry) -> EntryOut:
        """As it was written."""
        balance = entry.balance
        return cls(
            number=entry.number,
            kind=entry.kind.value,
            ref=entry.ref,
            at=entry.at,
            recorded_at=entry.recorded_at,
            case_id=entry.case_id,
            moves=[
                MoveOut(source=move.source, target=move.target, credits=move.credits) for move in entry.moves
            ],
            granted=balance.granted,
            untouched=balance.untouched,
            reserved=balance.reserved,
            consumed=balance.consumed,
            forfeited=balance.forfeited,
            expired=balance.expired,
        )
