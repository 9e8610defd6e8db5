"""Two schools and their learners around a dunning that lives in memory: the world says facts, dunning decides.

``Town`` plays everybody else: gateways, banks, a mail provider that sends at once, staff and learners over HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import SecretStr

from services.dunning import api
from services.dunning.app import SERVICE
from services.dunning.domain.account import Account
from services.dunning.domain.case import Case
from shared.clock import HandClock
from shared.declines import DeclineClass
from shared.events import Fact, access, dunning, notifications, payments
from shared.events.wire import wrap
from shared.events.words import AttemptKind, CancelledBy, CaseState, Gateway, MethodKind, Template
from shared.memory import Line, Told
from shared.money import Money
from shared.settings import Settings

PARIS = ZoneInfo("Europe/Paris")
TOKYO = ZoneInfo("Asia/Tokyo")
EUROS = Money(7500, "EUR")
YEN = Money(12800, "JPY")

Bank = Callable[[dunning.AttemptRequested], Fact | None]


class Town:
    """One school, one learner ("ada" in France, "hana" in Japan) and everybody around them."""

    def __init__(self, zone: ZoneInfo, school: str, start: str) -> None:
        self.zone = zone
        self.school = school
        self.clock = HandClock(self.at(start))
        self.line = Line([SERVICE], self.clock)
        self.sub = "ada" if zone is PARIS else "hana"
        self.learner = f"{self.sub}-l"
        self.mails_leave = True
        self.bank: Bank | None = None
        self.gateway_obeys = True
        self.price = EUROS if zone is PARIS else YEN
        self._seen = 0
        self._count = 0
        self.api: httpx.AsyncClient

    # --- time ---

    def at(self, text: str) -> datetime:
        """Local wall time of the school as UTC; a text with its own offset is taken as it is."""
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC)

    def local(self, at: datetime) -> str:
        """An instant on the school's wall."""
        return at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")

    async def until(self, text: str) -> None:
        """Live until that wall time, the world answering on the way."""
        end = self.at(text)
        while True:
            await self._answer()
            hour = self.line.next_due()
            if hour is None or hour > end:
                break
            await self.line.live_until(max(hour, self.clock.now()))
        await self.line.live_until(end)
        await self._answer()

    async def say(self, fact: Fact) -> None:
        """A fact of another service comes over the line, and its effects settle."""
        await self.line.deliver(wrap(fact, cause=None, recorded_at=self.clock.now()))
        await self.line.settle()
        await self._answer()

    async def _answer(self) -> None:
        while self._seen < len(self.line.history):
            told = self.line.history[self._seen]
            self._seen += 1
            await self._react(told.envelope.fact)

    async def _react(self, fact: Fact) -> None:
        reply: Fact | None = None
        if isinstance(fact, dunning.MailRequested) and self.mails_leave:
            reply = self.sent(fact)
        elif isinstance(fact, dunning.AttemptRequested) and self.bank is not None:
            reply = self.bank(fact)
        elif isinstance(fact, dunning.GatewayCancellationRequested) and self.gateway_obeys:
            reply = self.cancelled_fact("school")
        if reply is not None:
            await self.line.deliver(wrap(reply, cause=None, recorded_at=self.clock.now()))
            await self.line.settle()

    # --- what others say ---

    def about(self, at: datetime | None = None) -> dict[str, Any]:
        return {
            "school_id": self.school,
            "occurred_at": at or self.clock.now(),
            "subscription_id": self.sub,
            "learner_id": self.learner,
        }

    async def registered(
        self, *, billing_day: int, price: Money | None = None, old: Money | None = None, **more: Any
    ) -> None:
        """The school told payments of the subscription."""
        japanese = self.zone is TOKYO
        await self.say(
            payments.SubscriptionRegistered(
                **self.about(),
                gateway=Gateway.PAYPAL if japanese else Gateway.STRIPE,
                price=old or price or self.price,
                current_price=price or self.price,
                grandfathered=old is not None,
                billing_day=billing_day,
                started_on=more.pop("started_on", date(2026, 1, billing_day)),
                method=MethodKind.PAYPAL_SUBSCRIPTION if japanese else MethodKind.CARD,
                **more,
            )
        )

    def attempt(self, at: str | datetime, period: str, **more: Any) -> dict[str, Any]:
        self._count += 1
        moment = self.at(at) if isinstance(at, str) else at
        return {
            **self.about(moment),
            "period": date.fromisoformat(period),
            "kind": more.pop("kind", AttemptKind.RENEWAL),
            "gateway": Gateway.PAYPAL if self.zone is TOKYO else Gateway.STRIPE,
            "transaction_id": more.pop("txn", f"t{self._count}"),
            "amount": more.pop("amount", self.price),
            "received_at": self.clock.now(),
            "method": MethodKind.CARD,
            **more,
        }

    def failed_fact(
        self,
        at: str | datetime,
        period: str,
        *,
        decline: DeclineClass = DeclineClass.INSUFFICIENT_FUNDS,
        **more: Any,
    ) -> payments.AttemptFailed:
        return payments.AttemptFailed(**self.attempt(at, period, **more), decline=decline, raw_code="x")

    def succeeded_fact(self, at: str | datetime, period: str, **more: Any) -> payments.AttemptSucceeded:
        return payments.AttemptSucceeded(**self.attempt(at, period, **more))

    async def fails(self, at: str, period: str, **more: Any) -> None:
        """Time passes to ``at``, when an attempt for ``period`` fails and is heard of at once."""
        await self.until(at)
        await self.say(self.failed_fact(at, period, **more))

    async def succeeds(self, at: str, period: str, **more: Any) -> None:
        await self.until(at)
        await self.say(self.succeeded_fact(at, period, **more))

    def cancelled_fact(self, by: str, at: str | None = None) -> payments.GatewaySubscriptionCancelled:
        return payments.GatewaySubscriptionCancelled(
            **self.about(self.at(at) if at else None), gateway_subscription_id="I-OLD", by=CancelledBy(by)
        )

    def sent(self, fact: dunning.MailRequested) -> notifications.MailSent:
        return notifications.MailSent(
            school_id=fact.school_id,
            occurred_at=self.clock.now(),
            learner_id=fact.learner_id,
            case_id=fact.case_id,
            mail_id=f"{fact.case_id}/{fact.template.value}/{fact.ordinal}",
            template=fact.template,
            audience=fact.audience,
            language="fr",
            message_id="m",
        )

    async def enrolled(self, path: str, deadline: str | None) -> None:
        await self.say(
            access.PathEnrolled(
                school_id=self.school,
                occurred_at=self.clock.now(),
                learner_id=self.learner,
                path_id=path,
                subscription_id=self.sub,
                re_enrolment_deadline=date.fromisoformat(deadline) if deadline else None,
                title="Data",
            )
        )

    def declines(self, decline: DeclineClass = DeclineClass.INSUFFICIENT_FUNDS) -> None:
        """The bank declines everything we ask for."""

        def answer(fact: dunning.AttemptRequested) -> Fact | None:
            more = {"kind": fact.kind, "request_id": fact.request_id, "amount": fact.amount}
            return self.failed_fact(self.clock.now(), fact.period.isoformat(), decline=decline, **more)

        self.bank = answer

    def accepts(self) -> None:
        """The bank accepts whatever we ask for."""

        def answer(fact: dunning.AttemptRequested) -> Fact | None:
            more = {"kind": fact.kind, "request_id": fact.request_id, "amount": fact.amount}
            return self.succeeded_fact(self.clock.now(), fact.period.isoformat(), **more)

        self.bank = answer

    def stays_silent(self) -> None:
        """The bank does not answer for now."""
        self.bank = None

    # --- doors ---

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One request to dunning's API; its effects settle."""
        answer = await self.api.request(method, path, json=body)
        await self.line.settle()
        await self._answer()
        return answer

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.call("POST", path, body)

    # --- looking ---

    def facts(self, *kinds: type[Any]) -> list[Any]:
        """Everything dunning said of these kinds, in order."""
        said = [told.envelope.fact for told in self.line.history]
        return [fact for fact in said if not kinds or isinstance(fact, kinds)]

    def told(self, *kinds: type[Any]) -> list[Told]:
        return [told for told in self.line.history if isinstance(told.envelope.fact, kinds)]

    def mails(self) -> list[str]:
        """The learner's mails as asked for: template and day."""
        return [f"{mail.template.value} {self.local(mail.occurred_at)}" for mail in self._mails()]

    def _mails(self) -> list[dunning.MailRequested]:
        asked: list[dunning.MailRequested] = self.facts(dunning.MailRequested)
        return [mail for mail in asked if not mail.template.value.startswith("staff.")]

    def templates(self) -> list[str]:
        return [mail.template.value for mail in self._mails()]

    def mail(self, template: Template) -> dunning.MailRequested:
        return next(mail for mail in self._mails() if mail.template is template)

    def asked(self) -> list[str]:
        """When our own attempts were asked for."""
        return [self.local(told.at) for told in self.told(dunning.AttemptRequested)]

    def case(self, period: str | None = None) -> Case:
        """The case of a period, or the newest."""
        cases: dict[str, Case] = self.line.stores["dunning"].rows.get("cases", {})
        if period is not None:
            return cases[f"{self.sub}~{period}"]
        return max(cases.values(), key=lambda case: (case.opened_at, case.case_id))

    def cases(self) -> list[Case]:
        return list(self.line.stores["dunning"].rows.get("cases", {}).values())

    def state(self) -> CaseState:
        """The newest case's state."""
        return self.case().state

    @property
    def account(self) -> Account:
        found: Account = self.line.stores["dunning"].rows["accounts"][self.sub]
        return found

    @property
    def parked(self) -> list[str]:
        return [parked.reason for parked in self.line.stores["dunning"].parked.values()]


async def _open(town: Town, policy: str) -> AsyncIterator[Town]:
    app = api.build_api(Settings(api_keys=SecretStr("k")), transactions=town.line.transactions("dunning"))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://dunning", headers={"X-Relance-Key": "k"}
    ) as client:
        town.api = client
        answer = await town.call("PUT", f"/schools/{town.school}", {"name": "School", "policy_id": policy})
        assert answer.status_code == 200, answer.text
        yield town
    assert town.parked == []


@pytest.fixture
async def paris() -> AsyncIterator[Town]:
    """A French school on 1 March 2026."""
    async for town in _open(Town(PARIS, "academie", "2026-03-01 08:00"), "fr-elearning"):
        yield town


@pytest.fixture
async def tokyo() -> AsyncIterator[Town]:
    """A Japanese school on 1 March 2026."""
    async for town in _open(Town(TOKYO, "eikaiwa", "2026-03-01 08:00"), "jp-school"):
        yield town
