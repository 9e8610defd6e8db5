"""The smallest service that does what every peer is asked to do: record a failure, and plan the retry in three days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from shared.declines import DeclineClass
from shared.events import Envelope, Later, dunning, payments
from shared.events.wire import to_bytes, wrap
from shared.events.words import AttemptKind, Gateway, MethodKind
from shared.money import Money
from shared.service import Service
from shared.shelf import Message, Table
from shared.unit import Unit

RETRY: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One month that was not paid."""

    case_id: str
    subscription_id: str
    school_id: str
    amount: Money
    decline: str
    attempts: int
    opened_at: datetime
    next_at: datetime


CASES: Final = Table(
    name="cases",
    kind=Case,
    key=lambda case: case.case_id,
    columns={"next_at": ("timestamptz", lambda case: case.next_at)},
)


def _id(fact: payments.AttemptFailed) -> str:
    return f"{fact.subscription_id}~{fact.period}"


async def on_failed(fact: payments.AttemptFailed, unit: Unit) -> None:
    """Open or count, and plan."""
    case_id, at = _id(fact), fact.occurred_at + RETRY
    known = await unit.get(CASES, case_id)
    unit.put(
        CASES,
        Case(
            case_id=case_id,
            subscription_id=fact.subscription_id,
            school_id=fact.school_id,
            amount=fact.amount,
            decline=fact.decline.value,
            attempts=1 if known is None else known.attempts + 1,
            opened_at=fact.occurred_at if known is None else known.opened_at,
            next_at=at,
        ),
    )
    about: Any = {
        "school_id": fact.school_id,
        "subscription_id": fact.subscription_id,
        "learner_id": fact.learner_id,
        "case_id": case_id,
        "period": fact.period,
    }
    unit.say(Later(at, dunning.DeadlineFellDue(**about, occurred_at=at)))


async def prefetch(envelopes: Sequence[Envelope], unit: Unit) -> None:
    """The batch's cases in one statement."""
    await unit.fetch(CASES, [_id(e.fact) for e in envelopes if isinstance(e.fact, payments.AttemptFailed)])


RETRYING: Final = Service(
    name="retrying", unit=Unit, hears={payments.AttemptFailed: on_failed}, tables=[CASES], prefetch=prefetch
)


def failure(now: datetime | None = None) -> payments.AttemptFailed:
    """A failure nobody heard of before."""
    at = now or datetime.now(UTC)
    name = uuid4().hex
    return payments.AttemptFailed(
        school_id="ecole",
        occurred_at=at,
        subscription_id=f"sub-{name[:12]}",
        learner_id=f"learner-{name[:12]}",
        period=date(2026, 6, 1),
        kind=AttemptKind.RENEWAL,
        gateway=Gateway.STRIPE,
        transaction_id=f"pi_{name}",
        amount=Money(7500, "EUR"),
        received_at=at,
        method=MethodKind.CARD,
        decline=DeclineClass.INSUFFICIENT_FUNDS,
        raw_code="insufficient_funds",
    )


def messages(count: int) -> list[Message]:
    """That many failures as they come from the topic."""
    found = []
    for offset in range(count):
        envelope = wrap(failure(), cause=None, recorded_at=datetime.now(UTC))
        value = to_bytes(envelope)
        found.append(
            Message(topic=envelope.topic, partition=0, offset=offset, key=envelope.key.encode(), value=value)
        )
    return found
