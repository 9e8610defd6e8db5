"""Over any history credits add up, are never negative, and no held or cancelled credit is bookable (invariant 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.credits import domain
from services.credits.domain import (
    Account,
    Balance,
    Decided,
    Entry,
    EntryKind,
    LedgerBrokenError,
    LessonState,
    Move,
    Pot,
    School,
)
from shared.calendar import local_date
from shared.errors import Refused
from shared.events import dunning
from shared.events.credits import CreditsForfeited, LessonCancelledByAdmin
from tests.histories import histories

SCHOOL = School(school_id="s", zone="Asia/Tokyo", service_day_rollover="12:00")
CASES = st.sampled_from(["hana~2026-04-15", "hana~2026-05-15", "hana~reversal~1"])
HOURS = st.integers(min_value=0, max_value=200).map(lambda hours: timedelta(hours=hours))


class Ledger(RuleBasedStateMachine):
    """Any order of what people, cases and hours may do to one account."""

    @initialize()
    def begin(self) -> None:
        self.now = datetime(2026, 4, 1, tzinfo=UTC)
        self.account = Account(subscription_id="hana", school_id="s", learner_id="h", credits_per_month=4)
        self.entries: list[Entry] = []
        self.states: dict[str, LessonState] = {}
        self.count = 0

    # --- people ---

    @rule(credits=st.integers(1, 5), days=st.none() | st.integers(-2, 20))
    def grant(self, credits: int, days: int | None) -> None:
        today = local_date(self.now, "Asia/Tokyo")
        self.take(
            lambda: domain.when_granted(
                self.account,
                grant_id=self.name(),
                credits=credits,
                expires_on=None if days is None else today + timedelta(days=days),
                why="purchase",
                zone="Asia/Tokyo",
                now=self.now,
            )
        )

    @rule(credits=st.integers(1, 4), ahead=HOURS)
    def book(self, credits: int, ahead: timedelta) -> None:
        before = domain.as_of(self.account, self.now)
        booked = self.take(
            lambda: domain.when_lesson_asked_for(
                self.account,
                lesson_id=self.name(),
                starts_at=self.now + ahead,
                teacher_id="tom",
                credits=credits,
                now=self.now,
            )
        )
        assert booked == (before.bookable >= credits and ahead > timedelta(0))
        if before.held:
            assert not booked, "held credits cannot be booked"

    @precondition(lambda self: self.account.lessons)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        lesson = data.draw(st.sampled_from(self.account.lessons))
        self.take(lambda: domain.when_lesson_given_up(self.account, lesson.lesson_id, self.now))

    # --- cases ---

    @rule(case=CASES, late=HOURS, lessons=st.sampled_from(["deliver", "cancel"]))
    def hold(self, case: str, late: timedelta, lessons: str) -> None:
        fact = dunning.CreditHoldRequested(**self.about(case, late), lessons=lessons)
        self.take(lambda: domain.when_hold_requested(self.account, fact, self.now))
        assert self.account.bookable == 0

    @rule(case=CASES)
    def release(self, case: str) -> None:
        fact = dunning.CreditReleaseRequested(**self.about(case))
        self.take(lambda: domain.when_release_requested(self.account, fact, self.now))

    @rule(case=CASES, late=st.sampled_from([timedelta(0), timedelta(hours=3), timedelta(days=3)]))
    def forfeit(self, case: str, late: timedelta) -> None:
        fact = dunning.CreditForfeitRequested(**self.about(case, late))
        before = domain.as_of(self.account, self.now)
        first = len(self.entries)
        decided = self.decide(lambda: domain.when_forfeit_requested(self.account, fact, SCHOOL, self.now))
        said = [one for one in decided.said if isinstance(one, LessonCancelledByAdmin | CreditsForfeited)]
        if not said:
            return
        *cancelled, forfeited = said
        assert all(isinstance(one, LessonCancelledByAdmin) for one in cancelled), (
            "lessons first, then credits"
        )
        assert isinstance(forfeited, CreditsForfeited)
        assert forfeited.reserved == before.balance.reserved, "every lesson not begun is cancelled"
        kinds = [entry.kind for entry in self.entries[first:]]
        assert kinds.count(EntryKind.FORFEITED) == 1
        assert kinds[-1] is EntryKind.FORFEITED
        assert (self.account.balance.untouched, self.account.balance.reserved) == (0, 0)
        for entry in self.entries[first:]:
            if entry.kind is EntryKind.CANCELLED_BY_ADMIN:
                assert entry.balance.untouched <= before.balance.untouched, "bookable at no instant"

    @rule(case=CASES, why=st.sampled_from(["recovered", "staff"]))
    def restore(self, case: str, why: str) -> None:
        fact = dunning.CreditRestorationRequested(**self.about(case), why=why)
        self.take(lambda: domain.when_restoration_requested(self.account, fact, SCHOOL, self.now))

    @rule(case=CASES, begins=st.integers(-40, 40))
    def month(self, case: str, begins: int) -> None:
        first = local_date(self.now, "Asia/Tokyo") + timedelta(days=begins)
        fact = dunning.CreditGrantRequested(
            **self.about(case), covers_from=first, covers_until=first + timedelta(days=29)
        )
        self.take(lambda: domain.when_month_requested(self.account, fact, "Asia/Tokyo", self.now))

    # --- hours ---

    @rule(hours=HOURS, told=st.booleans())
    def time_passes(self, hours: timedelta, told: bool) -> None:
        self.now += hours
        if told:
            self.take(lambda: domain.when_months_looked_at(self.account, "Asia/Tokyo", self.now))

    # --- what holds always ---

    @invariant()
    def the_pots_are_the_sum_of_the_entries(self) -> None:
        balance = Balance()
        for number, entry in enumerate(self.entries, start=1):
            balance = balance.after(entry.moves)
            assert (entry.number, entry.balance) == (number, balance)
        assert balance == self.account.balance

    @invariant()
    def readers_see_only_what_the_hours_have_done(self) -> None:
        seen = domain.as_of(self.account, self.now)
        assert all(lesson.starts_at > self.now for lesson in seen.lessons)
        if not seen.held:
            assert all(lot.expires_at is None or lot.expires_at > self.now for lot in seen.lots)

    @invariant()
    def a_lesson_that_ended_stays_ended(self) -> None:
        booked = {lesson.lesson_id for lesson in self.account.lessons}
        assert booked == {name for name, state in self.states.items() if state is LessonState.BOOKED}

    @invariant()
    def the_account_survives_being_stored(self) -> None:
        stored = msgspec.json.encode(self.account)
        assert msgspec.json.decode(stored, type=Account) == self.account

    def take(self, decide: Callable[[], Decided]) -> bool:
        """Whether it was not refused; a refusal changes nothing."""
        try:
            self.decide(decide)
        except Refused:
            return False
        return True

    def decide(self, decide: Callable[[], Decided]) -> Decided:
        decided = decide()
        self.account = decided.account
        self.entries += decided.entries
        for record in decided.lessons:
            known = self.states.get(record.lesson_id)
            assert known in {None, LessonState.BOOKED}
            self.states[record.lesson_id] = record.state
        return decided

    def name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def about(self, case: str, late: timedelta = timedelta(0)) -> dict[str, Any]:
        return {
            "school_id": "s",
            "occurred_at": self.now - late,
            "subscription_id": "hana",
            "learner_id": "h",
            "case_id": case,
            "period": date(2026, 4, 15),
        }


TestAnyHistory = Ledger.TestCase
TestAnyHistory.settings = settings(
    max_examples=histories(60),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.parametrize(
    "move",
    [
        Move(source=Pot.UNTOUCHED, target=Pot.RESERVED, credits=3),
        Move(source=Pot.RESERVED, target=Pot.CONSUMED, credits=1),
        Move(source=None, target=Pot.UNTOUCHED, credits=-1),
    ],
    ids=["more than there is", "from an empty pot", "backwards"],
)
def test_no_pot_can_go_below_nothing(move: Move) -> None:
    two = Balance().after([Move(source=None, target=Pot.UNTOUCHED, credits=2)])
    with pytest.raises(LedgerBrokenError):
        two.after([move])


def test_an_account_whose_lots_disagree_with_its_pots_cannot_exist() -> None:
    account = Account(subscription_id="hana", school_id="s", learner_id="h")
    with pytest.raises(LedgerBrokenError):
        replace(account, balance=Balance(granted=1, untouched=1))
