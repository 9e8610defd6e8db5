"""Both schools with a learner each, told by the facts that the other services say, and a browser without a screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.portal import api
from services.portal.api.common import COOKIE
from services.portal.app import SERVICE
from services.portal.domain import doors
from services.portal.memory import MemoryOwners
from services.portal.settings import PortalSettings
from shared.clock import HandClock
from shared.declines import DeclineClass
from shared.events import Fact, access, credits, dunning, notifications, payments
from shared.events.wire import wrap
from shared.events.words import AttemptKind, CaseState, ExhaustionCause, Gateway, MethodKind, Template
from shared.memory import Line
from shared.money import Money
from shared.pages.changes import Changes
from shared.pages.secrets import hash_of, new_secret

ECOLE, ADA, ADA_SUB, JUNE = "ecole", "ada", "ada-fr", "ada-fr~2026-06-01"
KOUMON, HANA, HANA_SUB, APRIL = "gakko", "hana", "hana-jp", "hana-jp~2026-04-15"
DEADLINE = datetime(2026, 6, 12, 22, tzinfo=UTC)
EUR, YEN = Money(7500, "EUR"), Money(12800, "JPY")
HOST = "http://portal.test"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class Town:
    """The portal over memory, and what the other services would say."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.line = Line([SERVICE], clock)
        self.owners = MemoryOwners()
        self.changes = Changes(api.CHANNEL)
        self.settings = PortalSettings(mode="test", portal_url=HOST, api_keys=SecretStr("a-key"))
        self.transactions = self.line.transactions("portal")
        self.app = api.build_api(
            self.settings, owners=self.owners, changes=self.changes, transactions=self.transactions
        )

    async def hear(self, *facts: Fact) -> None:
        """The portal hears, in this order."""
        for fact in facts:
            await self.line.deliver(wrap(fact, cause=None, recorded_at=self.clock.now()))
        assert not self.line.stores["portal"].parked

    def client(self, cookie: str = "", *, language: str = "") -> httpx.AsyncClient:
        cookies = {COOKIE: cookie} if cookie else {}
        if language:
            cookies["relance_language"] = language
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url=HOST, cookies=cookies)

    async def session(self, school: str = ECOLE, learner: str = ADA) -> str:
        """A cookie of a learner who signed in just now."""
        secret = new_secret()
        async with self.transactions() as unit:
            unit.keep(doors.opened(hash_of(secret), school, learner, unit.now))
        return secret

    async def browser(
        self, school: str = ECOLE, learner: str = ADA, *, language: str = "fr"
    ) -> httpx.AsyncClient:
        return self.client(await self.session(school, learner), language=language)


def field(html: str, name: str) -> str:
    """A hidden field's value."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None, f"no field {name}"
    return found[1]


def seen(html: str) -> str:
    """The page's words as a person reads them."""
    main = html[html.index("<body") :]
    text = re.sub(r"<[^>]+>", " ", main)
    return re.sub(r"\s+", " ", text.replace("\u00a0", " ").replace("&#39;", "'").replace("&amp;", "&"))


# --- what the other services say -----------------------------------------------------------------------------


def ecole(**more: Any) -> dunning.SchoolRegistered:
    return dunning.SchoolRegistered(
        school_id=ECOLE, occurred_at=utc("2026-01-01T00:00:00Z"), name="École Lumière", policy_id="fr-elearning",
        zone="Europe/Paris", languages=("fr", "en"), currency="EUR", support_contact="aide@lumiere.example",
        staff_email="bureau@lumiere.example", accepted_methods=("credit_card", "paypal"),
        help_urls={"resume_path": "https://lumiere.example/reprendre"}, **more,
    )  # fmt: skip


def gakko() -> dunning.SchoolRegistered:
    return dunning.SchoolRegistered(
        school_id=KOUMON, occurred_at=utc("2026-01-01T00:00:00Z"), name="さくら語学院", policy_id="jp-school",
        zone="Asia/Tokyo", languages=("ja", "en"), currency="JPY", support_contact="jimu@sakura.example",
        staff_email="jimu@sakura.example", accepted_methods=("paypal_subscription",), service_day_rollover="12:00",
    )  # fmt: skip


def learner(school: str, name: str, language: str, zone: str) -> notifications.LearnerRegistered:
    return notifications.LearnerRegistered(
        school_id=school,
        occurred_at=utc("2026-01-01T00:00:00Z"),
        learner_id=name,
        language=language,
        zone=zone,
    )


def subscribed(
    school: str = ECOLE, name: str = ADA, subscription: str = ADA_SUB, **more: Any
) -> payments.SubscriptionRegistered:
    is_fr = school == ECOLE
    given: dict[str, Any] = {
        "school_id": school,
        "occurred_at": utc("2026-01-01T09:00:00Z"),
        "subscription_id": subscription,
        "learner_id": name,
        "gateway": Gateway.STRIPE if is_fr else Gateway.PAYPAL,
        "price": EUR if is_fr else YEN,
        "current_price": EUR if is_fr else YEN,
        "billing_day": 1 if is_fr else 15,
        "started_on": date(2026, 1, 1),
        "method": MethodKind.CARD if is_fr else MethodKind.PAYPAL_SUBSCRIPTION,
        "path_id": "dev-web" if is_fr else None,
    }
    return payments.SubscriptionRegistered(**{**given, **more})


def path(deadline: str | None = "2026-07-31", name: str = ADA) -> access.PathEnrolled:
    return access.PathEnrolled(
        school_id=ECOLE, occurred_at=utc("2026-01-01T10:00:00Z"), learner_id=name, path_id="dev-web",
        subscription_id=ADA_SUB, re_enrolment_deadline=date.fromisoformat(deadline) if deadline else None,
        title="Développeuse web",
    )  # fmt: skip


def of_june(at: str, **more: Any) -> dict[str, Any]:
    return {
        "school_id": ECOLE, "occurred_at": utc(at), "subscription_id": ADA_SUB, "learner_id": ADA,
        "case_id": JUNE, "period": date(2026, 6, 1), **more,
    }  # fmt: skip


def of_april(at: str, **more: Any) -> dict[str, Any]:
    return {
        "school_id": KOUMON, "occurred_at": utc(at), "subscription_id": HANA_SUB, "learner_id": HANA,
        "case_id": APRIL, "period": date(2026, 4, 15), **more,
    }  # fmt: skip


def failed_in_june(decline: DeclineClass = DeclineClass.INSUFFICIENT_FUNDS) -> list[Fact]:
    """Monday 1 June, 09:00 in Paris: refused; the next try is on Tuesday."""
    at = "2026-06-01T07:00:00Z"
    because = dunning.Because(
        rule="seed F15", text="deadline", calendar="fr-ouvrable", word="deadline",
        skipped=((date(2026, 6, 7), "Sunday"),), values={"last_day": "2026-06-12", "n": "10"},
    )  # fmt: skip
    return [
        dunning.AttemptRecorded(**of_june(at), transaction_id="ch_1", outcome="failed", kind=AttemptKind.RENEWAL,
                                ordinal=1, amount=EUR, decline=decline),
        dunning.CaseOpened(**of_june(at), amount=EUR, policy_id="fr-elearning", policy_version=1, policy_hash="x",
                           decline=decline, gateway=Gateway.STRIPE, deadline_at=DEADLINE, deadline_because=because),
        dunning.AttemptScheduled(**of_june(at), ordinal=1, at=utc("2026-06-02T07:00:00Z"),
                                 because=dunning.Because(rule="seed F15", text="retry", word="retry",
                                                         values={"ordinal": "1", "of": "10"})),
    ]  # fmt: skip


def suspended_in_june() -> list[Fact]:
    at = "2026-06-12T22:00:00Z"
    return [
        *failed_in_june(),
        dunning.CaseExhausted(**of_june(at), cause=ExhaustionCause.DEADLINE, attempts=11),
        dunning.CaseSuspended(**of_june(at)),
    ]


def failed_in_april(times: int = 1) -> list[Fact]:
    """15, 20 and 25 April, between 19:00 and 26:00 in Japan."""
    days = ("2026-04-15T10:30:00Z", "2026-04-20T16:30:00Z", "2026-04-25T10:30:00Z")[:times]
    facts: list[Fact] = []
    for ordinal, at in enumerate(days, start=1):
        facts.append(
            dunning.AttemptRecorded(**of_april(at), transaction_id=f"S{ordinal}", outcome="failed",
                                    kind=AttemptKind.RENEWAL, ordinal=ordinal, amount=YEN,
                                    decline=DeclineClass.GENERIC_OR_UNKNOWN)
        )  # fmt: skip
        if ordinal == 1:
            facts += [
                dunning.CaseOpened(**of_april(at), amount=YEN, policy_id="jp-school", policy_version=1, policy_hash="x",
                                   decline=DeclineClass.GENERIC_OR_UNKNOWN, gateway=Gateway.PAYPAL,
                                   effective_forfeiture_on=date(2026, 4, 15)),
                dunning.SelfPaymentLocked(**of_april(at), why="payment_failed"),
                dunning.AttemptForecast(**of_april(at), ordinal=2, earliest=utc("2026-04-18T10:00:00Z"),
                                        latest=utc("2026-04-20T17:00:00Z"), first_day=date(2026, 4, 18),
                                        last_day=date(2026, 4, 20),
                                        because=dunning.Because(rule="R-J1", text="forecast", word="forecast",
                                                                values={"ordinal": "2", "min": "3", "max": "5",
                                                                        "from": "2026-04-15"})),
            ]  # fmt: skip
        if ordinal == 2:
            facts.append(
                dunning.AttemptForecast(**of_april(at), ordinal=3, earliest=utc("2026-04-23T10:00:00Z"),
                                        latest=utc("2026-04-25T17:00:00Z"), first_day=date(2026, 4, 23),
                                        last_day=date(2026, 4, 25))
            )  # fmt: skip
    return facts


def exhausted_in_april() -> list[Fact]:
    at = "2026-04-25T10:30:00Z"
    return [
        *failed_in_april(3),
        dunning.CaseExhausted(**of_april(at), cause=ExhaustionCause.LAST_ATTEMPT_FAILED, attempts=3),
        dunning.GuidanceQueued(**of_april(at), not_before=utc("2026-04-27T01:00:00Z"), exhausted_at=utc(at), amount=Money(25600, "JPY")),
    ]  # fmt: skip


def guided_in_april() -> list[Fact]:
    return [
        *exhausted_in_april(),
        dunning.GuidanceSent(**of_april("2026-04-27T02:00:00Z"), method="bank_transfer", amount=Money(25600, "JPY"),
                             reference="HANA-0415", due_on=date(2026, 5, 8), by="sato"),
    ]  # fmt: skip


def covered_in_april() -> list[Fact]:
    at = "2026-05-01T02:00:00Z"
    return [
        *guided_in_april(),
        dunning.LumpSumCounted(
            **of_april(at), receipt_id="r1", received=Money(25600, "JPY"), outstanding=Money(0, "JPY")
        ),
        dunning.CoverageSettled(
            **of_april(at),
            periods=((date(2026, 4, 15), date(2026, 5, 14)), (date(2026, 5, 15), date(2026, 6, 14))),
            proposed_resume_on=date(2026, 6, 15),
        ),
    ]


def announced_in_april() -> list[Fact]:
    return [
        *covered_in_april(),
        dunning.ResumeDateAnnounced(**of_april("2026-05-07T02:00:00Z"), day=date(2026, 6, 15),
                                    opens_at=utc("2026-06-14T15:00:00Z"), closes_at=utc("2026-06-15T15:00:00Z"), by="sato"),
    ]  # fmt: skip


def resumed_in_june() -> list[Fact]:
    at = "2026-06-15T02:00:00Z"
    return [
        *announced_in_april(),
        dunning.SelfPaymentOpened(**of_april("2026-06-14T15:00:00Z"), why="resume_day",
                                  opens_at=utc("2026-06-14T15:00:00Z"), closes_at=utc("2026-06-15T15:00:00Z")),
        dunning.CaseResumed(**of_april(at), gateway_subscription_id="I-NEW", billing_day=15, next_billing_on=date(2026, 7, 15)),
        dunning.CaseClosed(**of_april(at), state=CaseState.RESUMED),
    ]  # fmt: skip


def hana_has_credits() -> list[Fact]:
    about: dict[str, Any] = {"school_id": KOUMON, "subscription_id": HANA_SUB, "learner_id": HANA}
    return [
        credits.CreditsGranted(**about, occurred_at=utc("2026-04-01T00:00:00Z"), grant_id="g", credits=8,
                               expires_on=date(2026, 9, 30)),
        credits.LessonBooked(**about, occurred_at=utc("2026-04-10T00:00:00Z"), lesson_id="l1",
                             starts_at=utc("2026-04-28T10:00:00Z"), teacher_id="t", credits=1),
    ]  # fmt: skip


def sent(case_id: str, school: str, name: str, template: Template, at: str) -> notifications.MailSent:
    return notifications.MailSent(
        school_id=school, occurred_at=utc(at), learner_id=name, case_id=case_id,
        mail_id=f"{case_id}/{template.value}/1", template=template, language="fr", message_id="<m>",
    )  # fmt: skip


EVERYBODY: list[Fact] = [
    ecole(), gakko(), learner(ECOLE, ADA, "fr", "Europe/Paris"), learner(KOUMON, HANA, "ja", "Europe/Paris"),
    subscribed(), path(), subscribed(KOUMON, HANA, HANA_SUB),
]  # fmt: skip


@pytest.fixture
def clock() -> HandClock:
    return HandClock(utc("2026-06-01T12:00:00Z"))


@pytest.fixture
async def town(clock: HandClock) -> Town:
    """Both schools, Ada and Hana, everybody paid."""
    built = Town(clock)
    await built.hear(*EVERYBODY)
    return built


Browser = Callable[..., Any]
