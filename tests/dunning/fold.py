"""One school in a dictionary: dunning's own handlers over plain dicts, fast enough for thousands of histories.

Facts are heard in the order in which a test says them, plans at their hour; what is said is kept in ``said``.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from services.dunning.domain.account import Account, Card, Learner, School, card_key
from services.dunning.domain.case import Case
from services.dunning.domain.policies_at_hand import (
    Adopted,
    closures_to_announce,
    live_calendars,
    preset_document,
)
from services.dunning.domain.turn import Decision, World
from services.dunning.handlers import HEARS
from services.dunning.policies import Policy
from shared.calendar import Calendars
from shared.declines import DeclineClass
from shared.events import Fact, Later, dunning, notifications, payments
from shared.events.fact import id_of
from shared.events.words import AttemptKind, CancelledBy, Gateway, MethodKind
from shared.money import Money

START = datetime(2026, 1, 1, tzinfo=UTC)


class Fold:
    """A dunning without journal, database or API: the same handlers, one process, one dictionary."""

    def __init__(self, policy: Adopted | str, *, billing_day: int = 1, price: Money | None = None) -> None:
        self.adopted = preset_document(policy) if isinstance(policy, str) else policy
        rules = self.adopted.policy
        self.japanese = rules.currency == "JPY"
        self.price = price or Money(12800 if self.japanese else 7500, rules.currency)
        self.now = START
        self.cause_id: str | None = None
        school = School(
            school_id="s",
            name="s",
            policy_id=rules.id,
            zone=rules.timezone,
            delivery_calendar=rules.notices.delivery_calendar,
        )
        announced = tuple(closures_to_announce(self.adopted, school))
        self.schools = {"s": replace(school, closures=announced)}
        self.accounts: dict[str, Account] = {
            "sub": Account(
                subscription_id="sub",
                school_id="s",
                learner_id="l",
                gateway=Gateway.PAYPAL if self.japanese else Gateway.STRIPE,
                price=self.price,
                current_price=self.price,
                billing_day=billing_day,
                started_on=date(2026, 1, billing_day),
                method=MethodKind.CARD,
            )
        }
        self.cases: dict[str, Case] = {}
        self.months_asked: dict[str, Case] = {}
        self.learners: dict[str, Learner] = {}
        self.cards: dict[str, Card] = {}
        self.said: list[Fact] = []
        self._heard: set[str] = set()
        self._agenda: list[tuple[datetime, int, Fact]] = []
        self._count = 0

    # --- driving ---

    def hear(self, fact: Fact) -> None:
        """Hear one fact now, and what dunning says to itself because of it; the same fact counts once."""
        waiting: list[Fact] = [fact]
        while waiting:
            one = waiting.pop(0)
            name = id_of(one)
            kind: Any = type(one)
            if kind not in HEARS or name in self._heard:
                continue
            self._heard.add(name)
            self.cause_id = name
            before = len(self.said)
            _run(HEARS[kind](one, self))
            waiting += self.said[before:]

    def live_until(self, until: datetime, react: Any = None) -> None:
        """Let plans fall due up to ``until``; ``react`` is shown each new fact at its hour."""
        seen = len(self.said)
        while True:
            seen = self._show(seen, react)
            if not self._agenda or self._agenda[0][0] > until:
                break
            at, _, fact = heapq.heappop(self._agenda)
            self.now = max(self.now, at)
            self.hear(fact)
        self.now = max(self.now, until)

    def _show(self, seen: int, react: Any) -> int:
        while react is not None and seen < len(self.said):
            fact = self.said[seen]
            seen += 1
            react(fact)
        return len(self.said)

    def next_due(self) -> datetime | None:
        return self._agenda[0][0] if self._agenda else None

    # --- handlers.Unit ---

    async def case(self, case_id: str) -> Case | None:
        return self.cases.get(case_id)

    async def asked(self, case_id: str) -> Case | None:
        return self.months_asked.get(case_id)

    async def account(self, subscription_id: str) -> Account | None:
        return self.accounts.get(subscription_id)

    async def known_school(self, school_id: str) -> School | None:
        return self.schools.get(school_id)

    async def learner(self, school_id: str, learner_id: str) -> Learner | None:
        return self.learners.get(f"{school_id}/{learner_id}")

    async def open_cases(self, account: Account) -> list[Case]:
        return [self.cases[name] for name in account.open_cases]

    async def newest_case(self, subscription_id: str) -> Case | None:
        found = [
            c for c in self.cases.values() if c.subscription_id == subscription_id and c.kind == "renewal"
        ]
        return max(found, key=lambda case: (case.opened_at, case.case_id), default=None)

    async def cases_in(self, school_id: str, states: Iterable[str]) -> list[Case]:
        wanted = set(states)
        return [c for c in self.cases.values() if c.state.value in wanted and c.school_id == school_id]

    async def cases_of_learner(self, learner_id: str) -> list[Case]:
        return [case for case in self.cases.values() if case.learner_id == learner_id]

    async def accounts_billed_on(self, school_id: str, days: Iterable[int]) -> list[Account]:
        wanted = set(days)
        return [a for a in self.accounts.values() if a.billing_day in wanted and a.school_id == school_id]

    async def world(self, account: Account, case: Case | None = None, *, month: str | None = None) -> World:
        del case
        school = self.schools["s"]
        return World(
            school=school,
            policy=self.adopted.policy,
            policy_hash=self.adopted.document.content_hash,
            calendars=live_calendars(self.adopted, school),
            account=account,
            learner=await self.learner("s", account.learner_id),
            card=await self.card("s", account.card),
            asked=self.months_asked.get(month) if month is not None else None,
        )

    async def rules(self, school: School) -> tuple[Policy, Calendars]:
        return self.adopted.policy, live_calendars(self.adopted, school)

    async def keep_policy(self, text: str, file: str) -> str:
        raise NotImplementedError(text, file)

    async def card(self, school_id: str, card: str | None) -> Card | None:
        return self.cards.get(card_key(school_id, card)) if card else None

    async def record(self, decision: Decision) -> None:
        if decision.case is not None:
            self.cases[decision.case.case_id] = decision.case
            self.months_asked.pop(decision.case.case_id, None)
        self.keep_account(decision.account)
        if decision.asked is not None:
            self.months_asked[decision.asked.case_id] = decision.asked
        self.say(*decision.said)

    def keep_card(self, card: Card) -> None:
        self.cards[card.key] = card

    def keep_account(self, account: Account) -> None:
        self.accounts[account.subscription_id] = account

    def keep_school(self, school: School) -> None:
        self.schools[school.school_id] = school

    def keep_learner(self, learner: Learner) -> None:
        self.learners[f"{learner.school_id}/{learner.learner_id}"] = learner

    def say(self, *said: Fact | Later) -> None:
        for one in said:
            if isinstance(one, Later):
                self._count += 1
                heapq.heappush(self._agenda, (one.at, self._count, one.fact))
            else:
                self.said.append(one)

    # --- what the world says ---

    def about(self, at: datetime | None = None) -> dict[str, Any]:
        return {
            "school_id": "s",
            "occurred_at": at or self.now,
            "subscription_id": "sub",
            "learner_id": "l",
        }

    def attempt(self, period: date, txn: str, at: datetime | None = None, **more: Any) -> dict[str, Any]:
        return {
            **self.about(at),
            "period": period,
            "kind": more.pop("kind", AttemptKind.RENEWAL),
            "gateway": Gateway.PAYPAL if self.japanese else Gateway.STRIPE,
            "transaction_id": txn,
            "amount": more.pop("amount", self.price),
            "received_at": self.now,
            "method": MethodKind.CARD,
            **more,
        }

    def failed(
        self,
        period: date,
        txn: str,
        at: datetime | None = None,
        *,
        decline: DeclineClass = DeclineClass.INSUFFICIENT_FUNDS,
        **more: Any,
    ) -> payments.AttemptFailed:
        return payments.AttemptFailed(**self.attempt(period, txn, at, **more), decline=decline, raw_code="x")

    def succeeded(
        self, period: date, txn: str, at: datetime | None = None, **more: Any
    ) -> payments.AttemptSucceeded:
        return payments.AttemptSucceeded(**self.attempt(period, txn, at, **more))

    def cancelled(self, by: str, at: datetime) -> payments.GatewaySubscriptionCancelled:
        return payments.GatewaySubscriptionCancelled(
            **self.about(at), gateway_subscription_id="I-1", by=CancelledBy(by)
        )

    def suspended(self, at: datetime) -> payments.GatewaySubscriptionSuspended:
        return payments.GatewaySubscriptionSuspended(
            **self.about(at), gateway_subscription_id="I-1", failed_payments=3
        )

    def mail_left(self, fact: dunning.MailRequested) -> notifications.MailSent:
        return notifications.MailSent(
            school_id="s",
            occurred_at=self.now,
            learner_id=fact.learner_id,
            case_id=fact.case_id,
            mail_id=f"{fact.case_id}/{fact.template.value}/{fact.ordinal}",
            template=fact.template,
            audience=fact.audience,
            language="fr",
            message_id="m",
        )


def _run(running: Any) -> None:
    """Drive a handler that never waits."""
    try:
        running.send(None)
    except StopIteration:
        return
    message = "a handler waited for something in a fold"
    raise AssertionError(message)
