"""Where the portal keeps its copy of the facts, its sessions and its limits: a few tables behind one Unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.portal.domain.case import Case
from services.portal.domain.credits import Credits
from services.portal.domain.doors import Act, HandOver, Limit, LoginLink, Offer, Session
from services.portal.domain.mail import Mail
from services.portal.domain.money import Subscription
from services.portal.domain.people import Learner, School, learner_key
from shared.erasing import ERASURES
from shared.events import Envelope
from shared.shelf import Table
from shared.unit import Unit

_OF_LEARNER: Final = {"learner_key": ("text", lambda row: row.key)}
_FOR_A_WHILE: Final = {"expires_at": ("timestamptz", lambda row: row.expires_at)}

SCHOOLS: Final = Table(name="schools", kind=School, key=lambda row: row.school_id)
LEARNERS: Final = Table(name="learners", kind=Learner, key=lambda row: row.key, columns=_OF_LEARNER)
SUBSCRIPTIONS: Final = Table(
    name="subscriptions", kind=Subscription, key=lambda row: row.subscription_id, columns=_OF_LEARNER
)
CASES: Final = Table(name="cases", kind=Case, key=lambda row: row.case_id, columns=_OF_LEARNER)
CREDITS: Final = Table(name="credits", kind=Credits, key=lambda row: row.subscription_id, columns=_OF_LEARNER)
MAILS: Final = Table(name="mails", kind=Mail, key=lambda row: row.mail_id, columns=_OF_LEARNER)
LINKS: Final = Table(
    name="login_links", kind=LoginLink, key=lambda row: row.hash, columns={**_FOR_A_WHILE, **_OF_LEARNER}
)
SESSIONS: Final = Table(
    name="sessions", kind=Session, key=lambda row: row.hash, columns={**_FOR_A_WHILE, **_OF_LEARNER}
)
HAND_OVERS: Final = Table(name="hand_overs", kind=HandOver, key=lambda row: row.hash, columns=_FOR_A_WHILE)
LIMITS: Final = Table(name="limits", kind=Limit, key=lambda row: row.key, columns=_FOR_A_WHILE)
ACTS: Final = Table(name="acts", kind=Act, key=lambda row: row.key, columns=_FOR_A_WHILE)
OFFERS: Final = Table(
    name="offers",
    kind=Offer,
    key=lambda row: row.key,
    columns={"school_id": ("text", lambda row: row.school_id)},
)

LIVE: Final[tuple[Table[Any], ...]] = (LEARNERS, SUBSCRIPTIONS, CASES, CREDITS, MAILS)
"""What pages show: a change of these is told to open pages (``migrations``)."""
PASSING: Final[tuple[Table[Any], ...]] = (LINKS, SESSIONS, HAND_OVERS, LIMITS, ACTS)
"""What is swept away once it expired."""
TABLES: Final[tuple[Table[Any], ...]] = (SCHOOLS, OFFERS, *LIVE, *PASSING, ERASURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything the portal knows of one learner."""

    school: School
    learner: Learner
    subscriptions: tuple[Subscription, ...] = ()
    cases: tuple[Case, ...] = ()
    credits: tuple[Credits, ...] = ()
    mails: tuple[Mail, ...] = ()
    offers: tuple[Offer, ...] = ()


class PortalUnit(Unit):
    """One transaction of the portal."""

    async def school(self, school_id: str) -> School:
        return await self.get(SCHOOLS, school_id) or School(school_id=school_id)

    async def learner(self, school_id: str, learner_id: str) -> Learner:
        """The learner as known; a new one when nothing was heard yet."""
        known = await self.get(LEARNERS, learner_key(school_id, learner_id))
        return known or Learner(school_id=school_id, learner_id=learner_id)

    async def subscription(self, fact: Any) -> Subscription:
        """The subscription that a fact speaks of."""
        known = await self.get(SUBSCRIPTIONS, fact.subscription_id)
        return known or Subscription(
            subscription_id=fact.subscription_id, school_id=fact.school_id, learner_id=fact.learner_id
        )

    async def case(self, fact: Any) -> Case:
        """The case that a fact speaks of."""
        known = await self.get(CASES, fact.case_id)
        return known or Case(
            case_id=fact.case_id,
            school_id=fact.school_id,
            learner_id=fact.learner_id,
            subscription_id=fact.subscription_id,
            period=fact.period,
        )

    async def credits(self, fact: Any) -> Credits:
        """The credits that a fact speaks of."""
        known = await self.get(CREDITS, fact.subscription_id)
        return known or Credits(
            subscription_id=fact.subscription_id, school_id=fact.school_id, learner_id=fact.learner_id
        )

    async def picture(self, school_id: str, learner_id: str) -> Picture:
        """Everything about one learner, and nothing about anybody else."""
        key = learner_key(school_id, learner_id)
        subscriptions = await self.find(SUBSCRIPTIONS, "learner_key", key)
        cases = await self.find(CASES, "learner_key", key)
        mails = await self.find(MAILS, "learner_key", key)
        return Picture(
            school=await self.school(school_id),
            learner=await self.learner(school_id, learner_id),
            subscriptions=tuple(one for one in subscriptions if one.is_known),
            cases=tuple(sorted((one for one in cases if one.is_known), key=lambda one: one.case_id)),
            credits=tuple(await self.find(CREDITS, "learner_key", key)),
            mails=tuple(sorted(mails, key=lambda one: (one.at, one.mail_id))),
        )

    async def mail(self, mail_id: str) -> Mail | None:
        return await self.get(MAILS, mail_id)

    async def doors_of(self, school_id: str, learner_id: str) -> tuple[list[LoginLink], list[Session]]:
        """The links and sessions by which a learner comes in."""
        key = learner_key(school_id, learner_id)
        return await self.find(LINKS, "learner_key", key), await self.find(SESSIONS, "learner_key", key)

    def shut(self, links: Sequence[LoginLink], sessions: Sequence[Session]) -> None:
        """These open nothing any more."""
        for link in links:
            self.drop(LINKS, link.hash)
        for session in sessions:
            self.drop(SESSIONS, session.hash)

    async def offers(self, school_id: str) -> list[Offer]:
        return await self.find(OFFERS, "school_id", school_id)

    def keep(self, *rows: Any) -> None:
        """Keep each row in the table of its kind."""
        for row in rows:
            self.put(_TABLE_OF[type(row)], row)


_TABLE_OF: Final[dict[type[Any], Table[Any]]] = {table.kind: table for table in TABLES}


async def prefetch(envelopes: Sequence[Envelope], unit: PortalUnit) -> None:
    """What a batch will need, one statement per table."""
    facts = [envelope.fact for envelope in envelopes]
    subscriptions = {key for fact in facts if (key := getattr(fact, "subscription_id", None))}
    by_topic = {envelope.topic for envelope in envelopes}
    await unit.fetch(SUBSCRIPTIONS, subscriptions)
    if "credits.events" in by_topic:
        await unit.fetch(CREDITS, subscriptions)
    await unit.fetch(CASES, {key for fact in facts if (key := getattr(fact, "case_id", None))})
    await unit.fetch(
        LEARNERS,
        {learner_key(fact.school_id, key) for fact in facts if (key := getattr(fact, "learner_id", None))},
    )
