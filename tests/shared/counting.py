"""A service small enough to hold in one hand: it counts failures per learner, and thanks at the third."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.declines import DeclineClass
from shared.events import Envelope, Later, dunning, payments
from shared.events.words import AttemptKind, Gateway, MethodKind
from shared.money import Money
from shared.service import Doing, Service
from shared.shelf import Errand, Table
from shared.unit import Unit

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    learner_id: str
    failures: int = 0
    seen: tuple[str, ...] = ()
    sent: int = 0


COUNTS = Table(
    name="counts",
    kind=Count,
    key=lambda row: row.learner_id,
    columns={"failures": ("integer", lambda row: row.failures)},
)


async def on_failed(fact: payments.AttemptFailed, unit: Unit) -> None:
    if fact.raw_code == "poison":
        raise ValueError("this handler does not like it")
    count = await unit.get(COUNTS, fact.learner_id) or Count(learner_id=fact.learner_id)
    count = replace(count, failures=count.failures + 1, seen=(*count.seen, fact.transaction_id))
    unit.put(COUNTS, count)
    if fact.raw_code == "unwritable":
        unit.put(COUNTS, replace(count, learner_id="\x00"))
    if count.failures == 3:
        about: Any = {
            "school_id": fact.school_id,
            "subscription_id": fact.subscription_id,
            "learner_id": fact.learner_id,
        }
        at = unit.now + timedelta(days=1)
        unit.say(Later(at, dunning.DeadlineFellDue(**about, case_id="c", period=fact.period, occurred_at=at)))
        unit.errand("send", f"send/{fact.learner_id}", fact.learner_id, {"to": fact.learner_id})


async def on_deadline(fact: dunning.DeadlineFellDue, unit: Unit) -> None:
    count = await unit.get(COUNTS, fact.learner_id)
    assert count is not None
    unit.put(COUNTS, replace(count, seen=(*count.seen, f"deadline at {unit.now:%H:%M}")))


async def send(errand: Errand, hands: Any, now: datetime) -> str:
    await hands.send(errand, now)
    return "sent"


async def sent(errand: Errand, result: str, unit: Unit) -> None:
    count = await unit.get(COUNTS, errand.key)
    assert count is not None
    assert result == "sent"
    unit.put(COUNTS, replace(count, sent=count.sent + 1))


async def prefetch(envelopes: Sequence[Envelope], unit: Unit) -> None:
    await unit.fetch(COUNTS, {getattr(envelope.fact, "learner_id") for envelope in envelopes})  # noqa: B009 - any fact


COUNTING = Service(
    name="counting",
    unit=Unit,
    hears={payments.AttemptFailed: on_failed, dunning.DeadlineFellDue: on_deadline},
    tables=[COUNTS],
    errands={"send": Doing(run=send, finish=sent)},
    prefetch=prefetch,
)


def failed(number: int, learner: str = "ada", *, code: str = "insufficient_funds") -> payments.AttemptFailed:
    return payments.AttemptFailed(
        school_id="school",
        occurred_at=NOON + timedelta(seconds=number),
        subscription_id=f"sub-{learner}",
        learner_id=learner,
        period=date(2026, 6, 1),
        kind=AttemptKind.RENEWAL,
        gateway=Gateway.STRIPE,
        transaction_id=f"{learner}-{number}",
        amount=Money(7500, "EUR"),
        received_at=NOON,
        method=MethodKind.CARD,
        decline=DeclineClass.INSUFFICIENT_FUNDS,
        raw_code=code,
    )
