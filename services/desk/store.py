"""Where the desk keeps its lists, its people and its audit: a few tables behind one Unit, read page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from services.desk.domain.audit import Claim, Deed, Handled
from services.desk.domain.case import Case
from services.desk.domain.figures import Tally, tally_key
from services.desk.domain.people import Knocks, Member, Person, Session
from services.desk.domain.providers import Provider, Visit
from services.desk.domain.school import School
from services.desk.sealed import opened
from shared.erasing import ERASURES
from shared.events import Envelope, payments
from shared.events.words import CaseState
from shared.keys import KEYS, Keys
from shared.shelf import Lists, Page, Table
from shared.unit import Unit

COUNTED: Final = 1000
"""Lists count no further: "1000+" says enough."""

SCHOOLS: Final = Table(name="schools", kind=School, key=lambda row: row.school_id)
CASES: Final[Table[Case]] = Table(
    name="cases",
    kind=Case,
    key=lambda row: row.case_id,
    indexed=False,
    columns={
        # Lists are read by indexes over several of these (migrations/001): a million cases are leafed through as ten.
        "school_id": ("text", lambda row: row.school_id if row.is_shown else None),
        "state": ("text", lambda row: row.state.value if row.state else None),
        "open": ("boolean", lambda row: row.is_open),
        "sort_at": ("timestamptz", lambda row: row.sort_at),
        "learner_id": ("text", lambda row: row.learner_id),
        "subscription_id": ("text", lambda row: row.subscription_id),
        "needs": ("text", lambda row: row.needs or None),
        "reason": ("text", lambda row: row.questions[0].reason.value if row.questions else None),
        "decline": ("text", lambda row: row.decline.value if row.decline else None),
        "held": ("boolean", lambda row: bool(row.held) or None),
        "announced": ("text", lambda row: row.announced_on.isoformat() if row.announced_on else None),
    },
)
TALLIES: Final = Table(
    name="tallies",
    kind=Tally,
    key=lambda row: row.key,
    columns={"school_month": ("text", lambda row: f"{row.school_id}/{row.month}")},
)
PEOPLE: Final = Table(
    name="people",
    kind=Person,
    key=lambda row: row.email,
    columns={"invited": ("text", lambda row: row.invited or None)},
)
MEMBERS: Final[Table[Member]] = Table(
    name="members",
    kind=Member,
    key=lambda row: f"{row.school_id}/{row.email}",
    columns={"school_id": ("text", lambda row: row.school_id)},
)
SESSIONS: Final = Table(
    name="sessions",
    kind=Session,
    key=lambda row: row.hash,
    columns={
        "email": ("text", lambda row: row.email),
        "expires_at": ("timestamptz", lambda row: row.expires_at),
    },
)
KNOCKS: Final = Table(
    name="knocks",
    kind=Knocks,
    key=lambda row: row.key,
    columns={"expires_at": ("timestamptz", lambda row: row.expires_at)},
)
DEEDS: Final = Table(
    name="deeds",
    kind=Deed,
    key=lambda row: row.key,
    columns={
        "school_id": ("text", lambda row: row.school_id),
        "about": ("text", lambda row: f"{row.school_id}/{row.about}"),
        "by": ("text", lambda row: f"{row.school_id}/{row.by}"),
        "learner": ("text", lambda row: f"{row.school_id}/{row.learner_id}" if row.learner_id else None),
    },
)
CLAIMS: Final = Table(
    name="claims",
    kind=Claim,
    key=lambda row: row.act_id,
    columns={"expires_at": ("timestamptz", lambda row: row.expires_at)},
)
PROVIDERS: Final = Table(name="providers", kind=Provider, key=lambda row: row.school_id)
VISITS: Final = Table(
    name="visits",
    kind=Visit,
    key=lambda row: row.hash,
    columns={"expires_at": ("timestamptz", lambda row: row.expires_at)},
)
HANDLED: Final = Table(name="handled", kind=Handled, key=lambda row: f"{row.school_id}/{row.about}")

PASSING: Final[tuple[Table[Any], ...]] = (SESSIONS, KNOCKS, CLAIMS, VISITS)
"""What is swept away once it expired."""
TABLES: Final[tuple[Table[Any], ...]] = (
    SCHOOLS, CASES, TALLIES, PEOPLE, MEMBERS, DEEDS, HANDLED, PROVIDERS, *PASSING, KEYS, ERASURES,
)  # fmt: skip


class DeskUnit(Unit):
    """One transaction of the desk."""

    @property
    def keys(self) -> Keys:
        """The keys of people, as this transaction sees them."""
        return Keys(self)

    @property
    def _lists(self) -> Lists:
        return cast("Lists", self.shelf)

    # --- hearing ---

    async def school(self, school_id: str) -> School:
        """The school as far as it is known."""
        return await self.get(SCHOOLS, school_id) or School(school_id=school_id)

    async def case(self, case_id: str) -> Case | None:
        """The case as lists show it."""
        return await self.get(CASES, case_id)

    async def tally(self, key: str) -> Tally | None:
        """The figures that a case is counted in."""
        return await self.get(TALLIES, key)

    def keep(self, *rows: Any) -> None:
        """Keep each row in the table of its kind."""
        for row in rows:
            self.put(_TABLE_OF[type(row)], row)

    # --- lists ---

    async def cases_page(self, school_id: str, page: Page) -> list[Case]:
        """Some of a school's cases."""
        where = {"school_id": school_id, **page.where}
        return await self._lists.page(CASES, Page(**{**_fields(page), "where": where}))

    async def how_many(self, school_id: str, where: Mapping[str, Any], *, most: int = COUNTED) -> int:
        """How many cases there are, counted up to ``most``."""
        return await self._lists.count(CASES, {"school_id": school_id, **where}, most=most)

    async def counts(self, school_id: str) -> dict[CaseState, int]:
        """How many cases of a school are in each state, counted up to ``COUNTED``."""
        return {state: await self.how_many(school_id, {"state": state.value}) for state in CaseState}

    async def tallies(self, school_id: str, months: Sequence[str]) -> list[Tally]:
        """The figures of some months."""
        return await self.find(TALLIES, "school_month", *(f"{school_id}/{month}" for month in months))

    async def deeds(
        self, school_id: str, *, about: str = "", by: str = "", after: str = "", limit: int = 50
    ) -> list[Deed]:
        """What people did at a school, the newest first."""
        where = {"school_id": school_id}
        if about:
            where = {"about": f"{school_id}/{about}"}
        elif by:
            where = {"by": f"{school_id}/{by}"}
        page = Page(where=where, newest_first=True, limit=limit, after=(after, after) if after else None)
        return [await opened(self.keys, one) for one in await self._lists.page(DEEDS, page)]

    async def deeds_about(self, school_id: str, learner_id: str) -> list[Deed]:
        """What people did about a learner, as it is kept."""
        return await self.find(DEEDS, "learner", f"{school_id}/{learner_id}")

    # --- people ---

    async def person(self, email: str) -> Person | None:
        """Somebody of an office."""
        return await self.get(PEOPLE, email)

    async def people_of(self, school_id: str) -> list[Person]:
        """Everybody who has a role at a school."""
        members = await self.find(MEMBERS, "school_id", school_id)
        people = [await self.person(one.email) for one in members]
        return [one for one in people if one is not None and school_id in one.roles]

    async def handled(self, school_id: str, about: str) -> Handled | None:
        """Who acted on it last."""
        return await self.get(HANDLED, f"{school_id}/{about}")


def _fields(page: Page) -> dict[str, Any]:
    return {name: getattr(page, name) for name in Page.__dataclass_fields__}


_TABLE_OF: Final[dict[type[Any], Table[Any]]] = {table.kind: table for table in TABLES}


async def prefetch(envelopes: Sequence[Envelope], unit: DeskUnit) -> None:
    """What a batch will need, one statement per table."""
    facts = [envelope.fact for envelope in envelopes]
    case_ids = {key for fact in facts if (key := getattr(fact, "case_id", None))}
    news = payments.AttemptFailed | payments.AttemptSucceeded | payments.AttemptPending
    case_ids |= {
        f"{fact.subscription_id}~{fact.period.isoformat()}" for fact in facts if isinstance(fact, news)
    }
    await unit.fetch(CASES, case_ids)
    known = [await unit.case(case_id) for case_id in sorted(case_ids)]
    await unit.fetch(TALLIES, {tally_key(case) for case in known if case is not None and case.opened_at})
