"""Where a story is played: the engine, its people, and what the story has to remember from line to line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ops.stories.cast import Cast, SubscriptionCast
from ops.stories.engine import Answer, BankAnswer, Engine, GatewayIds
from ops.stories.model import setup
from ops.stories.writing import Amount, Moment
from shared.money import Money


class CannotPlay(Exception):
    """A line of the story makes no sense where it stands; the message says why."""


@dataclass(slots=True)
class Stage:
    """One story being played."""

    engine: Engine
    cast: Cast
    gateway_ids: dict[str, GatewayIds] = field(default_factory=dict)
    transactions: dict[str, str] = field(default_factory=dict)
    """The last successful transaction of each subscription."""
    pending: dict[str, str] = field(default_factory=dict)
    """The transaction of each subscription whose outcome is open."""
    challenges: dict[str, str] = field(default_factory=dict)
    numbers: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    """The codes of what people asked for and were refused, as ``relaunches deadline_passed``."""
    versions: dict[str, int] = field(default_factory=dict)
    """The version of each school's policy."""

    def number(self, what: str) -> int:
        """1, 2, 3 ... for each ``what``: ids that a story leaves out."""
        self.numbers[what] += 1
        return self.numbers[what]

    def instant(self, moment: Moment, subscription: SubscriptionCast | None = None) -> datetime:
        """The instant of a moment, in the zone of the subscription's school."""
        zone = subscription.school.zone if subscription else self.cast.zone
        return moment.at(zone, self.engine.now())

    def money(self, amount: Amount, subscription: SubscriptionCast) -> Money:
        """The exact amount in the subscription's currency."""
        return amount.money(subscription.price.currency)

    def answers(
        self, told: tuple[setup.BankAnswer, ...], subscription: SubscriptionCast | None
    ) -> list[BankAnswer]:
        """Bank answers, repetitions written out."""
        return [self.answer(one, subscription) for one in told for _ in range(one.times)]

    def answer(self, told: setup.BankAnswer, subscription: SubscriptionCast | None) -> BankAnswer:
        """One bank answer."""
        currency = subscription.price.currency if subscription else self.cast.school().currency
        return BankAnswer(
            decline=told.decline,
            amount=told.amount.money(currency) if told.amount else None,
            pending_for=told.pending.length if told.pending else None,
            then=self.answer(told.then, subscription) if told.then else None,
            takes=told.takes.length if told.takes else BankAnswer().takes,
            lost=told.lost,
            network_code=told.network_code,
            advice_code=told.advice_code,
        )

    async def get(self, service: str, path: str) -> Any:
        """The body of a read.

        Raises:
            CannotPlay: it was refused.
        """
        answer = await self.engine.call(service, "GET", path)
        if not answer.ok:
            raise CannotPlay(
                f"GET {path} of {service} was answered with {answer.status}: {reason_of(answer)}"
            )
        return answer.body

    async def cases(self, subscription_id: str | None = None) -> list[dict[str, Any]]:
        """The cases of a subscription, or all of the story's schools, oldest first."""
        if subscription_id is not None:
            found: list[dict[str, Any]] = await self.get("dunning", f"/cases?subscription={subscription_id}")
            return found
        return [
            case
            for school in self.cast.schools
            for case in await self.get("dunning", f"/cases?school={school}")
        ]


def reason_of(answer: Answer) -> str:
    """Why something was refused, in the door's own words."""
    if isinstance(answer.body, dict):
        return str(answer.body.get("detail") or answer.body)
    return str(answer.body)
