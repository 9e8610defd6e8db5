"""What one pure decision takes, kind by kind over a month of each school, and what all stories take in memory."""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import structlog

from services.dunning import domain
from services.dunning.domain.account import Account, School
from services.dunning.domain.case import Case
from services.dunning.domain.policies_at_hand import live_calendars, preset_document
from services.dunning.domain.turn import Decision, World
from shared.declines import DeclineClass
from shared.events import Later, dunning, payments
from shared.events.words import AttemptKind, Gateway, MethodKind
from shared.money import Money

TIMES: Final = 500
Decide = Callable[[], Decision]


@dataclass(slots=True)
class Month:
    """One learner's month, decision by decision."""

    policy: str
    amount: Money
    period: date
    now: datetime
    case: Case | None = None
    account: Account | None = None

    def world(self) -> World:
        """The world around the case as it is now."""
        adopted = preset_document(self.policy)
        rules = adopted.policy
        school = School(
            school_id="school",
            name="School",
            policy_id=rules.id,
            zone=rules.timezone,
            delivery_calendar=rules.notices.delivery_calendar,
        )
        return World(
            school=school,
            policy=rules,
            policy_hash=adopted.document.content_hash,
            calendars=live_calendars(adopted, school),
            account=self.account or domain.account_from_news(self.failure("first")),
        )

    def about(self) -> dict[str, Any]:
        """What each fact says of whom it speaks."""
        return {
            "school_id": "school",
            "occurred_at": self.now,
            "subscription_id": "ada",
            "learner_id": "ada",
        }

    def attempt(self, transaction: str) -> dict[str, Any]:
        """An attempt at this hour, as the answer to our request where one is in flight."""
        flight = self.case.in_flight if self.case else None
        return {
            **self.about(),
            "period": self.period,
            "kind": AttemptKind.RENEWAL,
            "gateway": Gateway.PAYPAL if self.policy == "jp-school" else Gateway.STRIPE,
            "transaction_id": transaction,
            "amount": self.amount,
            "received_at": self.now,
            "method": MethodKind.CARD,
            "request_id": flight.request_id if flight else None,
        }

    def failure(self, transaction: str) -> payments.AttemptFailed:
        """The bank refuses."""
        return payments.AttemptFailed(
            **self.attempt(transaction),
            decline=DeclineClass.INSUFFICIENT_FUNDS,
            raw_code="insufficient_funds",
        )

    def fails(self, transaction: str) -> Decide:
        """What is decided on a refusal."""
        world, case, fact, now = self.world(), self.case, self.failure(transaction), self.now
        return lambda: domain.when_attempt_failed(world, case, fact, now, "cause")

    def succeeds(self, transaction: str) -> Decide:
        """What is decided on money."""
        world, case, now = self.world(), self.case, self.now
        fact = payments.AttemptSucceeded(**self.attempt(transaction))
        return lambda: domain.when_attempt_succeeded(world, case, fact, now, "cause")

    def falls_due(self, plan: Any) -> Decide:
        """What is decided when a plan's hour has come; the clock moves to it."""
        self.now = plan.occurred_at
        world, case, now = self.world(), self.case, self.now
        decide: Any = {
            dunning.AttemptFellDue: domain.when_attempt_fell_due,
            dunning.DeadlineFellDue: domain.when_deadline_fell_due,
            dunning.ReminderFellDue: domain.when_reminder_fell_due,
        }[type(plan)]
        return lambda: decide(world, case, plan, now, "cause")

    def goes_on(self, decide: Decide) -> list[Any]:
        """Take a decision for good; the plans that it made."""
        decision = decide()
        self.case, self.account = decision.case, decision.account
        return [one.fact for one in decision.said if isinstance(one, Later)]


Taken = list[tuple[str, Decide]]


def months() -> Taken:
    """Every decision of a French and a Japanese month in which nobody pays, and two that end one, by kind."""
    return [*_french(), *_japanese()]


def _french() -> Taken:
    month = Month("fr-elearning", Money(7500, "EUR"), date(2026, 6, 1), datetime(2026, 6, 1, 7, tzinfo=UTC))
    opens = month.fails("ch_0")
    found = [("fr: a case opens, with its mail", opens)]
    plans = month.goes_on(opens)
    ends = next(one for one in plans if isinstance(one, dunning.DeadlineFellDue))
    reminder = next(one for one in plans if isinstance(one, dunning.ReminderFellDue))
    due = [one for one in plans if isinstance(one, dunning.AttemptFellDue)]
    for number in range(1, 11):
        asked = month.falls_due(due[-1])
        due = [one for one in month.goes_on(asked) if isinstance(one, dunning.AttemptFellDue)]
        refused, paid = month.fails(f"ch_{number}"), month.succeeds(f"ch_{number}")
        found += [("fr: a retry is due", asked), ("fr: a retry is refused", refused)]
        if number == 5:
            found.append(("fr: a retry succeeds, with its mail", paid))
        month.goes_on(refused)
        if number == 9:
            found.append(("fr: the last day is announced, by mail", month.falls_due(reminder)))
    assert month.case is not None  # noqa: S101 - it was opened above
    told = tuple(replace(mail, sent_at=month.now) for mail in month.case.mails)
    month.case = replace(month.case, mails=told)
    found.append(("fr: access is suspended, with its mail", month.falls_due(ends)))
    return found


def _japanese() -> Taken:
    start = datetime(2026, 4, 15, 11, 10, tzinfo=UTC)
    month = Month("jp-school", Money(12800, "JPY"), date(2026, 4, 15), start)
    opens = month.fails("sale_0")
    month.goes_on(opens)
    month.now = start + timedelta(days=5)
    second, paid = month.fails("sale_1"), month.succeeds("sale_1")
    month.goes_on(second)
    month.now = start + timedelta(days=10)
    return [
        ("jp: a case opens, with its mail", opens),
        ("jp: the second attempt fails, with its mail", second),
        ("jp: the second attempt succeeds, with its mail", paid),
        ("jp: the third attempt fails, everything lapses", month.fails("sale_2")),
    ]


def decisions() -> dict[str, str]:
    """Microseconds: the median of all decisions as they come in two months, and of each kind."""
    taken: dict[str, list[float]] = {}
    for name, decide in months():
        decide()
        taken.setdefault(name, []).extend(_microseconds(decide) for _ in range(TIMES))
    everything = statistics.median(one for found in taken.values() for one in found)
    return {
        "one pure decision, median microseconds (goal: < 50)": f"{everything:.0f}",
        **{f"  {name}": f"{statistics.median(found):.0f}" for name, found in taken.items()},
    }


def _microseconds(decide: Decide) -> float:
    at = time.perf_counter()
    decide()
    return (time.perf_counter() - at) * 1e6


def stories() -> dict[str, str]:
    """Seconds that every story takes on the memory engine, reading included."""
    from ops.stories.memory import MemoryEngine  # noqa: PLC0415 - imports every service
    from ops.stories.runner import play  # noqa: PLC0415 - as above
    from ops.stories.shelf import read_all, usual_folders  # noqa: PLC0415 - as above

    async def play_all() -> tuple[int, int]:
        reads = read_all(usual_folders())
        played = [await play(one, MemoryEngine()) for one in reads]
        return len(played), sum(one.passed for one in played)

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    wall, cpu = time.perf_counter(), time.process_time()
    count, passed = asyncio.run(play_all())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "all stories in memory, seconds (goal: < 20)": f"{wall:.1f}",
        "  of which processor": f"{cpu:.1f}",
        "  stories that came true": f"{passed} of {count}",
    }
