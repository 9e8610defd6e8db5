"""What the portal does when it hears a fact: draw the learner's picture anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from services.portal.domain import credits as purse
from services.portal.domain import mail, money, people
from services.portal.domain.case import Case
from services.portal.domain.changes import CHANGES, after
from services.portal.erasing import on_learner_erased
from shared.events import access, credits, dunning, notifications, payments
from shared.events.words import Audience
from shared.service import Hears


class Room(Protocol):
    """What handlers need of the transaction they work in (``store.PortalUnit``)."""

    async def get(self, table: Any, key: str) -> Any: ...

    async def school(self, school_id: str) -> people.School: ...

    async def learner(self, school_id: str, learner_id: str) -> people.Learner: ...

    async def subscription(self, fact: Any) -> money.Subscription: ...

    async def case(self, fact: Any) -> Case: ...

    async def credits(self, fact: Any) -> purse.Credits: ...

    async def mail(self, mail_id: str) -> mail.Mail | None: ...

    def keep(self, *rows: Any) -> None: ...


Handler = Callable[[Any, Any], Awaitable[None]]


async def on_case_fact(fact: Any, unit: Room) -> None:
    """Something about a case."""
    unit.keep(after(await unit.case(fact), fact))


async def on_new_start(fact: dunning.CaseRelaunched | dunning.CaseResumed, unit: Room) -> None:
    """The case ended, and the subscription has another day."""
    await on_case_fact(fact, unit)
    unit.keep(money.when_day_moved(await unit.subscription(fact), fact))


def on_money(change: Callable[[money.Subscription, Any], money.Subscription]) -> Handler:
    """Something about a subscription."""

    async def on_fact(fact: Any, unit: Room) -> None:
        before = await unit.subscription(fact)
        changed = change(before, fact)
        if changed != before:
            unit.keep(changed)

    return on_fact


def on_learner(change: Callable[[people.Learner, Any], people.Learner]) -> Handler:
    """Something about a learner."""

    async def on_fact(fact: Any, unit: Room) -> None:
        unit.keep(change(await unit.learner(fact.school_id, fact.learner_id), fact))

    return on_fact


async def on_school_registered(fact: dunning.SchoolRegistered, unit: Room) -> None:
    """A school, or news of it."""
    unit.keep(people.when_school_registered(await unit.school(fact.school_id), fact))


async def on_policy_adopted(fact: dunning.PolicyAdopted, unit: Room) -> None:
    """A school has a policy of its own."""
    unit.keep(people.when_policy_adopted(await unit.school(fact.school_id), fact))


async def on_credits(fact: Any, unit: Room) -> None:
    """Credits moved."""
    unit.keep(purse.when_moved(await unit.credits(fact), fact))


async def on_mail(fact: Any, unit: Room) -> None:
    """Something about a mail; only the learner's own are shown to him."""
    if fact.audience is not Audience.LEARNER:
        return
    told = mail.when_told(await unit.mail(fact.mail_id), fact)
    if told is not None:
        unit.keep(told)


async def on_external_notice(fact: notifications.ExternalNoticeLogged, unit: Room) -> None:
    """The gateway wrote by itself."""
    told = mail.when_gateway_wrote(fact)
    if await unit.mail(told.mail_id) is None:
        unit.keep(told)


HEARS: Final[Hears] = {
    **dict.fromkeys(CHANGES, on_case_fact),
    dunning.CaseRelaunched: on_new_start,
    dunning.CaseResumed: on_new_start,
    dunning.SchoolRegistered: on_school_registered,
    dunning.PolicyAdopted: on_policy_adopted,
    dunning.CancellationRequested: on_money(money.when_cancellation_requested),
    dunning.OldPriceDropped: on_money(money.when_price_dropped),
    dunning.AccessEndRequested: on_money(money.when_end_requested),
    payments.SubscriptionRegistered: on_money(money.when_registered),
    payments.PaymentMethodUpdated: on_money(money.when_method_updated),
    payments.AttemptSucceeded: on_money(money.when_succeeded),
    payments.AttemptFailed: on_money(money.when_failed),
    payments.TemporaryPaymentReceived: on_money(money.when_received),
    payments.PaymentRefunded: on_money(money.when_refunded),
    payments.AuthenticationStarted: on_money(money.when_challenged),
    payments.AuthenticationPassed: on_money(money.when_challenged),
    payments.AuthenticationFailed: on_money(money.when_challenged),
    payments.GatewaySubscriptionCancelled: on_money(money.when_gateway_ended),
    payments.GatewaySubscriptionActivated: on_money(money.when_activated),
    access.PathEnrolled: on_learner(people.when_path_enrolled),
    access.EnrolmentClosed: on_learner(people.when_enrolment_closed),
    access.EnrolmentReopened: on_learner(people.when_enrolment_reopened),
    access.AccessSuspended: on_learner(people.when_level_changed),
    access.AccessRestored: on_learner(people.when_level_changed),
    credits.CreditsGranted: on_credits,
    credits.CreditsRegranted: on_credits,
    credits.CreditsExpired: on_credits,
    credits.CreditsHeld: on_credits,
    credits.CreditsReleased: on_credits,
    credits.CreditsForfeited: on_credits,
    credits.CreditsConsumed: on_credits,
    credits.LessonBooked: on_credits,
    credits.LessonCancelledByLearner: on_credits,
    credits.LessonCancelledByAdmin: on_credits,
    notifications.LearnerErased: on_learner_erased,
    notifications.LearnerRegistered: on_learner(people.when_learner_registered),
    notifications.MailSent: on_mail,
    notifications.MailDeferred: on_mail,
    notifications.MailDropped: on_mail,
    notifications.MailFailed: on_mail,
    notifications.ExternalNoticeLogged: on_external_notice,
}
