"""What credits knows of one subscription: five pots that always add up to what was granted (invariant 7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from shared.events import Fact, Later


class LedgerBrokenError(ValueError):
    """A movement would leave the ledger untrue; nothing of it is kept."""


class Pot(StrEnum):
    """Where a granted credit is (J46)."""

    UNTOUCHED = "untouched"
    """(a) of the rule: at hand."""
    RESERVED = "reserved"
    """(b): used to book a lesson that has not started."""
    CONSUMED = "consumed"
    FORFEITED = "forfeited"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Credits that go from one pot to another; from ``None`` when they are granted."""

    source: Pot | None
    target: Pot
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """How many credits are where. Raises LedgerBrokenError when it does not add up."""

    granted: int = 0
    untouched: int = 0
    reserved: int = 0
    consumed: int = 0
    forfeited: int = 0
    expired: int = 0

    def __post_init__(self) -> None:
        pots = (self.untouched, self.reserved, self.consumed, self.forfeited, self.expired)
        if min(pots) < 0 or sum(pots) != self.granted:
            raise LedgerBrokenError(f"credits do not add up: {self}")

    def after(self, moves: Iterable[Move]) -> Balance:
        """The balance once ``moves`` are made together."""
        pots = {pot: getattr(self, pot) for pot in Pot}
        granted = self.granted
        for move in moves:
            if move.credits < 0:
                raise LedgerBrokenError(f"a movement of {move.credits} credits goes backwards: {move}")
            if move.source is None:
                granted += move.credits
            else:
                pots[move.source] -= move.credits
            pots[move.target] += move.credits
        return Balance(granted=granted, **{pot.value: credits for pot, credits in pots.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Credits of one grant: the untouched rest of it, or the part that a lesson or a forfeiture took."""

    grant_id: str
    credits: int
    expires_on: date | None = None
    """Last day on which they can be used to book, in the school's zone."""
    expires_at: datetime | None = None
    """24:00 of that day; ``None`` without an expiry, or while the school's zone is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A booked lesson that has not started; ``parts`` say which grants' credits it uses."""

    lesson_id: str
    starts_at: datetime
    teacher_id: str
    parts: tuple[Lot, ...]

    @property
    def credits(self) -> int:
        return sum(part.credits for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A case forbids new bookings; what is booked still takes place (R-J6)."""

    case_id: str
    hold: str
    since: datetime
    cancels_lessons: bool = False
    """The school's policy is that no lesson takes place meanwhile (``credits.held_lessons: cancel``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forfeiture:
    """What a case took, so that goodwill can grant it again."""

    case_id: str
    at: datetime
    lots: tuple[Lot, ...]
    regranted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month whose credits were asked for and wait for their day, the plan or the school's zone."""

    case_id: str
    covers_from: date
    covers_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One subscription's ledger as it stands; the aggregate that every decision of credits works on."""

    subscription_id: str
    school_id: str
    learner_id: str
    credits_per_month: int | None = None
    cancellation_notice_minutes: int = 0
    balance: Balance = field(default_factory=Balance)
    lots: tuple[Lot, ...] = ()
    """Untouched credits by grant, in the order of granting."""
    lessons: tuple[Lesson, ...] = ()
    holds: tuple[Hold, ...] = ()
    forfeitures: tuple[Forfeiture, ...] = ()
    months: tuple[Month, ...] = ()
    months_granted: tuple[date, ...] = ()
    lapse_days: dict[str, date] = field(default_factory=dict)
    """By case: the day on which, by rule, all unconsumed credits lapse (J40)."""
    entries: int = 0
    """How many entries the ledger has; the last one's number."""

    def __post_init__(self) -> None:
        untouched = sum(lot.credits for lot in self.lots)
        reserved = sum(lesson.credits for lesson in self.lessons)
        if (untouched, reserved) != (self.balance.untouched, self.balance.reserved):
            raise LedgerBrokenError(
                f"the ledger of {self.subscription_id} has {untouched} credits in lots and {reserved} in lessons, "
                f"but {self.balance}"
            )

    @property
    def held(self) -> bool:
        return bool(self.holds)

    @property
    def bookable(self) -> int:
        """What a new lesson can be booked with now."""
        return 0 if self.held else self.balance.untouched

    @property
    def waits_for_zone(self) -> bool:
        """Something here ends or begins at a midnight that is not known yet."""
        return bool(self.months) or any(lot.expires_on and lot.expires_at is None for lot in self.lots)


class EntryKind(StrEnum):
    """What an entry of the ledger is about."""

    GRANTED = "granted"
    EXTENDED = "extended"
    BOOKED = "booked"
    CANCELLED_BY_LEARNER = "cancelled_by_learner"
    CONSUMED = "consumed"
    EXPIRED = "expired"
    HELD = "held"
    RELEASED = "released"
    CANCELLED_BY_ADMIN = "cancelled_by_admin"
    """At an exhaustion it moves nothing: the credit stays reserved until the forfeiture takes it (J47)."""
    FORFEITED = "forfeited"
    REGRANTED = "regranted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger: added, never changed."""

    subscription_id: str
    number: int
    kind: EntryKind
    ref: str
    """The grant, lesson or hold it is about."""
    at: datetime
    """When it happened; ``recorded_at`` is when it was written down."""
    recorded_at: datetime
    moves: tuple[Move, ...]
    balance: Balance
    """After it."""
    case_id: str = ""


class LessonState(StrEnum):
    BOOKED = "booked"
    STARTED = "started"
    CANCELLED_BY_LEARNER = "cancelled_by_learner"
    CANCELLED_BY_ADMIN = "cancelled_by_admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonRecord:
    """What became of a lesson, for teachers and for the second time that the same booking is sent."""

    subscription_id: str
    school_id: str
    learner_id: str
    lesson_id: str
    starts_at: datetime
    teacher_id: str
    credits: int
    state: LessonState
    changed_at: datetime
    case_id: str = ""

    def same_booking(self, starts_at: datetime, teacher_id: str, credits: int) -> bool:
        return (self.starts_at, self.teacher_id, self.credits) == (starts_at, teacher_id, credits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A grant as it was asked for, kept so that it counts once."""

    subscription_id: str
    grant_id: str
    credits: int
    expires_on: date | None
    why: str
    granted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """What credits needs of a school: its midnight, and the hour that ends a gateway's day (R-J2)."""

    school_id: str
    zone: str | None = None
    service_day_rollover: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a decision of credits comes to."""

    account: Account
    said: tuple[Fact | Later, ...] = ()
    entries: tuple[Entry, ...] = ()
    lessons: tuple[LessonRecord, ...] = ()
    grants: tuple[Grant, ...] = ()


def with_lot(lots: tuple[Lot, ...], more: Lot) -> tuple[Lot, ...]:
    """``lots`` with ``more`` added to the one of the same grant, or behind them."""
    if not more.credits:
        return lots
    if any(lot.grant_id == more.grant_id for lot in lots):
        return tuple(
            replace(lot, credits=lot.credits + more.credits) if lot.grant_id == more.grant_id else lot
            for lot in lots
        )
    return (*lots, more)
