"""What a school would count, counted where a service says it: after the commit, from the facts themselves.

A fact that is said twice is counted once for each transaction that says it; ids make it one for everybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from shared.events import Fact, access, dunning, notifications, payments
from shared.metrics import ACCESS_CHANGES, ATTEMPTS, CASE_CHANGES, FORECASTS_MISSED, MAILS
from shared.shelf import Planned


def _failed(fact: Any) -> None:
    ATTEMPTS.add("failed", fact.decline.value)


def _adding(meter: Any, *values: str) -> Callable[[Any], None]:
    def add(_: Any) -> None:
        meter.add(*values)

    return add


_TALLIES: Final[Mapping[type[Fact], Callable[[Any], None]]] = {
    payments.AttemptFailed: _failed,
    payments.AttemptSucceeded: _adding(ATTEMPTS, "succeeded", ""),
    payments.AttemptPending: _adding(ATTEMPTS, "pending", ""),
    payments.AttemptUnknown: _adding(ATTEMPTS, "unknown", ""),
    dunning.CaseOpened: _adding(CASE_CHANGES, "opened"),
    dunning.CaseRecovered: _adding(CASE_CHANGES, "recovered"),
    dunning.CaseExhausted: _adding(CASE_CHANGES, "exhausted"),
    dunning.CaseSuspended: _adding(CASE_CHANGES, "suspended"),
    dunning.CaseClosed: _adding(CASE_CHANGES, "closed"),
    dunning.CaseRelaunched: _adding(CASE_CHANGES, "relaunched"),
    dunning.CaseResumed: _adding(CASE_CHANGES, "resumed"),
    dunning.CaseFlagged: _adding(CASE_CHANGES, "flagged"),
    dunning.AttemptForecastMissed: _adding(FORECASTS_MISSED),
    access.AccessSuspended: _adding(ACCESS_CHANGES, "suspended"),
    access.AccessRestored: _adding(ACCESS_CHANGES, "restored"),
    notifications.MailSent: _adding(MAILS, "sent"),
    notifications.MailDeferred: _adding(MAILS, "deferred"),
    notifications.MailDropped: _adding(MAILS, "dropped"),
    notifications.MailFailed: _adding(MAILS, "failed"),
    notifications.MailParked: _adding(MAILS, "parked"),
    notifications.MailReleased: _adding(MAILS, "released"),
}


def tally(said: Iterable[Planned], now: datetime) -> None:
    """Count what a transaction said that was committed; plans are counted when their hour has come, as facts."""
    for one in said:
        count = _TALLIES.get(type(one.envelope.fact))
        if count is not None and one.tell_at <= now:
            count(one.envelope.fact)
