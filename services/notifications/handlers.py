"""What notifications does when it hears a fact: load, decide, record."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final, Protocol

from services.notifications import domain
from services.notifications.domain import registry
from services.notifications.erasing import on_learner_erased
from shared.events import credits, dunning, notifications, payments
from shared.events.words import Gateway, Template
from shared.service import Hears

PAYPAL: Final = "PayPal"


AboutCase = (
    dunning.MailRequested
    | dunning.MailsObsoleted
    | dunning.CaseRecovered
    | dunning.CaseExhausted
    | dunning.CaseClosed
    | credits.LessonCancelledByAdmin
    | credits.CreditsForfeited
)


class Room(Protocol):
    """What handlers need of the transaction they work in (``store.NotificationsUnit``)."""

    now: datetime

    def say(self, *said: Any) -> None: ...

    def keep_school(self, school: domain.School) -> None: ...

    def keep_payment(self, payment: domain.Payment) -> None: ...

    async def school(self, school_id: str) -> domain.School | None: ...

    async def payment(self, subscription_id: str) -> domain.Payment | None: ...

    async def case(
        self,
        case_id: str,
        *,
        school_id: str,
        learner_id: str,
        subscription_id: str,
        period: date | None = None,
    ) -> domain.Correspondence: ...

    async def known_case(self, case_id: str) -> domain.Correspondence | None: ...

    async def cases_of(self, school_id: str, learner_id: str) -> list[domain.Correspondence]: ...

    async def waiting(self, school_id: str) -> list[domain.Correspondence]: ...

    async def stuck(self, school_id: str) -> list[domain.Correspondence]: ...

    async def addressing(self, case: domain.Correspondence, *teacher_ids: str) -> domain.Addressing: ...

    async def record(self, before: domain.Correspondence | None, decision: domain.Decision) -> None: ...


# --- mails ------------------------------------------------------------------------------------------------


async def on_mail_requested(fact: dunning.MailRequested, unit: Room) -> None:
    """A mail is asked for: send, hold or park it, once."""
    case = await _case_of(fact, unit)
    to = await unit.addressing(case)
    await unit.record(case, domain.when_mail_requested(case, fact, to, unit.now))


async def on_mail_fell_due(fact: notifications.MailFellDue, unit: Room) -> None:
    """Its hour came: decide again."""
    case = await unit.known_case(fact.case_id)
    if case is not None:
        to = await unit.addressing(case)
        await unit.record(case, domain.when_mail_fell_due(case, fact.mail_id, to, unit.now))


async def on_notice_fell_due(fact: notifications.NoticeFellDue, unit: Room) -> None:
    """The target of a notice came: was it sent?"""
    case = await unit.known_case(fact.case_id)
    if case is not None:
        to = await unit.addressing(case)
        await unit.record(case, domain.when_notice_fell_due(case, fact.mail_id, to, unit.now))


async def on_mails_obsoleted(fact: dunning.MailsObsoleted, unit: Room) -> None:
    """Dunning says which mails are stale."""
    await _obsolete(unit, fact, fact.templates, fact.because)


# --- the case moved on: nothing stale may leave (trap 6, X-32) ---------------------------------------------


async def on_case_recovered(fact: dunning.CaseRecovered, unit: Room) -> None:
    """Paid: what told of the failure must not leave any more."""
    await _obsolete(unit, fact, domain.STALE_AFTER_RECOVERY, "recovered")


async def on_case_exhausted(fact: dunning.CaseExhausted, unit: Room) -> None:
    """No attempt is left: what spoke of a next one must not leave any more."""
    await _obsolete(unit, fact, domain.STALE_AFTER_EXHAUSTION, "exhausted")


async def on_case_closed(fact: dunning.CaseClosed, unit: Room) -> None:
    """The case ended: only what tells of its end still leaves."""
    await _obsolete(unit, fact, domain.STALE_AFTER_CLOSING, fact.state.value)


async def _obsolete(unit: Room, fact: AboutCase, templates: Collection[Template], why: str) -> None:
    case = await _case_of(fact, unit)
    decision = domain.when_mails_obsoleted(case, templates, why, at=fact.occurred_at, now=unit.now)
    await unit.record(case, decision)


# --- schools, closures, people ----------------------------------------------------------------------------


async def on_school_registered(fact: dunning.SchoolRegistered, unit: Room) -> None:
    """Whose voice this is; what waited for it goes on, by its calendar."""
    school = registry.when_school_registered(await unit.school(fact.school_id), fact)
    unit.keep_school(school)
    await _go_on(await unit.stuck(fact.school_id), fact.school_id, unit)
    await _look_again(fact.school_id, unit)


async def on_policy_adopted(fact: dunning.PolicyAdopted, unit: Room) -> None:
    """A policy may bring the calendar that its school delivers by."""
    before = await unit.school(fact.school_id)
    school = registry.when_policy_adopted(before, fact)
    if school != before:
        unit.keep_school(school)
        await _go_on(await unit.stuck(fact.school_id), fact.school_id, unit)


async def on_closure_announced(fact: dunning.ClosureAnnounced, unit: Room) -> None:
    """The office will be closed: waiting mails move."""
    unit.keep_school(registry.when_closure_announced(await unit.school(fact.school_id), fact))
    await _look_again(fact.school_id, unit)


async def on_closure_withdrawn(fact: dunning.ClosureWithdrawn, unit: Room) -> None:
    """It will be open after all: waiting mails look again."""
    unit.keep_school(registry.when_closure_withdrawn(await unit.school(fact.school_id), fact))
    await _look_again(fact.school_id, unit)


async def on_learner_registered(fact: notifications.LearnerRegistered, unit: Room) -> None:
    """An address is known, or corrected: what was parked for it goes on."""
    await _go_on(await unit.cases_of(fact.school_id, fact.learner_id), fact.learner_id, unit)


async def on_teacher_registered(fact: notifications.TeacherRegistered, unit: Room) -> None:
    """The same for a teacher."""
    await _go_on(await unit.stuck(fact.school_id), fact.teacher_id, unit)


async def _look_again(school_id: str, unit: Room) -> None:
    for case in await unit.waiting(school_id):
        to = await unit.addressing(case)
        await unit.record(case, domain.when_closures_changed(case, to, unit.now))


async def _go_on(cases: list[domain.Correspondence], recipient_id: str, unit: Room) -> None:
    for case in cases:
        to = await unit.addressing(case)
        await unit.record(case, domain.when_somebody_became_known(case, recipient_id, to, unit.now))


# --- money and credits ------------------------------------------------------------------------------------


async def on_subscription_registered(fact: payments.SubscriptionRegistered, unit: Room) -> None:
    """Whose subscription, and from which country its card is."""
    payment = await unit.payment(fact.subscription_id)
    unit.keep_payment(registry.when_subscription_registered(payment, fact))


async def on_payment_method_updated(fact: payments.PaymentMethodUpdated, unit: Room) -> None:
    """Another card, perhaps of another country."""
    payment = await unit.payment(fact.subscription_id)
    unit.keep_payment(registry.when_method_updated(payment, fact))


async def on_attempt_failed(fact: payments.AttemptFailed, unit: Room) -> None:
    """PayPal writes to the payer by itself where it charged by itself (J2); what we asked for, it does not tell."""
    if fact.gateway is not Gateway.PAYPAL or fact.request_id is not None:
        return
    case = await unit.case(
        f"{fact.subscription_id}~{fact.period.isoformat()}",
        school_id=fact.school_id,
        learner_id=fact.learner_id,
        subscription_id=fact.subscription_id,
        period=fact.period,
    )
    decision = domain.when_gateway_wrote(
        case, sender=PAYPAL, about=fact.transaction_id, at=fact.occurred_at, now=unit.now
    )
    await unit.record(case, decision)


async def on_lesson_cancelled_by_admin(fact: credits.LessonCancelledByAdmin, unit: Room) -> None:
    """The teacher is told at once; the learner reads it in the guidance."""
    case = await _case_of(fact, unit)
    to = await unit.addressing(case, fact.teacher_id)
    await unit.record(case, domain.when_lesson_cancelled(case, fact, to, unit.now))


async def on_credits_forfeited(fact: credits.CreditsForfeited, unit: Room) -> None:
    """What lapsed is remembered for the guidance."""
    case = await _case_of(fact, unit)
    await unit.record(case, domain.when_credits_forfeited(case, fact, unit.now))


async def _case_of(fact: AboutCase, unit: Room) -> domain.Correspondence:
    return await unit.case(
        fact.case_id,
        school_id=fact.school_id,
        learner_id=fact.learner_id,
        subscription_id=fact.subscription_id,
        period=getattr(fact, "period", None),
    )


HEARS: Final[Hears] = {
    dunning.MailRequested: on_mail_requested,
    dunning.MailsObsoleted: on_mails_obsoleted,
    dunning.CaseRecovered: on_case_recovered,
    dunning.CaseExhausted: on_case_exhausted,
    dunning.CaseClosed: on_case_closed,
    dunning.SchoolRegistered: on_school_registered,
    dunning.PolicyAdopted: on_policy_adopted,
    dunning.ClosureAnnounced: on_closure_announced,
    dunning.ClosureWithdrawn: on_closure_withdrawn,
    payments.SubscriptionRegistered: on_subscription_registered,
    payments.PaymentMethodUpdated: on_payment_method_updated,
    payments.AttemptFailed: on_attempt_failed,
    credits.LessonCancelledByAdmin: on_lesson_cancelled_by_admin,
    credits.CreditsForfeited: on_credits_forfeited,
    notifications.LearnerRegistered: on_learner_registered,
    notifications.LearnerErased: on_learner_erased,
    notifications.TeacherRegistered: on_teacher_registered,
    notifications.MailFellDue: on_mail_fell_due,
    notifications.NoticeFellDue: on_notice_fell_due,
}
