"""A Japanese and a French school, their learners, and what dunning says about them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.notifications import api
from services.notifications.app import SERVICE, NotificationsSettings
from services.notifications.memory import Mailbox, memory_hands
from shared.clock import HandClock
from shared.events import Fact, dunning, notifications
from shared.events.wire import wrap
from shared.events.words import Audience, CaseState, ExhaustionCause, Template
from shared.memory import Line
from shared.money import Money

HIBARI, LUMIERE = "hibari", "lumiere"
HANA = "hana@example.org"
STAFF = "staff@hibari.example"
CLOSURES_2026 = (
    ("gw", "GW", date(2026, 4, 29), date(2026, 5, 6)),
    ("summer", "夏季休業", date(2026, 8, 13), date(2026, 8, 16)),
    ("year-end", "年末年始", date(2026, 12, 29), date(2027, 1, 3)),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def jst(text: str) -> datetime:
    """``2026-05-07 10:00`` as a Japanese wall shows it."""
    return datetime.fromisoformat(f"{text}+09:00").astimezone(UTC)


def hibari(**changes: Any) -> dunning.SchoolRegistered:
    fields: dict[str, Any] = {
        "school_id": HIBARI,
        "occurred_at": utc("2026-01-01T00:00:00Z"),
        "name": "ひばりオンライン語学院",
        "policy_id": "jp-school",
        "zone": "Asia/Tokyo",
        "languages": ("ja", "en"),
        "currency": "JPY",
        "support_contact": "office@hibari.example",
        "staff_email": STAFF,
        "site_url": "https://hibari.example/mypage",
        "delivery_calendar": "jp-school",
        "service_day_rollover": "12:00",
    }
    return dunning.SchoolRegistered(**{**fields, **changes})


def lumiere() -> dunning.SchoolRegistered:
    return dunning.SchoolRegistered(
        school_id=LUMIERE,
        occurred_at=utc("2026-01-01T00:00:00Z"),
        name="École Lumière",
        policy_id="fr-elearning",
        zone="Europe/Paris",
        languages=("fr", "en"),
        currency="EUR",
        support_contact="aide@lumiere.example",
        staff_email="bureau@lumiere.example",
        site_url="https://lumiere.example/premium",
    )


def closure(closure_id: str, name: str, first: date, last: date, at: str = "2026-01-05T00:00:00Z") -> Fact:
    return dunning.ClosureAnnounced(
        school_id=HIBARI,
        occurred_at=utc(at),
        closure_id=closure_id,
        calendar="jp-school",
        name=name,
        first=first,
        last=last,
    )


class Said:
    """What dunning says about one case."""

    def __init__(
        self,
        period: str = "2026-04-15",
        *,
        learner: str = "hana",
        school: str = HIBARI,
        subscription: str = "",
    ) -> None:
        self.period = date.fromisoformat(period)
        self.learner = learner
        self.school = school
        self.subscription = subscription or f"sub-{learner}"

    @property
    def case_id(self) -> str:
        return f"{self.subscription}~{self.period.isoformat()}"

    def mail_id(self, template: Template, which: int | str = 1) -> str:
        return f"{self.case_id}/{template.value}/{which}"

    def about(self, at: datetime) -> dict[str, Any]:
        return {
            "school_id": self.school,
            "occurred_at": at,
            "subscription_id": self.subscription,
            "learner_id": self.learner,
            "case_id": self.case_id,
            "period": self.period,
        }

    def asks(
        self, template: Template, at: datetime, *, data: Mapping[str, str] | None = None, **more: Any
    ) -> dunning.MailRequested:
        audience = Audience.OFFICE if template.value.startswith("staff.") else Audience.LEARNER
        fields: dict[str, Any] = {"audience": audience, "data": {**self.data, **(data or {})}, **more}
        return dunning.MailRequested(**self.about(at), template=template, **fields)

    @property
    def data(self) -> dict[str, str]:
        if self.school == LUMIERE:
            return {"amount": "7500 EUR", "period": self.period.isoformat()}
        return {"amount": "12800 JPY", "period": self.period.isoformat()}

    def recovered(self, at: datetime) -> dunning.CaseRecovered:
        return dunning.CaseRecovered(
            **self.about(at), transaction_id="sale-2", amount=Money(12800, "JPY"), next_billing_on=None
        )

    def closed(self, at: datetime, state: CaseState) -> dunning.CaseClosed:
        return dunning.CaseClosed(**self.about(at), state=state)

    def exhausted(self, at: datetime) -> dunning.CaseExhausted:
        return dunning.CaseExhausted(**self.about(at), cause=ExhaustionCause.LAST_ATTEMPT_FAILED, attempts=3)

    def obsoletes(self, at: datetime, because: str, *templates: Template) -> dunning.MailsObsoleted:
        return dunning.MailsObsoleted(**self.about(at), templates=templates, because=because)


class Town:
    """Notifications alone over memory shelves, a mailbox, and a clock moved by hand."""

    def __init__(self, start: str = "2026-04-01T00:00:00Z") -> None:
        self.clock = HandClock(utc(start))
        self.mailbox = Mailbox()
        self.line = Line([SERVICE], self.clock)
        self.line.hands["notifications"] = memory_hands(self.line.transactions("notifications"), self.mailbox)
        app = api.build_api(
            NotificationsSettings(api_keys=SecretStr("office")),
            transactions=self.line.transactions("notifications"),
        )
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://notifications",
            headers={"X-Relance-Key": "office"},
        )

    async def opens(self) -> None:
        """Both schools, the Japanese one's closures, and two learners."""
        await self.hears(hibari(), lumiere(), *(closure(*one) for one in CLOSURES_2026))
        await self.knows("hana", HIBARI, HANA, language="ja", zone="Asia/Tokyo", name="佐藤 花子")
        await self.knows("ada", LUMIERE, "ada@example.org", language="fr", zone="Europe/Paris", name="Ada")

    async def knows(
        self, learner: str, school: str, email: str, *, language: str, zone: str, name: str, **more: str
    ) -> httpx.Response:
        body = {"school_id": school, "name": name, "email": email, "language": language, "zone": zone, **more}
        answer = await self.http.put(f"/learners/{learner}", json=body)
        await self.line.settle()
        return answer

    async def hears(self, *facts: Fact, at: datetime | None = None) -> None:
        if at is not None:
            await self.line.live_until(at)
        for fact in facts:
            await self.line.deliver(wrap(fact, cause=None, recorded_at=self.clock.now()))
        await self.line.settle()

    async def asks(self, said: Said, template: Template, at: datetime, **more: Any) -> None:
        """Dunning asks for a mail at that instant, and life goes on until then."""
        await self.hears(said.asks(template, at, **more), at=at)

    async def lives_until(self, at: datetime) -> None:
        await self.line.live_until(at)

    def said(self, *kinds: type[Fact]) -> list[Any]:
        return [
            told.envelope.fact
            for told in self.line.history
            if not told.envelope.fact.PLAN and (not kinds or isinstance(told.envelope.fact, kinds))
        ]

    def arrivals(self, address: str = HANA) -> list[tuple[str, datetime]]:
        """(template, instant) of what an address received."""
        return [(letter.mail_id.split("/")[-2], letter.at) for letter in self.mailbox.to(address)]

    @property
    def dropped(self) -> list[tuple[str, str, str]]:
        facts = self.said(notifications.MailDropped)
        return [(fact.template.value, fact.because, fact.detail) for fact in facts]

    @property
    def parked_facts(self) -> list[str]:
        return [parked.reason for parked in self.line.stores["notifications"].parked.values()]

    async def log(self, said: Said) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/cases/{said.case_id}/mails")
        mails: list[dict[str, Any]] = answer.json()
        return mails

    async def mail(self, said: Said, template: Template) -> dict[str, Any]:
        found = [mail for mail in await self.log(said) if mail["template"] == template.value]
        return found[-1]


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """Both schools and their learners, on 1 April 2026."""
    town = Town()
    await town.opens()
    yield town
    await town.http.aclose()
    assert town.parked_facts == []
