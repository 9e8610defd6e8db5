"""What the world was really asked, and what it answered: the same question has the same answer, any other has none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ops.whatif.history import Past
from shared.events import Fact, dunning, notifications, payments

_SAME: Final = timedelta(minutes=1)
"""A try is the same try when it was asked for within a minute of the recorded one."""

ANSWERS: Final = (
    payments.AttemptSucceeded, payments.AttemptFailed, payments.AttemptPending, payments.AttemptUnknown,
)  # fmt: skip
OUTCOMES: Final = (notifications.MailSent, notifications.MailDropped, notifications.MailFailed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """From ``at`` on nothing is known of a subscription under the other policy."""

    at: datetime
    subscription_id: str
    case_id: str
    why: str


class Observed:
    """The recorded questions by their ids: attempts and mails that dunning really asked for."""

    def __init__(self, facts: Iterable[Past]) -> None:
        self._asked: dict[str, dunning.AttemptRequested | dunning.MailRequested] = {}
        self._answered: set[str] = set()
        for past in facts:
            fact = past.envelope.fact
            if isinstance(fact, (dunning.AttemptRequested, dunning.MailRequested)):
                self._asked[question(fact)] = fact
            elif isinstance(fact, OUTCOMES):
                self._answered.add(fact.mail_id)

    def was_asked(self, fact: dunning.AttemptRequested | dunning.MailRequested) -> bool:
        """Whether the very same was asked at the same time: same amount, or same letter."""
        recorded = self._asked.get(question(fact))
        if recorded is None or abs(recorded.occurred_at - fact.occurred_at) > _SAME:
            return False
        if isinstance(fact, dunning.AttemptRequested) and isinstance(recorded, dunning.AttemptRequested):
            return (recorded.amount, recorded.fallback) == (fact.amount, fact.fallback)
        if isinstance(fact, dunning.MailRequested) and isinstance(recorded, dunning.MailRequested):
            return (recorded.not_before, recorded.rolls_back) == (fact.not_before, fact.rolls_back)
        return False

    def has_outcome(self, mail_id: str) -> bool:
        """Whether it is recorded what became of a mail."""
        return mail_id in self._answered


def question(fact: dunning.AttemptRequested | dunning.MailRequested) -> str:
    """Under which id the world answers."""
    if isinstance(fact, dunning.AttemptRequested):
        return fact.request_id
    return f"{fact.case_id}/{fact.template}/{fact.ordinal}"


def answered(fact: Fact) -> str | None:
    """The question that a recorded fact answers; ``None`` when the world acted by itself."""
    if isinstance(fact, ANSWERS):
        return fact.request_id
    if isinstance(fact, OUTCOMES):
        return fact.mail_id
    return None
