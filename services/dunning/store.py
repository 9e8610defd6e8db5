"""Where dunning keeps its cases and what its decisions look at, behind one Unit (decision 0002)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final, cast

from services.dunning.domain.account import Account, Card, Learner, PolicyDocument, School, card_key
from services.dunning.domain.case import Case, case_id_of
from services.dunning.domain.policies_at_hand import (
    Adopted,
    from_document,
    known_by_hash,
    live_calendars,
    policy_at,
    preset_document,
    read_document,
)
from services.dunning.domain.reports import Report
from services.dunning.domain.turn import Decision, World
from services.dunning.policies import Policy
from shared.calendar import Calendars
from shared.erasing import ERASURES
from shared.errors import Unreadable
from shared.events import Envelope
from shared.keys import KEYS, PLACEHOLDER, Keys, subject_of
from shared.shelf import Lists, Page, Table
from shared.unit import Unit


def learner_key(school_id: str, learner_id: str) -> str:
    """Two schools may use the same learner id; ids never contain a slash."""
    return f"{school_id}/{learner_id}"


CASES: Final[Table[Case]] = Table(
    name="cases",
    kind=Case,
    key=lambda case: case.case_id,
    columns={
        "school_id": ("text", lambda case: case.school_id),
        "state": ("text", lambda case: case.state.value),
        "school_state": ("text", lambda case: f"{case.school_id}/{case.state.value}"),
        "subscription_id": ("text", lambda case: case.subscription_id),
        "learner_id": ("text", lambda case: case.learner_id),
        "opened_at": ("timestamptz", lambda case: case.opened_at),
        "next_at": ("timestamptz", lambda case: case.next_at),
        "review_of": ("text", lambda case: case.school_id if case.flags else None),
    },
)
ASKED: Final[Table[Case]] = Table(
    name="asked",
    kind=Case,
    key=lambda month: month.case_id,
    columns={"review_of": ("text", lambda month: month.school_id if month.flags else None)},
)
"""Months that have no case and about which a person was asked; without a question, so that no mail has the id of another."""
ACCOUNTS: Final[Table[Account]] = Table(
    name="accounts",
    kind=Account,
    key=lambda account: account.subscription_id,
    columns={
        "school_id": ("text", lambda account: account.school_id),
        "learner_id": ("text", lambda account: account.learner_id),
        "billing": ("text", lambda account: f"{account.school_id}/{account.billing_day}"),
    },
)
LEARNERS: Final[Table[Learner]] = Table(
    name="learners", kind=Learner, key=lambda learner: learner_key(learner.school_id, learner.learner_id)
)
SCHOOLS: Final[Table[School]] = Table(
    name="schools",
    kind=School,
    key=lambda school: school.school_id,
    columns={"known": ("text", lambda _: "yes")},
)
POLICIES: Final[Table[PolicyDocument]] = Table(
    name="policies",
    kind=PolicyDocument,
    key=lambda document: document.content_hash,
    columns={"policy_id": ("text", lambda document: document.policy_id)},
)

CARDS: Final[Table[Card]] = Table(name="cards", kind=Card, key=lambda card: card.key)

REPORTS: Final[Table[Report]] = Table(
    name="reports",
    kind=Report,
    key=lambda report: f"{report.case_id}/{report.report_id}",
    columns={"case_id": ("text", lambda report: report.case_id)},
)

TABLES: Final = (CASES, ASKED, ACCOUNTS, LEARNERS, SCHOOLS, POLICIES, CARDS, REPORTS, KEYS, ERASURES)


class DunningUnit(Unit):
    """One transaction of dunning: named loaders, and ``record`` for what was decided."""

    @property
    def keys(self) -> Keys:
        """The keys of people, as this transaction sees them."""
        return Keys(self)

    async def sealed(self, school_id: str, learner_id: str, words: str) -> str:
        """What somebody typed about a learner, as it is kept and told; of an erased one only that there were words."""
        sealed = await self.keys.seal(subject_of(school_id, learner_id), words)
        return sealed or (PLACEHOLDER if words else "")

    async def case(self, case_id: str) -> Case | None:
        """The case of that id."""
        return await self.get(CASES, case_id)

    async def asked(self, case_id: str) -> Case | None:
        """The month of that id that has no case and about which a person was asked."""
        return await self.get(ASKED, case_id)

    async def case_of(self, subscription_id: str, period: date) -> Case | None:
        """The case of that month."""
        return await self.get(CASES, case_id_of(subscription_id, period))

    async def account(self, subscription_id: str) -> Account | None:
        """The subscription as it was registered and paid."""
        return await self.get(ACCOUNTS, subscription_id)

    async def school(self, school_id: str) -> School:
        """The school.

        Raises:
            Unreadable: it was never registered with dunning.
        """
        found = await self.get(SCHOOLS, school_id)
        if found is None:
            raise Unreadable(
                f"the school {school_id!r} is not registered here: register it (PUT /schools/{school_id}), "
                "then retry this message"
            )
        return found

    async def known_school(self, school_id: str) -> School | None:
        """The school, if it is registered."""
        return await self.get(SCHOOLS, school_id)

    async def learner(self, school_id: str, learner_id: str) -> Learner | None:
        """The learner's paths."""
        return await self.get(LEARNERS, learner_key(school_id, learner_id))

    async def open_cases(self, account: Account) -> list[Case]:
        """The subscription's open cases, in the order in which they opened."""
        await self.fetch(CASES, account.open_cases)
        found = [await self.case(case_id) for case_id in account.open_cases]
        return [case for case in found if case is not None]

    async def newest_case(self, subscription_id: str) -> Case | None:
        """The subscription's case that opened last, reviews apart; ``None`` when it never had one."""
        found = await self.find(CASES, "subscription_id", subscription_id)
        renewals = [case for case in found if case.kind == "renewal"]
        return max(renewals, key=lambda case: (case.opened_at, case.case_id), default=None)

    async def page_of_cases(
        self, where: Mapping[str, str], *, after: Case | None = None, limit: int = 200
    ) -> list[Case]:
        """Cases whose columns are ``where``, oldest first, behind ``after``; nothing is locked."""
        behind = (after.opened_at, after.case_id) if after is not None else None
        page = Page(where=where, order="opened_at", after=behind, limit=limit)
        return await cast("Lists", self.shelf).page(CASES, page)

    async def cases_in(self, school_id: str, states: Iterable[str]) -> list[Case]:
        """A school's cases in one of ``states``."""
        return await self.find(CASES, "school_state", *(f"{school_id}/{state}" for state in states))

    async def cases_of_learner(self, learner_id: str) -> list[Case]:
        """Every case of a learner."""
        return await self.find(CASES, "learner_id", learner_id)

    async def accounts_billed_on(self, school_id: str, days: Iterable[int]) -> list[Account]:
        """A school's subscriptions whose billing day is one of ``days``."""
        return await self.find(ACCOUNTS, "billing", *(f"{school_id}/{day}" for day in sorted(set(days))))

    async def policy(self, school: School, content_hash: str | None = None) -> Adopted:
        """The pinned policy of ``content_hash``, or the one in force at the school.

        Raises:
            Unreadable: the pinned document is nowhere to be found.
        """
        wanted = content_hash or school.policy_hash
        if not wanted:
            return preset_document(school.policy_id)
        known = known_by_hash(wanted)
        if known is not None:
            return known
        document = await self.get(POLICIES, wanted)
        if document is None:
            raise Unreadable(
                f"the policy with the hash {wanted[:12]} is not kept here: adopt it again, then retry this message"
            )
        return from_document(document)

    async def world(self, account: Account, case: Case | None = None, *, month: str | None = None) -> World:
        """What decisions about this subscription look at; ``month`` is the id that a case of the news' month has."""
        school = await self.school(account.school_id)
        adopted = await self.policy(school, case.policy_hash if case is not None else None)
        if case is not None and adopted.policy.changes.policy == "live":
            adopted = await self.policy(school)
        return World(
            school=school,
            policy=policy_at(adopted, school),
            policy_hash=adopted.document.content_hash,
            calendars=live_calendars(adopted, school),
            account=account,
            learner=await self.learner(account.school_id, account.learner_id),
            card=await self.card(account.school_id, account.card),
            asked=await self.asked(month) if month is not None else None,
        )

    async def rules(self, school: School) -> tuple[Policy, Calendars]:
        """The policy in force at the school and its calendars with the live closures."""
        adopted = await self.policy(school)
        return policy_at(adopted, school), live_calendars(adopted, school)

    async def keep_policy(self, text: str, file: str) -> str:
        """Keep a policy's document; its hash.

        Raises:
            PolicyRefused: the text is no policy.
        """
        adopted = read_document(text, file=file)
        await self.keep_document(adopted.document)
        return adopted.document.content_hash

    async def keep_document(self, document: PolicyDocument) -> None:
        """Keep a policy's document under its hash, once."""
        if await self.get(POLICIES, document.content_hash) is None:
            self.put(POLICIES, document)

    async def card(self, school_id: str, card: str | None) -> Card | None:
        """What was tried on a card."""
        if not card:
            return None
        return await self.get(CARDS, card_key(school_id, card))

    async def reports(self, case_id: str) -> list[Report]:
        """What the learner wrote about a case, oldest first."""
        found = await self.find(REPORTS, "case_id", case_id)
        return sorted(found, key=lambda report: report.at)

    async def keep_report(self, report: Report) -> None:
        """Keep the learner's own words, once; they never travel."""
        if await self.get(REPORTS, REPORTS.key(report)) is None:
            self.put(REPORTS, report)

    def blank_report(self, report: Report) -> None:
        """Keep of a report that there was one."""
        if report.text:
            self.put(REPORTS, replace(report, text=PLACEHOLDER))

    def keep_case(self, case: Case) -> None:
        """The case as it is now, outside of any decision."""
        self.put(CASES, case)

    def keep_card(self, card: Card) -> None:
        """The card's history as it is now."""
        self.put(CARDS, card)

    def keep_account(self, account: Account) -> None:
        """The account as it is now."""
        self.put(ACCOUNTS, account)

    def keep_school(self, school: School) -> None:
        """The school as it is now."""
        self.put(SCHOOLS, school)

    def keep_learner(self, learner: Learner) -> None:
        """The learner's paths as they are now."""
        self.put(LEARNERS, learner)

    async def record(self, decision: Decision) -> None:
        """Keep what was decided and say it."""
        case = decision.case
        if case is not None:
            known = await self.case(case.case_id)
            if known is None:
                await self._keep_policy(case.policy_hash)
                await self._take_over(case)
            if case is not known:
                self.put(CASES, case)
        account = decision.account
        if account is not await self.get(ACCOUNTS, account.subscription_id):
            self.put(ACCOUNTS, account)
        if decision.asked is not None:
            self.put(ASKED, decision.asked)
        self.say(*decision.said)

    async def _take_over(self, case: Case) -> None:
        """A case that opens has its month's questions on it."""
        if await self.asked(case.case_id) is not None:
            self.drop(ASKED, case.case_id)

    async def _keep_policy(self, content_hash: str) -> None:
        """A case that opens under a policy keeps its document, should the package change (R-X5)."""
        known = known_by_hash(content_hash)
        if known is not None:
            await self.keep_document(known.document)


async def prefetch(envelopes: Sequence[Envelope], unit: DunningUnit) -> None:
    """Load what a batch will look at in a few statements."""
    facts = [envelope.fact for envelope in envelopes]
    subscriptions = {fact.subscription_id for fact in facts if hasattr(fact, "subscription_id")}
    learners = {learner_key(f.school_id, f.learner_id) for f in facts if hasattr(f, "learner_id")}
    await unit.fetch(ACCOUNTS, (one for one in subscriptions if one))
    await unit.fetch(SCHOOLS, {fact.school_id for fact in facts})
    cards = {card_key(f.school_id, card) for f in facts if (card := getattr(f, "card", None))}
    cases: set[str] = {fact.case_id for fact in facts if hasattr(fact, "case_id")}
    for fact in facts:
        subscription, period = getattr(fact, "subscription_id", None), getattr(fact, "period", None)
        if subscription and isinstance(period, date):
            cases.add(case_id_of(subscription, period))
    for subscription in subscriptions:
        account = await unit.account(subscription) if subscription else None
        if account is not None:
            learners.add(learner_key(account.school_id, account.learner_id))
            cases.update(account.open_cases)
            if account.card:
                cards.add(card_key(account.school_id, account.card))
    await unit.fetch(CARDS, cards)
    await unit.fetch(CASES, cases)
    await unit.fetch(ASKED, cases)
    known = [await unit.case(name) for name in cases]
    await unit.fetch(ACCOUNTS, {case.subscription_id for case in known if case is not None})
    await unit.fetch(LEARNERS, learners)
