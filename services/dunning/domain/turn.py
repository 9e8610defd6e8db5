"""One decision in the making: the case as it becomes, what is said of it, and the line it adds to its own story.

A decision is a pure function of what it is given; a ``Turn`` is only its scratch paper. ``finish`` gives the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

from services.dunning.domain.account import Account, Card, Learner, Paid, School
from services.dunning.domain.case import NOTES_KEPT, Case
from services.dunning.domain.parts import Flag, Note
from services.dunning.policies.policy import Policy
from shared.calendar import Calendars
from shared.copies import changed
from shared.events import Fact, Later
from shared.events import dunning as facts
from shared.events.words import CaseState, ReviewReason
from shared.money import Money
from shared.reasons import Reason

_FIRST_NOTES: Final = 30
"""How many notes of a case's beginning are always kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a decision may look at beside the case: nothing of it changes while it decides."""

    school: School
    policy: Policy
    """The case's pinned version; the school's newest where a case opens (R-X5)."""
    policy_hash: str = ""
    calendars: Calendars
    """The policy's calendars with the school's live closures."""
    account: Account
    learner: Learner | None = None
    card: Card | None = None
    """What the networks count on the card that pays."""
    asked: Case | None = None
    """The month that the news is about, if it has no case and somebody was asked about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What came of it: the case and the account as they are now, and what is said, in order."""

    case: Case | None
    account: Account
    said: tuple[Fact | Later, ...] = ()
    opened: bool = False
    asked: Case | None = None
    """A month that has no case, with what a person was asked and told about it; kept apart from the cases."""

    def aside(self) -> Decision:
        """The same about a month that has no case: its questions are kept, and no case opens."""
        case = self.case
        if case is None or not (case.flags or case.mails):
            return replace(self, case=None)
        return replace(self, case=None, asked=replace(case, state=CaseState.UNDER_REVIEW))


class Turn:
    """The scratch paper of one decision about one case."""

    __slots__ = ("account", "case", "cause", "now", "said", "world")

    def __init__(self, world: World, case: Case, now: datetime, cause: str | None = None) -> None:
        self.world = world
        self.case = changed(case)  # its own to write on: many fields change, and one copy is enough
        self.account = world.account
        self.now = now
        self.cause = cause
        self.said: list[Fact | Later] = []

    @property
    def policy(self) -> Policy:
        """The rules of this case."""
        return self.world.policy

    def set(self, **changes: Any) -> None:
        """The case as it becomes: written on this turn's own copy, which nobody else has seen yet."""
        case = self.case
        for name, value in changes.items():
            _put(case, name, value)

    def say(self, kind: Callable[..., Fact], /, *, when: datetime | None = None, **fields: Any) -> None:
        """Say a fact about this case; it occurred at ``when``, or now."""
        self.said.append(self._fact(kind, when or self.now, fields))

    def later(self, when: datetime, kind: Callable[..., Fact], /, **fields: Any) -> None:
        """Plan a fact about this case for ``when``."""
        self.said.append(Later(when, self._fact(kind, when, fields)))

    def note(
        self, code: str, /, *, when: datetime | None = None, because: Reason | None = None, **params: object
    ) -> None:
        """Add a line to the case's story; ``when`` it happened, or now."""
        told = words(params)
        note = Note(at=when or self.now, code=code, params=told, cause=self.cause, because=because)
        notes = (*self.case.notes, note)
        if len(notes) > NOTES_KEPT:
            notes = (*notes[:_FIRST_NOTES], *notes[_FIRST_NOTES + 1 :])
        self.set(notes=notes)

    def becomes(self, state: CaseState) -> None:
        """Move the case to another state."""
        self.set(state=state)

    def mark(self, *marks: str) -> None:
        """Set orthogonal marks."""
        self.set(marks=tuple(sorted({*self.case.marks, *marks})))

    def unmark(self, *marks: str) -> None:
        """Take orthogonal marks away."""
        self.set(marks=tuple(one for one in self.case.marks if one not in marks))

    def close(
        self, state: CaseState, *, when: datetime | None = None, by: str = "system", note: str = ""
    ) -> None:
        """End the case: its plans become moot, and nothing opens it again (T35)."""
        self.set(
            state=state,
            closed_at=when or self.now,
            forecast=None,
            in_flight=None,
            queued=None,
            challenge=None,
            clock=changed(self.case.clock, hold_until=None, notice_hold_since=None),
        )
        self.account = self.account.with_case(self.case.case_id, is_open=False)
        self.say(facts.CaseClosed, when=when, state=state, by=by, note=note)

    def pays(self, transaction_id: str, amount: Money, at: datetime, *, period: date | None = None) -> None:
        """The case's period, or another one, is settled by that transaction (invariant 1)."""
        month = period or self.case.period
        paid = Paid(period=month, transaction_id=transaction_id, amount=amount, paid_at=at)
        self.account = self.account.with_paid(paid)
        if month == self.case.period:
            self.say(facts.PeriodPaid, when=at, transaction_id=transaction_id, amount=amount)

    def moves_billing_day(self, billing_day: int, *, price: Money) -> None:
        """The subscription goes on under new terms (R-F9, R-J11)."""
        self.account = changed(
            self.account,
            billing_day=billing_day,
            price=price,
            grandfathered=False,
            cancelled_at=None,
            cancelled_by="",
            suspended_at=None,
        )

    def flag(self, reason: ReviewReason, about: str, detail: str, **more: Any) -> None:
        """Ask a person to look: never an exception, never silence. ``more`` are further fields of the ``Flag``."""
        if any(flag.reason is reason and flag.about == about for flag in self.case.flags):
            return
        flag = Flag(reason=reason, about=about, detail=detail, since=self.now, **more)
        self.set(flags=(*self.case.flags, flag))
        self.say(facts.CaseFlagged, reason=reason, about=about, detail=detail)
        self.note("flagged", reason=reason.value, about=about, detail=detail)

    def settle_flag(self, reason: ReviewReason, about: str | None, *, by: str, how: str) -> None:
        """The flags of that reason (and subject) need nobody any more."""
        gone = [f for f in self.case.flags if f.reason is reason and about in {None, f.about}]
        if not gone:
            return
        self.set(flags=tuple(f for f in self.case.flags if f not in gone))
        for flag in gone:
            self.say(facts.CaseFlagSettled, reason=reason, about=flag.about, settled_by=by, how=how)

    def finish(self) -> Decision:
        """The decision."""
        return Decision(case=self.case, account=self.account, said=tuple(self.said))

    def _fact(self, kind: Callable[..., Fact], when: datetime, fields: dict[str, Any]) -> Fact:
        case = self.case
        return kind(
            school_id=case.school_id,
            occurred_at=when,
            subscription_id=case.subscription_id,
            learner_id=case.learner_id,
            case_id=case.case_id,
            period=case.period,
            **fields,
        )


_put: Final = object.__setattr__


def nothing(world: World, case: Case | None) -> Decision:
    """A moot fact: it changes nothing and nothing is said."""
    return Decision(case=case, account=world.account)


def because_of(reason: Reason | None) -> facts.Because | None:
    """The reason of a date as it travels."""
    return None if reason is None else _because(reason)


# Whoever failed on one day is told the same reason.
@lru_cache(maxsize=2048)
def _because(reason: Reason) -> facts.Because:
    return facts.Because(
        rule=reason.source or reason.rule,
        word=reason.rule,
        text=_line(reason),
        calendar=reason.calendar,
        counted=reason.counted,
        skipped=tuple((closed.day, closed.name.en) for closed in reason.skipped),
        values={name: str(value) for name, value in reason.values},
    )


def _line(reason: Reason) -> str:
    values = ", ".join(f"{name} {value}" for name, value in reason.values)
    return f"{reason.rule.replace('_', ' ')}{f' ({values})' if values else ''}"


def words(values: Mapping[str, object]) -> dict[str, str]:
    """Values as notes and mails carry them; absent ones are left out."""
    return {
        name: value if type(value) is str else _WORDS.get(type(value), str)(value)
        for name, value in values.items()
        if value is not None
    }


def word(value: object) -> str:
    """One value as notes and mails carry it: ISO, ``7500 EUR``, ``yes``."""
    return _WORDS.get(type(value), str)(value)


# A deadline, a plan and a day are written into many notes and mails.
@lru_cache(maxsize=8192)
def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC).isoformat()[:19]}Z"


@lru_cache(maxsize=2048)
def _day(day: date) -> str:
    return day.isoformat()


def _money(money: Any) -> str:
    return f"{money.amount_minor} {money.currency}"


_WORDS: Final[dict[type[Any], Callable[[Any], str]]] = {
    datetime: _instant,
    date: _day,
    Money: _money,
    bool: lambda yes: "yes" if yes else "no",
}
