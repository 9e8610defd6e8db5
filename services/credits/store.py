"""Where credits keeps its ledgers: one account per subscription, its entries, lessons and grants beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.credits.domain import Account, Decided, Entry, Grant, LessonRecord, School
from services.credits.handlers import About
from shared.events import Envelope
from shared.shelf import Table
from shared.unit import Unit


def under(subscription_id: str, name: str | int) -> str:
    """The key of something that belongs to a subscription; ids never contain a slash."""
    return f"{subscription_id}/{name:09d}" if isinstance(name, int) else f"{subscription_id}/{name}"


ACCOUNTS: Final[Table[Account]] = Table(
    name="accounts",
    kind=Account,
    key=lambda row: row.subscription_id,
    columns={
        "learner_id": ("text", lambda row: row.learner_id),
        "waits_for_zone_of": ("text", lambda row: row.school_id if row.waits_for_zone else None),
    },
)
ENTRIES: Final[Table[Entry]] = Table(
    name="entries",
    kind=Entry,
    key=lambda row: under(row.subscription_id, row.number),
    columns={"subscription_id": ("text", lambda row: row.subscription_id)},
)
LESSONS: Final[Table[LessonRecord]] = Table(
    name="lessons",
    kind=LessonRecord,
    key=lambda row: under(row.subscription_id, row.lesson_id),
    columns={
        "subscription_id": ("text", lambda row: row.subscription_id),
        "teacher_id": ("text", lambda row: row.teacher_id),
    },
)
GRANTS: Final[Table[Grant]] = Table(
    name="grants", kind=Grant, key=lambda row: under(row.subscription_id, row.grant_id)
)
SCHOOLS: Final[Table[School]] = Table(name="schools", kind=School, key=lambda row: row.school_id)

TABLES: Final[tuple[Table[Any], ...]] = (ACCOUNTS, ENTRIES, LESSONS, GRANTS, SCHOOLS)


class CreditsUnit(Unit):
    """One transaction of credits."""

    async def account(self, subscription_id: str) -> Account | None:
        return await self.get(ACCOUNTS, subscription_id)

    async def account_of(self, fact: About) -> Account:
        """The account a fact is about; a new one when nothing was heard of the subscription yet."""
        return await self.account(fact.subscription_id) or Account(
            subscription_id=fact.subscription_id, school_id=fact.school_id, learner_id=fact.learner_id
        )

    async def accounts_of_learner(self, learner_id: str) -> list[Account]:
        return await self.find(ACCOUNTS, "learner_id", learner_id)

    async def accounts_waiting_for_zone(self, school_id: str) -> list[Account]:
        """Those with days whose midnight was not known."""
        return await self.find(ACCOUNTS, "waits_for_zone_of", school_id)

    async def entries(self, subscription_id: str) -> list[Entry]:
        """The ledger, oldest entry first."""
        return await self.find(ENTRIES, "subscription_id", subscription_id)

    async def lesson(self, subscription_id: str, lesson_id: str) -> LessonRecord | None:
        return await self.get(LESSONS, under(subscription_id, lesson_id))

    async def lessons_of(self, subscription_id: str) -> list[LessonRecord]:
        return await self.find(LESSONS, "subscription_id", subscription_id)

    async def lessons_with(self, teacher_id: str) -> list[LessonRecord]:
        return await self.find(LESSONS, "teacher_id", teacher_id)

    async def grant(self, subscription_id: str, grant_id: str) -> Grant | None:
        return await self.get(GRANTS, under(subscription_id, grant_id))

    async def school(self, school_id: str) -> School:
        return await self.get(SCHOOLS, school_id) or School(school_id=school_id)

    def keep_school(self, school: School) -> None:
        self.put(SCHOOLS, school)

    async def record(self, decided: Decided) -> None:
        """Keep the account and what its decision wrote, and say it."""
        account = decided.account
        if account != await self.account(account.subscription_id):
            self.put(ACCOUNTS, account)
        for entry in decided.entries:
            self.put(ENTRIES, entry)
        await self.fetch(LESSONS, [LESSONS.key(lesson) for lesson in decided.lessons])
        for lesson in decided.lessons:
            self.put(LESSONS, lesson)
        await self.fetch(GRANTS, [GRANTS.key(grant) for grant in decided.grants])
        for grant in decided.grants:
            self.put(GRANTS, grant)
        self.say(*decided.said)


async def prefetch(envelopes: Sequence[Envelope], unit: CreditsUnit) -> None:
    """Load the accounts and schools of a batch in two statements."""
    facts = [envelope.fact for envelope in envelopes]
    await unit.fetch(SCHOOLS, {fact.school_id for fact in facts})
    await unit.fetch(
        ACCOUNTS,
        {subscription_id for fact in facts if (subscription_id := getattr(fact, "subscription_id", None))},
    )
