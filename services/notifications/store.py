"""Where people and the mail log are kept: one row per case holds everything written about it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final, cast

from services.notifications.context import Letter
from services.notifications.domain import (
    Addressing,
    Correspondence,
    Decision,
    Learner,
    Payment,
    School,
    SendOrder,
    Status,
    Teacher,
)
from shared.events import Envelope, credits, dunning, notifications, payments
from shared.events.words import Audience
from shared.shelf import Lists, Page, Table
from shared.unit import Unit

SEND: Final = "send"
"""The kind of the errand that hands one mail to the channel."""

_STUCK: Final = frozenset({Status.PARKED, Status.FAILED})


def person_key(school_id: str, person_id: str) -> str:
    """Ids of people are a school's own: two schools may both have an ``ada``."""
    return f"{school_id}/{person_id}"


def called(name: str) -> str:
    """How a name is looked for: without capitals, width or outer blanks."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


SCHOOLS: Final = Table(name="schools", kind=School, key=lambda row: row.school_id)
LEARNERS: Final = Table(
    name="learners",
    kind=Learner,
    key=lambda row: person_key(row.school_id, row.learner_id),
    columns={
        "school_id": ("text", lambda row: row.school_id),
        "called": ("text", lambda row: called(row.name)),
        "email": ("text", lambda row: row.email.casefold()),
    },
)
TEACHERS: Final = Table(
    name="teachers",
    kind=Teacher,
    key=lambda row: person_key(row.school_id, row.teacher_id),
    columns={"school_id": ("text", lambda row: row.school_id)},
)
PAYMENTS: Final = Table(name="payments", kind=Payment, key=lambda row: row.subscription_id)
CASES: Final = Table(
    name="correspondence",
    kind=Correspondence,
    key=lambda row: row.case_id,
    columns={
        "learner_id": ("text", lambda row: row.learner_id),
        # The school's id while any mail waits, and while any needs a person: what the outbox is found by.
        "waiting": ("text", lambda row: row.school_id if row.has(Status.WAITING) else None),
        "stuck": ("text", lambda row: row.school_id if row.has(*_STUCK) else None),
    },
)

TABLES: Final[tuple[Table[Any], ...]] = (SCHOOLS, LEARNERS, TEACHERS, PAYMENTS, CASES)


class NotificationsUnit(Unit):
    """One transaction of notifications."""

    async def school(self, school_id: str) -> School | None:
        """The school, ``None`` when nobody ever mentioned it."""
        return await self.get(SCHOOLS, school_id)

    async def learner(self, school_id: str, learner_id: str) -> Learner | None:
        """The learner, if registered."""
        return await self.get(LEARNERS, person_key(school_id, learner_id))

    async def teacher(self, school_id: str, teacher_id: str) -> Teacher | None:
        """The teacher, if registered."""
        return await self.get(TEACHERS, person_key(school_id, teacher_id))

    async def learners_of(self, school_id: str) -> list[Learner]:
        """Everybody who learns at a school."""
        return await self.find(LEARNERS, "school_id", school_id)

    async def learners_named(self, school_id: str, name: str, *, limit: int) -> list[Learner]:
        """Those of a school whose name begins so."""
        begins = called(name)
        page = Page(where={"school_id": school_id}, order="called", since=begins, limit=limit)
        found = await cast("Lists", self.shelf).page(LEARNERS, page)
        return [learner for learner in found if called(learner.name).startswith(begins)]

    async def learners_at(self, school_id: str, email: str) -> list[Learner]:
        """Those of a school who have this address: none, one, or brothers and sisters."""
        found = await self.find(LEARNERS, "email", email.strip().casefold())
        return [learner for learner in found if learner.school_id == school_id]

    async def teachers_of(self, school_id: str) -> list[Teacher]:
        """Everybody who teaches at a school."""
        return await self.find(TEACHERS, "school_id", school_id)

    def keep_school(self, school: School) -> None:
        """Keep what is known of a school."""
        self.put(SCHOOLS, school)

    def keep_payment(self, payment: Payment) -> None:
        """Keep what is known of a subscription's payer."""
        self.put(PAYMENTS, payment)

    async def payment(self, subscription_id: str) -> Payment | None:
        """What is known of a subscription's payer."""
        return await self.get(PAYMENTS, subscription_id)

    async def case(
        self,
        case_id: str,
        *,
        school_id: str,
        learner_id: str,
        subscription_id: str,
        period: date | None = None,
    ) -> Correspondence:
        """The case's correspondence, an empty one when nothing was written yet."""
        found = await self.get(CASES, case_id)
        if found is not None:
            return found
        return Correspondence(
            case_id=case_id,
            school_id=school_id,
            learner_id=learner_id,
            subscription_id=subscription_id,
            period=period,
        )

    async def known_case(self, case_id: str) -> Correspondence | None:
        """The case's correspondence if anything was written."""
        return await self.get(CASES, case_id)

    async def cases_of(self, school_id: str, learner_id: str) -> list[Correspondence]:
        """Everything written to, or about, a learner."""
        found = await self.find(CASES, "learner_id", learner_id)
        return [case for case in found if case.school_id == school_id]

    async def waiting(self, school_id: str) -> list[Correspondence]:
        """The cases of which a mail waits."""
        return await self.find(CASES, "waiting", school_id)

    async def stuck(self, school_id: str) -> list[Correspondence]:
        """The cases of which a mail has no address or was refused."""
        return await self.find(CASES, "stuck", school_id)

    async def addressing(self, case: Correspondence, *teacher_ids: str) -> Addressing:
        """Everybody that the case's mails may go to."""
        wanted = {m.recipient_id for m in case.mails if m.audience is Audience.TEACHER} | set(teacher_ids)
        teachers = [await self.teacher(case.school_id, teacher_id) for teacher_id in sorted(wanted)]
        return Addressing(
            school=await self.school(case.school_id),
            learner=await self.learner(case.school_id, case.learner_id),
            teachers=tuple(teacher for teacher in teachers if teacher is not None),
        )

    async def letter(self, order: SendOrder) -> Letter | None:
        """The mail of an order with everybody it speaks of, as they are known now."""
        case = await self.get(CASES, order.case_id)
        mail = case.mail(order.mail_id) if case else None
        school = await self.school(case.school_id) if case else None
        if case is None or mail is None or school is None:
            return None
        is_teacher = mail.audience is Audience.TEACHER
        return Letter(
            mail=mail,
            case=case,
            school=school,
            now=self.now,
            learner=await self.learner(case.school_id, case.learner_id),
            teacher=await self.teacher(case.school_id, mail.recipient_id) if is_teacher else None,
            payment=await self.payment(case.subscription_id),
        )

    async def record(self, before: Correspondence | None, decision: Decision) -> None:
        """Keep the case, say what was decided, and ask for what is to be sent."""
        if decision.case != before:
            self.put(CASES, decision.case)
        self.say(*decision.said)
        for order in decision.sends:
            self.errand(
                SEND,
                f"{order.mail_id}/send/{order.attempt}",
                decision.case.case_id,
                order,
            )


def _ids(envelopes: Iterable[Envelope], name: str) -> set[str]:
    found = (getattr(envelope.fact, name, None) for envelope in envelopes)
    return {value for value in found if isinstance(value, str)}


async def prefetch(envelopes: Sequence[Envelope], unit: NotificationsUnit) -> None:
    """Load what the facts of a batch speak of, one statement per table."""
    facts = [envelope.fact for envelope in envelopes]
    case_ids = _ids(envelopes, "case_id") | {
        f"{fact.subscription_id}~{fact.period.isoformat()}"
        for fact in facts
        if isinstance(fact, payments.AttemptFailed)
    }
    learners = {
        person_key(fact.school_id, fact.learner_id)
        for fact in facts
        if isinstance(fact, (dunning.MailRequested, notifications.MailFellDue))
    }
    teachers = {
        person_key(fact.school_id, fact.teacher_id)
        for fact in facts
        if isinstance(fact, credits.LessonCancelledByAdmin)
    }
    subscriptions = {
        fact.subscription_id
        for fact in facts
        if isinstance(fact, (payments.SubscriptionRegistered, payments.PaymentMethodUpdated))
    }
    if case_ids:
        await unit.fetch(CASES, case_ids)
    if learners:
        await unit.fetch(LEARNERS, learners)
    if teachers:
        await unit.fetch(TEACHERS, teachers)
    if subscriptions:
        await unit.fetch(PAYMENTS, subscriptions)
    await unit.fetch(SCHOOLS, {fact.school_id for fact in facts})
