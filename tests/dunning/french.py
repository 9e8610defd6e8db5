"""What happens often to a French learner in these tests."""

from __future__ import annotations

from datetime import date
from typing import Any

from shared.declines import DeclineClass
from shared.events import Fact, payments
from shared.events.words import CaseState, MethodKind
from tests.dunning.conftest import Town

JUNE = "2026-06-01"


async def failed(paris: Town, decline: DeclineClass = DeclineClass.INSUFFICIENT_FUNDS) -> None:
    await paris.registered(billing_day=1)
    paris.declines(decline)
    await paris.fails("2026-06-01 09:00", JUNE, decline=decline)


def updated(town: Town, name: str, **more: Any) -> payments.PaymentMethodUpdated:
    return payments.PaymentMethodUpdated(
        **town.about(), update_id=name, method=MethodKind.CARD, label="4242", **more
    )


def challenge(town: Town, kind: type[Any], name: str = "c1", period: str = JUNE) -> Fact:
    fact: Fact = kind(**town.about(), period=date.fromisoformat(period), challenge_id=name)
    return fact


async def suspended(paris: Town, deadline: str | None = "2026-09-30") -> None:
    await paris.registered(billing_day=1, path_id="data")
    await paris.enrolled("data", deadline)
    paris.declines()
    await paris.fails("2026-06-01 09:00", JUNE)
    await paris.until("2026-06-13 00:00")
    assert paris.state() is CaseState.SUSPENDED
