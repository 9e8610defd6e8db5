"""What the gateway will probably do next, shown and never relied on; its own news always wins (seed J9, R-J1)."""

from __future__ import annotations

from datetime import datetime

from services.dunning.domain import mails
from services.dunning.domain.attempts import AttemptNews, counted_failures
from services.dunning.domain.case import Case
from services.dunning.domain.parts import Forecast
from services.dunning.domain.turn import Decision, Turn, World, because_of, nothing
from services.dunning.policies import dates
from shared.events import dunning as facts
from shared.events.words import Audience, CaseState, ReviewReason, Template


def expect_next(turn: Turn, *, announced_at: datetime | None = None) -> None:
    """Forecast the gateway's next attempt after its newest failure, and watch for it (T1, T6)."""
    failures = counted_failures(turn.case) or turn.case.failures
    if not failures:
        return
    ordinal = len(failures) + 1
    found = dates.forecast(
        turn.policy,
        ordinal=ordinal,
        previous_at=failures[-1].occurred_at,
        next_due=dates.due_after(turn.policy, turn.case.period, turn.account.billing_day),
        announced_at=announced_at,
    )
    if found is None:
        turn.set(forecast=None)
        return
    turn.set(
        forecast=Forecast(
            ordinal=found.ordinal,
            earliest=found.opens.at,
            latest=found.closes.at,
            first_day=found.first_day,
            last_day=found.last_day,
            watch_at=found.watchdog.at,
        )
    )
    turn.say(
        facts.AttemptForecast,
        ordinal=found.ordinal,
        earliest=found.opens.at,
        latest=found.closes.at,
        first_day=found.first_day,
        last_day=found.last_day,
        because=because_of(found.opens.because),
    )
    turn.later(found.watchdog.at, facts.WatchdogFellDue, ordinal=found.ordinal)
    turn.note(
        "forecast",
        ordinal=found.ordinal,
        first=found.first_day,
        last=found.last_day,
        because=found.opens.because,
    )


def compare(turn: Turn, fact: AttemptNews) -> None:
    """The gateway's news against what was expected: a miss is worth knowing, a watchdog's question is answered."""
    expected = turn.case.forecast
    if expected is None:
        return
    if (
        fact.occurred_at > turn.case.failed_at
        and not expected.earliest <= fact.occurred_at <= expected.latest
    ):
        turn.say(facts.AttemptForecastMissed, ordinal=expected.ordinal, attempted_at=fact.occurred_at)
        turn.note("forecast_missed", when=fact.occurred_at, ordinal=expected.ordinal)
    turn.settle_flag(ReviewReason.WATCHDOG, None, by="system", how="the gateway told")


def when_watchdog_fell_due(
    world: World, case: Case, fact: facts.WatchdogFellDue, now: datetime, cause: str | None = None
) -> Decision:
    """Nothing was heard in time: staff look, payments reads the gateway; never taken for a failure (T37, J38)."""
    expected = case.forecast
    moot = expected is None or expected.ordinal != fact.ordinal or expected.watch_at != fact.occurred_at
    if case.state is not CaseState.RETRYING or moot:
        return nothing(world, case)
    turn = Turn(world, case, now, cause)
    about = f"attempt {fact.ordinal}"
    turn.flag(ReviewReason.WATCHDOG, about, "the gateway told nothing about an attempt that was expected")
    turn.say(facts.ReconciliationRequested, about=f"watchdog/{fact.ordinal}")
    mails.request(
        turn,
        Template.STAFF_WATCHDOG,
        ordinal=fact.ordinal,
        audience=Audience.OFFICE,
        ignores_closures=True,
        extra={"reason": ReviewReason.WATCHDOG.value, "detail": about},
    )
    return turn.finish()
