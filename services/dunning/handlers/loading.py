"""What every handler of dunning starts with: the transaction it works in, the case and the world around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from services.dunning import domain
from services.dunning.domain.account import Account, Card, Learner, School
from services.dunning.domain.attempts import AttemptNews
from services.dunning.domain.case import Case, case_id_of
from services.dunning.domain.turn import Decision, World
from services.dunning.policies import Policy
from shared.calendar import Calendars
from shared.events import Fact, Later
from shared.events.words import AttemptKind


class Unit(Protocol):
    """What the handlers need of the transaction they work in (store.py gives it)."""

    now: datetime
    cause_id: str | None

    async def case(self, case_id: str) -> Case | None: ...

    async def asked(self, case_id: str) -> Case | None: ...

    async def account(self, subscription_id: str) -> Account | None: ...

    async def known_school(self, school_id: str) -> School | None: ...

    async def learner(self, school_id: str, learner_id: str) -> Learner | None: ...

    async def open_cases(self, account: Account) -> list[Case]: ...

    async def newest_case(self, subscription_id: str) -> Case | None: ...

    async def cases_in(self, school_id: str, states: Iterable[str]) -> list[Case]: ...

    async def cases_of_learner(self, learner_id: str) -> list[Case]: ...

    async def accounts_billed_on(self, school_id: str, days: Iterable[int]) -> list[Account]: ...

    async def world(
        self, account: Account, case: Case | None = None, *, month: str | None = None
    ) -> World: ...

    async def record(self, decision: Decision) -> None: ...

    async def card(self, school_id: str, card: str | None) -> Card | None: ...

    def keep_card(self, card: Card) -> None: ...

    def keep_account(self, account: Account) -> None: ...

    def keep_school(self, school: School) -> None: ...

    def keep_learner(self, learner: Learner) -> None: ...

    async def keep_policy(self, text: str, file: str) -> str: ...

    async def rules(self, school: School) -> tuple[Policy, Calendars]: ...

    def say(self, *said: Fact | Later) -> None: ...


async def account_of(fact: Any, unit: Unit) -> Account:
    """The subscription; one that is known only by this news has the terms of the news."""
    account = await unit.account(fact.subscription_id)
    return account if account is not None else domain.account_from_news(fact)


async def case_and_world(fact: AttemptNews, unit: Unit) -> tuple[Case | None, World]:
    """The case that an attempt belongs to and the world around it; the card's history counts it (R-F11)."""
    account = await account_of(fact, unit)
    if fact.card is not None:
        known = await unit.card(fact.school_id, fact.card)
        tried = domain.card_after(known, fact)
        if tried is not known:
            unit.keep_card(tried)
        if account.card is None:
            account = replace(account, card=fact.card)
            unit.keep_account(account)
    case_id = await _case_id(fact, account, unit)
    case = await unit.case(case_id)
    return case, await unit.world(account, case, month=case_id)


async def _case_id(fact: AttemptNews, account: Account, unit: Unit) -> str:
    """The case an attempt belongs to: by our own request, by the procedure it is part of, else by its period."""
    if fact.request_id is not None and "/" in fact.request_id:
        return fact.request_id.split("/", 1)[0]
    if fact.kind in {AttemptKind.RELAUNCH, AttemptKind.RESUME}:
        opened = [case for case in await unit.open_cases(account) if case.kind == "renewal"]
        if opened:
            return opened[-1].case_id
        newest = await unit.newest_case(fact.subscription_id)
        if newest is not None:
            return newest.case_id
    return case_id_of(fact.subscription_id, fact.period)


async def decide_on(case: Case, unit: Unit, decide: Callable[[World], Decision]) -> None:
    """Decide on one case under its pinned policy, and record what comes of it."""
    account = await unit.account(case.subscription_id)
    if account is not None:
        await unit.record(decide(await unit.world(account, case)))


async def one_case(fact: Any, unit: Unit, case_id: str, decide: Callable[..., Decision]) -> None:
    """Decide on the case of that id; a fact about none is moot."""
    case = await unit.case(case_id)
    if case is not None:
        await decide_on(case, unit, lambda world: decide(world, case, fact, unit.now, unit.cause_id))


async def each_open(fact: Any, unit: Unit, decide: Callable[..., Decision]) -> None:
    """Decide on every open case of the subscription, one after the other (R-X2)."""
    account = await unit.account(fact.subscription_id)
    for case in await unit.open_cases(account) if account is not None else []:
        await one_case(fact, unit, case.case_id, decide)


def act_on(decide: Callable[..., Decision]) -> Callable[[Any, Any], Any]:
    """A handler for a fact about one case: an act of a person, or a plan that fell due."""

    async def handle(fact: Any, unit: Any) -> None:
        await one_case(fact, unit, fact.case_id, decide)

    return handle
