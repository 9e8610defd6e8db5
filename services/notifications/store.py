"""Where people and the mail log are kept: one row per case holds everything written about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final, cast

from services.notifications import sealed
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
from services.notifications.sealed import Beginning, SealedLearner, SealedTeacher, called
from shared.erasing import ERASURES
from shared.events import Envelope, credits, dunning, notifications, payments
from shared.events.words import Audience
from shared.keys import KEYS, PLACEHOLDER, Keys
from shared.shelf import Lists, Page, Table
from shared.unit import Unit

SEND: Final = "send"
"""The kind of the errand that hands one mail to the channel."""

_STUCK: Final = frozenset({Status.PARKED, Status.FAILED})


def person_key(school_id: str, person_id: str) -> str:
    """Ids of people are a school's own: two schools may both have an ``ada``."""
    return f"{school_id}/{person_id}"


SCHOOLS: Final = Table(name="schools", kind=School, key=lambda row: row.school_id)
LEARNERS: Final = Table(
    name="learners",
    kind=SealedLearner,
    key=lambda row: person_key(row.school_id, row.learner_id),
    columns={
        "school_id": ("text", lambda row: row.school_id),
        "email": ("text", lambda row: row.digest or None),
    },
)
BEGINNINGS: Final = Table(
    name="name_beginnings",
    kind=Beginning,
    key=lambda row: row.key,
    columns={"digest": ("text", lambda row: row.digest)},
)
TEACHERS: Final = Table(
    name="teachers",
    kind=SealedTeacher,
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

TABLES: Final[tuple[Table[Any], ...]] = (
    SCHOOLS, LEARNERS, BEGINNINGS, TEACHERS, PAYMENTS, CASES, KEYS, ERASURES,
)  # fmt: skip


class NotificationsUnit(Unit):
    """One transaction of notifications."""

    async def school(self, school_id: str) -> School | None:
        """The school, ``None`` when nobody ever mentioned it."""
        return await self.get(SCHOOLS, school_id)

    @property
    def keys(self) -> Keys:
        """The keys of people, as this transaction sees them."""
        return Keys(self)

    async def sealed(self, school_id: str, learner_id: str, words: str) -> str:
        """What somebody typed about a learner, as it is kept and told; of an erased one only that there were words."""
        return await self.keys.seal(person_key(school_id, learner_id), words) or PLACEHOLDER

    async def learner(self, school_id: str, learner_id: str) -> Learner | None:
        """The learner, if registered; without name and address once erased."""
        row = await self.get(LEARNERS, person_key(school_id, learner_id))
        return None if row is None else await sealed.open_learner(self.keys, row)

    async def keep_learner(self, learner: Learner) -> None:
        """Keep a learner, sealed, and what they are found by."""
        school_id, learner_id = learner.school_id, learner.learner_id
        await self.get(LEARNERS, person_key(school_id, learner_id))
        row = await sealed.seal_learner(self.keys, learner)
        self.put(LEARNERS, row)
        names = sealed.beginnings(learner.name) if row.sealed else {}
        await self.fetch(
            BEGINNINGS, [sealed.beginning_key(school_id, learner_id, one) for one in sealed.LENGTHS]
        )
        for length in sealed.LENGTHS:
            key = sealed.beginning_key(school_id, learner_id, length)
            known = await self.get(BEGINNINGS, key)
            if length in names:
                digest = await self.keys.blind("name", school_id, names[length])
                beginning = Beginning(
                    school_id=school_id, learner_id=learner_id, length=length, digest=digest
                )
                if known != beginning:
                    self.put(BEGINNINGS, beginning)
            elif known is not None:
                self.drop(BEGINNINGS, key)

    async def erase_learner(self, school_id: str, learner_id: str) -> int:
        """Lose the key of a learner and what they were found by; how much was held."""
        row = await self.get(LEARNERS, person_key(school_id, learner_id))
        held = 0 if row is None else int(bool(row.sealed or row.name))
        await self.keys.erase(person_key(school_id, learner_id))
        kept = row or SealedLearner(learner_id=learner_id, school_id=school_id, language="", zone="")
        blank = Learner(
            learner_id=learner_id,
            school_id=school_id,
            name="",
            email="",
            language=kept.language,
            zone=kept.zone,
        )
        await self.keep_learner(blank)
        gone = await self.get(LEARNERS, person_key(school_id, learner_id))
        if gone is not None:
            self.put(LEARNERS, replace(gone, erased_at=kept.erased_at or self.now))
        return held

    async def teacher(self, school_id: str, teacher_id: str) -> Teacher | None:
        """The teacher, if registered."""
        row = await self.get(TEACHERS, person_key(school_id, teacher_id))
        return None if row is None else await sealed.open_teacher(self.keys, row)

    async def keep_teacher(self, teacher: Teacher) -> None:
        """Keep a teacher, sealed."""
        await self.get(TEACHERS, person_key(teacher.school_id, teacher.teacher_id))
        self.put(TEACHERS, await sealed.seal_teacher(self.keys, teacher))

    async def learners_named(self, school_id: str, name: str, *, limit: int) -> list[Learner]:
        """Those of a school whose name begins so, in order of their names."""
        begins = called(name)
        length = max((one for one in sealed.LENGTHS if one <= len(begins)), default=0)
        if not length:
            return []
        digest = await self.keys.blind("name", school_id, begins[:length])
        found: list[Learner] = []
        after: tuple[str, str] | None = None
        while len(found) < limit:
            page = Page(where={"digest": digest}, after=after, limit=limit)
            rows = await cast("Lists", self.shelf).page(BEGINNINGS, page)
            people = [person_key(row.school_id, row.learner_id) for row in rows]
            await self.fetch(LEARNERS, people)
            await self.keys.fetch(people)
            known = [await self.learner(row.school_id, row.learner_id) for row in rows]
            found += [one for one in known if one is not None and called(one.name).startswith(begins)]
            if len(rows) < limit:
                break
            after = (rows[-1].key, rows[-1].key)
        return sorted(found[:limit], key=lambda one: (called(one.name), one.learner_id))

    async def learners_at(self, school_id: str, email: str) -> list[Learner]:
        """Those of a school who have this address: none, one, or brothers and sisters."""
        digest = await sealed.address_digest(self.keys, school_id, email)
        found = await self.find(LEARNERS, "email", digest)
        return [await sealed.open_learner(self.keys, row) for row in found if row.school_id == school_id]

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
        await unit.fetch(KEYS, learners)
    if teachers:
        await unit.fetch(TEACHERS, teachers)
    if subscriptions:
        await unit.fetch(PAYMENTS, subscriptions)
    await unit.fetch(SCHOOLS, {fact.school_id for fact in facts})
